// SPDX-License-Identifier: MPL-2.0
// User mode and user memory: a page of hand-made code runs, faults, and is looked at from outside.
#include <core/cpu.h>
#include <core/page_table.h>
#include <core/time.h>
#include <core/user.h>
#include "core/ktest/tests.h"

enum {
	CODE = 0x400000,
	DATA = 0x600000,
	VECTOR_INVALID = 6,
	VECTOR_PROTECTION = 13,
	FAULT_USER = 4,
	WORKERS = 4,
	ROUNDS = 100,
};

// What the code page holds, by offset.
static const u8 code_system_call[] = { 0x0f, 0x05, 0xeb, 0xfc };		// syscall; again
static const u8 code_load[] = { 0x48, 0x8b, 0x07, 0x0f, 0x05, 0xeb, 0xf9 };	// mov (%rdi),%rax; syscall; again
static const u8 code_invalid[] = { 0x0f, 0x0b };				// ud2
static const u8 code_halt[] = { 0xf4 };						// hlt
static const u8 code_old_call[] = { 0xcd, 0x80 };				// int $0x80
static const u8 code_spin[] = { 0xeb, 0xfe };					// jmp self
static const u8 code_to_vector[] = { 0x66, 0x48, 0x0f, 0x6e, 0xc7, 0x0f, 0x05 };	// movq %rdi,%xmm0; syscall
static const u8 code_from_vector[] = { 0x66, 0x48, 0x0f, 0x7e, 0xc0, 0x0f, 0x05 };	// movq %xmm0,%rax; syscall

enum {
	AT_SYSTEM_CALL = 0, AT_LOAD = 16, AT_INVALID = 32, AT_HALT = 40, AT_OLD_CALL = 48, AT_SPIN = 56,
	AT_TO_VECTOR = 64, AT_FROM_VECTOR = 80,
};

static void put(struct page *p, u32 at, bytes_t code)
{
	span_copy(span_slice(page_span(p), at, bytes_len(code)), code);
}

// The current task gets an address space with the code page.
static struct page_table *space_start(void)
{
	struct page_table *t = page_table_create();
	struct page *p page_auto = page_alloc(PAGE_ALLOC_ZERO);

	if (!t || !p)
		return t;
	put(p, AT_SYSTEM_CALL, array_bytes(code_system_call));
	put(p, AT_LOAD, array_bytes(code_load));
	put(p, AT_INVALID, array_bytes(code_invalid));
	put(p, AT_HALT, array_bytes(code_halt));
	put(p, AT_OLD_CALL, array_bytes(code_old_call));
	put(p, AT_SPIN, array_bytes(code_spin));
	put(p, AT_TO_VECTOR, array_bytes(code_to_vector));
	put(p, AT_FROM_VECTOR, array_bytes(code_from_vector));
	page_table_activate(t);
	if (page_table_map(t, CODE, p, PAGE_READ | PAGE_EXECUTE) != OK) {
		page_table_activate(NULL);
		page_table_put(t);
		return NULL;
	}
	return t;
}

static void space_end(struct page_table *t)
{
	page_table_activate(NULL);
	page_table_put(t);
}

static struct user_context context_at(u32 at)
{
	return (struct user_context){ .rip = CODE + at, .rsp = DATA, .must_iret = 1 };
}

static bool calls_and_exceptions_come_back(void)
{
	struct page_table *t = space_start();
	struct user_context c = context_at(AT_SYSTEM_CALL);

	if (!t)
		return false;
	c.rax = 1234;
	c.r15 = c.rbx = c.rdi = 77;
	bool ok = user_enter(&c) == USER_EXIT_SYSCALL && c.orig_rax == 1234 && c.r15 == 77 && c.rbx == 77 &&
		  c.rdi == 77 && c.rip == CODE + 2;
	c.rax = 5;
	ok &= user_enter(&c) == USER_EXIT_SYSCALL && c.orig_rax == 5;
	c = context_at(AT_INVALID);
	ok &= user_enter(&c) == USER_EXIT_EXCEPTION && c.trap_number == VECTOR_INVALID && c.rip == CODE + AT_INVALID;
	c = context_at(AT_HALT);
	ok &= user_enter(&c) == USER_EXIT_EXCEPTION && c.trap_number == VECTOR_PROTECTION;
	c = context_at(AT_OLD_CALL);
	ok &= user_enter(&c) == USER_EXIT_EXCEPTION && c.trap_number == VECTOR_PROTECTION;
	c = context_at(AT_LOAD);
	c.rdi = DATA;
	ok &= user_enter(&c) == USER_EXIT_FAULT && c.fault_address == DATA && (c.error_code & FAULT_USER);
	c.rdi = 0xffffffff80200000;		// the kernel's image
	ok &= user_enter(&c) == USER_EXIT_FAULT && c.fault_address == c.rdi;
	space_end(t);
	return ok;
}

// Registers that would fault inside the kernel, or give rights away.
static bool bad_registers_are_harmless(void)
{
	struct page_table *t = space_start();
	struct user_context c = context_at(AT_SYSTEM_CALL);

	if (!t)
		return false;
	c.rflags = ~0ul;			// interrupts off, I/O rights, nested task, virtual 8086, ...
	c.cs = c.ss = 0x10;
	user_bases_sync(&c);			// those of an earlier program are not wanted
	c.fs_base = c.gs_base = 0x800000000000;
	c.rsp = 0x8000000000000000;
	// The trap flag is the program's to set: one step may come back first.
	enum user_exit e = user_enter(&c);
	bool ok = e == USER_EXIT_EXCEPTION || e == USER_EXIT_SYSCALL;
	user_bases_sync(&c);
	ok &= (c.rflags & 0x3000) == 0 && (c.rflags & 0x200) && c.fs_base == 0 && c.gs_base == 0;
	c = context_at(0);
	c.rip = 0x8000000000000000;
	ok &= user_enter(&c) == USER_EXIT_EXCEPTION && c.trap_number == VECTOR_PROTECTION;
	c = context_at(0);
	c.rip = 0xffffffff80200000;
	ok &= user_enter(&c) == USER_EXIT_FAULT;
	c = context_at(0);
	c.rip = 0x00007ffffffffffe;
	c.must_iret = 0;
	ok &= user_enter(&c) == USER_EXIT_FAULT;
	space_end(t);
	return ok;
}

static bool copies_stop_where_memory_ends(void)
{
	struct page_table *t = space_start();
	struct page *p page_auto = page_alloc(PAGE_ALLOC_ZERO);
	u8 local[64];
	u32 old = 0;

	if (!t || !p || page_table_map(t, DATA, p, PAGE_READ | PAGE_WRITE) != OK)
		return false;
	bool ok = true;
	for (u32 i = 0; i < sizeof(local); i++) {
		user_addr_t at = user_addr(DATA + PAGE_SIZE - i);

		span_fill(array_span(local), (u8)(i + 1));
		ok &= user_copy_out_some(at, array_bytes(local)) == sizeof(local) - i;
		ok &= user_copy_in_some(array_span(local), at) == sizeof(local) - i;
		ok &= i == 0 || byte_at(page_bytes(p), PAGE_SIZE - 1) == i + 1;
	}
	ok &= user_copy_in(array_span(local), user_addr(0xffffffff80200000)) == -EFAULT;
	ok &= user_copy_in(array_span(local), user_addr(~0ul - 8)) == -EFAULT;
	ok &= user_copy_in(array_span(local), user_addr(USER_TOP - 8)) == -EFAULT;
	ok &= user_copy_out(user_addr(CODE), array_bytes(local)) == -EFAULT;
	page_zero(p);
	ok &= user_copy_out(user_addr(DATA + 100), STR("hello, world")) == OK;
	ok &= user_copy_string(array_span(local), user_addr(DATA + 100)) == (ssize_r)12;
	ok &= user_copy_string(span_first(array_span(local), 12), user_addr(DATA + 100)) == (ssize_r)-ENAMETOOLONG;
	ok &= user_copy_string(array_span(local), user_addr(DATA + PAGE_SIZE)) == (ssize_r)-EFAULT;
	ok &= user_write_u32(user_addr(DATA), 40) == OK;
	ok &= user_atomic_u32(user_addr(DATA), USER_ATOMIC_ADD, 2, &old) == OK && old == 40;
	ok &= user_compare_exchange_u32(user_addr(DATA), 41, 7, &old) == OK && old == 42;
	ok &= user_compare_exchange_u32(user_addr(DATA + 1), 41, 7, &old) == -EFAULT;
	ok &= user_zero(user_addr(DATA + PAGE_SIZE - 16), 32) == -EFAULT && user_zero(user_addr(DATA), 8) == OK;
	space_end(t);
	return ok;
}

static struct atomic_u32 failures;

// Each worker's vector register must survive the others, and the move to other processors.
static void vector_worker(void)
{
	struct page_table *t = space_start();
	u64 mine = clock_monotonic_ns();

	if (!t) {
		atomic_u32_add(&failures, 1);
		return;
	}
	struct user_context c = context_at(AT_TO_VECTOR);
	c.rdi = mine;
	if (user_enter(&c) != USER_EXIT_SYSCALL)
		atomic_u32_add(&failures, 1);
	for (u32 i = 0; i < ROUNDS; i++) {
		task_yield();
		c = context_at(AT_FROM_VECTOR);
		if (user_enter(&c) != USER_EXIT_SYSCALL || c.orig_rax != mine)
			atomic_u32_add(&failures, 1);
	}
	user_fpu_reset();
	c = context_at(AT_FROM_VECTOR);
	if (user_enter(&c) != USER_EXIT_SYSCALL || c.orig_rax != 0)
		atomic_u32_add(&failures, 1);
	space_end(t);
}

static bool vector_state_is_private(void)
{
	atomic_u32_store(&failures, 0);
	return threads_run(WORKERS, vector_worker) && atomic_u32_load(&failures) == 0;
}

static bool signal_frame_state(struct page *frame)
{
	struct user_context c = context_at(AT_TO_VECTOR);

	c.rdi = 0x1122334455667788;
	bool ok = user_enter(&c) == USER_EXIT_SYSCALL && user_fpu_save(user_addr(DATA)) == OK;
	user_fpu_reset();
	ok &= user_fpu_restore(user_addr(DATA)) == OK;
	c = context_at(AT_FROM_VECTOR);
	ok &= user_enter(&c) == USER_EXIT_SYSCALL && c.orig_rax == 0x1122334455667788;
	// MXCSR bits that do not exist; then header bits that do not.
	span_put_u32le(page_span(frame), 24, 0xffff0000);
	ok &= user_fpu_restore(user_addr(DATA)) == -EINVAL;
	span_put_u32le(page_span(frame), 24, 0x1f80);
	span_put_u64le(page_span(frame), 512 + 8, 1ul << 63);
	ok &= user_fpu_size() == 512 || user_fpu_restore(user_addr(DATA)) == -EINVAL;
	ok &= user_fpu_restore(user_addr(DATA + PAGE_SIZE)) == -EFAULT;
	c = context_at(AT_FROM_VECTOR);
	return user_enter(&c) == USER_EXIT_SYSCALL && c.orig_rax == 0 && ok;
}

static bool vector_state_in_signal_frames(void)
{
	struct page_table *t = space_start();
	struct page *p page_auto = page_alloc(PAGE_ALLOC_ZERO);
	bool ok = t && p && page_table_map(t, DATA, p, PAGE_READ | PAGE_WRITE) == OK && signal_frame_state(p);

	if (t)
		space_end(t);
	return ok;
}

static struct page_table *shared;	// immutable while the workers run

// Maps, reads in user mode, unmaps: afterwards the address must fault, on whatever processor.
static void flush_worker(void)
{
	u64 address = DATA + (clock_monotonic_ns() / 64 % 100000) * (64 * PAGE_SIZE);

	page_table_activate(shared);
	for (u64 i = 1; i <= ROUNDS; i++, address += PAGE_SIZE) {
		struct page *p page_auto = page_alloc(PAGE_ALLOC_ZERO);
		struct user_context c = context_at(AT_LOAD);
		struct tlb_batch b;

		if (!p || page_table_map(shared, address, p, PAGE_READ) != OK)
			continue;	// two workers at one address
		span_put_u64le(page_span(p), 0, i);
		c.rdi = address;
		bool ok = user_enter(&c) == USER_EXIT_SYSCALL && c.orig_rax == i;
		if (i % 8 == 0)
			task_yield();
		tlb_batch_begin(&b, shared);
		page_table_unmap(shared, address, address + PAGE_SIZE, &b);
		tlb_batch_end(&b);
		c = context_at(AT_LOAD);
		c.rdi = address;
		if (user_enter(&c) != USER_EXIT_FAULT || !ok)
			atomic_u32_add(&failures, 1);
	}
	page_table_activate(NULL);
}

static bool unmapped_is_forgotten_everywhere(void)
{
	atomic_u32_store(&failures, 0);
	shared = space_start();
	if (!shared)
		return false;
	bool ok = threads_run(WORKERS, flush_worker) && atomic_u32_load(&failures) == 0;
	ok &= page_table_mapped(shared, 0) == 1;
	space_end(shared);
	return ok;
}

static struct task *spinner;

static void spin_in_user_mode(void)
{
	struct page_table *t = space_start();
	struct user_context c = context_at(AT_SPIN);

	if (!t)
		return;
	spinner = task_current();
	if (user_enter(&c) != USER_EXIT_WORK || !(task_pending_work(task_current()) & TASK_WORK_SIGNAL))
		atomic_u32_add(&failures, 1);
	task_clear_work(task_current(), TASK_WORK_SIGNAL);
	space_end(t);
	spinner = NULL;
}

static void interrupt_spinner(void)
{
	while (!__atomic_load_n(&spinner, __ATOMIC_ACQUIRE))
		task_yield();
	(void)task_sleep_until(clock_monotonic_ns() + 5 * NS_PER_MS, 0);
	task_post_work(spinner, TASK_WORK_SIGNAL);
}

static void spin_or_interrupt(void)
{
	static struct atomic_u32 roles;

	if (atomic_u32_add(&roles, 1) % 2 == 0)
		spin_in_user_mode();
	else
		interrupt_spinner();
}

static bool work_ends_user_mode(void)
{
	atomic_u32_store(&failures, 0);
	return threads_run(2, spin_or_interrupt) && atomic_u32_load(&failures) == 0;
}

const struct ktest user_ktests[] = {
	{ "calls_and_exceptions_come_back", calls_and_exceptions_come_back },
	{ "bad_registers_are_harmless", bad_registers_are_harmless },
	{ "copies_stop_where_memory_ends", copies_stop_where_memory_ends },
	{ "vector_state_is_private", vector_state_is_private },
	{ "vector_state_in_signal_frames", vector_state_in_signal_frames },
	{ "unmapped_is_forgotten_everywhere", unmapped_is_forgotten_everywhere },
	{ "work_ends_user_mode", work_ends_user_mode },
};
const u32 user_ktest_count = array_len(user_ktests);
