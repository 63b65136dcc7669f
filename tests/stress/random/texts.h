// SPDX-License-Identifier: MPL-2.0
/* Words for calls: paths, names of attributes and file systems, options, and what one writes into settings. */
#ifndef KEELSON_TESTS_STRESS_TEXTS_H
#define KEELSON_TESTS_STRESS_TEXTS_H
#include "dice.h"

static const char *const path_words[] = {"a", "b", "c", "d", "d/a", "d/b", "d/e", "d/e/f", ".", "..", "/", "", "link",
	"loop", "d/../a", "m", "m/a", "m/d", "l", "u", "w", "fifo", "socket", "/tmp", "/dev/null", "/dev/zero",
	"/dev/full", "/dev/ptmx", "/dev/tty", "/dev/random", "/dev/kmsg", "/proc/self/fd/3", "/proc/self/fd/4",
	"/proc/self/fd/5", "/proc/self/ns/net", "/proc/self/ns/user", "/proc/self/ns/mnt", "/proc/self/ns/pid",
	"/proc/self/ns/cgroup", "/proc/self/ns/ipc", "/proc/self/ns/uts", "/proc/self/ns/time_for_children",
	"/proc/self/mem", "/proc/self/maps", "/proc/self/status", "/proc/self/mountinfo", "/proc/self/exe",
	"/proc/self/root", "/proc/self/cwd", "/proc/thread-self/comm", "/proc/self/task", "/proc/self/attr/current",
	"/proc/self/uid_map", "/proc/self/oom_score_adj", "/proc/self/timens_offsets", "/proc/self/pagemap",
	"/proc/self/clear_refs", "/proc/1/ns/net", "/proc/1/fd/0", "/proc/sys/kernel/hostname",
	"/proc/sys/net/ipv4/ip_forward", "/proc/net/tcp", "/proc/pressure/cpu", "/proc/sys/user/max_user_namespaces",
	"/sys", "/sys/fs/cgroup", "/sys/fs/cgroup/a", "/sys/fs/cgroup/a/b", "/sys/fs/cgroup/cgroup.procs",
	"/sys/fs/cgroup/cgroup.subtree_control", "/sys/fs/cgroup/a/cgroup.procs", "/sys/fs/cgroup/a/cgroup.type",
	"/sys/fs/cgroup/a/memory.max", "/sys/fs/cgroup/a/cgroup.events", "/sys/fs/cgroup/a/memory.reclaim",
	"/sys/class/net/lo", "/sys/class/net", "/tests/helper",
	"long-name-that-is-more-than-fifty-five-bytes-but-less-than-two-hundred-and-fifty-five"};
static const char *const name_words[] = {"user.a", "user.b", "user.", "security.capability", "trusted.overlay.opaque",
	"user.overlay.opaque", "trusted.overlay.redirect", "system.posix_acl_access", "system.posix_acl_default",
	"security.x", "/q", "/q2", "q", "", "name",
	"user.long-long-long-long-long-long-long-long-long-long-long-long-long-long-name", "lo", "eth0"};
static const char *const type_words[] = {"tmpfs", "tmpfs", "proc", "sysfs", "cgroup2", "overlay", "overlay", "devpts",
	"mqueue", "ramfs", "devtmpfs", "ext2", "nsfs", "bpf", "nothing", "", "user", "keyring", "logon", "big_key",
	"fuse", "cgroup"};
static const char *const option_words[] = {"size=64k", "mode=755", "uid=0", "gid=1", "nr_inodes=5", "size=50%",
	"huge=never", "lowerdir=l", "upperdir=u", "workdir=w", "lowerdir=l:d", "index=on", "redirect_dir=on",
	"metacopy=on", "userxattr", "volatile", "xino=off", "newinstance", "ptmxmode=0666", "max=3", "hidepid=2",
	"subset=pid", "gid=0", "nsdelegate", "memory_recursiveprot", "source", "ro", "noexec", "size=-1",
	"size=99999999999999999999", "mode=99999", "=", ",", "lowerdir=", "lowerdir=:::", "lowerdir=l::d",
	"upperdir=/proc/self", "upperdir=m", "workdir=u/x", "nfs_export=on", "size"};
static const char *const setting_words[] = {"0", "1", "-1", "max", "100", "1000000", "65536", "10%", "+memory",
	"-memory", "+pids +cpu", "-pids -cpu", "threaded", "domain", "member", "root", "isolated", "0-1", "1,0",
	"8:0 rbps=1000 wiops=max", "50000 100000", "max 100000", "0 0 1", "0 65534 1", "deny", "allow",
	"some 150000 1000000", "full 1 1", "\n", "default 200", "8:16 10", "18446744073709551616",
	"9223372036854775807", "0x10", " 7 ", "monotonic 100 5", "boottime -1 -1", "a b c d e", "1 2 3 4 5 6 7 8 9",
	"on", "off", "y", "n", "swappiness=5", "512M", "4096 16384 65536", "core.%p", "|/bin/false", "%s%n"};

static inline void *words_of(struct dice *d, const char *word)
{
	char *to = room(d, strlen(word) + 1);
	return strcpy(to, word);
}

static inline void *any_path(struct dice *d)
{
	if (one_in(d, 200)) {	/* longer than a path may be, and without an end */
		char *to = room(d, 5000);
		memset(to, one_in(d, 2) ? 'x' : '/', 5000);
		return to;
	}
	return words_of(d, below(d, 3) ? path_words[below(d, 24)] : PICK(d, path_words));
}

static inline void *any_options(struct dice *d)
{
	char text[300] = "";
	for (uint64_t i = below(d, 4); i < 4; i++) {
		strcat(text, PICK(d, option_words));
		strcat(text, i < 3 ? "," : "");
	}
	return words_of(d, text);
}
#endif
