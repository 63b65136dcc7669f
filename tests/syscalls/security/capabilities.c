// SPDX-License-Identifier: MPL-2.0
/* capabilities(7): sets over setuid and execve, bounding and ambient sets, securebits, files with capabilities. */
#include "support.h"

#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

#define BIT(c) (1ull << (c))
#define USER 1000

/* A set from the status file of the caller: "CapEff". */
static unsigned long long set_in(const char *text, const char *name)
{
	const char *line = strstr(text, name);
	CHECK(line);
	return strtoull(strchr(line, ':') + 1, NULL, 16);
}
#define own(name) set_in(read_text("/proc/self/status"), name)

static void set_capabilities(unsigned long long permitted, unsigned long long inheritable)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {
		{(unsigned)permitted, (unsigned)permitted, (unsigned)inheritable},
		{(unsigned)(permitted >> 32), (unsigned)(permitted >> 32), (unsigned)(inheritable >> 32)},
	};
	CHECK_OK(syscall(SYS_capset, &header, data));
}

/* The status of a program that the path names, in the case's folder or /bin/busybox. */
static const char *status_after_exec(const char *path)
{
	return output_of((char *[]){(char *)path, "cat", "/proc/self/status", NULL}, (char *[]){NULL});
}

static void copy_busybox(void)
{
	output_of((char *[]){"/bin/busybox", "cp", "/bin/busybox", "busybox", NULL}, (char *[]){NULL});
	CHECK_OK(chmod(".", 0755));
	CHECK_OK(chmod("busybox", 0755));
}

/* Version 2 of the attribute: permitted and inheritable of the file, and whether they become effective at once. */
static void give_file(unsigned permitted, unsigned inheritable, int effective)
{
	unsigned raw[5] = {0x02000000u | (effective ? 1 : 0), permitted, inheritable, 0, 0};
	CHECK_OK(setxattr("busybox", "security.capability", raw, sizeof(raw), 0));
}

TEST(setuid_loses_and_keepcaps_keeps)
{
	pid_t child = fork_checked();
	if (child == 0) {
		CHECK_OK(setresuid(USER, USER, USER));
		_exit(own("CapPrm") == 0 && own("CapEff") == 0 ? 5 : 6);
	}
	CHECK_EQ(wait_exit(child), 5);
	CHECK_OK(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0));
	unsigned long long before = own("CapPrm");
	CHECK_OK(setresuid(USER, USER, USER));
	CHECK_EQ(own("CapPrm"), before);
	CHECK_EQ(own("CapEff"), 0);
	CHECK_EQ(set_in(status_after_exec("/bin/busybox"), "CapPrm"), 0);
}

TEST(no_setuid_fixup)
{
	unsigned long long before = own("CapPrm");
	CHECK_OK(prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0));
	CHECK_OK(setresuid(USER, USER, USER));
	CHECK_EQ(own("CapPrm"), before);
	CHECK_EQ(own("CapEff"), before);
}

TEST(no_root)
{
	CHECK(set_in(status_after_exec("/bin/busybox"), "CapEff") != 0);
	CHECK_OK(prctl(PR_SET_SECUREBITS, SECBIT_NOROOT, 0, 0, 0));
	CHECK_EQ(set_in(status_after_exec("/bin/busybox"), "CapEff"), 0);
	CHECK_EQ(set_in(status_after_exec("/bin/busybox"), "CapPrm"), 0);
}

TEST(securebits_are_locked)
{
	CHECK_ERR(prctl(PR_SET_SECUREBITS, 1u << 20, 0, 0, 0), EPERM);
	CHECK_OK(prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED, 0, 0, 0));
	CHECK_EQ(prctl(PR_GET_SECUREBITS), SECBIT_NOROOT | SECBIT_NOROOT_LOCKED);
	CHECK_ERR(prctl(PR_SET_SECUREBITS, SECBIT_NOROOT_LOCKED, 0, 0, 0), EPERM);
	CHECK_ERR(prctl(PR_SET_SECUREBITS, SECBIT_NOROOT, 0, 0, 0), EPERM);
	CHECK_OK(prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_KEEP_CAPS_LOCKED, 0, 0, 0));
	CHECK_ERR(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0), EPERM);
	set_capabilities(0, 0);
	CHECK_ERR(prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_KEEP_CAPS_LOCKED |
			SECBIT_NO_SETUID_FIXUP, 0, 0, 0), EPERM);
}

TEST(bounding_set)
{
	CHECK_EQ(prctl(PR_CAPBSET_READ, CAP_NET_RAW, 0, 0, 0), 1);
	CHECK_ERR(prctl(PR_CAPBSET_READ, 63, 0, 0, 0), EINVAL);
	CHECK_ERR(prctl(PR_CAPBSET_DROP, 63, 0, 0, 0), EINVAL);
	CHECK_OK(prctl(PR_CAPBSET_DROP, CAP_NET_RAW, 0, 0, 0));
	CHECK_EQ(prctl(PR_CAPBSET_READ, CAP_NET_RAW, 0, 0, 0), 0);
	CHECK_EQ(own("CapBnd") & BIT(CAP_NET_RAW), 0);
	CHECK(own("CapEff") & BIT(CAP_NET_RAW));
	CHECK_EQ(set_in(status_after_exec("/bin/busybox"), "CapEff") & BIT(CAP_NET_RAW), 0);
	/* What is not in the bounding set cannot be made inheritable. */
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];
	CHECK_OK(syscall(SYS_capget, &header, data));
	set_capabilities(BIT(CAP_CHOWN), 0);
	CHECK_ERR(prctl(PR_CAPBSET_DROP, CAP_CHOWN, 0, 0, 0), EPERM);
}

TEST(ambient_set)
{
	CHECK_ERR(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0), EPERM);	/* not inheritable */
	set_capabilities(BIT(CAP_CHOWN) | BIT(CAP_SETUID) | BIT(CAP_SETPCAP), BIT(CAP_CHOWN));
	CHECK_OK(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0));
	CHECK_ERR(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SETUID, 0, 0), EPERM);
	CHECK_ERR(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 63, 0, 0), EINVAL);
	CHECK_ERR(prctl(PR_CAP_AMBIENT, 99, 0, 0, 0), EINVAL);
	CHECK_EQ(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_CHOWN, 0, 0), 1);
	CHECK_OK(prctl(PR_SET_SECUREBITS, SECBIT_KEEP_CAPS, 0, 0, 0));
	CHECK_OK(setresuid(USER, USER, USER));
	CHECK_EQ(own("CapAmb"), 0);		/* another user: gone */
	CHECK_OK(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0));
	CHECK_EQ(own("CapAmb"), BIT(CAP_CHOWN));
	CHECK_EQ(set_in(status_after_exec("/bin/busybox"), "CapEff"), BIT(CAP_CHOWN));
	CHECK_EQ(set_in(status_after_exec("/bin/busybox"), "CapAmb"), BIT(CAP_CHOWN));
	/* Losing it from the permitted or inheritable set lowers it. */
	set_capabilities(BIT(CAP_CHOWN), 0);
	CHECK_EQ(own("CapAmb"), 0);
}

TEST(ambient_raise_can_be_forbidden)
{
	set_capabilities(BIT(CAP_CHOWN) | BIT(CAP_SETPCAP), BIT(CAP_CHOWN));
	CHECK_OK(prctl(PR_SET_SECUREBITS, SECBIT_NO_CAP_AMBIENT_RAISE, 0, 0, 0));
	CHECK_ERR(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0), EPERM);
	CHECK_OK(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0));
}

TEST(file_capabilities)
{
	copy_busybox();
	give_file(BIT(CAP_CHOWN) | BIT(CAP_KILL), 0, 1);
	become_nobody();
	const char *status = status_after_exec("./busybox");
	CHECK_EQ(set_in(status, "CapPrm"), BIT(CAP_CHOWN) | BIT(CAP_KILL));
	CHECK_EQ(set_in(status, "CapEff"), BIT(CAP_CHOWN) | BIT(CAP_KILL));
	CHECK_OK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	CHECK_EQ(set_in(status_after_exec("./busybox"), "CapPrm"), 0);
}

TEST(file_capabilities_that_the_program_raises_itself)
{
	copy_busybox();
	give_file(BIT(CAP_CHOWN), 0, 0);
	become_nobody();
	const char *status = status_after_exec("./busybox");
	CHECK_EQ(set_in(status, "CapPrm"), BIT(CAP_CHOWN));
	CHECK_EQ(set_in(status, "CapEff"), 0);
}

TEST(file_capabilities_and_the_bounding_set)
{
	copy_busybox();
	give_file(BIT(CAP_CHOWN), 0, 1);
	CHECK_OK(prctl(PR_CAPBSET_DROP, CAP_CHOWN, 0, 0, 0));
	become_nobody();
	/* A program that must have it does not start. */
	pid_t child = fork_checked();
	if (child == 0) {
		execl("./busybox", "true", NULL);
		_exit(errno);
	}
	CHECK_EQ(wait_exit(child), EPERM);
}

TEST(file_capabilities_end_the_ambient_set)
{
	copy_busybox();
	give_file(BIT(CAP_KILL), 0, 1);
	set_capabilities(BIT(CAP_CHOWN) | BIT(CAP_SETUID) | BIT(CAP_SETPCAP), BIT(CAP_CHOWN));
	CHECK_OK(prctl(PR_SET_SECUREBITS, SECBIT_KEEP_CAPS, 0, 0, 0));
	CHECK_OK(setresuid(USER, USER, USER));
	CHECK_OK(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0));
	const char *status = status_after_exec("./busybox");
	CHECK_EQ(set_in(status, "CapAmb"), 0);
	CHECK_EQ(set_in(status, "CapPrm"), BIT(CAP_KILL));
}

TEST(file_capabilities_on_a_mount_without)
{
	private_mounts();
	CHECK_OK(mkdir("place", 0755));
	CHECK_OK(mount("tmpfs", "place", "tmpfs", MS_NOSUID, NULL));
	CHECK_OK(chdir("place"));
	copy_busybox();
	give_file(BIT(CAP_CHOWN), 0, 1);
	become_nobody();
	CHECK_EQ(set_in(status_after_exec("./busybox"), "CapPrm"), 0);
}

TEST(writing_takes_file_capabilities_away)
{
	char raw[20];
	copy_busybox();
	give_file(BIT(CAP_CHOWN), 0, 1);
	CHECK_EQ(getxattr("busybox", "security.capability", raw, sizeof(raw)), 20);
	int fd = CHECK_OK(open("busybox", O_WRONLY | O_APPEND));
	CHECK_EQ(write(fd, "x", 1), 1);
	close(fd);
	CHECK_ERR(getxattr("busybox", "security.capability", raw, sizeof(raw)), ENODATA);
}

TEST(set_user_id_program)
{
	copy_busybox();
	CHECK_OK(chmod("busybox", 04755));
	become_nobody();
	const char *status = status_after_exec("./busybox");
	/* busybox gives the identity up again; what it had shows in what it may not get back. */
	CHECK(strstr(status, "Uid:\t65534\t"));
	CHECK_OK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	CHECK(strstr(status_after_exec("./busybox"), "Uid:\t65534\t65534\t65534\t65534\n"));
}

TEST(no_new_privileges_keeps_root_without_what_it_gave_away)
{
	set_capabilities(BIT(CAP_CHOWN), 0);
	unsigned long long all = set_in(status_after_exec("/bin/busybox"), "CapPrm");
	CHECK(all != BIT(CAP_CHOWN));
	CHECK_OK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	CHECK_EQ(set_in(status_after_exec("/bin/busybox"), "CapPrm"), BIT(CAP_CHOWN));
	CHECK_EQ(set_in(status_after_exec("/bin/busybox"), "CapEff"), BIT(CAP_CHOWN));
	CHECK_EQ(set_in(status_after_exec("/bin/busybox"), "CapBnd"), all);
	set_capabilities(0, 0);
	CHECK_EQ(set_in(status_after_exec("/bin/busybox"), "CapPrm"), 0);
}

TEST(no_new_privileges_ends_an_effective_user)
{
	char *ids[] = {"/tests/helper", "ids", NULL}, *none[] = {NULL};
	CHECK_OK(setresuid(USER, 0, 0));
	CHECK_STR(output_of(ids, none), "1000 0 0\n");
	CHECK_OK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	CHECK_STR(output_of(ids, none), "1000 1000 1000\n");
}
