// SPDX-License-Identifier: MPL-2.0
/* Users, groups and capabilities. */
#include "support.h"

#include <grp.h>
#include <linux/capability.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

struct caps {
	struct __user_cap_header_struct header;
	struct __user_cap_data_struct data[2];
};

static struct caps caps_of_self(void)
{
	struct caps caps = {.header = {.version = _LINUX_CAPABILITY_VERSION_3}};
	CHECK_OK(syscall(SYS_capget, &caps.header, caps.data));
	return caps;
}

TEST(root_has_all_capabilities)
{
	struct caps caps = caps_of_self();
	CHECK_EQ(caps.data[0].effective, 0xffffffffu);
	CHECK_EQ(caps.data[0].permitted, 0xffffffffu);
	CHECK_EQ(caps.data[1].effective, 0x1ff);
	CHECK_EQ(caps.data[0].inheritable, 0);
}

TEST(setuid_of_root_sets_all_three)
{
	uid_t real, effective, saved;
	CHECK_OK(setuid(1000));
	CHECK_OK(getresuid(&real, &effective, &saved));
	CHECK(real == 1000 && effective == 1000 && saved == 1000);
	CHECK_ERR(setuid(0), EPERM);
}

TEST(setuid_away_drops_capabilities)
{
	CHECK_OK(setuid(1000));
	struct caps caps = caps_of_self();
	CHECK_EQ(caps.data[0].effective, 0);
	CHECK_EQ(caps.data[0].permitted, 0);
}

TEST(seteuid_and_back)
{
	CHECK_OK(seteuid(1000));
	CHECK_EQ(geteuid(), 1000);
	CHECK_EQ(getuid(), 0);
	CHECK_EQ(caps_of_self().data[0].effective, 0);
	CHECK_EQ(caps_of_self().data[0].permitted, 0xffffffffu);
	CHECK_OK(seteuid(0));
	CHECK_EQ(caps_of_self().data[0].effective, 0xffffffffu);
}

TEST(setresuid_keeps_minus_one)
{
	uid_t real, effective, saved;
	CHECK_OK(setresuid(1, 2, 3));
	CHECK_OK(setresuid((uid_t)-1, 3, (uid_t)-1));
	CHECK_OK(getresuid(&real, &effective, &saved));
	CHECK(real == 1 && effective == 3 && saved == 3);
}

TEST(setresuid_unprivileged_permutes_only)
{
	CHECK_OK(setresuid(1, 2, 3));
	CHECK_OK(setresuid(3, 1, 2));
	CHECK_ERR(setresuid(4, (uid_t)-1, (uid_t)-1), EPERM);
}

TEST(setreuid_saves_the_effective)
{
	uid_t real, effective, saved;
	CHECK_OK(setreuid(1000, 1001));
	CHECK_OK(getresuid(&real, &effective, &saved));
	CHECK(real == 1000 && effective == 1001 && saved == 1001);
}

TEST(group_ids)
{
	gid_t real, effective, saved;
	CHECK_OK(setresgid(5, 6, 7));
	CHECK_OK(getresgid(&real, &effective, &saved));
	CHECK(real == 5 && effective == 6 && saved == 7);
	CHECK_OK(setgid(9));
	CHECK_EQ(getegid(), 9);
}

TEST(supplementary_groups)
{
	gid_t groups[3] = {10, 30, 20}, back[3];
	CHECK_OK(setgroups(3, groups));
	CHECK_EQ(getgroups(0, NULL), 3);
	CHECK_EQ(getgroups(3, back), 3);
	CHECK(back[0] == 10 && back[1] == 20 && back[2] == 30);
	CHECK_ERR(getgroups(2, back), EINVAL);
	CHECK_ERR(syscall(SYS_setgroups, 65537, groups), EINVAL);
	CHECK_OK(setuid(1000));
	CHECK_ERR(setgroups(0, NULL), EPERM);
}

TEST(supplementary_group_opens_a_file)
{
	gid_t group = 77;
	write_text("f", "x");
	CHECK_OK(chown("f", 0, 77));
	CHECK_OK(chmod("f", 0640));
	CHECK_OK(chmod(".", 0755));
	CHECK_OK(setgroups(1, &group));
	CHECK_OK(setgid(1000));
	CHECK_OK(setuid(1000));
	CHECK_OK(open("f", O_RDONLY));
	CHECK_ERR(open("f", O_RDWR), EACCES);
}

TEST(file_system_user_id)
{
	CHECK_EQ(setfsuid(1000), 0);
	CHECK_EQ(setfsuid((uid_t)-1), 1000);
	int fd = make_file("/tmp/fsuid-file");
	struct stat info;
	CHECK_OK(fstat(fd, &info));
	CHECK_EQ(info.st_uid, 1000);
	unlink("/tmp/fsuid-file");
}

TEST(keepcaps_keeps_permitted)
{
	CHECK_OK(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0));
	CHECK_OK(setuid(1000));
	CHECK_EQ(caps_of_self().data[0].permitted, 0xffffffffu);
	CHECK_EQ(caps_of_self().data[0].effective, 0);
}

TEST(capset_drops_for_good)
{
	struct caps caps = caps_of_self();
	caps.data[0].effective &= ~(1u << CAP_CHOWN);
	caps.data[0].permitted &= ~(1u << CAP_CHOWN);
	CHECK_OK(syscall(SYS_capset, &caps.header, caps.data));
	write_text("f", "");
	CHECK_ERR(chown("f", 5, 5), EPERM);
	caps.data[0].permitted |= 1u << CAP_CHOWN;
	CHECK_ERR(syscall(SYS_capset, &caps.header, caps.data), EPERM);
}

TEST(capset_effective_within_permitted)
{
	struct caps caps = caps_of_self();
	caps.data[0].permitted = 0;
	CHECK_ERR(syscall(SYS_capset, &caps.header, caps.data), EPERM);
}

TEST(capget_tells_its_version)
{
	struct caps caps = {.header = {.version = 1}};
	CHECK_ERR(syscall(SYS_capget, &caps.header, caps.data), EINVAL);
	CHECK_EQ(caps.header.version, _LINUX_CAPABILITY_VERSION_3);
	CHECK_OK(syscall(SYS_capget, &caps.header, NULL));
	caps.header.pid = 999999;
	CHECK_ERR(syscall(SYS_capget, &caps.header, caps.data), ESRCH);
}

TEST(bounding_set_limits_exec)
{
	CHECK_EQ(prctl(PR_CAPBSET_READ, CAP_SYS_TIME), 1);
	CHECK_OK(prctl(PR_CAPBSET_DROP, CAP_SYS_TIME));
	CHECK_EQ(prctl(PR_CAPBSET_READ, CAP_SYS_TIME), 0);
	CHECK_ERR(prctl(PR_CAPBSET_READ, 60), EINVAL);
	char *words[] = {"/tests/helper", "caps", NULL}, *environment[] = {NULL};
	CHECK_STR(output_of(words, environment), "000001fffdffffff 000001fffdffffff\n");
}

TEST(exec_as_user_drops_capabilities)
{
	CHECK_OK(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0));
	CHECK_OK(setuid(1000));
	char *words[] = {"/tests/helper", "caps", NULL}, *environment[] = {NULL};
	CHECK_STR(output_of(words, environment), "0000000000000000 0000000000000000\n");
}

TEST(ambient_capability_survives_exec)
{
	CHECK_OK(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0));
	CHECK_OK(setuid(1000));
	CHECK_ERR(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_RAW, 0, 0), EPERM);
	struct caps caps = caps_of_self();
	caps.data[0].inheritable = 1u << CAP_NET_RAW;
	CHECK_OK(syscall(SYS_capset, &caps.header, caps.data));
	CHECK_OK(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_RAW, 0, 0));
	CHECK_EQ(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_NET_RAW, 0, 0), 1);
	char *words[] = {"/tests/helper", "caps", NULL}, *environment[] = {NULL};
	CHECK_STR(output_of(words, environment), "0000000000002000 0000000000002000\n");
}

TEST(securebits_round_trip)
{
	CHECK_EQ(prctl(PR_GET_SECUREBITS), 0);
	CHECK_OK(prctl(PR_SET_SECUREBITS, 1 << 2));
	CHECK_EQ(prctl(PR_GET_SECUREBITS), 1 << 2);
	CHECK_OK(setuid(1000));
	CHECK_EQ(caps_of_self().data[0].effective, 0xffffffffu);
}

TEST(user_cannot_signal_another_user)
{
	pid_t child = fork_checked();
	if (child == 0)
		for (;;)
			pause();
	pid_t other = fork_checked();
	if (other == 0) {
		become_nobody();
		_exit(kill(child, SIGTERM) == -1 && errno == EPERM ? 0 : 1);
	}
	CHECK_EQ(wait_exit(other), 0);
	CHECK_OK(kill(child, SIGKILL));
	CHECK_EQ(wait_signal(child), SIGKILL);
}

TEST(user_cannot_do_what_root_does)
{
	become_nobody();
	CHECK_ERR(sethostname("x", 1), EPERM);
	CHECK_ERR(chroot("/"), EPERM);
	CHECK_ERR(mknod("device", S_IFCHR | 0600, 0x103), EPERM);
	CHECK_ERR(setpriority(PRIO_PROCESS, 0, -5), EACCES);
	CHECK_ERR(chown("/etc/passwd", 1, 1), EPERM);
	CHECK_ERR(chmod("/etc/passwd", 0777), EPERM);
	CHECK_ERR(kill(1, 0), EPERM);
}

TEST(personality_and_dumpable)
{
	CHECK_EQ(prctl(PR_GET_DUMPABLE), 1);
	CHECK_OK(prctl(PR_SET_DUMPABLE, 0));
	CHECK_EQ(prctl(PR_GET_DUMPABLE), 0);
	CHECK_ERR(prctl(PR_SET_DUMPABLE, 2), EINVAL);
	CHECK_ERR(prctl(12345), EINVAL);
}

TEST(name_of_the_thread)
{
	char name[17] = {0};
	CHECK_OK(prctl(PR_SET_NAME, "a-rather-long-name"));
	CHECK_OK(prctl(PR_GET_NAME, name));
	CHECK_STR(name, "a-rather-long-n");
	CHECK_STR(read_text("/proc/self/comm"), "a-rather-long-n\n");
}
