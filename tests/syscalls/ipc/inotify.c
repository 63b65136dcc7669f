// SPDX-License-Identifier: MPL-2.0
/* inotify: what each change of a file tells, in which order, and how watches and queues end. */
#include "support.h"

#include <poll.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

static const struct { unsigned bit; const char *name; } event_names[] = {
	{IN_ACCESS, "access"}, {IN_MODIFY, "modify"}, {IN_ATTRIB, "attrib"}, {IN_CLOSE_WRITE, "close_write"},
	{IN_CLOSE_NOWRITE, "close"}, {IN_OPEN, "open"}, {IN_MOVED_FROM, "from"}, {IN_MOVED_TO, "to"},
	{IN_CREATE, "create"}, {IN_DELETE, "delete"}, {IN_DELETE_SELF, "delete_self"}, {IN_MOVE_SELF, "move_self"},
	{IN_UNMOUNT, "unmount"}, {IN_Q_OVERFLOW, "overflow"}, {IN_IGNORED, "ignored"}, {IN_ISDIR, "dir"},
};

static size_t put_event(char *out, size_t used, size_t size, const struct inotify_event *event)
{
	for (size_t n = 0; n < sizeof(event_names) / sizeof(event_names[0]); n++) {
		if (event->mask & event_names[n].bit)
			used += (size_t)snprintf(out + used, size - used, "%s ", event_names[n].name);
	}
	if (event->len)
		used += (size_t)snprintf(out + used, size - used, "%s ", event->name);
	used += (size_t)snprintf(out + used, size - used, "#%d; ", event->wd);
	return used;
}

/* All that is waiting, as "create f #1; open f #1; "; the cookie of the last event goes to last_cookie. */
static unsigned last_cookie;
static const char *events(int fd)
{
	static char text[8192];
	char buffer[4096] __attribute__((aligned(8)));
	size_t used = 0;
	text[0] = 0;
	for (;;) {
		const ssize_t have = read(fd, buffer, sizeof(buffer));
		if (have < 0) {
			CHECK_EQ(errno, EAGAIN);
			return text;
		}
		for (ssize_t at = 0; at < have;) {
			const struct inotify_event *event = (const void *)(buffer + at);
			CHECK_EQ(event->len % 16, 0);
			used = put_event(text, used, sizeof(text), event);
			last_cookie = event->cookie;
			at += (ssize_t)(sizeof(*event) + event->len);
		}
	}
}

static int instance(void)
{
	return CHECK_OK(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
}

TEST(a_file_tells_of_itself)
{
	int fd = instance();
	char byte;
	write_text("f", "text");
	CHECK_EQ(inotify_add_watch(fd, "f", IN_ALL_EVENTS), 1);
	int f = CHECK_OK(open("f", O_RDWR));
	CHECK_STR(events(fd), "open #1; ");
	CHECK_EQ(read(f, &byte, 1), 1);
	CHECK_EQ(write(f, "y", 1), 1);
	CHECK_OK(ftruncate(f, 0));
	CHECK_OK(fchmod(f, 0600));
	CHECK_STR(events(fd), "access #1; modify #1; attrib #1; ");
	CHECK_EQ(read(f, &byte, 1), 0);
	CHECK_OK(close(f));
	CHECK_STR(events(fd), "close_write #1; ");
	CHECK_OK(close(CHECK_OK(open("f", O_RDONLY))));
	CHECK_STR(events(fd), "open #1; close #1; ");
	CHECK_OK(close(CHECK_OK(open("f", O_PATH))));
	CHECK_STR(events(fd), "");
}

TEST(a_truncating_open_modifies)
{
	int fd = instance();
	write_text("f", "text");
	CHECK_OK(inotify_add_watch(fd, "f", IN_MODIFY | IN_OPEN));
	CHECK_OK(close(CHECK_OK(open("f", O_WRONLY | O_TRUNC))));
	CHECK_STR(events(fd), "modify #1; open #1; ");
	CHECK_ERR(open("f", O_RDONLY | O_DIRECTORY), ENOTDIR);
	CHECK_STR(events(fd), "");
}

TEST(times_owners_and_attributes_tell)
{
	int fd = instance();
	const struct timespec both[2] = {{1, 0}, {2, 0}}, access_only[2] = {{1, 0}, {0, UTIME_OMIT}},
			      modify_only[2] = {{0, UTIME_OMIT}, {2, 0}};
	write_text("f", "");
	CHECK_OK(inotify_add_watch(fd, "f", IN_ALL_EVENTS));
	CHECK_OK(utimensat(AT_FDCWD, "f", both, 0));
	CHECK_STR(events(fd), "attrib #1; ");
	CHECK_OK(utimensat(AT_FDCWD, "f", access_only, 0));
	CHECK_STR(events(fd), "access #1; ");
	CHECK_OK(utimensat(AT_FDCWD, "f", modify_only, 0));
	CHECK_STR(events(fd), "modify #1; ");
	CHECK_OK(chown("f", 1, 1));
	CHECK_STR(events(fd), "attrib #1; ");
	CHECK_OK(setxattr("f", "trusted.t", "x", 1, 0));
	CHECK_OK(link("f", "g"));
	CHECK_STR(events(fd), "attrib #1; ");
}

TEST(a_folder_tells_of_its_entries)
{
	int fd = instance();
	CHECK_OK(mkdir("d", 0755));
	CHECK_OK(inotify_add_watch(fd, "d", IN_CREATE | IN_DELETE | IN_ATTRIB | IN_DELETE_SELF | IN_MODIFY));
	CHECK_OK(mkdir("d/e", 0755));
	CHECK_OK(symlink("x", "d/l"));
	CHECK_OK(mknod("d/p", S_IFIFO | 0600, 0));
	CHECK_STR(events(fd), "create dir e #1; create l #1; create p #1; ");
	write_text("d/f", "x");
	CHECK_OK(link("d/f", "d/g"));
	CHECK_STR(events(fd), "create f #1; modify f #1; create g #1; ");
	CHECK_OK(chmod("d/e", 0700));
	CHECK_OK(rmdir("d/e"));
	CHECK_OK(unlink("d/l"));
	CHECK_STR(events(fd), "attrib dir e #1; delete dir e #1; delete l #1; ");
	CHECK_ERR(unlink("d/none"), ENOENT);
	CHECK_ERR(mkdir("d/f", 0755), EEXIST);
	CHECK_STR(events(fd), "");
}

TEST(renames_are_joined_by_a_cookie)
{
	int fd = instance();
	CHECK_OK(mkdir("a", 0755));
	CHECK_OK(mkdir("b", 0755));
	write_text("a/f", "");
	write_text("b/old", "");
	CHECK_EQ(inotify_add_watch(fd, "a", IN_MOVE), 1);
	CHECK_EQ(inotify_add_watch(fd, "b", IN_MOVE | IN_DELETE), 2);
	CHECK_EQ(inotify_add_watch(fd, "a/f", IN_MOVE_SELF | IN_ATTRIB), 3);
	CHECK_EQ(inotify_add_watch(fd, "b/old", IN_ALL_EVENTS), 4);
	CHECK_OK(rename("a/f", "b/g"));
	CHECK_STR(events(fd), "from f #1; to g #2; move_self #3; ");
	CHECK_OK(rename("b/g", "b/h"));
	struct {
		struct inotify_event event;
		char name[16];
	} pair[2];
	CHECK_EQ(read(fd, pair, sizeof(pair)), sizeof(pair));
	CHECK(pair[0].event.cookie && pair[0].event.cookie == pair[1].event.cookie);
	CHECK_EQ(pair[0].event.mask, IN_MOVED_FROM);
	CHECK_EQ(pair[1].event.mask, IN_MOVED_TO);
	CHECK_STR(events(fd), "move_self #3; ");
	CHECK_EQ(last_cookie, 0);
	CHECK_OK(rename("b/h", "b/old"));
	CHECK_STR(events(fd), "from h #2; to old #2; attrib #4; move_self #3; delete_self #4; ignored #4; ");
}

TEST(exchanged_names_move_both_ways)
{
	int fd = instance();
	CHECK_OK(mkdir("d", 0755));
	CHECK_OK(mkdir("d/e", 0755));
	write_text("d/f", "");
	CHECK_OK(inotify_add_watch(fd, "d", IN_MOVE));
	CHECK_OK(inotify_add_watch(fd, "d/e", IN_MOVE_SELF));
	CHECK_OK((int)syscall(SYS_renameat2, AT_FDCWD, "d/e", AT_FDCWD, "d/f", 2));
	CHECK_STR(events(fd), "from dir e #1; to dir f #1; move_self #2; from f #1; to e #1; ");
}

TEST(a_removed_file_lives_until_it_is_closed)
{
	int fd = instance();
	write_text("f", "");
	CHECK_OK(inotify_add_watch(fd, ".", IN_DELETE));
	CHECK_OK(inotify_add_watch(fd, "f", IN_ALL_EVENTS));
	int f = CHECK_OK(open("f", O_RDONLY));
	CHECK_OK(unlink("f"));
	CHECK_STR(events(fd), "open #2; attrib #2; delete f #1; ");
	CHECK_OK(close(f));
	CHECK_STR(events(fd), "close #2; delete_self #2; ignored #2; ");
	write_text("g", "");
	CHECK_EQ(inotify_add_watch(fd, "g", IN_DELETE_SELF), 3);
	CHECK_OK(link("g", "h"));
	CHECK_OK(unlink("g"));
	CHECK_STR(events(fd), "delete g #1; ");
	CHECK_OK(unlink("h"));
	CHECK_STR(events(fd), "delete_self #3; ignored #3; delete h #1; ");
}

TEST(a_removed_folder_tells_without_isdir)
{
	int fd = instance();
	CHECK_OK(mkdir("d", 0755));
	CHECK_OK(inotify_add_watch(fd, "d", IN_ALL_EVENTS));
	CHECK_OK(rename("d", "e"));
	CHECK_OK(rmdir("e"));
	CHECK_STR(events(fd), "move_self #1; delete_self #1; ignored #1; ");
}

TEST(masks_are_replaced_or_added)
{
	int fd = instance();
	write_text("f", "");
	CHECK_EQ(inotify_add_watch(fd, "f", IN_OPEN), 1);
	CHECK_EQ(inotify_add_watch(fd, "f", IN_CLOSE), 1);
	CHECK_OK(close(CHECK_OK(open("f", O_RDONLY))));
	CHECK_STR(events(fd), "close #1; ");
	CHECK_EQ(inotify_add_watch(fd, "f", IN_OPEN | IN_MASK_ADD), 1);
	CHECK_OK(close(CHECK_OK(open("f", O_RDONLY))));
	CHECK_STR(events(fd), "open #1; close #1; ");
	CHECK_ERR(inotify_add_watch(fd, "f", IN_OPEN | IN_MASK_CREATE), EEXIST);
	CHECK_ERR(inotify_add_watch(fd, "f", IN_OPEN | IN_MASK_CREATE | IN_MASK_ADD), EINVAL);
	CHECK_ERR(inotify_add_watch(fd, "f", 0), EINVAL);
	CHECK_ERR(inotify_add_watch(fd, "f", 0x00100000), EINVAL);
	CHECK_OK(inotify_rm_watch(fd, 1));
	CHECK_STR(events(fd), "ignored #1; ");
	CHECK_EQ(inotify_add_watch(fd, "f", IN_OPEN | IN_MASK_CREATE), 2);
}

TEST(one_shot_and_links_and_folders_only)
{
	int fd = instance();
	write_text("f", "");
	CHECK_OK(symlink("f", "l"));
	CHECK_EQ(inotify_add_watch(fd, "f", IN_OPEN | IN_ONESHOT), 1);
	CHECK_OK(close(CHECK_OK(open("f", O_RDONLY))));
	CHECK_OK(close(CHECK_OK(open("f", O_RDONLY))));
	CHECK_STR(events(fd), "open #1; ignored #1; ");
	CHECK_ERR(inotify_add_watch(fd, "f", IN_OPEN | IN_ONLYDIR), ENOTDIR);
	CHECK_EQ(inotify_add_watch(fd, "l", IN_ATTRIB | IN_DONT_FOLLOW), 2);
	CHECK_OK(chmod("f", 0600));
	CHECK_STR(events(fd), "");
	CHECK_OK(lchown("l", 1, 1));
	CHECK_STR(events(fd), "attrib #2; ");
	CHECK_EQ(inotify_add_watch(fd, "l", IN_OPEN), 3);
	CHECK_OK(close(CHECK_OK(open("f", O_RDONLY))));
	CHECK_STR(events(fd), "open #3; ");
}

TEST(unlinked_entries_can_be_excluded)
{
	int fd = instance(), other = instance();
	CHECK_OK(mkdir("d", 0755));
	int f = make_file("d/f");
	CHECK_OK(inotify_add_watch(fd, "d", IN_MODIFY | IN_EXCL_UNLINK));
	CHECK_OK(inotify_add_watch(other, "d", IN_MODIFY));
	CHECK_EQ(write(f, "x", 1), 1);
	CHECK_STR(events(fd), "modify f #1; ");
	CHECK_STR(events(other), "modify f #1; ");
	CHECK_OK(unlink("d/f"));
	CHECK_EQ(write(f, "x", 1), 1);
	CHECK_STR(events(fd), "");
	CHECK_STR(events(other), "modify f #1; ");
}

TEST(same_events_in_a_row_are_one)
{
	int fd = instance(), waiting = -1;
	write_text("f", "");
	CHECK_OK(inotify_add_watch(fd, "f", IN_MODIFY | IN_ATTRIB));
	int f = CHECK_OK(open("f", O_WRONLY));
	for (int n = 0; n < 3; n++)
		CHECK_EQ(write(f, "x", 1), 1);
	CHECK_OK(fchmod(f, 0600));
	CHECK_EQ(write(f, "x", 1), 1);
	CHECK_OK(ioctl(fd, FIONREAD, &waiting));
	CHECK_EQ(waiting, 3 * sizeof(struct inotify_event));
	CHECK_STR(events(fd), "modify #1; attrib #1; modify #1; ");
	CHECK_OK(ioctl(fd, FIONREAD, &waiting));
	CHECK_EQ(waiting, 0);
}

TEST(a_small_buffer_is_refused)
{
	int fd = instance();
	char buffer[64];
	CHECK_OK(mkdir("d", 0755));
	CHECK_OK(inotify_add_watch(fd, "d", IN_CREATE));
	CHECK_ERR(read(fd, buffer, 8), EAGAIN);
	write_text("d/name", "");
	write_text("d/a_name_of_sixteen", "");
	CHECK_ERR(read(fd, buffer, sizeof(struct inotify_event)), EINVAL);
	CHECK_EQ(read(fd, buffer, sizeof(buffer)), 32);
	CHECK_EQ(read(fd, buffer, sizeof(buffer)), 48);
	CHECK_ERR(write(fd, "x", 1), EBADF);
	CHECK_ERR(inotify_add_watch(0, "d", IN_CREATE), EINVAL);
	CHECK_ERR(inotify_add_watch(999, "d", IN_CREATE), EBADF);
	CHECK_ERR(inotify_rm_watch(0, 1), EINVAL);
	CHECK_ERR(inotify_init1(1), EINVAL);
}

TEST(readers_wait_and_poll)
{
	int fd = CHECK_OK(inotify_init());
	struct pollfd p = {.fd = fd, .events = POLLIN | POLLOUT};
	struct inotify_event event;
	write_text("f", "");
	CHECK_OK(inotify_add_watch(fd, "f", IN_ATTRIB));
	CHECK_EQ(poll(&p, 1, 0), 0);
	pid_t child = fork_checked();
	if (child == 0) {
		sleep_ms(100);
		_exit(chmod("f", 0600) ? 1 : 0);
	}
	CHECK_EQ(read(fd, &event, sizeof(event)), sizeof(event));
	CHECK_EQ(event.mask, IN_ATTRIB);
	CHECK_EQ(wait_exit(child), 0);
	CHECK_OK(chmod("f", 0400));
	CHECK_EQ(poll(&p, 1, 5000), 1);
	CHECK_EQ(p.revents, POLLIN);
}

TEST(watches_need_the_right_to_read)
{
	write_text("f", "");
	CHECK_OK(chmod("f", 0200));
	CHECK_OK(chmod(".", 0755));
	become_nobody();
	int fd = instance();
	CHECK_ERR(inotify_add_watch(fd, "f", IN_OPEN), EACCES);
	CHECK_ERR(inotify_add_watch(fd, "none", IN_OPEN), ENOENT);
	CHECK_ERR(inotify_add_watch(fd, bad_address(), IN_OPEN), EFAULT);
}

TEST(unmounting_ends_watches)
{
	int fd = instance();
	private_mounts();
	CHECK_OK(mkdir("m", 0755));
	CHECK_OK(mount("none", "m", "tmpfs", 0, ""));
	write_text("m/f", "");
	CHECK_OK(inotify_add_watch(fd, "m/f", IN_ALL_EVENTS));
	CHECK_OK(umount("m"));
	CHECK_STR(events(fd), "unmount #1; ignored #1; ");
	CHECK_ERR(inotify_rm_watch(fd, 1), EINVAL);
}

static long setting(const char *name)
{
	char path[96];
	snprintf(path, sizeof(path), "/proc/sys/fs/inotify/%s", name);
	return atol(read_text(path));
}

static void set_setting(const char *name, long value)
{
	char path[96], text[24];
	snprintf(path, sizeof(path), "/proc/sys/fs/inotify/%s", name);
	snprintf(text, sizeof(text), "%ld", value);
	CHECK_OK(put_text(path, text));
}

TEST(a_full_queue_says_so_once)
{
	const long before = setting("max_queued_events");
	char name[32];
	set_setting("max_queued_events", 3);
	int fd = instance();
	set_setting("max_queued_events", before);
	CHECK_OK(mkdir("d", 0755));
	CHECK_OK(inotify_add_watch(fd, "d", IN_CREATE));
	for (int n = 0; n < 6; n++) {
		snprintf(name, sizeof(name), "d/%d", n);
		CHECK_OK(mkdir(name, 0755));
	}
	CHECK_STR(events(fd), "create dir 0 #1; create dir 1 #1; create dir 2 #1; overflow #-1; ");
	CHECK_OK(mkdir("d/6", 0755));
	CHECK_STR(events(fd), "create dir 6 #1; ");
}

TEST(users_have_limits)
{
	const long instances = setting("max_user_instances"), watches = setting("max_user_watches");
	CHECK_EQ(instances, 128);
	CHECK(watches >= 8192);
	set_setting("max_user_watches", 2);
	pid_t child = fork_checked();
	if (child == 0) {
		CHECK_OK(chmod(".", 0777));
		become_nobody();
		int fd = instance();
		write_text("a", "");
		write_text("b", "");
		CHECK_OK(inotify_add_watch(fd, "a", IN_OPEN));
		CHECK_OK(inotify_add_watch(fd, "b", IN_OPEN));
		CHECK_ERR(inotify_add_watch(fd, ".", IN_OPEN), ENOSPC);
		CHECK_OK(inotify_add_watch(fd, "b", IN_CLOSE));
		CHECK_OK(inotify_rm_watch(fd, 1));
		CHECK_OK(inotify_add_watch(fd, ".", IN_OPEN));
		for (long n = 1; n < instances; n++)
			CHECK_OK(inotify_init());
		CHECK_ERR(inotify_init(), EMFILE);
		_exit(0);
	}
	const int code = wait_exit(child);
	set_setting("max_user_watches", watches);
	CHECK_EQ(code, 0);
}

TEST(fdinfo_lists_watches)
{
	int fd = instance();
	char path[64], line[128];
	struct stat info;
	write_text("f", "");
	CHECK_OK(inotify_add_watch(fd, "f", IN_OPEN));
	CHECK_OK(stat("f", &info));
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	snprintf(line, sizeof(line), "inotify wd:1 ino:%lx sdev:", (unsigned long)info.st_ino);
	CHECK(strstr(read_text(path), line));
	CHECK(strstr(read_text(path), " mask:20 ignored_mask:0"));
}
