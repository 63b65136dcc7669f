// SPDX-License-Identifier: MPL-2.0
// Spaces without processes: a kernel thread loads one and touches its memory by user copies, whose page
// faults come the same way as those of user mode.
#include <core/ktest.h>
#include <core/memory.h>
#include <services/vm/vm_ktest.h>
#include <services/vm/vm_space_internal.h>

static struct spinlock test_lock = SPINLOCK_INIT(RANK_SERVICE_LEAF);
static struct vm_space *test_space GUARDED_BY(test_lock);

static struct vm_space *test_current(void)
{
	spin_guard(&test_lock);
	return test_space;
}

// From now on the thread's space is s (NULL: none).
static void test_use(struct vm_space *s)
{
	{
		spin_guard(&test_lock);
		test_space = s;
	}
	vm_space_activate(s);
}

static err_t test_map(struct vm_space *s, u64 pages, u32 protection, u32 flags, u64 *address borrowed)
{
	struct vm_map_request r = { .length = pages * PAGE_SIZE, .protection = protection, .flags = flags };

	return vm_space_map(s, &r, address);
}

static bool test_write(u64 address, u32 value) { return user_write_u32(user_addr(address), value) == OK; }

static bool test_reads(u64 address, u32 expected)
{
	u32 value = ~expected;

	return user_read_u32(user_addr(address), &value) == OK && value == expected;
}

static bool test_faults(u64 address)
{
	u32 value;

	return user_read_u32(user_addr(address), &value) == -EFAULT;
}

static u64 test_area_count(struct vm_space *s)
{
	read_guard(&s->lock);
	return vm_area_tree_count(&s->areas);
}

#define RW (PAGE_READ | PAGE_WRITE)

static bool anonymous_in(struct vm_space *s)
{
	u64 a = 0;

	if (test_map(s, 4, RW, 0, &a) || !test_reads(a, 0) || !test_write(a, 1) || !test_write(a + 3 * PAGE_SIZE, 4))
		return false;
	if (!test_reads(a, 1) || !test_reads(a + PAGE_SIZE, 0) || !test_reads(a + 3 * PAGE_SIZE, 4))
		return false;
	struct vm_statistics v = vm_space_statistics(s);

	if (v.total != 4 || v.resident_anonymous != 2)
		return false;
	return vm_space_unmap(s, a + PAGE_SIZE, PAGE_SIZE) == OK && test_faults(a + PAGE_SIZE) && test_reads(a, 1) &&
	       test_area_count(s) == 2;
}

static bool protection_in(struct vm_space *s)
{
	u64 a = 0;

	if (test_map(s, 3, RW, 0, &a) || !test_write(a + PAGE_SIZE, 7))
		return false;
	if (vm_space_protect(s, a + PAGE_SIZE, PAGE_SIZE, PAGE_READ) || test_area_count(s) != 3)
		return false;
	if (test_write(a + PAGE_SIZE, 8) || !test_reads(a + PAGE_SIZE, 7) || !test_write(a, 1))
		return false;
	if (vm_space_protect(s, a + PAGE_SIZE, PAGE_SIZE, PAGE_NONE) || !test_faults(a + PAGE_SIZE))
		return false;
	return vm_space_protect(s, a + PAGE_SIZE, PAGE_SIZE, RW) == OK && test_area_count(s) == 1 &&
	       test_reads(a + PAGE_SIZE, 7) && test_write(a + PAGE_SIZE, 9) && test_reads(a + PAGE_SIZE, 9);
}

static bool fork_in(struct vm_space *s)
{
	u64 a = 0, shared = 0;
	struct vm_space *child object_auto(vm_space) = NULL;

	if (test_map(s, 2, RW, 0, &a) || test_map(s, 1, RW, VM_MAP_SHARED, &shared) || !test_write(a, 1) ||
		!test_write(shared, 1))
		return false;
	if (vm_space_fork(s, &child) || !test_write(a, 2) || !test_write(shared, 2))
		return false;
	test_use(child);
	bool ok = test_reads(a, 1) && test_write(a, 3) && test_write(a + PAGE_SIZE, 5) && test_reads(shared, 2) &&
		test_write(shared, 3);

	test_use(s);
	return ok && test_reads(a, 2) && test_reads(a + PAGE_SIZE, 0) && test_reads(shared, 3);
}

static bool remap_in(struct vm_space *s)
{
	u64 a = 0, b = 0;
	struct vm_map_request wall = { .length = PAGE_SIZE, .protection = PAGE_READ, .flags = VM_MAP_FIXED };

	if (test_map(s, 2, RW, 0, &a) || !test_write(a, 1) || !test_write(a + PAGE_SIZE, 2))
		return false;
	wall.address = a + 2 * PAGE_SIZE;
	if (vm_space_map(s, &wall, &b) || vm_space_remap(s, a, 2 * PAGE_SIZE, 3 * PAGE_SIZE, 0, 0, &b) != -ENOMEM)
		return false;
	if (vm_space_remap(s, a, 2 * PAGE_SIZE, 9 * PAGE_SIZE, VM_REMAP_MAY_MOVE, 0, &b) || b == a)
		return false;
	if (!test_faults(a) || !test_reads(b, 1) || !test_reads(b + PAGE_SIZE, 2) || !test_write(b + 8 * PAGE_SIZE, 3))
		return false;
	return vm_space_remap(s, b, 9 * PAGE_SIZE, PAGE_SIZE, 0, 0, &b) == OK && test_reads(b, 1) &&
		test_faults(b + PAGE_SIZE);
}

static bool break_in(struct vm_space *s)
{
	struct vm_layout l = { .start_brk = 0x10000000, .brk = 0x10000000 };

	vm_space_set_layout(s, &l);
	if (vm_space_set_break(s, 0) != 0x10000000 || vm_space_set_break(s, 0x10001800) != 0x10001800)
		return false;
	if (!test_write(0x10001000, 1) || vm_space_set_break(s, 0x10010000) != 0x10010000 || test_area_count(s) != 1)
		return false;
	return vm_space_set_break(s, 0x10001000) == 0x10001000 && test_faults(0x10001000);
}

static bool advise_in(struct vm_space *s)
{
	u64 a = 0;
	u8 resident[2] = {};

	if (test_map(s, 2, RW, 0, &a) || !test_write(a, 1) ||
		vm_space_resident(s, a, 2 * PAGE_SIZE, array_span(resident)))
		return false;
	if (resident[0] != 1 || resident[1] != 0)
		return false;
	return vm_space_advise(s, a, PAGE_SIZE, VM_ADVICE_DONTNEED) == OK && test_reads(a, 0) &&
	       vm_space_advise(s, a + 2 * PAGE_SIZE, PAGE_SIZE, VM_ADVICE_DONTNEED) == -ENOMEM;
}

static bool stack_in(struct vm_space *s)
{
	u64 a = 0;
	struct vm_limits limits = { U64_MAX, U64_MAX, 64 * PAGE_SIZE, U64_MAX };

	vm_space_set_limits(s, &limits);
	if (test_map(s, 2, RW, VM_MAP_GROWSDOWN, &a) || !test_write(a - 8 * PAGE_SIZE, 1))
		return false;
	return !test_write(a - 70 * PAGE_SIZE, 1) && vm_space_statistics(s).stack == 10;
}

static bool access_in(struct vm_space *s)
{
	u64 a = 0;
	u8 bytes[8] = { 1, 2, 3, 4, 5, 6, 7, 8 }, back[8] = {};

	if (test_map(s, 2, RW, 0, &a))
		return false;
	struct iobuf in = iobuf_from_kernel(array_bytes(bytes)), out = iobuf_to_kernel(array_span(back));

	if (vm_space_access(s, a + PAGE_SIZE - 4, 8, &in, USER_FAULT_WRITE) != 8 ||
		!test_reads(a + PAGE_SIZE, 0x08070605))
		return false;
	return vm_space_access(s, a + PAGE_SIZE - 4, 8, &out, 0) == 8 &&
		bytes_equal(array_bytes(bytes), array_bytes(back));
}

static bool gap_in(struct vm_space *s)
{
	u64 first = 0, second = 0, third = 0;

	if (test_map(s, 1, PAGE_READ, 0, &first) || test_map(s, 1, RW, 0, &second) || second != first - PAGE_SIZE)
		return false;
	if (vm_space_unmap(s, first, PAGE_SIZE) || test_map(s, 1, RW, 0, &third))
		return false;
	return third == first && test_area_count(s) == 1;
}

// Runs one test in a new space, and sees that every page comes back.
static bool test_in_space(bool (*test)(struct vm_space *s))
{
	const struct page *zero = page_zero_shared(); // made at its first use, and kept
	u64 before = memory_read_totals().data_pages;
	bool ok;
	{
		struct vm_space *s object_auto(vm_space) = vm_space_create(user_namespace_initial());

		if (!s || !zero)
			return false;
		test_use(s);
		ok = test(s);
		test_use(NULL);
	}
	return ok && memory_read_totals().data_pages == before;
}

static bool vm_anonymous(void) { return test_in_space(anonymous_in); }
static bool vm_protection(void) { return test_in_space(protection_in); }
static bool vm_fork(void) { return test_in_space(fork_in); }
static bool vm_remap(void) { return test_in_space(remap_in); }
static bool vm_break(void) { return test_in_space(break_in); }
static bool vm_advise(void) { return test_in_space(advise_in); }
static bool vm_stack(void) { return test_in_space(stack_in); }
static bool vm_access(void) { return test_in_space(access_in); }
static bool vm_gap(void) { return test_in_space(gap_in); }

static const struct ktest vm_tests[] = {
	{ "vm: anonymous memory, unmapping", vm_anonymous },
	{ "vm: mprotect splits and joins areas", vm_protection },
	{ "vm: fork copies on write, shares what is shared", vm_fork },
	{ "vm: mremap grows, moves, shrinks", vm_remap },
	{ "vm: break", vm_break },
	{ "vm: madvise, mincore", vm_advise },
	{ "vm: the stack grows down to its limit", vm_stack },
	{ "vm: access from outside", vm_access },
	{ "vm: gaps are found again, neighbours join", vm_gap },
};

void vm_ktest_run(void)
{
	vm_set_current_hook(test_current);
	ktest_run(array_ptr(vm_tests, 0), array_len(vm_tests));
	vm_set_current_hook(NULL);
}
