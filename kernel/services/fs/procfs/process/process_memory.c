// SPDX-License-Identifier: MPL-2.0
// What a process's memory holds: cmdline, environ, mem, and the places exe, cwd, root.
#include <core/text.h>
#include <services/fs/procfs/procfs_internal.h>
#include <services/fs/procfs/process/process_folder.h>
#include <services/vfs/dentry.h>
#include <services/vfs/fs_context.h>
#include <services/vm/vm_space.h>

#define ARGUMENTS_MAX (128u << 10)

// Copies [start, end) of the process's memory to the text.
static err_t put_range(struct pseudo_inode *n, u64 start, u64 end, struct text *out borrowed)
{
	struct vm_space *space object_auto(vm_space) = proc_space(n);

	if (!space || end <= start)
		return OK;
	struct buf *b buf_auto = buf_alloc(min(end - start, (u64)ARGUMENTS_MAX));
	if (!b)
		return -ENOMEM;
	struct iobuf to = iobuf_to_kernel(buf_span(b));
	ssize_r got = vm_space_access(space, start, buf_len(b), &to, 0);
	if (got > 0)
		text_put(out, bytes_first(buf_bytes(b), (usize)got));
	return OK;
}

static struct vm_layout layout_of(struct pseudo_inode *n)
{
	struct vm_space *space object_auto(vm_space) = proc_space(n);

	return space ? vm_space_layout(space) : (struct vm_layout){ };
}

static err_t cmdline_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	struct vm_layout l = layout_of(n);

	return put_range(n, l.arg_start, l.arg_end, out);
}

// Files of one address space: who opened them was asked, and what the process executes later is not theirs.
err_t proc_space_open(struct pseudo_inode *n, struct file *f)
{
	struct vm_space *space object_auto(vm_space) = proc_space(n);
	err_t err = proc_may_read(n);

	f->private_value = space ? vm_space_serial(space) : 0;
	return err == -EPERM ? (err_t)-EACCES : err;
}

struct vm_space *proc_space_of_file(struct file *f)
{
	struct vm_space *space object_auto(vm_space) = proc_space(pseudo_inode_of_file(f));

	return space && vm_space_serial(space) == f->private_value ? take(space) : NULL;
}

static err_t environ_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	struct vm_space *space object_auto(vm_space) = proc_space_of_file(f);
	struct vm_layout l = space ? vm_space_layout(space) : (struct vm_layout){ };

	return put_range(n, l.env_start, l.env_end, out);
}

// --- places: magic links --------------------------------------------------------------------------------
// The place's name for readlink.
static ssize_r place_name(const struct path *p borrowed, span_t out)
{
	struct path root path_auto = path_none();

	if (!p->dentry)
		return -ENOENT;
	fs_context_root(thread_fs(), &root);
	return path_name(p, &root, out, PATH_NAME_MARK_DELETED);
}

static err_t exe_follow(struct pseudo_inode *n, struct path *out borrowed)
{
	struct vm_space *space object_auto(vm_space) = proc_space(n);
	struct file *f object_auto(file) = space ? vm_space_executable(space) : NULL;
	err_t err = proc_may_read(n);

	if (err)
		return err == -EPERM ? (err_t)-EACCES : err;
	if (!f)
		return -ENOENT;
	*out = f->path;
	path_get(out);
	return OK;
}

static err_t context_follow(struct pseudo_inode *n, bool wants_root, struct path *out borrowed)
{
	struct thread *t object_auto(thread) = proc_thread(n);
	struct fs_context *c object_auto(fs_context) = t ? thread_fs_of(t) : NULL;
	err_t err = proc_may_read(n);

	if (err)
		return err == -EPERM ? (err_t)-EACCES : err;
	if (!c)
		return -ENOENT;
	if (wants_root)
		fs_context_root(c, out);
	else
		fs_context_working(c, out);
	return OK;
}

static err_t cwd_follow(struct pseudo_inode *n, struct path *out borrowed)
{
	return context_follow(n, false, out);
}

static err_t root_follow(struct pseudo_inode *n, struct path *out borrowed)
{
	return context_follow(n, true, out);
}

ssize_r proc_link_name(struct pseudo_inode *n, span_t out)
{
	struct path p path_auto = path_none();
	err_t err = n->kind->follow_link(n, &p);

	return err ? (ssize_r)err : place_name(&p, out);
}

// --- mem: the address space as a file --------------------------------------------------------------------
static err_t mem_open(struct pseudo_inode *n, struct file *f)
{
	struct thread *t object_auto(thread) = proc_thread(n);
	struct vm_space *space object_auto(vm_space) = proc_space(n);
	err_t err = t ? thread_may_access(t, THREAD_ACCESS_ATTACH) : (err_t)-ESRCH;

	f->private_value = space ? vm_space_serial(space) : 0;
	return err == -EPERM ? (err_t)-EACCES : err;
}

static ssize_r mem_transfer(struct file *f, struct iobuf *buffer borrowed, u64 *position borrowed, u32 access)
{
	struct vm_space *space object_auto(vm_space) = proc_space_of_file(f);
	ssize_r n;

	if (!space)
		return 0;
	n = vm_space_access(space, *position, iobuf_remaining(buffer), buffer, access | VM_ACCESS_FORCE);
	if (n > 0)
		*position += (u64)n;
	return n == -EFAULT ? (ssize_r)-EIO : n;
}

static ssize_r mem_read(struct file *f, struct iobuf *to borrowed, u64 *position borrowed)
{
	return mem_transfer(f, to, position, 0);
}

static ssize_r mem_write(struct file *f, struct iobuf *from borrowed, u64 *position borrowed)
{
	return mem_transfer(f, from, position, USER_FAULT_WRITE);
}

static ssize_r mem_seek(struct file *f, s64 offset, u32 whence)
{
	return file_seek_generic(f, offset, whence, 0);
}

static const struct file_ops mem_ops = { .read = mem_read, .write = mem_write, .seek = mem_seek };
static const struct pseudo_kind mem_kind = { .ops = &mem_ops, .open = mem_open };

PROC_TEXT(cmdline, cmdline_show);
static const struct pseudo_kind environ_kind = { .show = environ_show, .open = proc_space_open };
static const struct pseudo_kind exe_kind = { .read_link = proc_link_name, .follow_link = exe_follow };
static const struct pseudo_kind cwd_kind = { .read_link = proc_link_name, .follow_link = cwd_follow };
static const struct pseudo_kind root_kind = { .read_link = proc_link_name, .follow_link = root_follow };

static const struct pseudo_entry entries[] = {
	PROC_FILE("cmdline", 0444, cmdline_kind),
	PROC_FILE("environ", 0400, environ_kind),
	PROC_FILE("maps", 0444, proc_maps_kind),
	PROC_FILE("smaps", 0444, proc_smaps_kind),
	PROC_FILE("smaps_rollup", 0444, proc_smaps_rollup_kind),
	PROC_FILE("mem", 0600, mem_kind),
	PROC_FILE("pagemap", 0400, proc_pagemap_kind),
	PROC_LINK("exe", exe_kind),
	PROC_LINK("cwd", cwd_kind),
	PROC_LINK("root", root_kind),
};

const struct pseudo_entry *proc_memory_entry(u32 index)
{
	return index < array_len(entries) ? array_ptr(entries, index) : NULL;
}
