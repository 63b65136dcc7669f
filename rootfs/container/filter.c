// SPDX-License-Identifier: MPL-2.0
// Theory: system calls that reach beyond a container (mounts, namespaces, modules, clocks, keys, other processes'
// memory, raw ports) answer EPERM, whatever capabilities a later exploit may win; new namespaces by clone(2) too.
// clone3(2) has its flags in memory, where no filter can look, so it answers ENOSYS and C libraries use clone(2).
#include "filter.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>

static const char *const refused[] = {
	"acct", "add_key", "bpf", "clock_adjtime", "clock_settime", "delete_module", "fanotify_init",
	"finit_module", "fsconfig", "fsmount", "fsopen", "fspick", "get_mempolicy", "init_module", "io_uring_enter",
	"io_uring_register", "io_uring_setup", "ioperm", "iopl", "kcmp", "kexec_file_load", "kexec_load", "keyctl",
	"lookup_dcookie", "mbind", "migrate_pages", "mount", "mount_setattr", "move_mount", "move_pages",
	"name_to_handle_at", "open_by_handle_at", "open_tree", "perf_event_open", "pidfd_getfd", "pivot_root",
	"process_madvise", "process_vm_readv", "process_vm_writev", "ptrace", "quotactl", "quotactl_fd", "reboot",
	"request_key", "set_mempolicy", "setns", "settimeofday", "swapoff", "swapon", "syslog", "umount2", "unshare",
	"userfaultfd", "vhangup", NULL,
};

static void print_rule(struct json_writer *json, const char *const *names, int error)
{
	json_begin_object(json, NULL);
	json_strings(json, "names", names);
	json_string(json, "action", "SCMP_ACT_ERRNO");
	json_number(json, "errnoRet", error);
}

static void print_clone_flag(struct json_writer *json, int64_t flag)
{
	static const char *const names[] = {"clone", NULL};

	print_rule(json, names, EPERM);
	json_begin_list(json, "args");
	json_begin_object(json, NULL);
	json_number(json, "index", 0);
	json_number(json, "value", flag);
	json_number(json, "valueTwo", flag);
	json_string(json, "op", "SCMP_CMP_MASKED_EQ");
	json_end_object(json);
	json_end_list(json);
	json_end_object(json);
}

void filter_print(struct json_writer *json, const struct unit *unit)
{
	static const int64_t namespaces[] = {CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC,
					     CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET};
	static const char *const clone3[] = {"clone3", NULL}, *const machines[] = {"SCMP_ARCH_X86_64", NULL};

	if ((unit->flags & UNIT_NO_FILTER) != 0 || (unit->capabilities >> capability_parse("CAP_SYS_ADMIN") & 1) != 0)
		return;
	json_begin_object(json, "seccomp");
	json_string(json, "defaultAction", "SCMP_ACT_ALLOW");
	json_strings(json, "architectures", machines);
	json_begin_list(json, "syscalls");
	print_rule(json, refused, EPERM);
	json_end_object(json);
	print_rule(json, clone3, ENOSYS);
	json_end_object(json);
	for (size_t i = 0; i < sizeof(namespaces) / sizeof(namespaces[0]); i++)
		print_clone_flag(json, namespaces[i]);
	json_end_list(json);
	json_end_object(json);
}
