// SPDX-License-Identifier: MPL-2.0
// execve, execveat: the path and the strings come in, the rest is services/exec.
#include <generated/syscall_prototypes.h>
#include <services/exec/exec.h>
#include <services/process/thread.h>
#include <services/vfs/file_table.h>

#define PATH_MAX 4096u
#define AT_FDCWD (-100)
#define AT_SYMLINK_NOFOLLOW 0x100
#define AT_EMPTY_PATH 0x1000
#define STRINGS_MIN (128u << 10)
#define STRINGS_MAX (6u << 20)

static err_t add_all(struct exec_strings *s, enum exec_string_kind kind, user_addr_t table)
{
	for (u64 i = 0; !user_is_null(table); i++) {
		u64 text = 0;
		err_t err = user_read_u64(user_offset(table, i * 8), &text);
		if (err)
			return err;
		if (!text)
			break;
		err = exec_strings_add_user(s, kind, user_addr(text));
		if (err)
			return err;
		if (i % 64 == 63 && (task_pending_work(task_current()) & TASK_WORK_KILL))
			return -ERESTARTNOINTR;
	}
	return OK;
}

static err_t read_strings(user_addr_t argv, user_addr_t envp, struct exec_strings **out borrowed)
{
	u64 limit = process_rlimit(process_current(), RLIMIT_STACK) / 4;
	limit = max(min(limit, (u64)STRINGS_MAX), (u64)STRINGS_MIN);
	struct exec_strings *s object_auto(exec_strings) = exec_strings_create(limit);
	if (!s)
		return -ENOMEM;
	err_t err = add_all(s, EXEC_ARGUMENT, argv);
	// A program expects a name: without any argument it gets an empty one.
	if (!err && !s->argument_count)
		err = exec_strings_add(s, EXEC_ARGUMENT, bytes_empty());
	if (!err)
		err = add_all(s, EXEC_ENVIRONMENT, envp);
	if (!err)
		*out = take(s);
	return err;
}

static err_t run(struct file *f, bytes_t path, user_addr_t argv, user_addr_t envp)
{
	struct exec_strings *strings object_auto(exec_strings) = NULL;
	err_t err = read_strings(argv, envp, &strings);
	if (err)
		return err;
	struct exec_request r = { .file = f, .path = path, .strings = strings };
	return exec_program(&r);
}

static err_t read_path(struct buf *room, user_addr_t from, usize *length borrowed)
{
	ssize_r n = user_copy_string(buf_span(room), from);
	if (n < 0)
		return (err_t)n;
	*length = (usize)n;
	return OK;
}

s64 sys_execve(user_addr_t pathname, user_addr_t argv, user_addr_t envp)
{
	struct buf *room buf_auto = buf_alloc(PATH_MAX);
	usize length = 0;
	if (!room)
		return -ENOMEM;
	err_t err = read_path(room, pathname, &length);
	if (err)
		return err;
	bytes_t path = bytes_first(buf_bytes(room), length);
	struct lookup_context c = {
		.cred = thread_cred(), .fs = thread_fs(), .start = path_none(), .flags = LOOKUP_FOLLOW
	};
	struct file *f object_auto(file) = NULL;
	err = exec_open(&c, path, &f);
	return err ? err : run(f, path, argv, envp);
}


static s64 exec_at(const struct lookup_context *c borrowed, s32 dirfd, bytes_t path, user_addr_t argv, user_addr_t envp)
{
	struct buf *room buf_auto = buf_alloc(PATH_MAX + 32);
	struct file *f object_auto(file) = NULL;
	if (!room)
		return -ENOMEM;
	err_t err = exec_open(c, path, &f);
	if (err)
		return err;
	struct text name = text_to(buf_span(room));
	bool is_plain = dirfd == AT_FDCWD || (bytes_len(path) && byte_at(path, 0) == '/');
	if (!is_plain) {
		text_printf(&name, "/dev/fd/%d", dirfd);
		if (bytes_len(path))
			text_char(&name, '/');
	}
	text_put(&name, path);
	return run(f, text_bytes(&name), argv, envp);
}

s64 sys_execveat(s32 dirfd, user_addr_t pathname, user_addr_t argv, user_addr_t envp, s32 flags)
{
	struct buf *room buf_auto = buf_alloc(PATH_MAX);
	usize length = 0;
	if (flags & ~(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW))
		return -EINVAL;
	if (!room)
		return -ENOMEM;
	err_t err = read_path(room, pathname, &length);
	if (err)
		return err;
	bytes_t path = bytes_first(buf_bytes(room), length);
	struct lookup_context c = { .cred = thread_cred(), .fs = thread_fs(), .start = path_none() };
	c.flags = (flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) | (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0);
	if (dirfd == AT_FDCWD || (length && byte_at(path, 0) == '/'))
		return exec_at(&c, AT_FDCWD, path, argv, envp);
	struct file *folder object_auto(file) = file_table_find(thread_files(), (u32)dirfd);
	if (!folder)
		return -EBADF;
	c.start = folder->path;
	return exec_at(&c, dirfd, path, argv, envp);
}
