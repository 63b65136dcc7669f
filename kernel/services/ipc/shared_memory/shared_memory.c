// SPDX-License-Identifier: MPL-2.0
// A segment is a page mapping without a disk. Each shmat(2) opens a file of its own on it, which the areas of address
// spaces hold: it carries the right to write, names the area in /proc/PID/maps, and tells when areas come and go
// (shm_nattch counts areas, as fork copies them). A segment marked for destruction leaves its table with the last file.
#include <core/text.h>
#include <core/time.h>
#include <services/ipc/shared_memory/shared_memory.h>
#include <services/process/thread.h>
#include <services/vfs/file.h>
#include <services/vm/vm_space.h>

struct shared_memory {
	struct ipc_object base;
	struct page_mapping *pages;	// reference; immutable
	u64 size;			// bytes; immutable
	struct pid *creator;		// reference; immutable
	u32 files;			// attachments; under the table's lock
	struct spinlock use_lock;
	struct pid *last GUARDED_BY(use_lock);	// reference or NULL
	u64 areas GUARDED_BY(use_lock);
	u64 attach_time_s GUARDED_BY(use_lock);
	u64 detach_time_s GUARDED_BY(use_lock);
};

static void shared_memory_release(struct shared_memory *s) exclusive_access
{
	if (s->pages) {
		page_mapping_truncate(s->pages, 0);
		page_mapping_put(take(s->pages));
	}
	if (s->creator)
		pid_put(take(s->creator));
	if (s->last)
		pid_put(take(s->last));
}
DEFINE_DERIVED_SHARED(shared_memory, ipc_object, shared_memory_release)

struct attachment {
	struct file base;
	struct shared_memory *segment;	// reference; immutable
	struct ipc_tables *tables;	// reference; immutable
};

struct ipc_object *shared_memory_base(struct shared_memory *s)
{
	return &s->base;
}

struct shared_memory *shared_memory_find(struct ipc_tables *t, s32 number, enum ipc_name name)
{
	struct ipc_object *o object_auto(ipc_object) =
		ipc_table_find(array_ptr(t->table, IPC_SHARED_MEMORY), number, name);

	return o ? shared_memory_get(shared_memory_from_ipc_object(o)) : NULL;
}

// --- making and removing --------------------------------------------------------------------------

static const struct page_mapping_ops segment_page_ops = {};

static struct shared_memory *segment_create(s32 key, u64 size, u32 mode) owned;
static exclusive_access struct shared_memory *segment_create(s32 key, u64 size, u32 mode)
{
	struct shared_memory *s object_auto(shared_memory) = shared_memory_alloc();

	if (!s)
		return NULL;
	ipc_object_init(&s->base, key, mode, thread_cred());
	spin_init(&s->use_lock, RANK_SERVICE_LEAF);
	s->size = size;
	s->creator = pid_get(process_current()->pid);
	s->pages = page_mapping_create(&segment_page_ops, NULL);
	return s->pages ? take(s) : NULL;
}

static err_t segment_reserve(struct ipc_tables *t, u64 pages)
{
	const u64 before = atomic_u64_add(&t->shared_pages, pages);

	if (before <= ipc_setting(t, IPC_SHMALL) && pages <= ipc_setting(t, IPC_SHMALL) - before)
		return OK;
	atomic_u64_sub(&t->shared_pages, pages);
	return -ENOSPC;
}

static err_t segment_add(struct ipc_tables *t, struct ipc_table *table, s32 key, u64 size, u32 flags, s32 *id borrowed)
	REQUIRES(table->lock)
{
	const u64 pages = (size >> PAGE_SHIFT) + (page_offset(size) != 0);

	if (!size || size > ipc_setting(t, IPC_SHMMAX))
		return -EINVAL;
	err_t e = segment_reserve(t, pages);

	if (e)
		return e;
	struct shared_memory *s object_auto(shared_memory) = segment_create(key, size, flags);

	e = s ? ipc_table_add(table, &s->base, (u32)ipc_setting(t, IPC_SHMMNI)) : -ENOMEM;
	if (e) {
		atomic_u64_sub(&t->shared_pages, pages);
		return e;
	}
	*id = s->base.id;
	return OK;
}

err_t shared_memory_open(struct ipc_tables *t, s32 key, u64 size, u32 flags, s32 *id borrowed)
{
	struct ipc_table *const table = array_ptr(t->table, IPC_SHARED_MEMORY);

	mutex_guard(&table->lock);
	struct ipc_object *o object_auto(ipc_object) = key == IPC_KEY_PRIVATE ? NULL : ipc_table_find_key(table, key);

	if (!o && key != IPC_KEY_PRIVATE && !(flags & IPC_CREATE))
		return -ENOENT;
	if (!o)
		return segment_add(t, table, key, size, flags, id);
	if ((flags & (IPC_CREATE | IPC_EXCLUSIVE)) == (IPC_CREATE | IPC_EXCLUSIVE))
		return -EEXIST;
	if (size > shared_memory_from_ipc_object(o)->size)
		return -EINVAL;
	*id = o->id;
	return ipc_permission(o, flags, thread_cred());
}

static void segment_leave_table(struct ipc_tables *t, struct ipc_table *table, struct shared_memory *s)
	REQUIRES(table->lock)
{
	if (!ipc_table_has(table, &s->base))
		return;
	ipc_table_remove(table, &s->base);
	atomic_u64_sub(&t->shared_pages, (s->size >> PAGE_SHIFT) + (page_offset(s->size) != 0));
}

static void segment_doom(struct ipc_object *const o)
{
	spin_guard(&o->lock);
	o->mode |= SHARED_MEMORY_DESTROY;
	o->key = IPC_KEY_PRIVATE;
}

void shared_memory_remove(struct ipc_tables *t, struct shared_memory *s)
{
	struct ipc_table *const table = array_ptr(t->table, IPC_SHARED_MEMORY);

	mutex_guard(&table->lock);
	segment_doom(&s->base);
	if (!s->files)
		segment_leave_table(t, table, s);
}

void shared_memory_set_locked(struct shared_memory *s, u32 flag)
{
	struct ipc_object *const o = &s->base;

	spin_guard(&o->lock);
	o->mode = (o->mode & ~SHARED_MEMORY_LOCKED) | flag;
}

// --- attachments ----------------------------------------------------------------------------------

static void attachment_end(struct ipc_tables *t, struct shared_memory *s)
{
	struct ipc_table *const table = array_ptr(t->table, IPC_SHARED_MEMORY);

	mutex_guard(&table->lock);
	s->files--;
	if (!s->files && ipc_owner_of(&s->base).mode & SHARED_MEMORY_DESTROY)
		segment_leave_table(t, table, s);
}

static void attachment_release(struct attachment *a) exclusive_access
{
	file_fini(&a->base);
	if (a->segment) {
		attachment_end(a->tables, a->segment);
		shared_memory_put(take(a->segment));
		ipc_tables_put(take(a->tables));
	}
}
DEFINE_DERIVED(attachment, file, attachment_release)

static struct pid *process_pid_or_null(void) owned;
static struct pid *process_pid_or_null(void)
{
	struct process *p = process_current();

	return p ? pid_get(p->pid) : NULL;
}

static void attachment_area_came(struct file *f)
{
	struct shared_memory *const s = attachment_from_file(f)->segment;
	struct pid *pid object_auto(pid) = process_pid_or_null();
	struct pid *old object_auto(pid) = NULL;
	const u64 now = clock_realtime_ns() / NS_PER_SECOND;

	spin_guard(&s->use_lock);
	old = take(s->last);
	s->last = take(pid);
	s->attach_time_s = now;
	s->areas++;
}

static void attachment_area_gone(struct file *f)
{
	struct shared_memory *const s = attachment_from_file(f)->segment;
	struct pid *pid object_auto(pid) = process_pid_or_null();
	struct pid *old object_auto(pid) = NULL;
	const u64 now = clock_realtime_ns() / NS_PER_SECOND;

	spin_guard(&s->use_lock);
	old = take(s->last);
	s->last = take(pid);
	s->detach_time_s = now;
	s->areas--;
}

static err_t attachment_map(struct file *f, u32 protection, struct page_mapping **out borrowed)
{
	*out = attachment_from_file(f)->segment->pages;
	return OK;
}

static const struct file_ops attachment_ops = {
	.map = attachment_map, .area_came = attachment_area_came, .area_gone = attachment_area_gone,
};

static err_t attachment_create(struct ipc_tables *t, s32 id, u32 access, struct attachment **out borrowed)
{
	struct ipc_table *const table = array_ptr(t->table, IPC_SHARED_MEMORY);
	struct attachment *a object_auto(attachment) = attachment_alloc();
	struct shared_memory *s object_auto(shared_memory) = shared_memory_find(t, id, IPC_BY_ID);
	u8 label[32];
	struct text name = text_to(array_span(label));

	if (!a)
		return -ENOMEM;
	if (!s)
		return -EINVAL;
	err_t e = ipc_permission(&s->base, access & SHARED_MEMORY_READ_ONLY ? 0444 : 0666, thread_cred());

	if (!e && access & SHARED_MEMORY_EXECUTE)
		e = ipc_permission(&s->base, 0111, thread_cred());
	text_printf(&name, "/SYSV%08x (deleted)", (u32)ipc_owner_of(&s->base).key);
	if (!e)
		e = file_init_anonymous(&a->base, &attachment_ops, text_bytes(&name),
			access & SHARED_MEMORY_READ_ONLY ? 0 : 2, thread_cred(), 0);
	if (e)
		return e;
	mutex_guard(&table->lock);
	if (!ipc_table_has(table, &s->base))
		return -EIDRM;
	s->files++;
	a->segment = take(s);
	a->tables = ipc_tables_get(t);
	*out = take(a);
	return OK;
}

err_t shared_memory_attach(struct ipc_tables *t, s32 id, u64 address, u32 access, u64 *result borrowed)
{
	struct attachment *a object_auto(attachment) = NULL;
	err_t e = attachment_create(t, id, access, &a);

	if (e)
		return e;
	const struct vm_map_request r = {
		.address = address,
		.length = a->segment->size,
		.file = &a->base,
		.protection = PAGE_READ | (access & SHARED_MEMORY_READ_ONLY ? 0 : PAGE_WRITE) |
			(access & SHARED_MEMORY_EXECUTE ? PAGE_EXECUTE : 0),
		.flags = VM_MAP_SHARED |
			(!address				       ? 0
					: access & SHARED_MEMORY_REMAP ? VM_MAP_FIXED
								       : VM_MAP_FIXED_NOREPLACE),
	};
	e = vm_space_map(thread_space(), &r, result);
	return e == -EEXIST ? -EINVAL : e;
}

// The areas of one attachment keep their distance: what munmap left of it goes as a whole.
err_t shared_memory_detach(u64 address)
{
	struct file *first object_auto(file) = NULL;
	u64 end = address;
	err_t result = -EINVAL;

	if (page_offset(address))
		return -EINVAL;
	for (u64 at = address; at == address || at < end;) {
		struct vm_area_info info;
		struct file *f object_auto(file) = NULL;

		if (!vm_space_area_at(thread_space(), at, &info, &f) || (first && info.start >= end))
			break;
		at = info.end;
		if (!f || !file_is_attachment(f) || info.start < address || info.start - address != info.offset ||
			(first && f != first))
			continue;
		if (!first) {
			first = file_get(f);
			end = address + page_round_up(attachment_from_file(f)->segment->size);
		}
		result = vm_space_unmap(thread_space(), info.start, info.end - info.start);
		if (result)
			break;
	}
	return result;
}

// --- what is shown --------------------------------------------------------------------------------

struct shared_memory_status shared_memory_status(struct shared_memory *const s)
{
	struct pid_namespace *ns = thread_pid_namespace();
	struct shared_memory_status out = { .size = s->size, .creator_pid = pid_number_in(s->creator, ns),
		.resident_pages = page_mapping_page_count(s->pages) };
	struct pid *last object_auto(pid) = NULL;
	{
		spin_guard(&s->use_lock);
		last = s->last ? pid_get(s->last) : NULL;
		out.attached = s->areas;
		out.attach_time_s = s->attach_time_s;
		out.detach_time_s = s->detach_time_s;
	}
	out.last_pid = last ? pid_number_in(last, ns) : 0;
	return out;
}

u64 shared_memory_resident(struct ipc_tables *t)
{
	struct ipc_table *const table = array_ptr(t->table, IPC_SHARED_MEMORY);
	u64 pages = 0;

	mutex_guard(&table->lock);
	for (u64 slot = 0;; slot++) {
		struct ipc_object *o = ipc_index_next(&table->slots, &slot);

		if (!o)
			return pages;
		pages += page_mapping_page_count(shared_memory_from_ipc_object(o)->pages);
	}
}
