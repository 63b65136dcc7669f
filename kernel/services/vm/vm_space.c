// SPDX-License-Identifier: MPL-2.0
// A space as a whole: making, ending, its layout and its figures.
#include <core/memory.h>
#include <services/cgroup/cgroup.h>
#include <services/vm/vm_space_internal.h>

static struct spinlock vm_hook_lock = SPINLOCK_INIT(RANK_SERVICE_LEAF);
static struct vm_space *(*vm_current_hook)(void) GUARDED_BY(vm_hook_lock);

// Sleeps: files and mappings may go with the areas.
static exclusive_access void vm_space_release(struct vm_space *s)
{
	struct vm_area_list gone = {};
	struct tlb_batch b;

	if (s->table)
		tlb_batch_begin(&b, s->table);
	for (;;) {
		struct vm_area *a = vm_area_tree_first(&s->areas);

		if (!a)
			break;
		page_table_unmap(s->table, a->start, a->end, &b);
		vm_area_remove(s, a, &gone);
	}
	if (s->table)
		tlb_batch_end(&b);
	vm_area_list_drop(&gone);
	if (s->executable)
		file_put(take(s->executable));
	if (s->table)
		page_table_put(take(s->table));
	if (s->user_ns)
		user_namespace_put(take(s->user_ns));
}
DEFINE_OBJECT(vm_space, vm_space_release)

static struct atomic_u64 last_serial;

u64 vm_space_serial(const struct vm_space *s borrowed)
{
	return s->serial;
}

struct user_namespace *vm_space_user_namespace(const struct vm_space *s borrowed)
{
	return s->user_ns;
}

struct vm_space *vm_space_create(struct user_namespace *ns)
{
	struct vm_space *s object_auto(vm_space) = vm_space_alloc();

	if (!s)
		return NULL;
	rwlock_init(&s->lock, RANK_VM_SPACE);
	s->serial = atomic_u64_add(&last_serial, 1) + 1;
	s->user_ns = user_namespace_get(ns);
	s->table = page_table_create();
	if (!s->table)
		return NULL;
	write_guard(&s->lock);
	s->limits = (struct vm_limits){ U64_MAX, U64_MAX, U64_MAX, U64_MAX };
	s->layout.mmap_base = vm_random_mmap_base(1, 8ul << 20, USER_TOP);
	return take(s);
}

void vm_set_current_hook(struct vm_space *(*current)(void))
{
	spin_guard(&vm_hook_lock);
	vm_current_hook = current;
}

struct vm_space *vm_space_current(void)
{
	struct vm_space *(*hook)(void);
	{
		spin_guard(&vm_hook_lock);
		hook = vm_current_hook;
	}
	return hook ? hook() : NULL;
}

void vm_space_activate(struct vm_space *s)
{
	page_table_activate(s ? s->table : NULL);
}

void vm_space_set_limits(struct vm_space *s, const struct vm_limits *limits borrowed)
{
	write_guard(&s->lock);
	s->limits = *limits;
}

struct vm_layout vm_space_layout(struct vm_space *s borrowed)
{
	read_guard(&s->lock);
	return s->layout;
}

void vm_space_set_layout(struct vm_space *s, const struct vm_layout *layout borrowed)
{
	write_guard(&s->lock);
	u64 mmap_base = layout->mmap_base ? layout->mmap_base : s->layout.mmap_base;

	s->layout = *layout;
	s->layout.mmap_base = mmap_base;
}

struct file *vm_space_executable(struct vm_space *s)
{
	read_guard(&s->lock);
	return s->executable ? file_get(s->executable) : NULL;
}

void vm_space_set_executable(struct vm_space *s, struct file *f consumes)
{
	struct file *old object_auto(file) = NULL;
	{
		write_guard(&s->lock);
		old = s->executable;
		s->executable = f;
	}
}

static u64 vm_space_resident_pages(const struct vm_space *s borrowed)
{
	return page_table_mapped(s->table, 0) + page_table_mapped(s->table, PAGE_SOFT_FILE) +
	       page_table_mapped(s->table, PAGE_SOFT_SHARED);
}

void vm_space_note_resident(struct vm_space *s borrowed)
{
	u64 now = vm_space_resident_pages(s);

	if (now > atomic_u64_load_relaxed(&s->peak_resident))
		atomic_u64_store_relaxed(&s->peak_resident, now);
}

struct vm_statistics vm_space_statistics(struct vm_space *s borrowed)
{
	struct vm_statistics v = {
		.resident_anonymous = page_table_mapped(s->table, 0),
		.resident_file = page_table_mapped(s->table, PAGE_SOFT_FILE),
		.resident_shared = page_table_mapped(s->table, PAGE_SOFT_SHARED),
		.page_tables = page_table_pages(s->table),
		.minor_faults = atomic_u64_load_relaxed(&s->minor_faults),
		.major_faults = atomic_u64_load_relaxed(&s->major_faults),
	};

	v.resident = v.resident_anonymous + v.resident_file + v.resident_shared;
	vm_space_note_resident(s);
	v.peak_resident = atomic_u64_load_relaxed(&s->peak_resident);
	read_guard(&s->lock);
	v.total = s->total_pages;
	v.peak_total = s->peak_total;
	v.data = s->data_pages;
	v.stack = s->stack_pages;
	v.text = s->text_pages;
	v.locked = s->locked_pages;
	return v;
}

static void vm_area_describe(struct vm_space *s, const struct vm_area *a borrowed, struct vm_area_info *out borrowed)
	REQUIRES_SHARED(s->lock)
{
	bytes_t name = bytes_first(array_bytes(a->name), a->name_length);

	*out = (struct vm_area_info){ .start = a->start, .end = a->end, .offset = a->mapping ? a->offset : 0,
		.protection = a->protection, .max_protection = a->max_protection, .flags = a->flags, .kind = a->kind };
	if (a->kind == VM_AREA_ANONYMOUS && a->start < s->layout.brk && a->end > s->layout.start_brk)
		name = STR("[heap]");
	else if (a->start <= s->layout.start_stack && s->layout.start_stack < a->end)
		name = STR("[stack]");
	out->name_length = (u32)span_copy_some(array_span(out->name), name);
}

bool vm_space_area_at(struct vm_space *s, u64 address, struct vm_area_info *out borrowed, struct file **file borrowed)
{
	read_guard(&s->lock);
	struct vm_area *a = vm_area_after(s, address);

	if (!a)
		return false;
	vm_area_describe(s, a, out);
	*file = NULL;
	if (a->file) {
		struct file *f object_auto(file) = file_get(a->file);

		*file = take(f);
	}
	return true;
}

struct page_mapping *vm_space_shared_word(struct vm_space *s, u64 address, u64 *offset borrowed)
{
	read_guard(&s->lock);
	struct vm_area *a = vm_area_after(s, address);

	if (!a || address < a->start || !a->mapping || !vm_area_is_shared(a))
		return NULL;
	*offset = a->offset + (address - a->start);
	return page_mapping_get(a->mapping);
}

void vm_space_barrier(struct vm_space *s)
{
	page_table_barrier(s ? s->table : NULL);
}

void vm_space_barrier_register(struct vm_space *s, u32 commands)
{
	atomic_u32_or(&s->barrier_commands, commands);
}

u32 vm_space_barrier_registered(struct vm_space *s)
{
	return atomic_u32_load(&s->barrier_commands);
}

u64 vm_space_badness(struct vm_space *s borrowed, s32 score_adjust)
{
	u64 total = memory_read_totals().total_pages;
	s64 points = (s64)(vm_space_resident_pages(s) + page_table_pages(s->table));

	points += (s64)(total / 1000) * score_adjust;
	return points > 0 ? (u64)points : 0;
}
