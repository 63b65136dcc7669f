// SPDX-License-Identifier: MPL-2.0
// /proc/PID/fd (magic links to open files) and fdinfo.
#include <core/text.h>
#include <services/fs/procfs/process/process_folder.h>
#include <services/vfs/file_table.h>
#include <services/vfs/mount.h>

static struct file_table *table_of(struct pseudo_inode *n) owned;
static struct file_table *table_of(struct pseudo_inode *n)
{
	struct thread *t object_auto(thread) = proc_thread(n);

	return t ? thread_files_of(t) : NULL;
}

static struct file *file_of(struct pseudo_inode *n, u32 fd) owned;
static struct file *file_of(struct pseudo_inode *n, u32 fd)
{
	struct file_table *table object_auto(file_table) = table_of(n);

	return table ? file_table_find(table, fd) : NULL;
}

// Mode bits do not suffice: a process that joins a container is its root's for a moment, with files of outside.
static err_t may_look(struct pseudo_inode *n)
{
	err_t err = proc_may_read(n);

	return err == -EPERM ? (err_t)-EACCES : err;
}

static err_t fd_follow(struct pseudo_inode *n, struct path *out borrowed)
{
	err_t err = may_look(n);

	if (err)
		return err;
	struct file *f object_auto(file) = file_of(n, (u32)n->value[0]);

	if (!f)
		return -ENOENT;
	*out = f->path;
	path_get(out);
	return OK;
}

static const struct pseudo_kind fd_link_kind = { .read_link = proc_link_name, .follow_link = fd_follow };

static err_t fdinfo_show(struct pseudo_inode *n, struct file *reader, struct text *out borrowed)
{
	err_t err = may_look(n);

	if (err)
		return err;
	struct file *f object_auto(file) = file_of(n, (u32)n->value[0]);

	if (!f)
		return -ENOENT;
	// One word, read as it is: the position's lock may be held by a read that waits, or by this very read.
	u64 position = f->position;
	text_printf(out, "pos:\t%lu\nflags:\t0%o\nmnt_id:\t%lu\nino:\t%lu\n", position, atomic_u32_load(&f->flags),
		    f->path.mount ? f->path.mount->id : 0ul, f->inode->number);
	if (f->ops->show_info)
		f->ops->show_info(f, out);
	return OK;
}

static const struct pseudo_kind fdinfo_file_kind = { .show = fdinfo_show };

static err_t fd_parse(struct pseudo_inode *dir, bytes_t name, u32 *fd borrowed)
{
	u64 number = 0;

	if (!bytes_parse_u64(name, 10, &number) || number >= FILE_TABLE_MAX ||
		(bytes_len(name) > 1 && byte_at(name, 0) == '0'))
		return -ENOENT;
	*fd = (u32)number;
	struct file *f object_auto(file) = file_of(dir, *fd);
	return f ? OK : (err_t)-ENOENT;
}

static err_t fd_lookup(struct pseudo_inode *dir, bytes_t name, struct inode **out borrowed)
{
	u32 fd = 0;
	err_t err = fd_parse(dir, name, &fd);

	return err ? err : pseudo_create(dir, name, S_IFLNK | 0700, &fd_link_kind, dir->subject, fd, out);
}

static err_t fdinfo_lookup(struct pseudo_inode *dir, bytes_t name, struct inode **out borrowed)
{
	u32 fd = 0;
	err_t err = fd_parse(dir, name, &fd);

	return err ? err : pseudo_create(dir, name, S_IFREG | 0444, &fdinfo_file_kind, dir->subject, fd, out);
}

static err_t list_files(
	struct pseudo_inode *dir, u64 *position borrowed, struct directory_sink *sink borrowed, u32 type)
{
	struct file_table *table object_auto(file_table) = table_of(dir);
	u32 fd = (u32)*position;

	if (!table)
		return OK;
	for (;; fd++) {
		u8 name[12] = { };
		struct text t = text_to(array_span(name));
		struct file *f object_auto(file) = file_table_next(table, &fd);

		if (!f)
			return OK;
		text_printf(&t, "%u", fd);
		if (!sink->add(sink, text_bytes(&t), pseudo_number(dir, text_bytes(&t)), type >> 12, fd + 1ul))
			return OK;
		*position = fd + 1ul;
	}
}

static err_t fd_read_directory(struct pseudo_inode *dir, u64 *position borrowed, struct directory_sink *sink borrowed)
{
	err_t err = may_look(dir);

	return err ? err : list_files(dir, position, sink, S_IFLNK);
}

static err_t fdinfo_read_directory(
	struct pseudo_inode *dir, u64 *position borrowed, struct directory_sink *sink borrowed)
{
	err_t err = may_look(dir);

	return err ? err : list_files(dir, position, sink, S_IFREG);
}

// The descriptor may have been closed, or the process be gone.
static bool fd_revalidate(struct pseudo_inode *dir, bytes_t name, struct inode *child)
{
	u32 fd = 0;

	return child && fd_parse(dir, name, &fd) == OK;
}

// One's own threads may always look; others as ptrace(2) rules.
static err_t fd_permission(struct pseudo_inode *n, u32 mask, const struct cred *cred borrowed)
{
	struct process *p object_auto(process) = proc_process(n);
	err_t err;

	if (p && p == process_current())
		return OK;
	err = inode_permission_generic(&n->base, mask, cred);
	return err;
}

const struct pseudo_kind proc_fd_kind = {
	.lookup = fd_lookup,
	.read_directory = fd_read_directory,
	.revalidate = fd_revalidate,
	.permission = fd_permission,
};
const struct pseudo_kind proc_fdinfo_kind = {
	.lookup = fdinfo_lookup, .read_directory = fdinfo_read_directory, .revalidate = fd_revalidate,
};
