// SPDX-License-Identifier: MPL-2.0
// ioctl(2): a table says what the argument of each request is; the file's operation gets kernel values.
// source: ioctl_tty(2), pty(7), ioctl(2), blkdev ioctls in <linux/fs.h>
#include <generated/syscall_prototypes.h>
#include <linux_abi/file/file_arguments.h>
#include <linux_abi/file/ioctl_extents.h>
#include <linux_abi/file/ioctl_namespace.h>
#include <linux_abi/network/interface_request.h>
#include <services/fs/devpts/devpts.h>
#include <services/net/socket/socket.h>
#include <services/process/thread.h>
#include <services/tty/pty.h>
#include <services/tty/termios.h>
#include <services/vfs/attributes.h>

#define FIONCLEX 0x5450u
#define SIOCGSKNS 0x894cu
#define FIOCLEX 0x5451u
#define FIONBIO 0x5421u
#define FIOASYNC 0x5452u
#define FIONREAD 0x541bu
#define FS_IOC_GETFLAGS 0x80086601u	// an int, whatever their numbers say
#define FS_IOC_SETFLAGS 0x40086602u
#define FS_IOC_FSGETXATTR 0x801c581fu	// a struct fsxattr
#define FS_IOC_FSSETXATTR 0x401c5820u

enum argument_kind {
	ARGUMENT_NONE,		// not looked at
	ARGUMENT_VALUE,		// the argument is the value
	ARGUMENT_U32_IN, ARGUMENT_U32_OUT, ARGUMENT_U64_OUT,	// it points to an integer
	ARGUMENT_STRUCT_IN, ARGUMENT_STRUCT_OUT, ARGUMENT_STRUCT_BOTH	// it points to `size` bytes
};
struct argument_shape {
	u32 command;
	enum argument_kind kind;
	u32 size;
};

#define TERMIOS2_BYTES 44u
#define WINDOW_BYTES 8u
static const struct argument_shape shapes[] = {
	{ TCGETS, ARGUMENT_STRUCT_OUT, TERMIOS_BYTES },
	{ TCSETS, ARGUMENT_STRUCT_IN, TERMIOS_BYTES },
	{ TCSETSW, ARGUMENT_STRUCT_IN, TERMIOS_BYTES },
	{ TCSETSF, ARGUMENT_STRUCT_IN, TERMIOS_BYTES },
	{ TCGETS2, ARGUMENT_STRUCT_OUT, TERMIOS2_BYTES },
	{ TCSETS2, ARGUMENT_STRUCT_IN, TERMIOS2_BYTES },
	{ TCSETSW2, ARGUMENT_STRUCT_IN, TERMIOS2_BYTES },
	{ TCSETSF2, ARGUMENT_STRUCT_IN, TERMIOS2_BYTES },
	{ TIOCGWINSZ, ARGUMENT_STRUCT_OUT, WINDOW_BYTES },
	{ TIOCSWINSZ, ARGUMENT_STRUCT_IN, WINDOW_BYTES },
	{ TCFLSH, ARGUMENT_VALUE, 0 },
	{ TCXONC, ARGUMENT_VALUE, 0 },
	{ TCSBRK, ARGUMENT_VALUE, 0 },
	{ TCSBRKP, ARGUMENT_VALUE, 0 },
	{ TIOCOUTQ, ARGUMENT_U32_OUT, 0 },
	{ FIONREAD, ARGUMENT_U32_OUT, 0 },
	{ TIOCSTI, ARGUMENT_STRUCT_IN, 1 },
	{ TIOCEXCL, ARGUMENT_NONE, 0 },
	{ TIOCNXCL, ARGUMENT_NONE, 0 },
	{ TIOCVHANGUP, ARGUMENT_NONE, 0 },
	{ TIOCGETD, ARGUMENT_U32_OUT, 0 },
	{ TIOCGDEV, ARGUMENT_U32_OUT, 0 },
	{ TIOCSCTTY, ARGUMENT_VALUE, 0 },
	{ TIOCNOTTY, ARGUMENT_NONE, 0 },
	{ TIOCSPGRP, ARGUMENT_U32_IN, 0 },
	{ TIOCGPGRP, ARGUMENT_U32_OUT, 0 },
	{ TIOCGSID, ARGUMENT_U32_OUT, 0 },
	{ TIOCGPTN, ARGUMENT_U32_OUT, 0 },
	{ TIOCSPTLCK, ARGUMENT_U32_IN, 0 },
	{ TIOCGPTLCK, ARGUMENT_U32_OUT, 0 },
	{ TIOCPKT, ARGUMENT_U32_IN, 0 },
	{ TIOCGPKT, ARGUMENT_U32_OUT, 0 },
	{ 0x125d, ARGUMENT_U32_IN, 0 },		// BLKROSET
	{ 0x125e, ARGUMENT_U32_OUT, 0 },	// BLKROGET
	{ 0x1260, ARGUMENT_U64_OUT, 0 },	// BLKGETSIZE
	{ 0x1261, ARGUMENT_NONE, 0 },		// BLKFLSBUF
	{ 0x1268, ARGUMENT_U32_OUT, 0 },	// BLKSSZGET
	{ 0x127b, ARGUMENT_U32_OUT, 0 },	// BLKPBSZGET
	{ 0x80081270, ARGUMENT_U32_OUT, 0 },	// BLKBSZGET: an int, whatever its number says
	{ 0x80081272, ARGUMENT_U64_OUT, 0 },	// BLKGETSIZE64
	{ 0xc0502100, ARGUMENT_STRUCT_BOTH, 80 },	// SECCOMP_IOCTL_NOTIF_RECV
	{ 0xc0182101, ARGUMENT_STRUCT_IN, 24 },	// SECCOMP_IOCTL_NOTIF_SEND
	{ 0x40082102, ARGUMENT_STRUCT_IN, 8 },	// SECCOMP_IOCTL_NOTIF_ID_VALID, and as it was once numbered
	{ 0x80082102, ARGUMENT_STRUCT_IN, 8 },
	{ 0x40182103, ARGUMENT_STRUCT_IN, 24 },	// SECCOMP_IOCTL_NOTIF_ADDFD
};

static const struct argument_shape *shape_of(u32 command)
{
	for (u32 i = 0; i < array_len(shapes); i++)
		if (shapes[i].command == command)
			return array_ptr(shapes, i);
	return NULL;
}

static err_t decode(const struct argument_shape *shape, u64 argument, struct file_control *c borrowed)
{
	u32 word = 0;
	err_t err = OK;

	c->size = shape->size;
	c->value = argument;
	switch (shape->kind) {
	case ARGUMENT_U32_IN:
		err = user_read_u32(user_addr(argument), &word);
		c->value = word;
		break;
	case ARGUMENT_STRUCT_IN:
	case ARGUMENT_STRUCT_BOTH:
		err = user_copy_in(span_first(array_span(c->data), shape->size), user_addr(argument));
		break;
	default:
		break;
	}
	return err;
}

static err_t encode(const struct argument_shape *shape, u64 argument, const struct file_control *c borrowed)
{
	switch (shape->kind) {
	case ARGUMENT_U32_OUT:
		return user_write_u32(user_addr(argument), (u32)c->value);
	case ARGUMENT_U64_OUT:
		return user_write_u64(user_addr(argument), c->value);
	case ARGUMENT_STRUCT_OUT:
	case ARGUMENT_STRUCT_BOTH:
		return user_copy_out(user_addr(argument), bytes_first(array_bytes(c->data), shape->size));
	default:
		return OK;
	}
}

static s64 control(struct file *f, u32 command, u64 argument)
{
	const struct argument_shape *shape = shape_of(command);
	struct file_control c = { .command = command };

	if (!shape)
		return -ENOTTY;
	err_t err = decode(shape, argument, &c);
	if (err)
		return err;
	const ssize_r r = f->ops->control(f, &c);
	if (r < 0)
		return (s64)r;
	err = encode(shape, argument, &c);
	return err ? (s64)err : (s64)r;
}

// --- what every file knows ----------------------------------------------------------------------------

static s64 set_status_flag(struct file *f, u32 flag, u64 argument)
{
	u32 on = 0;
	const err_t e = user_read_u32(user_addr(argument), &on);
	if (e)
		return e;
	if (on)
		atomic_u32_or(&f->flags, flag);
	else
		atomic_u32_and(&f->flags, ~flag);
	return 0;
}

static s64 readable_bytes(struct file *f, u64 argument)
{
	const u64 size = atomic_u64_load(&f->inode->size), at = f->position;
	return user_write_u32(user_addr(argument), (u32)(size > at ? size - at : 0));
}

static s64 file_flags(struct file *f, u32 request, user_addr_t at)
{
	u32 flags = 0;
	if (request == FS_IOC_GETFLAGS) {
		const err_t e = attributes_get_flags(&f->path, &flags);
		return e ? (s64)e : user_write_u32(at, flags);
	}
	const err_t e = user_read_u32(at, &flags);
	return e ? e : attributes_set_flags(&f->path, flags, thread_cred());
}

enum fsxattr_field { FSXATTR_FLAGS = 0, FSXATTR_EXTENT_SIZE = 4, FSXATTR_PROJECT = 12, FSXATTR_COPY_EXTENT_SIZE = 16,
	FSXATTR_BYTES = 28 };
// The same flags by other numbers.
static const struct {
	u32 extended, flag;
} extended_flags[] = {
	{ 0x8, FILE_FLAG_IMMUTABLE }, { 0x10, FILE_FLAG_APPEND }, { 0x40, FILE_FLAG_NO_ATIME },
	{ 0x80, FILE_FLAG_NO_DUMP },
};

// No quotas of projects, no hints of sizes: asked for they are refused.
static s64 file_set_extended_flags(struct file *f, bytes_t words)
{
	u32 extended = bytes_get_u32le(words, FSXATTR_FLAGS), flags = 0;

	if (bytes_get_u32le(words, FSXATTR_PROJECT) || bytes_get_u32le(words, FSXATTR_EXTENT_SIZE) ||
		bytes_get_u32le(words, FSXATTR_COPY_EXTENT_SIZE))
		return -EOPNOTSUPP;
	for (u32 i = 0; i < array_len(extended_flags); i++) {
		flags |= extended & extended_flags[i].extended ? extended_flags[i].flag : 0;
		extended &= ~extended_flags[i].extended;
	}
	return extended ? -EOPNOTSUPP : (s64)attributes_set_flags(&f->path, flags, thread_cred());
}

static s64 file_extended(struct file *f, u32 request, user_addr_t at)
{
	u8 words[FSXATTR_BYTES] = { };
	u32 flags = 0, extended = 0;
	err_t e = attributes_get_flags(&f->path, &flags);

	if (e)
		return e;
	if (request == FS_IOC_FSSETXATTR) {
		e = user_copy_in(array_span(words), at);
		return e ? (s64)e : file_set_extended_flags(f, array_bytes(words));
	}
	for (u32 i = 0; i < array_len(extended_flags); i++)
		extended |= flags & extended_flags[i].flag ? extended_flags[i].extended : 0;
	span_put_u32le(array_span(words), FSXATTR_FLAGS, extended);
	return user_copy_out(at, array_bytes(words));
}

static s64 open_peer(struct file *master, u32 flags)
{
	struct file *peer object_auto(file) = NULL;
	const u32 kept = OPEN_ACCESS_MASK | OPEN_NONBLOCK | OPEN_NO_CTTY;
	err_t e = devpts_open_peer(master, flags & kept, thread_cred(), &peer);
	return e ? (s64)e : (s64)file_table_add(thread_files(), take(peer), process_rlimit(process_current(),
		RLIMIT_NOFILE), flags & OPEN_CLOSE_ON_EXEC);
}

s64 sys_ioctl(s32 fd, u32 request, u64 arg)
{
	struct file_borrow b file_borrow_auto = file_of(fd);
	if (!b.file || (b.file->mode & FILE_MODE_PATH))
		return -EBADF;
	switch (request) {
	case FIOCLEX:
		return file_table_set_flags(thread_files(), (u32)fd, DESCRIPTOR_CLOSE_ON_EXEC);
	case FIONCLEX:
		return file_table_set_flags(thread_files(), (u32)fd, 0);
	case FIONBIO:
		return set_status_flag(b.file, OPEN_NONBLOCK, arg);
	case FIOASYNC:
		return file_async_ioctl(b.file, fd, arg);
	case FIONREAD:
		if (b.file->inode && b.file->inode->type == S_IFREG)
			return readable_bytes(b.file, arg);
		break;
	default:
		break;
	}
	if (request == FS_IOC_GETFLAGS || request == FS_IOC_SETFLAGS)
		return file_flags(b.file, request, user_addr(arg));
	if (request == FS_IOC_FSGETXATTR || request == FS_IOC_FSSETXATTR)
		return file_extended(b.file, request, user_addr(arg));
	if (ioctl_extents_is(request))
		return ioctl_extents(b.file, request, user_addr(arg));
	if (file_owner_ioctl_is(b.file, request))
		return file_owner_ioctl(b.file, request, arg);
	if (interface_request_is(request)) {
		struct socket *s = socket_of_file(b.file);
		if (s && request == SIOCGSKNS)
			return ioctl_socket_namespace(s->net);
		const s64 answer = s ? interface_request(s->net, request, user_addr(arg)) : -ENOTTY;
		if (answer != -ENOTTY)
			return answer;
	}
	if (request == TIOCGPTPEER && pty_is_master(b.file))
		return open_peer(b.file, (u32)arg);
	s64 result = 0;
	if (ioctl_namespace(b.file, request, arg, &result))
		return result;
	if (b.file->ops->control)
		return control(b.file, request, arg);
	return b.file->ops->ioctl ? (s64)b.file->ops->ioctl(b.file, request, arg) : -ENOTTY;
}
