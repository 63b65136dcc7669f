// SPDX-License-Identifier: MPL-2.0
// Descriptor tables. The marks are one byte a slot; `first_free` is a lower bound, so that finding a
// number costs one step in the usual case.
#include <services/vfs/file_lock.h>
#include <services/vfs/file_table.h>

#define FILE_TABLE_INITIAL 64u

static exclusive_access void file_table_release(struct file_table *t)
{
	for (u32 fd = 0; t->marks && fd < t->end; fd++) {
		struct file *f = take(t->slots->slot[fd]);
		if (f && file_table_finish(t, take(f)) != OK)
			continue;
	}
	file_slots_free(take(t->slots));
	buf_free(take(t->marks));
}
DEFINE_OBJECT(file_table, file_table_release)

static struct file_table *file_table_make(u32 count) owned;
static struct file_table *file_table_make(u32 count)
{
	struct file_table *t object_auto(file_table) = file_table_alloc();
	if (!t)
		return NULL;
	spin_init(&t->lock, RANK_FILE_TABLE);
	struct file_slots *slots auto_release(file_slots_auto_free) = file_slots_alloc(count);
	struct buf *marks buf_auto = buf_alloc(count);
	if (!slots || !marks)
		return NULL;
	spin_guard(&t->lock);
	t->slots = take(slots);
	t->marks = take(marks);
	return take(t);
}

struct file_table *file_table_create(void)
{
	return file_table_make(FILE_TABLE_INITIAL);
}

// --- one slot ---------------------------------------------------------------------------------------

static u32 table_size(const struct file_table *t)
{
	return file_slots_count(t->slots);
}

static bool slot_is_used(struct file_table *t, u32 fd) REQUIRES(t->lock);
static bool slot_is_used(struct file_table *t, u32 fd)
{
	return span_at(buf_span(t->marks), fd) & DESCRIPTOR_USED;
}

static bool eight_are_used(struct file_table *t, u32 fd) REQUIRES(t->lock);
static bool eight_are_used(struct file_table *t, u32 fd)
{
	const u64 used = DESCRIPTOR_USED * 0x0101010101010101ul;
	return (bytes_get_u64le(buf_bytes(t->marks), fd) & used) == used;
}

static void slot_mark(struct file_table *t, u32 fd, u32 marks) REQUIRES(t->lock);
static void slot_mark(struct file_table *t, u32 fd, u32 marks)
{
	span_at(buf_span(t->marks), fd) = (u8)marks;
	if ((marks & DESCRIPTOR_USED) && fd >= t->end)
		t->end = fd + 1;
	if (!(marks & DESCRIPTOR_USED) && fd < t->first_free)
		t->first_free = fd;
	while (t->end && !slot_is_used(t, t->end - 1))
		t->end--;
}

static u32 marks_of_flags(u32 flags)
{
	return DESCRIPTOR_USED | (flags & OPEN_CLOSE_ON_EXEC ? (u32)DESCRIPTOR_CLOSE_ON_EXEC : 0);
}

// Room for `count` slots at least; another thread may have been faster.
static err_t file_table_grow(struct file_table *t, u32 count)
{
	u32 size = FILE_TABLE_INITIAL;
	while (size < count)
		size *= 2;
	struct file_slots *slots auto_release(file_slots_auto_free) = file_slots_alloc(size);
	struct buf *marks buf_auto = buf_alloc(size);
	if (!slots || !marks)
		return -ENOMEM;
	spin_guard(&t->lock);
	if (table_size(t) >= size)
		return OK;
	for (u32 fd = 0; fd < t->end; fd++)
		slots->slot[fd] = t->slots->slot[fd];
	span_copy(buf_span(marks), buf_bytes(t->marks));
	struct file_slots *old_slots = t->slots;
	struct buf *old_marks = t->marks;
	t->slots = take(slots);
	t->marks = take(marks);
	slots = old_slots;
	marks = old_marks;
	return OK;
}

static ssize_r reserve_locked(struct file_table *t, u32 minimum, u64 limit, u32 flags) REQUIRES(t->lock);
static ssize_r reserve_locked(struct file_table *t, u32 minimum, u64 limit, u32 flags)
{
	u32 fd = max(minimum, t->first_free);
	while (fd + 8 <= table_size(t) && eight_are_used(t, fd))
		fd += 8;
	while (fd < table_size(t) && slot_is_used(t, fd))
		fd++;
	if (fd >= limit)
		return -EMFILE;
	if (fd >= table_size(t))
		return (ssize_r)(-ENOSPC);
	if (minimum <= t->first_free)
		t->first_free = fd + 1;
	slot_mark(t, fd, marks_of_flags(flags));
	return (ssize_r)fd;
}

static ssize_r reserve_try(struct file_table *t, u32 minimum, u64 limit, u32 flags)
{
	spin_guard(&t->lock);
	return reserve_locked(t, minimum, limit, flags);
}

ssize_r file_table_reserve(struct file_table *t, u32 minimum, u64 nofile, u32 flags)
{
	const u64 limit = min(nofile, (u64)FILE_TABLE_MAX);
	if (minimum >= limit)
		return -EINVAL;
	for (;;) {
		const ssize_r fd = reserve_try(t, minimum, limit, flags);
		if (fd != -ENOSPC)
			return fd;
		const err_t e = file_table_grow(t, max(table_size(t), minimum) + 1);
		if (e)
			return (ssize_r)e;
	}
}

void file_table_install(struct file_table *t, u32 fd, struct file *f consumes)
{
	spin_guard(&t->lock);
	t->slots->slot[fd] = f;
}

void file_table_cancel(struct file_table *t, u32 fd)
{
	spin_guard(&t->lock);
	slot_mark(t, fd, 0);
}

ssize_r file_table_add(struct file_table *t, struct file *f consumes, u64 nofile, u32 flags)
{
	const ssize_r fd = file_table_reserve(t, 0, nofile, flags);
	if (fd < 0)
		file_put(take(f));
	else
		file_table_install(t, (u32)fd, take(f));
	return fd;
}

// --- reading ----------------------------------------------------------------------------------------

struct file *file_table_find(struct file_table *t, u32 fd)
{
	spin_guard(&t->lock);
	if (fd >= table_size(t) || !t->slots->slot[fd])
		return NULL;
	return file_get(t->slots->slot[fd]);
}

ssize_r file_table_flags(struct file_table *t, u32 fd)
{
	spin_guard(&t->lock);
	if (fd >= table_size(t) || !t->slots->slot[fd])
		return -EBADF;
	return (ssize_r)byte_at(buf_bytes(t->marks), fd);
}

err_t file_table_set_flags(struct file_table *t, u32 fd, u32 flags)
{
	spin_guard(&t->lock);
	if (fd >= table_size(t) || !t->slots->slot[fd])
		return -EBADF;
	slot_mark(t, fd, DESCRIPTOR_USED | (flags & DESCRIPTOR_CLOSE_ON_EXEC));
	return OK;
}

u32 file_table_end(struct file_table *t borrowed)
{
	spin_guard(&t->lock);
	return t->end;
}

struct file *file_table_next(struct file_table *t, u32 *fd borrowed)
{
	spin_guard(&t->lock);
	for (u32 n = *fd; n < t->end; n++) {
		if (!t->slots->slot[n])
			continue;
		*fd = n;
		return file_get(t->slots->slot[n]);
	}
	return NULL;
}

// --- closing ----------------------------------------------------------------------------------------

err_t file_table_finish(struct file_table *t, struct file *f consumes)
{
	err_t e = OK;
	if (!(f->mode & FILE_MODE_PATH)) {
		if (f->ops && f->ops->flush)
			e = f->ops->flush(f);
		file_lock_close(f, t);
	}
	file_put(take(f));
	return e;
}

static struct file *slot_clear(struct file_table *t, u32 fd)
{
	spin_guard(&t->lock);
	if (fd >= table_size(t) || !t->slots->slot[fd])
		return NULL;
	slot_mark(t, fd, 0);
	return take(t->slots->slot[fd]);
}

err_t file_table_close(struct file_table *t, u32 fd)
{
	struct file *f = slot_clear(t, fd);
	return f ? file_table_finish(t, take(f)) : (err_t)-EBADF;
}

static ssize_r replace_try(struct file_table *t, u32 fd, struct file **f borrowed, u32 flags)
{
	spin_guard(&t->lock);
	if (fd >= table_size(t))
		return -ENOSPC;
	// Reserved by an open(2) that is under way.
	if (slot_is_used(t, fd) && !t->slots->slot[fd])
		return -EBUSY;
	struct file *old = t->slots->slot[fd];
	t->slots->slot[fd] = *f;
	*f = old;
	slot_mark(t, fd, marks_of_flags(flags));
	return (ssize_r)fd;
}

ssize_r file_table_replace(struct file_table *t, u32 fd, struct file *f consumes, u64 nofile, u32 flags)
{
	ssize_r result = fd < min(nofile, (u64)FILE_TABLE_MAX) ? (ssize_r)-ENOSPC : (ssize_r)-EBADF;
	struct file *other = take(f);
	if (result == -ENOSPC)
		result = replace_try(t, fd, &other, flags);
	while (result == -ENOSPC) {
		const err_t e = file_table_grow(t, fd + 1);
		result = e ? (ssize_r)e : replace_try(t, fd, &other, flags);
	}
	if (result < 0) {
		file_put(take(other));
	} else if (other) {
		const err_t e = file_table_finish(t, take(other));
		if (e)
			return result;
	}
	return result;
}

static void range_mark(struct file_table *t, u32 first, u32 last)
{
	spin_guard(&t->lock);
	for (u32 fd = first; fd <= last && fd < t->end; fd++) {
		if (slot_is_used(t, fd))
			slot_mark(t, fd, DESCRIPTOR_USED | DESCRIPTOR_CLOSE_ON_EXEC);
	}
}

void file_table_close_range(struct file_table *t, u32 first, u32 last, enum file_table_range what)
{
	if (what == FILE_TABLE_MARK) {
		range_mark(t, first, last);
		return;
	}
	for (u32 fd = first; fd <= last && fd < file_table_end(t); fd++) {
		const err_t e = file_table_close(t, fd);
		if (e)
			continue;
	}
}

static bool slot_closes_on_exec(struct file_table *t, u32 fd)
{
	spin_guard(&t->lock);
	return fd < table_size(t) && (byte_at(buf_bytes(t->marks), fd) & DESCRIPTOR_CLOSE_ON_EXEC);
}

void file_table_close_on_exec(struct file_table *t)
{
	for (u32 fd = 0; fd < file_table_end(t); fd++) {
		if (!slot_closes_on_exec(t, fd))
			continue;
		const err_t e = file_table_close(t, fd);
		if (e)
			continue;
	}
}

// --- copying ----------------------------------------------------------------------------------------

static bool copy_into(struct file_table *from, struct file_table *to, u32 limit)
{
	spin_guard(&from->lock);
	const u32 end = min(from->end, limit);
	if (end > table_size(to))
		return false;
	spin_guard_nested(&to->lock, 1);
	for (u32 fd = 0; fd < end; fd++) {
		// A number that is only reserved belongs to the other table's open(2).
		if (!from->slots->slot[fd])
			continue;
		to->slots->slot[fd] = file_get(from->slots->slot[fd]);
		slot_mark(to, fd, byte_at(buf_bytes(from->marks), fd));
	}
	return true;
}

err_t file_table_copy(struct file_table *from, u32 limit, struct file_table **out borrowed)
{
	for (;;) {
		u32 size = FILE_TABLE_INITIAL;
		while (size < min(file_table_end(from), limit))
			size *= 2;
		struct file_table *t object_auto(file_table) = file_table_make(size);
		if (!t)
			return -ENOMEM;
		if (!copy_into(from, t, limit))
			continue;
		*out = take(t);
		return OK;
	}
}
