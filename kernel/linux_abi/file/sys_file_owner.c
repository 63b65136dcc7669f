// SPDX-License-Identifier: MPL-2.0
// Signal-driven I/O as programs ask for it: fcntl(2)'s owners and signals, FIOASYNC and its relatives.
#include <linux_abi/file/file_arguments.h>
#include <services/cred/user_namespace.h>
#include <services/net/socket/socket.h>
#include <services/process/file_async.h>
#include <services/process/thread.h>
#include <services/tty/pty.h>
#include <services/tty/tty.h>

enum { F_SETOWN = 8, F_GETOWN = 9, F_SETSIG = 10, F_GETSIG = 11, F_SETOWN_EX = 15, F_GETOWN_EX = 16,
	F_GETOWNER_UIDS = 17 };
#define FIOSETOWN 0x8901u
#define SIOCSPGRP 0x8902u
#define FIOGETOWN 0x8903u
#define SIOCGPGRP 0x8904u

// struct f_owner_ex; the kinds are numbered as enum file_owner_kind is
struct owner_layout {
	u32 kind, number;
};
_Static_assert((u32)FILE_OWNER_THREAD == 0 && (u32)FILE_OWNER_PROCESS == 1 && (u32)FILE_OWNER_GROUP == 2,
	"F_OWNER_TID, F_OWNER_PID, F_OWNER_PGRP");

// The owner's number as the caller sees it; 0: nobody.
static u32 owner_number(struct file *f, struct file_owner *o borrowed)
{
	struct pid *pid object_auto(pid) = file_owner_read(f, o);
	return pid ? pid_number_in(pid, thread_pid_namespace()) : 0;
}

static s64 owner_get(struct file *f)
{
	struct file_owner o;
	const s64 number = owner_number(f, &o);
	return o.kind == FILE_OWNER_GROUP ? -number : number;
}

static s64 owner_name(struct file *f, u32 number, enum file_owner_kind kind)
{
	struct pid *pid object_auto(pid) = number ? pid_find(thread_pid_namespace(), number) : NULL;
	if (number && !pid)
		return -ESRCH;
	return file_owner_set(f, pid, kind, FILE_OWNER_REPLACE);
}

static s64 owner_set(struct file *f, s32 wanted)
{
	if (wanted < -S32_MAX)
		return -EINVAL;
	return wanted < 0 ? owner_name(f, (u32)-wanted, FILE_OWNER_GROUP) :
		owner_name(f, (u32)wanted, FILE_OWNER_PROCESS);
}

static s64 owner_set_precisely(struct file *f, user_addr_t from)
{
	struct owner_layout l = {};
	const err_t e = user_copy_in_object(&l, from);
	if (e)
		return e;
	return l.kind > FILE_OWNER_GROUP ? -EINVAL : owner_name(f, l.number, (enum file_owner_kind)l.kind);
}

static s64 owner_get_precisely(struct file *f, user_addr_t to)
{
	struct file_owner o;
	struct owner_layout l = { .number = owner_number(f, &o) };
	l.kind = o.kind;
	return user_copy_out_object(to, &l);
}

// Who named it, in the caller's user namespace.
static s64 owner_users(struct file *f, user_addr_t to)
{
	struct user_namespace *mine = thread_cred()->user_ns;
	struct file_owner o;
	struct pid *pid object_auto(pid) = file_owner_read(f, &o);
	const err_t e = user_write_u32(to, user_namespace_uid_show(mine, o.uid));
	return e ? e : user_write_u32(user_offset(to, 4), user_namespace_uid_show(mine, o.euid));
}

static s64 owner_signal(struct file *f)
{
	struct file_owner o;
	struct pid *pid object_auto(pid) = file_owner_read(f, &o);
	return o.signal;
}

s64 file_owner_command(struct file *f, u32 command, u64 argument)
{
	switch (command) {
	case F_SETOWN:
		return owner_set(f, (s32)argument);
	case F_GETOWN:
		return owner_get(f);
	case F_SETSIG:
		return file_owner_set_signal(f, argument);
	case F_GETSIG:
		return owner_signal(f);
	case F_SETOWN_EX:
		return owner_set_precisely(f, user_addr(argument));
	case F_GETOWN_EX:
		return owner_get_precisely(f, user_addr(argument));
	case F_GETOWNER_UIDS:
		return owner_users(f, user_addr(argument));
	default:
		return -EINVAL;
	}
}

// A terminal that nobody owns belongs to its foreground group, else to who asks.
static err_t terminal_own(struct file *f)
{
	struct pid *group object_auto(pid) = pty_is_master(f) ? NULL : tty_foreground_pid(tty_of_file(f));
	return file_owner_set(f, group ? group : process_current()->pid, group ? FILE_OWNER_GROUP : FILE_OWNER_PROCESS,
		FILE_OWNER_UNLESS_SET);
}

s64 file_async_switch(struct file *f, s32 fd, u32 on)
{
	if (!on)
		return file_async_end(f);
	const err_t e = f->ops == &tty_file_ops || pty_is_master(f) ? terminal_own(f) : OK;
	return e ? e : file_async_begin(f, (u32)fd);
}

s64 file_async_ioctl(struct file *f, s32 fd, u64 argument)
{
	u32 on = 0;
	const err_t e = user_read_u32(user_addr(argument), &on);
	if (e)
		return e;
	return !on == !(atomic_u32_load(&f->flags) & OPEN_ASYNC) ? 0 : file_async_switch(f, fd, on);
}

bool file_owner_ioctl_is(struct file *f, u32 request)
{
	return request >= FIOSETOWN && request <= SIOCGPGRP && socket_of_file(f);
}

s64 file_owner_ioctl(struct file *f, u32 request, u64 argument)
{
	u32 number = 0;
	if (request == FIOGETOWN || request == SIOCGPGRP)
		return user_write_u32(user_addr(argument), (u32)owner_get(f));
	const err_t e = user_read_u32(user_addr(argument), &number);
	return e ? e : owner_set(f, (s32)number);
}
