// SPDX-License-Identifier: MPL-2.0
/* An argument for a call: by its name in the table of calls, else by its type. */
#ifndef KEELSON_TESTS_STRESS_ARGUMENTS_H
#define KEELSON_TESTS_STRESS_ARGUMENTS_H
#include "messages.h"

enum argument_type { TYPE_NONE, TYPE_S32, TYPE_U32, TYPE_S64, TYPE_U64, TYPE_POINTER };
struct argument {
	enum argument_type type;
	const char *name;
};
struct call {
	unsigned number;
	const char *name;
	struct argument arguments[6];
};
static const struct call calls[] = {
#include "calls.inc"	/* from kernel/linux_abi/syscalls.tbl */
};
enum { CALLS = sizeof(calls) / sizeof(calls[0]) };

typedef uint64_t (*number_maker)(struct dice *d);
typedef void *(*pointer_maker)(struct dice *d);

static uint64_t eight(struct dice *d)
{
	return one_in(d, 30) ? any_size(d) : 8;
}

static uint64_t any_id(struct dice *d)
{
	static const uint32_t ids[] = {0, 0, 1, 65534, ~0u, 1000};
	return PICK(d, ids);
}

static uint64_t few(struct dice *d)
{
	return one_in(d, 20) ? any_number(d) : below(d, 9);
}

static uint64_t any_clock(struct dice *d)
{
	return one_in(d, 6) ? ~any_pid(d) << 3 | below(d, 8) : below(d, 12);
}

static uint64_t any_place(struct dice *d)
{
	return one_in(d, 10) ? any_number(d) : below(d, 3) ? below(d, 9) * 512 : below(d, 100000);
}

static const struct {
	const char *name;
	number_maker make;
} number_names[] = {
	{"pid", any_pid}, {"tid", any_pid}, {"tgid", any_pid}, {"who", any_pid}, {"pid1", any_pid}, {"pid2", any_pid},
	{"pgid", any_pid}, {"id", any_pid}, {"sig", any_signal}, {"signum", any_signal}, {"sigsetsize", eight},
	{"domain", any_domain}, {"protocol", any_protocol}, {"level", any_level}, {"addr", any_address},
	{"old_addr", any_address}, {"new_addr", any_address}, {"shmaddr", any_address}, {"stack", any_address},
	{"timeout_ms", any_wait_ms}, {"uid", any_id}, {"gid", any_id}, {"owner", any_id}, {"group", any_id},
	{"ruid", any_id}, {"euid", any_id}, {"suid", any_id}, {"rgid", any_id}, {"egid", any_id}, {"sgid", any_id},
	{"fsuid", any_id}, {"fsgid", any_id}, {"iovcnt", few}, {"liovcnt", few}, {"riovcnt", few}, {"nr_segs", few},
	{"vlen", few}, {"nfds", few}, {"nsops", few}, {"nr_futexes", few}, {"maxevents", few}, {"clockid", any_clock},
	{"offset", any_place}, {"pos_low", any_place}, {"keyring", any_key}, {"shmid", few}, {"semid", few},
	{"msqid", few}, {"timerid", few}, {"wd", few}, {"key", few}, {"flags", any_bits}, {"mode", any_bits},
	{"oflag", any_bits}, {"mask", any_bits}, {"options", any_bits}, {"prot", few}, {"shmflg", any_bits},
	{"semflg", any_bits}, {"msgflg", any_bits}, {"attr_flags", any_bits}, {"optname", any_choice},
	{"cmd", any_choice}, {"op", any_choice}, {"operation", any_choice}, {"option", any_choice},
	{"which", any_choice}, {"advice", any_choice}, {"whence", few}, {"code", any_choice}, {"how", few},
	{"resource", any_choice}, {"request", any_choice}, {"idx1", any_fd}, {"idx2", any_fd}, {"nsems", few},
	{"semnum", few}, {"policy", few},
};
static const struct {
	const char *name;
	pointer_maker make;
} pointer_names[] = {
	{"pathname", any_path}, {"oldpath", any_path}, {"newpath", any_path}, {"linkpath", any_path},
	{"target", any_path}, {"filename", any_path}, {"source", any_path}, {"new_root", any_path},
	{"put_old", any_path}, {"from_pathname", any_path}, {"to_pathname", any_path}, {"iov", any_iovec},
	{"local_iov", any_iovec}, {"remote_iov", any_iovec}, {"msg", any_message}, {"msgvec", any_messages},
	{"timeout", any_time}, {"req", any_time}, {"request", any_time}, {"abs_timeout", any_time},
	{"times", any_time}, {"new_value", any_time}, {"fds", any_polls}, {"act", any_sigaction},
	{"how", any_open_how}, {"data", any_options},
};

static uint64_t number_argument(struct dice *d, unsigned call, const struct argument *a)
{
	if (a->type == TYPE_S32 && (strstr(a->name, "fd") || !strcmp(a->name, "mqdes"))) {
		uint64_t fitting = fitting_fd(d, call, a->name);
		return fitting && below(d, 6) ? fitting : any_fd(d);
	}
	if (strstr(a->name, "len") || strstr(a->name, "size") || strstr(a->name, "count") || strstr(a->name, "length"))
		return any_size(d);
	for (size_t i = 0; i < sizeof(number_names) / sizeof(number_names[0]); i++)
		if (!strcmp(a->name, number_names[i].name))
			return number_names[i].make(d);
	return a->type == TYPE_U64 && one_in(d, 2) ? (uintptr_t)any_pointer(d) : any_number(d);
}

static uint64_t pointer_argument(struct dice *d, const char *name)
{
	if (one_in(d, 16))
		return (uintptr_t)any_pointer(d);
	for (size_t i = 0; i < sizeof(pointer_names) / sizeof(pointer_names[0]); i++)
		if (!strcmp(name, pointer_names[i].name))
			return (uintptr_t)pointer_names[i].make(d);
	if (!strcmp(name, "name") || !strcmp(name, "key"))
		return (uintptr_t)words_of(d, one_in(d, 3) ? PICK(d, option_words) : PICK(d, name_words));
	if (!strcmp(name, "fstype") || !strcmp(name, "fsname") || !strcmp(name, "type"))
		return (uintptr_t)words_of(d, PICK(d, type_words));
	if (!strcmp(name, "value") && one_in(d, 2))
		return (uintptr_t)words_of(d, one_in(d, 2) ? PICK(d, path_words) : PICK(d, setting_words));
	return (uintptr_t)any_pointer(d);
}
#endif
