// SPDX-License-Identifier: MPL-2.0
/* cgroup v2: the tree, the pids and memory controllers, freezing and killing. */
#include "group.h"

#include <dirent.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/syscall.h>

TEST(root_files)
{
	const char *controllers = read_text(ROOT "/cgroup.controllers");
	CHECK(strstr(controllers, "memory"));
	CHECK(strstr(controllers, "pids"));
	CHECK(strstr(controllers, "cpu"));
	CHECK(strstr(read_text(ROOT "/cgroup.procs"), "1\n"));
	CHECK_STR(read_text("/proc/1/cgroup"), "0::/\n");
}

/* "NAME 0 GROUPS 1" of /proc/cgroups; 0: no such line. */
static unsigned groups_of_controller(const char *name)
{
	char start[32];
	unsigned groups = 0;

	snprintf(start, sizeof(start), "\n%s\t0\t", name);
	const char *line = strstr(read_text("/proc/cgroups"), start);
	if (line)
		CHECK_EQ(sscanf(line + strlen(start), "%u\t1\n", &groups), 1);
	return groups;
}

static unsigned groups_in_all(void)
{
	unsigned living = 0, dying = 0;

	CHECK_EQ(sscanf(read_text(ROOT "/cgroup.stat"), "nr_descendants %u nr_dying_descendants %u", &living, &dying),
		 2);
	return 1 + living + dying;
}

TEST(proc_lists_the_controllers)
{
	static const char *const names[][2] = { { "cpu", "cpu" }, { "cpuset", "cpuset" }, { "io", "blkio" },
		{ "memory", "memory" }, { "pids", "pids" } };

	const char *table = read_text("/proc/cgroups");
	CHECK(strstr(table, "#subsys_name\thierarchy\tnum_cgroups\tenabled\n") == table);
	make_group("listed", NULL);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		CHECK(strstr(read_text(ROOT "/cgroup.controllers"), names[i][0]));
		WAIT_UNTIL(groups_of_controller(names[i][1]) == groups_in_all());
		CHECK(groups_of_controller(names[i][1]) >= 2);
	}
	CHECK_EQ(groups_of_controller("io"), 0);
	CHECK_OK(rmdir(group));
}

TEST(make_and_remove)
{
	make_group("plain", NULL);
	CHECK_STR(get("cgroup.procs"), "");
	CHECK_STR(get("cgroup.type"), "domain\n");
	CHECK(strstr(get("cgroup.events"), "populated 0\n"));
	CHECK(strstr(get("cgroup.events"), "frozen 0\n"));
	CHECK_OK(rmdir(group));
	CHECK_ERR(rmdir(group), ENOENT);
}

TEST(files_cannot_be_made_or_removed)
{
	make_group("files", NULL);
	CHECK(open(path_in("new"), O_CREAT | O_WRONLY, 0644) < 0);
	CHECK_EQ(unlink(path_in("cgroup.procs")) < 0, 1);
	CHECK_OK(open(path_in("cgroup.procs"), O_WRONLY | O_CREAT | O_TRUNC, 0700));
	CHECK_OK(rmdir(group));
}

TEST(processes_move)
{
	char wanted[64];
	make_group("move", NULL);
	pid_t child = sleeper_in_group();
	snprintf(wanted, sizeof(wanted), "%d\n", child);
	CHECK_STR(get("cgroup.procs"), wanted);
	snprintf(wanted, sizeof(wanted), "/proc/%d/cgroup", child);
	CHECK(strstr(read_text(wanted), group + strlen(ROOT)));
	CHECK(strstr(get("cgroup.events"), "populated 1\n"));
	CHECK_ERR(rmdir(group), EBUSY);
	snprintf(wanted, sizeof(wanted), "%d", child);
	CHECK_OK(put_text(ROOT "/cgroup.procs", wanted));
	CHECK_STR(get("cgroup.procs"), "");
	CHECK_OK(rmdir(group));
	kill(child, SIGKILL);
	CHECK_EQ(wait_signal(child), SIGKILL);
}

TEST(bad_process_numbers)
{
	make_group("bad", NULL);
	CHECK_ERR(put_text(path_in("cgroup.procs"), "999999"), ESRCH);
	CHECK_ERR(put_text(path_in("cgroup.procs"), "nonsense"), EINVAL);
	CHECK_OK(rmdir(group));
}

TEST(children_are_born_inside)
{
	make_group("born", NULL);
	pid_t child = fork_checked();
	if (child == 0) {
		join();
		pid_t grandchild = fork_checked();
		if (grandchild == 0)
			_exit(strstr(read_text("/proc/self/cgroup"), group + strlen(ROOT)) ? 0 : 1);
		_exit(wait_exit(grandchild));
	}
	CHECK_EQ(wait_exit(child), 0);
	remove_group();
}

TEST(clone_into_cgroup)
{
	make_group("into", NULL);
	int fd = CHECK_OK(open(group, O_RDONLY | O_DIRECTORY));
	struct clone_args args = {
		.flags = CLONE_INTO_CGROUP, .cgroup = (uint64_t)fd, .exit_signal = SIGCHLD};
	pid_t child = (pid_t)CHECK_OK(syscall(SYS_clone3, &args, sizeof(args)));
	if (child == 0)
		_exit(strstr(read_text("/proc/self/cgroup"), group + strlen(ROOT)) ? 0 : 1);
	CHECK_EQ(wait_exit(child), 0);
	remove_group();
}

TEST(populated_event_polls)
{
	make_group("poll", NULL);
	int fd = CHECK_OK(open(path_in("cgroup.events"), O_RDONLY));
	char text[100];
	CHECK(read(fd, text, sizeof(text)) > 0);
	struct pollfd entry = {fd, POLLPRI, 0};
	CHECK_EQ(poll(&entry, 1, 0), 0);
	pid_t child = sleeper_in_group();
	CHECK_EQ(poll(&entry, 1, 5000), 1);
	CHECK(entry.revents & POLLPRI);
	kill(child, SIGKILL);
	CHECK_EQ(wait_signal(child), SIGKILL);
	close(fd);
	remove_group();
}

TEST(controllers_appear_when_enabled)
{
	make_group("control", "+pids +memory");
	CHECK_OK(access(path_in("pids.max"), F_OK));
	CHECK_OK(access(path_in("memory.max"), F_OK));
	CHECK_STR(get("pids.max"), "max\n");
	CHECK_STR(get("memory.max"), "max\n");
	CHECK_ERR(put_text(path_in("cgroup.subtree_control"), "+nonsense"), EINVAL);
	CHECK_OK(mkdir(path_in("child"), 0755));
	CHECK_ERR(access(path_in("child/pids.max"), F_OK), ENOENT);
	put("cgroup.subtree_control", "+pids");
	CHECK_OK(access(path_in("child/pids.max"), F_OK));
	CHECK_OK(rmdir(path_in("child")));
	CHECK_OK(rmdir(group));
}

TEST(no_processes_in_inner_groups)
{
	make_group("inner", "+memory");
	CHECK_OK(mkdir(path_in("child"), 0755));
	put("cgroup.subtree_control", "+memory");
	CHECK_ERR(put_text(path_in("cgroup.procs"), "0"), EBUSY);
	CHECK_OK(rmdir(path_in("child")));
	put("cgroup.subtree_control", "-memory");
	CHECK_OK(rmdir(group));
}

TEST(pids_max_is_exact)
{
	make_group("pids", "+pids");
	put("pids.max", "5");
	pid_t child = fork_checked();
	if (child == 0) {
		int count = 0;
		join();
		for (;; count++) {
			pid_t more = fork();
			if (more == 0)
				for (;;)
					pause();
			if (more < 0)
				break;
		}
		_exit(errno == EAGAIN && count == 4 ? 0 : 1 + count);
	}
	CHECK_EQ(wait_exit(child), 0);
	CHECK_STR(get("pids.current"), "4\n");
	CHECK_STR(get("pids.events"), "max 1\n");
	put("cgroup.kill", "1");
	remove_group();
}

TEST(pids_max_counts_threads_and_descendants)
{
	make_group("tree", "+pids");
	put("cgroup.subtree_control", "+pids");
	put("pids.max", "2");
	CHECK_OK(mkdir(path_in("child"), 0755));
	pid_t child = fork_checked();
	if (child == 0) {
		put("child/cgroup.procs", "0");
		pid_t one = fork();
		if (one == 0)
			for (;;)
				pause();
		_exit(one > 0 && fork() < 0 && errno == EAGAIN ? 0 : 1);
	}
	CHECK_EQ(wait_exit(child), 0);
	put("cgroup.kill", "1");
	WAIT_UNTIL(rmdir(path_in("child")) == 0);
	remove_group();
}

TEST(memory_max_kills_inside_only)
{
	make_group("memory", "+memory");
	put("memory.max", "16M");
	CHECK_STR(get("memory.max"), "16777216\n");
	if (access(path_in("memory.swap.max"), F_OK) == 0)
		put("memory.swap.max", "0");
	pid_t child = fork_checked();
	if (child == 0) {
		join();
		char *memory = map_pages(16384);
		for (int i = 0; i < 16384; i++)
			memory[(size_t)i * PAGE] = 1;
		_exit(0);
	}
	CHECK_EQ(wait_signal(child), SIGKILL);
	CHECK(strstr(get("memory.events"), "oom_kill 1\n"));
	remove_group();
}

TEST(memory_below_the_limit_is_fine)
{
	make_group("below", "+memory");
	put("memory.max", "32M");
	pid_t child = fork_checked();
	if (child == 0) {
		join();
		char *memory = map_pages(2048);
		for (int i = 0; i < 2048; i++)
			memory[(size_t)i * PAGE] = 1;
		long used = strtol(get("memory.current"), NULL, 10);
		_exit(used >= 8 << 20 && used < 32 << 20 ? 0 : 1);
	}
	CHECK_EQ(wait_exit(child), 0);
	remove_group();
}

TEST(memory_of_files_in_tmpfs_counts)
{
	make_group("tmpfs", "+memory");
	put("memory.max", "64M");
	pid_t child = fork_checked();
	if (child == 0) {
		static char block[1 << 20];
		join();
		int fd = make_file("f");
		for (int i = 0; i < 8; i++)
			CHECK_EQ(write(fd, block, sizeof(block)), sizeof(block));
		_exit(strtol(get("memory.current"), NULL, 10) >= 8 << 20 ? 0 : 1);
	}
	CHECK_EQ(wait_exit(child), 0);
	unlink("f");
	remove_group();
}

TEST(freeze_stops_and_thaws)
{
	make_group("freeze", NULL);
	int ends[2];
	CHECK_OK(pipe2(ends, O_NONBLOCK));
	pid_t child = fork_checked();
	if (child == 0) {
		join();
		for (;;) {
			(void)!write(ends[1], "x", 1);
			sleep_ms(5);
		}
	}
	char drain[4096];
	WAIT_UNTIL(read(ends[0], drain, sizeof(drain)) > 0);
	put("cgroup.freeze", "1");
	WAIT_UNTIL(strstr(get("cgroup.events"), "frozen 1\n"));
	while (read(ends[0], drain, sizeof(drain)) > 0)
		continue;
	sleep_ms(50);
	CHECK_ERR(read(ends[0], drain, sizeof(drain)), EAGAIN);
	put("cgroup.freeze", "0");
	WAIT_UNTIL(read(ends[0], drain, sizeof(drain)) > 0);
	put("cgroup.freeze", "1");
	WAIT_UNTIL(strstr(get("cgroup.events"), "frozen 1\n"));
	CHECK_OK(kill(child, SIGKILL)); /* a frozen process can be killed */
	CHECK_EQ(wait_signal(child), SIGKILL);
	remove_group();
}

TEST(kill_ends_all)
{
	make_group("kill", NULL);
	pid_t one = sleeper_in_group(), two = sleeper_in_group();
	CHECK_ERR(put_text(path_in("cgroup.kill"), "2"), ERANGE);
	put("cgroup.kill", "1");
	CHECK_EQ(wait_signal(one), SIGKILL);
	CHECK_EQ(wait_signal(two), SIGKILL);
	remove_group();
}

TEST(cpu_max_throttles)
{
	make_group("cpu", "+cpu");
	CHECK_STR(get("cpu.max"), "max 100000\n");
	CHECK_STR(get("cpu.weight"), "100\n");
	put("cpu.max", "20000 100000");
	pid_t child = fork_checked();
	if (child == 0) {
		join();
		int64_t end = now_ns(CLOCK_MONOTONIC) + 1000000000;
		while (now_ns(CLOCK_MONOTONIC) < end)
			continue;
		_exit((int)(now_ns(CLOCK_PROCESS_CPUTIME_ID) / 10000000));
	}
	CHECK(wait_exit(child) <= 40); /* a fifth of a second of a second's spinning, and some */
	CHECK(strstr(get("cpu.stat"), "nr_throttled"));
	CHECK_ERR(put_text(path_in("cpu.weight"), "0"), ERANGE);
	remove_group();
}

TEST(cgroup_namespace_hides_the_path)
{
	make_group("hidden", NULL);
	pid_t child = fork_checked();
	if (child == 0) {
		extern int unshare(int);
		join();
		CHECK_OK(unshare(0x02000000 /* CLONE_NEWCGROUP */));
		CHECK_STR(read_text("/proc/self/cgroup"), "0::/\n");
		_exit(0);
	}
	CHECK_EQ(wait_exit(child), 0);
	remove_group();
}

TEST(depth_and_descendants_limits)
{
	make_group("depth", NULL);
	put("cgroup.max.descendants", "1");
	CHECK_OK(mkdir(path_in("one"), 0755));
	CHECK_ERR(mkdir(path_in("two"), 0755), EAGAIN);
	CHECK_OK(rmdir(path_in("one")));
	CHECK_OK(rmdir(group));
}

TEST(events_of_each_file_are_its_own)
{
	make_group("own", "+pids");
	put("pids.max", "1");
	int core = CHECK_OK(open(path_in("cgroup.events"), O_RDONLY));
	int pids = CHECK_OK(open(path_in("pids.events"), O_RDONLY));
	pid_t child = fork_checked();
	if (child == 0) {
		join();
		for (;;)
			pause();
	}
	WAIT_UNTIL(strstr(get("cgroup.events"), "populated 1\n"));
	char text[100];
	CHECK(read(core, text, sizeof(text)) > 0);
	CHECK(read(pids, text, sizeof(text)) > 0);
	struct pollfd entries[] = {{core, POLLPRI, 0}, {pids, POLLPRI, 0}};
	CHECK_EQ(poll(entries, 2, 0), 0);
	kill(child, SIGKILL);
	CHECK_EQ(wait_signal(child), SIGKILL);
	CHECK_EQ(poll(entries, 2, 5000), 1);
	CHECK(entries[0].revents & POLLPRI);
	CHECK_EQ(entries[1].revents, 0);
	close(core);
	close(pids);
	remove_group();
}

TEST(inotify_sees_events)
{
	make_group("watch", NULL);
	int fd = CHECK_OK(inotify_init1(IN_NONBLOCK));
	CHECK_OK(inotify_add_watch(fd, path_in("cgroup.events"), IN_MODIFY));
	pid_t child = sleeper_in_group();
	struct inotify_event event;
	WAIT_UNTIL(read(fd, &event, sizeof(event)) == sizeof(event));
	CHECK_EQ(event.mask, IN_MODIFY);
	while (read(fd, &event, sizeof(event)) > 0)
		continue;
	kill(child, SIGKILL);
	CHECK_EQ(wait_signal(child), SIGKILL);
	WAIT_UNTIL(read(fd, &event, sizeof(event)) == sizeof(event));
	close(fd);
	remove_group();
}

TEST(names_of_files_are_taken)
{
	make_group("names", "+memory");
	CHECK_ERR(mkdir(path_in("cgroup.procs"), 0755), EEXIST);
	CHECK_OK(mkdir(path_in("cpu.slice"), 0755));
	CHECK_OK(rmdir(path_in("cpu.slice")));
	remove_group();
}

TEST(threads_of_one_process_stay_together)
{
	char number[16];
	make_group("threads", NULL);
	pid_t child = sleeper_in_group();
	snprintf(number, sizeof(number), "%d", child);
	put("cgroup.threads", number); /* it is there already */
	CHECK_ERR(put_text(ROOT "/cgroup.threads", number), EOPNOTSUPP);
	CHECK_ERR(put_text(path_in("cgroup.threads"), "999999"), ESRCH);
	put("cgroup.kill", "1");
	CHECK_EQ(wait_signal(child), SIGKILL);
	remove_group();
}

TEST(freeze_of_two_hundred_is_quick)
{
	enum { TASKS = 200 };
	make_group("many", NULL);
	pid_t leader = fork_checked();
	if (leader == 0) {
		join();
		for (int i = 1; i < TASKS; i++)
			if (fork_checked() == 0)
				break;
		for (;;)
			pause();
	}
	WAIT_UNTIL(({
		int lines = 0;
		for (const char *at = get("cgroup.procs"); *at; at++)
			lines += *at == '\n';
		lines == TASKS;
	}));
	int64_t from = now_ns(CLOCK_MONOTONIC);
	put("cgroup.freeze", "1");
	while (!strstr(get("cgroup.events"), "frozen 1\n"))
		sched_yield();
	int64_t took = now_ns(CLOCK_MONOTONIC) - from;
	fprintf(stderr, "frozen in %ld us\n", (long)(took / 1000));
	CHECK(took < 2000000000); /* the mark is 100 ms, on a machine that does nothing else */
	put("cgroup.kill", "1");
	CHECK_EQ(wait_signal(leader), SIGKILL);
	remove_group();
}

TEST(features_are_told)
{
	CHECK(strstr(read_text("/sys/kernel/cgroup/features"), "nsdelegate\n"));
	CHECK(strstr(read_text("/sys/kernel/cgroup/delegate"), "cgroup.procs\n"));
	CHECK(strstr(read_text("/sys/kernel/cgroup/delegate"), "cgroup.subtree_control\n"));
}
