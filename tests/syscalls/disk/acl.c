// SPDX-License-Identifier: MPL-2.0
/* POSIX access control lists on tmpfs, ext2 and through an overlay. source: acl(5) */
#include "support.h"

#include <grp.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/xattr.h>

#define ACCESS "system.posix_acl_access"
#define DEFAULT "system.posix_acl_default"
enum { USER = 1000, OTHER_USER = 1001, GROUP = 2000, ANY = -1 };

struct list {
	struct posix_acl_xattr_header head;
	struct posix_acl_xattr_entry entries[16];
	int count;
};

static struct list list_begin(void)
{
	struct list l = {.head.a_version = POSIX_ACL_XATTR_VERSION};
	return l;
}

static void add(struct list *l, int tag, int perm, unsigned id)
{
	l->entries[l->count++] =
		(struct posix_acl_xattr_entry){.e_tag = (uint16_t)tag, .e_perm = (uint16_t)perm, .e_id = id};
}

static size_t size_of(const struct list *l)
{
	return sizeof(l->head) + (size_t)l->count * sizeof(l->entries[0]);
}

static int set(const char *path, const char *name, const struct list *l)
{
	return setxattr(path, name, l, size_of(l), 0);
}

static struct list get(const char *path, const char *name)
{
	struct list l = list_begin();
	ssize_t size = CHECK_OK(getxattr(path, name, &l, sizeof(l) - sizeof(l.count)));
	l.count = (int)(((size_t)size - sizeof(l.head)) / sizeof(l.entries[0]));
	return l;
}

static void check_entry(const struct list *l, int at, int tag, int perm, unsigned id)
{
	CHECK(at < l->count);
	CHECK_EQ(l->entries[at].e_tag, tag);
	CHECK_EQ(l->entries[at].e_perm, perm);
	CHECK_EQ(l->entries[at].e_id, id);
}

/* u::rw- u:1000:<user> g::r-- g:2000:rw- m::<mask> o::--- */
static struct list typical(int user, int mask)
{
	struct list l = list_begin();
	add(&l, ACL_USER_OBJ, 6, (unsigned)ANY);
	add(&l, ACL_USER, user, USER);
	add(&l, ACL_GROUP_OBJ, 4, (unsigned)ANY);
	add(&l, ACL_GROUP, 6, GROUP);
	add(&l, ACL_MASK, mask, (unsigned)ANY);
	add(&l, ACL_OTHER, 0, (unsigned)ANY);
	return l;
}

static mode_t mode_of(const char *path)
{
	struct stat info;
	CHECK_OK(lstat(path, &info));
	return info.st_mode & 07777;
}

/* The error of opening as somebody, or 0. */
static int open_as(uid_t uid, gid_t gid, const char *path, int flags)
{
	pid_t child = fork_checked();
	if (child == 0) {
		CHECK_OK(setgroups(0, NULL));
		CHECK_OK(setresgid(gid, gid, gid));
		CHECK_OK(setresuid(uid, uid, uid));
		_exit(open(path, flags) < 0 ? errno : 0);
	}
	return wait_exit(child);
}

static void check_rights(void)
{
	CHECK_OK(close(make_file("f")));
	struct list l = typical(6, 6);
	CHECK_OK(chmod("f", 0600));
	CHECK_OK(set("f", ACCESS, &l));
	CHECK_EQ(mode_of("f"), 0660);
	CHECK_EQ(open_as(USER, 5, "f", O_RDWR), 0);
	CHECK_EQ(open_as(OTHER_USER, 5, "f", O_RDONLY), EACCES);
	CHECK_EQ(open_as(OTHER_USER, GROUP, "f", O_RDWR), 0);
	CHECK_EQ(open_as(OTHER_USER, 0, "f", O_RDONLY), 0);
	CHECK_EQ(open_as(OTHER_USER, 0, "f", O_WRONLY), EACCES);
	/* The mask takes rights from all but the owner and others. */
	l = typical(6, 4);
	CHECK_OK(set("f", ACCESS, &l));
	CHECK_EQ(mode_of("f"), 0640);
	CHECK_EQ(open_as(USER, 5, "f", O_RDWR), EACCES);
	CHECK_EQ(open_as(USER, 5, "f", O_RDONLY), 0);
	CHECK_EQ(open_as(OTHER_USER, GROUP, "f", O_WRONLY), EACCES);
	/* Who is named but has no right gets none from others. */
	l = typical(0, 7);
	l.entries[5].e_perm = 6;
	CHECK_OK(set("f", ACCESS, &l));
	CHECK_EQ(open_as(USER, 5, "f", O_RDONLY), EACCES);
	CHECK_EQ(open_as(OTHER_USER, 5, "f", O_RDWR), 0);
	CHECK_EQ(open_as(OTHER_USER, 0, "f", O_RDWR), EACCES);
}

static void check_mode(void)
{
	CHECK_OK(close(make_file("g")));
	struct list l = typical(6, 7);
	CHECK_OK(set("g", ACCESS, &l));
	CHECK_EQ(mode_of("g"), 0670);
	CHECK_OK(chmod("g", 0741));
	l = get("g", ACCESS);
	CHECK_EQ(l.count, 6);
	check_entry(&l, 0, ACL_USER_OBJ, 7, (unsigned)ANY);
	check_entry(&l, 1, ACL_USER, 6, USER);
	check_entry(&l, 2, ACL_GROUP_OBJ, 4, (unsigned)ANY);
	check_entry(&l, 3, ACL_GROUP, 6, GROUP);
	check_entry(&l, 4, ACL_MASK, 4, (unsigned)ANY);
	check_entry(&l, 5, ACL_OTHER, 1, (unsigned)ANY);
	CHECK_EQ(mode_of("g"), 0741);
	/* A list that says no more than the mode is kept as the mode. */
	l = list_begin();
	add(&l, ACL_USER_OBJ, 6, (unsigned)ANY);
	add(&l, ACL_GROUP_OBJ, 2, (unsigned)ANY);
	add(&l, ACL_OTHER, 4, (unsigned)ANY);
	CHECK_OK(set("g", ACCESS, &l));
	CHECK_EQ(mode_of("g"), 0624);
	CHECK_ERR(getxattr("g", ACCESS, NULL, 0), ENODATA);
	CHECK_ERR(getxattr("g", DEFAULT, NULL, 0), ENODATA);
	l = typical(6, 7);
	CHECK_OK(set("g", ACCESS, &l));
	char names[128] = "";
	CHECK_EQ(listxattr("g", names, sizeof(names)), (ssize_t)sizeof(ACCESS));
	CHECK_STR(names, ACCESS);
	CHECK_OK(removexattr("g", ACCESS));
	CHECK_ERR(getxattr("g", ACCESS, NULL, 0), ENODATA);
	CHECK_EQ(listxattr("g", names, sizeof(names)), 0);
	CHECK_OK(removexattr("g", ACCESS));
	CHECK_EQ(open_as(USER, 5, "g", O_RDONLY), EACCES);
}

static void check_inheritance(void)
{
	CHECK_OK(mkdir("d", 0755));
	struct list l = typical(7, 7);
	CHECK_OK(set("d", DEFAULT, &l));
	CHECK_EQ(mode_of("d"), 0755);
	umask(077);
	CHECK_OK(close(CHECK_OK(open("d/file", O_CREAT | O_RDWR, 0666))));
	CHECK_OK(mkdir("d/folder", 0777));
	CHECK_OK(mkfifo("d/fifo", 0644));
	CHECK_OK(symlink("x", "d/link"));
	CHECK_EQ(mode_of("d/file"), 0660);
	CHECK_EQ(mode_of("d/folder"), 0670);
	CHECK_EQ(mode_of("d/fifo"), 0640);
	l = get("d/file", ACCESS);
	CHECK_EQ(l.count, 6);
	check_entry(&l, 0, ACL_USER_OBJ, 6, (unsigned)ANY);
	check_entry(&l, 1, ACL_USER, 7, USER);
	check_entry(&l, 4, ACL_MASK, 6, (unsigned)ANY);
	check_entry(&l, 5, ACL_OTHER, 0, (unsigned)ANY);
	CHECK_ERR(getxattr("d/file", DEFAULT, NULL, 0), ENODATA);
	l = get("d/folder", DEFAULT);
	CHECK_EQ(l.count, 6);
	check_entry(&l, 4, ACL_MASK, 7, (unsigned)ANY);
	l = get("d/folder", ACCESS);
	check_entry(&l, 0, ACL_USER_OBJ, 6, (unsigned)ANY);
	check_entry(&l, 4, ACL_MASK, 7, (unsigned)ANY);
	CHECK_EQ(open_as(USER, 5, "d/file", O_RDWR), 0);
	/* One without names gives a mode alone. */
	l = list_begin();
	add(&l, ACL_USER_OBJ, 7, (unsigned)ANY);
	add(&l, ACL_GROUP_OBJ, 5, (unsigned)ANY);
	add(&l, ACL_OTHER, 1, (unsigned)ANY);
	CHECK_OK(set("d", DEFAULT, &l));
	CHECK_OK(close(CHECK_OK(open("d/plain", O_CREAT | O_RDWR, 0666))));
	CHECK_EQ(mode_of("d/plain"), 0640);
	CHECK_ERR(getxattr("d/plain", ACCESS, NULL, 0), ENODATA);
	CHECK_OK(removexattr("d", DEFAULT));
	CHECK_OK(close(CHECK_OK(open("d/masked", O_CREAT | O_RDWR, 0666))));
	CHECK_EQ(mode_of("d/masked"), 0600);
	umask(022);
}

static int set_raw(const char *path, const char *name, int version, const struct list *from, size_t size)
{
	struct list l = *from;
	l.head.a_version = (uint32_t)version;
	return setxattr(path, name, &l, size, 0);
}

static void check_refusals(void)
{
	CHECK_OK(close(make_file("r")));
	struct list good = typical(6, 6), l = good;
	CHECK_ERR(set_raw("r", ACCESS, 1, &good, size_of(&good)), EOPNOTSUPP);
	CHECK_ERR(set_raw("r", ACCESS, 2, &good, size_of(&good) - 1), EINVAL);
	CHECK_ERR(set_raw("r", ACCESS, 2, &good, 3), EINVAL);
	CHECK_ERR(set_raw("r", ACCESS, 2, &good, size_of(&good) - sizeof(l.entries[0])), EINVAL); /* no others */
	l.entries[1].e_perm = 8;
	CHECK_ERR(set("r", ACCESS, &l), EINVAL);
	l = good;
	l.entries[1].e_tag = 3;
	CHECK_ERR(set("r", ACCESS, &l), EINVAL);
	l = good;
	l.entries[0] = l.entries[1];
	CHECK_ERR(set("r", ACCESS, &l), EINVAL);
	l = good;
	l.entries[4] = l.entries[5]; /* named users without a mask */
	l.count = 5;
	CHECK_ERR(set("r", ACCESS, &l), EINVAL);
	CHECK_ERR(set("r", DEFAULT, &good), EACCES);
	CHECK_ERR(setxattr("r", "system.other", "", 0, 0), EOPNOTSUPP);
	CHECK_ERR(getxattr("r", "system.posix_acl_accessx", NULL, 0), EOPNOTSUPP);
	CHECK_ERR(getxattr("r", "system.posix_acl_acces", NULL, 0), EOPNOTSUPP);
	CHECK_OK(symlink("r", "s"));
	CHECK_ERR(lsetxattr("s", ACCESS, &good, size_of(&good), 0), EOPNOTSUPP);
	CHECK_ERR(lgetxattr("s", ACCESS, NULL, 0), EOPNOTSUPP);
	pid_t child = fork_checked();
	if (child == 0) {
		become_nobody();
		CHECK_ERR(set("r", ACCESS, &good), EPERM);
		CHECK_ERR(removexattr("r", ACCESS), EPERM);
		_exit(0);
	}
	CHECK_EQ(wait_exit(child), 0);
	char small[8];
	CHECK_OK(set("r", ACCESS, &good));
	CHECK_ERR(getxattr("r", ACCESS, small, sizeof(small)), ERANGE);
	CHECK_EQ(getxattr("r", ACCESS, NULL, 0), (ssize_t)size_of(&good));
	CHECK_ERR(setxattr("r", ACCESS, "", 0, 0), EINVAL);
	/* One without entries is none. */
	l = list_begin();
	CHECK_OK(set("r", ACCESS, &l));
	CHECK_ERR(getxattr("r", ACCESS, NULL, 0), ENODATA);
	CHECK_EQ(mode_of("r"), 0660);
}

static void check_all(void)
{
	umask(022);
	CHECK_OK(chmod(".", 0755));
	check_rights();
	check_mode();
	check_inheritance();
	check_refusals();
}

static void on_memory(void)
{
	private_mounts();
	CHECK_OK(mkdir("m", 0755));
	CHECK_OK(mount("tmpfs", "m", "tmpfs", 0, "mode=755"));
	CHECK_OK(chdir("m"));
}

TEST(memory)
{
	on_memory();
	check_all();
}

static void mount_disk(const char *options)
{
	if (access("/dev/vda", F_OK) != 0)
		test_skip("no disk");
	private_mounts();
	mkdir("/tmp/acl", 0755);
	CHECK_OK(chmod("/tmp", 01777));
	CHECK_OK(mount("/dev/vda", "/tmp/acl", "ext2", 0, options));
}

static void leave_disk(const char *remove[])
{
	for (int i = 0; remove[i]; i++)
		CHECK_OK(remove[i][0] == '/' ? rmdir(remove[i] + 1) : unlink(remove[i]));
	CHECK_OK(chdir("/"));
	CHECK_OK(umount("/tmp/acl"));
}

TEST(disk)
{
	static const char *made[] = {"d/file", "d/fifo", "d/link", "d/plain", "d/masked", "/d/folder", "/d", "f", "g",
				     "r", "s", "kept", NULL};
	mount_disk(NULL);
	CHECK_OK(chdir("/tmp/acl"));
	check_all();
	CHECK_OK(close(make_file("kept")));
	struct list l = typical(5, 7);
	CHECK_OK(set("kept", ACCESS, &l));
	CHECK_OK(setxattr("kept", "user.x", "1", 1, 0));
	CHECK_OK(chdir("/"));
	CHECK_OK(umount("/tmp/acl"));
	CHECK_OK(mount("/dev/vda", "/tmp/acl", "ext2", 0, NULL));
	CHECK_OK(chdir("/tmp/acl"));
	l = get("kept", ACCESS);
	CHECK_EQ(l.count, 6);
	check_entry(&l, 1, ACL_USER, 5, USER);
	check_entry(&l, 5, ACL_OTHER, 0, (unsigned)ANY);
	CHECK_EQ(open_as(USER, 5, "kept", O_RDONLY), 0);
	CHECK_EQ(open_as(USER, 5, "kept", O_RDWR), EACCES);
	leave_disk(made);
}

TEST(disk_without)
{
	static const char *made[] = {"f", NULL};
	mount_disk("acl");
	CHECK_OK(chdir("/tmp/acl"));
	CHECK_OK(close(make_file("f")));
	struct list l = typical(6, 6);
	CHECK_OK(set("f", ACCESS, &l));
	CHECK_EQ(open_as(USER, 5, "f", O_RDONLY), 0);
	CHECK_OK(chdir("/"));
	CHECK_OK(umount("/tmp/acl"));
	if (mount("/dev/vda", "/tmp/acl", "ext2", 0, "noacl") != 0)
		test_skip("an ext2 that cannot do without (Linux's ext4)");
	CHECK(strstr(read_text("/proc/self/mounts"), "noacl"));
	CHECK_OK(chdir("/tmp/acl"));
	CHECK_ERR(set("f", ACCESS, &l), EOPNOTSUPP);
	CHECK_ERR(getxattr("f", ACCESS, NULL, 0), EOPNOTSUPP);
	CHECK_EQ(listxattr("f", NULL, 0), 0);
	CHECK_EQ(open_as(USER, 5, "f", O_RDONLY), EACCES);
	CHECK_OK(mount("none", "/tmp/acl", NULL, MS_REMOUNT, "acl"));
	CHECK(!strstr(read_text("/proc/self/mounts"), "noacl"));
	CHECK(getxattr("f", ACCESS, NULL, 0) > 0);
	CHECK_EQ(open_as(USER, 5, "f", O_RDONLY), 0);
	CHECK_OK(mount("none", "/tmp/acl", NULL, MS_REMOUNT, "noacl"));
	CHECK(strstr(read_text("/proc/self/mounts"), "noacl"));
	CHECK_ERR(getxattr("f", ACCESS, NULL, 0), EOPNOTSUPP);
	CHECK_EQ(open_as(USER, 5, "f", O_RDONLY), EACCES);
	leave_disk(made);
}

TEST(overlay)
{
	on_memory();
	CHECK_OK(mkdir("lower", 0755));
	CHECK_OK(mkdir("upper", 0755));
	CHECK_OK(mkdir("work", 0755));
	CHECK_OK(mkdir("o", 0755));
	CHECK_OK(close(make_file("lower/low")));
	CHECK_OK(mkdir("lower/folder", 0755));
	struct list l = typical(6, 7);
	CHECK_OK(set("lower/low", ACCESS, &l));
	CHECK_OK(set("lower/folder", DEFAULT, &l));
	CHECK_OK(mount("overlay", "o", "overlay", 0, "lowerdir=lower,upperdir=upper,workdir=work"));
	CHECK_EQ(open_as(USER, 5, "o/low", O_RDONLY), 0);
	CHECK_EQ(open_as(OTHER_USER, 5, "o/low", O_RDONLY), EACCES);
	CHECK_EQ(open_as(USER, 5, "o/low", O_RDWR), 0);
	l = get("upper/low", ACCESS);
	check_entry(&l, 1, ACL_USER, 6, USER);
	CHECK_OK(close(CHECK_OK(open("o/folder/new", O_CREAT | O_RDWR, 0666))));
	l = get("o/folder/new", ACCESS);
	CHECK_EQ(l.count, 6);
	check_entry(&l, 4, ACL_MASK, 6, (unsigned)ANY);
	l = get("upper/folder", DEFAULT);
	CHECK_EQ(l.count, 6);
	/* Over a whiteout as well. */
	CHECK_OK(unlink("o/low"));
	CHECK_OK(set("o", DEFAULT, &l));
	CHECK_OK(close(CHECK_OK(open("o/low", O_CREAT | O_RDWR, 0664))));
	CHECK_EQ(mode_of("o/low"), 0660);
	l = get("o/low", ACCESS);
	CHECK_EQ(l.count, 6);
	CHECK_OK(removexattr("o", DEFAULT));
	CHECK_OK(chdir("o"));
	check_all();
}

/* Names in a list are those of the reader's user namespace. */
TEST(in_a_user_namespace)
{
	on_memory();
	CHECK_OK(close(make_file("f")));
	struct list l = typical(6, 6);
	CHECK_OK(set("f", ACCESS, &l));
	int turns[2];
	CHECK_OK(pipe(turns));
	char byte = 0;
	pid_t child = fork_checked();
	if (child == 0) {
		CHECK_OK(unshare(CLONE_NEWUSER));
		CHECK_EQ(write(turns[1], "", 1), 1);
		while (getuid() != 1)
			sleep_ms(5);
		l = get("f", ACCESS);
		check_entry(&l, 1, ACL_USER, 6, 0);
		check_entry(&l, 3, ACL_GROUP, 6, (unsigned)-1);
		_exit(0);
	}
	CHECK_EQ(read(turns[0], &byte, 1), 1);
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/uid_map", child);
	CHECK_OK(put_text(path, "0 1000 1\n1 0 1\n"));
	CHECK_EQ(wait_exit(child), 0);
}
