// SPDX-License-Identifier: MPL-2.0
/* Propagation of mounts: every transition of mount_namespaces(7), peer groups as mountinfo names them, set_group. */
#include "support.h"

#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>

enum { FROM_EMPTY = 4, SET_GROUP = 0x100, OPEN_CLONE = 1 };

static void folder(const char *path)
{
	CHECK_OK(mkdir(path, 0755) == 0 || errno == EEXIST ? 0 : -1);
}

static void tmpfs_at(const char *path)
{
	folder(path);
	CHECK_OK(mount("tmpfs", path, "tmpfs", 0, NULL));
}

static void change(const char *path, unsigned long flags)
{
	CHECK_OK(mount(NULL, path, NULL, flags, NULL));
}

static void bind_at(const char *from, const char *to, unsigned long flags)
{
	folder(to);
	CHECK_OK(mount(from, to, NULL, MS_BIND | flags, NULL));
}

/* The optional fields of the topmost mount whose mount point ends in this name: "shared:3 master:2" or "". */
static const char *fields_of(const char *name)
{
	static char fields[128];
	char wanted[64];
	snprintf(wanted, sizeof(wanted), "/%s ", name);
	const char *found = NULL;
	for (const char *at = read_text("/proc/self/mountinfo"); (at = strstr(at, wanted)); at++)
		found = at;
	CHECK(found != NULL);
	found += strlen(wanted);
	found += strcspn(found, " ");
	const char *end = strstr(found, " - ");
	CHECK(end != NULL);
	snprintf(fields, sizeof(fields), "%.*s", end > found ? (int)(end - found - 1) : 0, found + 1);
	return fields;
}

/* Group numbers are the kernel's business: only which of the words are there. */
static const char *kind_of(const char *name)
{
	static char kind[64];
	const char *fields = fields_of(name);
	snprintf(kind, sizeof(kind), "%s%s%s", strstr(fields, "shared:") ? "shared " : "",
		 strstr(fields, "master:") ? "slave " : "", strstr(fields, "unbindable") ? "unbindable " : "");
	if (!kind[0])
		return "private ";
	return kind;
}

static int number_in(const char *name, const char *word)
{
	const char *found = strstr(fields_of(name), word);
	return found ? atoi(found + strlen(word)) : 0;
}

/* A mount "m" of each kind; "peer" is what it was bound from. */
static void make_kind(const char *kind)
{
	tmpfs_at("peer");
	change("peer", strcmp(kind, "private ") && strcmp(kind, "unbindable ") ? MS_SHARED : MS_PRIVATE);
	bind_at("peer", "m", 0);
	if (strstr(kind, "slave"))
		change("m", MS_SLAVE);
	if (!strcmp(kind, "shared slave "))
		change("m", MS_SHARED);
	if (!strcmp(kind, "unbindable "))
		change("m", MS_UNBINDABLE);
	CHECK_STR(kind_of("m"), kind);
}

static void end_kind(void)
{
	CHECK_OK(umount("m"));
	CHECK_OK(umount("peer"));
}

TEST(every_transition)
{
	static const struct {
		const char *from, *shared, *slave, *private, *unbindable;
	} rows[] = {
		{"shared ", "shared ", "slave ", "private ", "unbindable "},
		{"slave ", "shared slave ", "slave ", "private ", "unbindable "},
		{"shared slave ", "shared slave ", "slave ", "private ", "unbindable "},
		{"private ", "shared ", "private ", "private ", "unbindable "},
		{"unbindable ", "shared ", "unbindable ", "private ", "unbindable "},
	};
	private_mounts();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const unsigned long to[] = {MS_SHARED, MS_SLAVE, MS_PRIVATE, MS_UNBINDABLE};
		const char *const wanted[] = {rows[i].shared, rows[i].slave, rows[i].private, rows[i].unbindable};
		for (int k = 0; k < 4; k++) {
			make_kind(rows[i].from);
			change("m", to[k]);
			CHECK_STR(kind_of("m"), wanted[k]);
			end_kind();
		}
	}
}

TEST(a_shared_mount_alone_becomes_private_as_slave)
{
	private_mounts();
	tmpfs_at("m");
	change("m", MS_SHARED);
	change("m", MS_SLAVE);
	CHECK_STR(kind_of("m"), "private ");
}

TEST(one_kind_at_a_time)
{
	private_mounts();
	tmpfs_at("m");
	CHECK_ERR(mount(NULL, "m", NULL, MS_SHARED | MS_PRIVATE, NULL), EINVAL);
	CHECK_ERR(mount(NULL, "m", NULL, MS_SHARED | MS_RDONLY, NULL), EINVAL);
	CHECK_ERR(mount(NULL, "m", NULL, MS_SLAVE | MS_NOSUID, NULL), EINVAL);
	CHECK_OK(mount(NULL, "m", NULL, MS_SHARED | MS_REC | MS_SILENT, NULL));
	CHECK_STR(kind_of("m"), "shared ");
	folder("m/d");
	CHECK_ERR(mount(NULL, "m/d", NULL, MS_SHARED, NULL), EINVAL);
}

TEST(recursive_change_reaches_all_below)
{
	private_mounts();
	tmpfs_at("m");
	tmpfs_at("m/a");
	tmpfs_at("m/a/b");
	change("m", MS_SHARED | MS_REC);
	CHECK_STR(kind_of("m/a/b"), "shared ");
	CHECK(number_in("m/a", "shared:") != number_in("m/a/b", "shared:"));
	change("m/a", MS_PRIVATE);
	CHECK_STR(kind_of("m/a"), "private ");
	CHECK_STR(kind_of("m/a/b"), "shared ");
}

/* Source by destination: what a bind of each kind to a shared and to a private place becomes. */
TEST(every_bind)
{
	static const struct {
		const char *source, *to_shared, *to_private;
	} rows[] = {
		{"shared ", "shared ", "shared "},
		{"private ", "shared ", "private "},
		{"slave ", "shared slave ", "slave "},
		{"shared slave ", "shared slave ", "shared slave "},
	};
	private_mounts();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (int is_shared = 0; is_shared < 2; is_shared++) {
			make_kind(rows[i].source);
			tmpfs_at("place");
			change("place", is_shared ? MS_SHARED : MS_PRIVATE);
			bind_at("m", "place/at", 0);
			CHECK_STR(kind_of("place/at"), is_shared ? rows[i].to_shared : rows[i].to_private);
			CHECK_OK(umount("place/at"));
			CHECK_OK(umount("place"));
			end_kind();
		}
	}
}

TEST(bound_mounts_share_a_group)
{
	private_mounts();
	tmpfs_at("m");
	change("m", MS_SHARED);
	bind_at("m", "n", 0);
	CHECK(number_in("m", "shared:") > 0);
	CHECK_EQ(number_in("m", "shared:"), number_in("n", "shared:"));
	bind_at("m", "s", 0);
	change("s", MS_SLAVE);
	CHECK_EQ(number_in("s", "master:"), number_in("m", "shared:"));
	bind_at("s", "s2", 0);
	CHECK_EQ(number_in("s2", "master:"), number_in("m", "shared:"));
	CHECK_EQ(number_in("s2", "shared:"), 0);
}

TEST(every_move)
{
	static const struct {
		const char *source, *to_shared, *to_private;
	} rows[] = {
		{"shared ", "shared ", "shared "},
		{"private ", "shared ", "private "},
		{"slave ", "shared slave ", "slave "},
		{"shared slave ", "shared slave ", "shared slave "},
		{"unbindable ", NULL, "unbindable "},
	};
	private_mounts();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (int is_shared = 0; is_shared < 2; is_shared++) {
			const char *wanted = is_shared ? rows[i].to_shared : rows[i].to_private;
			make_kind(rows[i].source);
			tmpfs_at("place");
			folder("place/at");
			change("place", is_shared ? MS_SHARED : MS_PRIVATE);
			if (wanted) {
				CHECK_OK(mount("m", "place/at", NULL, MS_MOVE, NULL));
				CHECK_STR(kind_of("place/at"), wanted);
				CHECK_OK(umount("place/at"));
			} else {
				CHECK_ERR(mount("m", "place/at", NULL, MS_MOVE, NULL), EINVAL);
				CHECK_OK(umount("m"));
			}
			CHECK_OK(umount("place"));
			CHECK_OK(umount("peer"));
		}
	}
}

TEST(mounts_below_a_shared_one_do_not_move)
{
	private_mounts();
	tmpfs_at("m");
	change("m", MS_SHARED);
	tmpfs_at("m/a");
	folder("n");
	CHECK_ERR(mount("m/a", "n", NULL, MS_MOVE, NULL), EINVAL);
	change("m", MS_PRIVATE);
	CHECK_OK(mount("m/a", "n", NULL, MS_MOVE, NULL));
}

TEST(slaves_pass_on_what_they_receive)
{
	private_mounts();
	tmpfs_at("m");
	folder("m/d");
	change("m", MS_SHARED);
	bind_at("m", "s", 0);
	change("s", MS_SLAVE);
	change("s", MS_SHARED);
	bind_at("s", "t", 0);
	change("t", MS_SLAVE);
	tmpfs_at("m/d");
	CHECK_STR(kind_of("m/d"), "shared ");
	CHECK_STR(kind_of("s/d"), "shared slave ");
	CHECK_STR(kind_of("t/d"), "slave ");
	CHECK_EQ(number_in("s/d", "master:"), number_in("m/d", "shared:"));
	CHECK_EQ(number_in("t/d", "master:"), number_in("s/d", "shared:"));
	CHECK_OK(umount("m/d"));
	CHECK_ERR(umount("s/d"), EINVAL);
	CHECK_ERR(umount("t/d"), EINVAL);
}

TEST(unmounting_spares_copies_with_mounts_on_them)
{
	private_mounts();
	tmpfs_at("m");
	folder("m/d");
	change("m", MS_SHARED);
	bind_at("m", "s", 0);
	change("s", MS_SLAVE);
	tmpfs_at("m/d");
	folder("m/d/e");
	tmpfs_at("s/d/e");
	CHECK_OK(umount("m/d"));
	CHECK_ERR(umount("m/d"), EINVAL);
	CHECK_OK(umount("s/d/e"));
	CHECK_OK(umount("s/d"));
}

/* What arrives where something is mounted already goes below that; both are mounts of the namespace as any other. */
TEST(what_arrives_goes_below_what_is_there)
{
	private_mounts();
	tmpfs_at("m");
	folder("m/d");
	change("m", MS_SHARED);
	bind_at("m", "s", 0);
	change("s", MS_SLAVE);
	tmpfs_at("s/d");
	write_text("s/d/upper", "");
	folder("s/d/e");
	tmpfs_at("s/d/e");
	tmpfs_at("m/d");
	write_text("m/d/lower", "");
	CHECK_OK(access("s/d/upper", F_OK));
	CHECK_ERR(access("s/d/lower", F_OK), ENOENT);
	CHECK_OK(umount("s/d/e"));
	CHECK_OK(umount("s/d"));
	CHECK_OK(access("s/d/lower", F_OK));
	CHECK_OK(umount("s/d"));
	CHECK_ERR(umount("s/d"), EINVAL);
	CHECK_OK(umount("m/d"));
}

TEST(only_what_lies_below_the_copy_s_root_arrives)
{
	private_mounts();
	tmpfs_at("m");
	folder("m/in");
	folder("m/in/d");
	folder("m/out");
	change("m", MS_SHARED);
	bind_at("m/in", "part", 0);
	tmpfs_at("m/out");
	tmpfs_at("m/in/d");
	write_text("m/in/d/f", "");
	CHECK_OK(access("part/d/f", F_OK));
	CHECK_OK(umount("part/d"));
	CHECK_ERR(access("m/in/d/f", F_OK), ENOENT);
}

TEST(recursive_bind_leaves_unbindable_out)
{
	private_mounts();
	tmpfs_at("m");
	tmpfs_at("m/a");
	tmpfs_at("m/a/b");
	tmpfs_at("m/c");
	change("m/a", MS_UNBINDABLE);
	bind_at("m", "n", MS_REC);
	CHECK_ERR(umount("n/a"), EINVAL);
	CHECK_ERR(access("n/a/b", F_OK), ENOENT);
	CHECK_OK(umount("n/c"));
}

TEST(a_heir_takes_the_slaves_over)
{
	private_mounts();
	tmpfs_at("m");
	folder("m/d");
	change("m", MS_SHARED);
	bind_at("m", "peer", 0);
	bind_at("m", "s", 0);
	change("s", MS_SLAVE);
	CHECK_OK(umount("m"));
	CHECK_EQ(number_in("s", "master:"), number_in("peer", "shared:"));
	tmpfs_at("peer/d");
	CHECK_OK(umount("s/d"));
	CHECK_OK(umount("peer/d"));
	change("peer", MS_PRIVATE);
	CHECK_STR(kind_of("s"), "private ");
}

/* Seen from a root below which the master has no mount, the next group above it there is named. */
TEST(the_dominating_group_in_reach_is_named)
{
	private_mounts();
	tmpfs_at("root");
	folder("root/proc");
	CHECK_OK(mount("proc", "root/proc", "proc", 0, NULL));
	tmpfs_at("root/m");
	change("root/m", MS_SHARED);
	int group = number_in("root/m", "shared:");
	bind_at("root/m", "outside", 0);
	change("outside", MS_SLAVE);
	change("outside", MS_SHARED);
	int between = number_in("outside", "shared:");
	bind_at("outside", "root/t", 0);
	change("root/t", MS_SLAVE);
	CHECK_EQ(number_in("root/t", "master:"), between);
	CHECK(!strstr(fields_of("root/t"), "propagate_from"));
	CHECK_OK(chroot("root"));
	CHECK_OK(chdir("/"));
	CHECK_EQ(number_in("t", "master:"), between);
	CHECK_EQ(number_in("t", "propagate_from:"), group);
	CHECK(!strstr(fields_of("m"), "propagate_from"));
}

static int set_group(const char *from, const char *to)
{
	return (int)syscall(SYS_move_mount, AT_FDCWD, from, AT_FDCWD, to, SET_GROUP);
}

TEST(set_group_makes_peers)
{
	private_mounts();
	tmpfs_at("m");
	folder("m/d");
	bind_at("m", "n", 0);
	change("m", MS_SHARED);
	CHECK_STR(kind_of("n"), "private ");
	CHECK_OK(set_group("m", "n"));
	CHECK_EQ(number_in("m", "shared:"), number_in("n", "shared:"));
	tmpfs_at("m/d");
	CHECK_OK(umount("n/d"));
}

TEST(set_group_hands_the_master_on)
{
	private_mounts();
	make_kind("slave ");
	bind_at("peer", "n", 0);
	change("n", MS_PRIVATE);
	CHECK_OK(set_group("m", "n"));
	CHECK_STR(kind_of("n"), "slave ");
	CHECK_EQ(number_in("n", "master:"), number_in("peer", "shared:"));
	bind_at("peer", "o", 0);
	change("o", MS_PRIVATE);
	change("m", MS_SHARED);
	CHECK_OK(set_group("m", "o"));
	CHECK_STR(kind_of("o"), "shared slave ");
	CHECK_EQ(number_in("o", "shared:"), number_in("m", "shared:"));
}

TEST(set_group_errors)
{
	private_mounts();
	tmpfs_at("m");
	folder("m/d");
	bind_at("m", "n", 0);
	CHECK_ERR(set_group("m", "n"), EINVAL); /* nothing to hand on */
	change("m", MS_SHARED);
	CHECK_ERR(set_group("m/d", "n"), EINVAL); /* no mount's root */
	CHECK_ERR(set_group("m", "n/d"), EINVAL);
	tmpfs_at("other");
	CHECK_ERR(set_group("m", "other"), EINVAL); /* another file system */
	bind_at("m", "o", 0);
	CHECK_ERR(set_group("m", "o"), EINVAL); /* has a group */
	bind_at("m/d", "part", 0);
	change("part", MS_PRIVATE);
	CHECK_ERR(set_group("part", "n"), EINVAL);
	change("part", MS_SHARED);
	CHECK_ERR(set_group("part", "n"), EINVAL); /* shows less than the other */
	CHECK_ERR(set_group("m", "missing"), ENOENT);
	CHECK_OK(set_group("m", "n"));
	bind_at("m/d", "part2", 0);
	change("part2", MS_PRIVATE);
	CHECK_OK(set_group("m", "part2")); /* shows more than the other: fits */
}

TEST(a_change_of_mounts_can_be_polled)
{
	private_mounts();
	int fd = CHECK_OK(open("/proc/self/mountinfo", O_RDONLY));
	struct pollfd p = {.fd = fd, .events = POLLPRI};
	CHECK_EQ(poll(&p, 1, 0), 0);
	tmpfs_at("m");
	CHECK_EQ(poll(&p, 1, 0), 1);
	CHECK_EQ(p.revents, POLLPRI | POLLERR);
	CHECK_EQ(poll(&p, 1, 0), 0);
	change("m", MS_SHARED);
	CHECK_EQ(poll(&p, 1, 0), 0);
	CHECK_OK(umount("m"));
	CHECK_EQ(poll(&p, 1, 0), 1);
}

TEST(mounts_out_of_reach_are_not_listed)
{
	private_mounts();
	tmpfs_at("outside");
	tmpfs_at("root");
	folder("root/proc");
	CHECK_OK(mount("proc", "root/proc", "proc", 0, NULL));
	tmpfs_at("root/m");
	CHECK_OK(chroot("root"));
	CHECK_OK(chdir("/"));
	CHECK(strstr(read_text("/proc/self/mountinfo"), " /m "));
	CHECK(!strstr(read_text("/proc/self/mountinfo"), "outside"));
	CHECK(!strstr(read_text("/proc/self/mounts"), "outside"));
	CHECK(strstr(read_text("/proc/self/mountstats"), "device tmpfs mounted on /m with fstype tmpfs\n"));
}
