// SPDX-License-Identifier: MPL-2.0
/* cgroup v2: threaded groups: threads of one process in different groups. */
#include "group.h"

#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>

/* The case's group with a threaded child "a" and "b". */
static void make_threaded(const char *name, const char *controllers)
{
	make_group(name, controllers);
	CHECK_OK(mkdir(path_in("a"), 0755));
	CHECK_OK(mkdir(path_in("b"), 0755));
	put("a/cgroup.type", "threaded");
}

static void remove_threaded(void)
{
	WAIT_UNTIL(rmdir(path_in("a")) == 0);
	WAIT_UNTIL(rmdir(path_in("b")) == 0);
	remove_group();
}

static pid_t thread_id;

static void *stay(void *unused)
{
	thread_id = (pid_t)syscall(SYS_gettid);
	for (;;)
		pause();
	return unused;
}

static const char *number(long value)
{
	static char text[2][24];
	static int which;
	which = !which;
	snprintf(text[which], sizeof(text[0]), "%ld\n", value);
	return text[which];
}

TEST(types_follow_the_tree)
{
	make_group("types", NULL);
	CHECK_STR(get("cgroup.type"), "domain\n");
	CHECK_OK(mkdir(path_in("a"), 0755));
	CHECK_OK(mkdir(path_in("b"), 0755));
	CHECK_OK(mkdir(path_in("a/deep"), 0755));
	CHECK_ERR(put_text(path_in("a/cgroup.type"), "domain"), EINVAL);
	put("a/cgroup.type", "threaded");
	CHECK_STR(get("a/cgroup.type"), "threaded\n");
	CHECK_STR(get("cgroup.type"), "domain threaded\n");
	CHECK_STR(get("b/cgroup.type"), "domain invalid\n");
	CHECK_STR(get("a/deep/cgroup.type"), "domain invalid\n");
	put("a/deep/cgroup.type", "threaded");
	CHECK_STR(get("a/deep/cgroup.type"), "threaded\n");
	put("a/cgroup.type", "threaded"); /* again changes nothing */
	CHECK_OK(rmdir(path_in("a/deep")));
	CHECK_OK(rmdir(path_in("a")));
	CHECK_STR(get("cgroup.type"), "domain\n");
	CHECK_STR(get("b/cgroup.type"), "domain\n");
	CHECK_OK(rmdir(path_in("b")));
	remove_group();
}

TEST(invalid_domains_take_nobody)
{
	make_threaded("invalid", NULL);
	CHECK_ERR(put_text(path_in("b/cgroup.procs"), "0"), EOPNOTSUPP);
	CHECK_ERR(put_text(path_in("b/cgroup.subtree_control"), "+cpu"), ENOENT);
	remove_threaded();
}

TEST(who_is_populated_cannot_become_threaded)
{
	make_group("populated", NULL);
	CHECK_OK(mkdir(path_in("a"), 0755));
	pid_t child = fork_checked();
	if (child == 0) {
		put("a/cgroup.procs", "0");
		for (;;)
			pause();
	}
	WAIT_UNTIL(strstr(get("a/cgroup.events"), "populated 1"));
	CHECK_ERR(put_text(path_in("a/cgroup.type"), "threaded"), EOPNOTSUPP);
	put("cgroup.kill", "1");
	CHECK_EQ(wait_signal(child), SIGKILL);
	WAIT_UNTIL(strstr(get("a/cgroup.events"), "populated 0"));
	put("a/cgroup.type", "threaded");
	CHECK_OK(rmdir(path_in("a")));
	remove_group();
}

TEST(domain_controllers_exclude_threads)
{
	make_group("exclude", "+memory +cpu");
	put("cgroup.subtree_control", "+memory");
	CHECK_OK(mkdir(path_in("a"), 0755));
	CHECK_ERR(put_text(path_in("a/cgroup.type"), "threaded"), EOPNOTSUPP);
	put("cgroup.subtree_control", "-memory");
	put("a/cgroup.type", "threaded");
	CHECK_ERR(put_text(path_in("cgroup.subtree_control"), "+memory"), EOPNOTSUPP);
	put("cgroup.subtree_control", "+cpu");
	CHECK_STR(get("a/cgroup.controllers"), "cpu\n");
	CHECK_OK(access(path_in("a/cpu.weight"), F_OK));
	CHECK_ERR(access(path_in("a/memory.max"), F_OK), ENOENT);
	CHECK_OK(rmdir(path_in("a")));
	put("cgroup.subtree_control", "-cpu");
	remove_group();
}

TEST(threads_move_one_by_one)
{
	char path[64], line[160];
	pthread_t thread;
	make_threaded("move", NULL);
	put("b/cgroup.type", "threaded");
	put("cgroup.procs", "0");
	CHECK_EQ(pthread_create(&thread, NULL, stay, NULL), 0);
	WAIT_UNTIL(thread_id != 0);
	put("a/cgroup.threads", number(thread_id));
	CHECK_STR(get("a/cgroup.threads"), number(thread_id));
	CHECK_STR(get("cgroup.threads"), number(getpid()));
	CHECK_STR(get("cgroup.procs"), number(getpid()));
	CHECK(open(path_in("a/cgroup.procs"), O_RDONLY) >= 0);
	int fd = CHECK_OK(open(path_in("a/cgroup.procs"), O_RDONLY));
	CHECK_ERR(read(fd, line, sizeof(line)), EOPNOTSUPP);
	snprintf(path, sizeof(path), "/proc/self/task/%d/cgroup", thread_id);
	snprintf(line, sizeof(line), "0::%s/a\n", group + strlen(ROOT));
	CHECK_STR(read_text(path), line);
	snprintf(line, sizeof(line), "0::%s\n", group + strlen(ROOT));
	CHECK_STR(read_text("/proc/self/cgroup"), line);
	put("b/cgroup.threads", "0");
	CHECK_STR(get("b/cgroup.threads"), number(getpid()));
	CHECK_STR(get("cgroup.procs"), number(getpid())); /* processes are the thread root's */
	CHECK_ERR(put_text(ROOT "/cgroup.threads", "0"), EOPNOTSUPP);
	put("a/cgroup.procs", "0"); /* all of it */
	CHECK_STR(get("b/cgroup.threads"), "");
	CHECK(strstr(get("a/cgroup.threads"), number(getpid())));
	CHECK(strstr(get("a/cgroup.threads"), number(thread_id)));
	CHECK(strstr(get("cgroup.events"), "populated 1"));
	CHECK(strstr(get("b/cgroup.events"), "populated 0"));
	CHECK_ERR(put_text(path_in("a/cgroup.kill"), "1"), EOPNOTSUPP);
	CHECK_OK(put_text(ROOT "/cgroup.procs", "0"));
	CHECK_STR(get("a/cgroup.threads"), "");
	remove_threaded();
}

TEST(new_threads_are_where_their_maker_is)
{
	pthread_t thread;
	make_threaded("born", "+pids");
	put("cgroup.subtree_control", "+pids");
	put("cgroup.procs", "0");
	put("a/cgroup.threads", "0");
	CHECK_EQ(pthread_create(&thread, NULL, stay, NULL), 0);
	WAIT_UNTIL(thread_id != 0);
	CHECK(strstr(get("a/cgroup.threads"), number(thread_id)));
	CHECK_STR(get("a/pids.current"), "2\n");
	put("a/pids.max", "2");
	CHECK_EQ(pthread_create(&thread, NULL, stay, NULL), EAGAIN);
	pid_t child = fork();
	CHECK(child < 0 && errno == EAGAIN);
	put("cgroup.threads", "0"); /* the first thread goes: its processes are not a's any more */
	child = fork_checked();
	if (child == 0)
		_exit(0);
	CHECK_EQ(wait_exit(child), 0);
	CHECK_STR(get("a/pids.current"), "1\n");
	CHECK_OK(put_text(ROOT "/cgroup.procs", "0"));
	remove_threaded();
}

static void *spin(void *unused)
{
	thread_id = (pid_t)syscall(SYS_gettid);
	for (;;)
		continue;
	return unused;
}

static long usage_of(const char *file)
{
	return strtol(strstr(get(file), "usage_usec ") + 11, NULL, 10);
}

TEST(quota_for_one_thread)
{
	make_threaded("quota", "+cpu");
	put("cgroup.subtree_control", "+cpu");
	put("a/cpu.max", "10000 100000");
	pid_t child = fork_checked();
	if (child == 0) {
		pthread_t thread;
		put("cgroup.procs", "0");
		CHECK_EQ(pthread_create(&thread, NULL, spin, NULL), 0);
		WAIT_UNTIL(thread_id != 0);
		put("a/cgroup.threads", number(thread_id));
		sleep_ms(1000);
		long used = usage_of("a/cpu.stat");
		sleep_ms(2000);
		used = usage_of("a/cpu.stat") - used;
		_exit(used > 0 && used < 400000 ? 0 : 1); /* 200000, less when the machine itself waits */
	}
	CHECK_EQ(wait_exit(child), 0);
	remove_threaded();
}

TEST(cpus_for_one_thread)
{
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		test_skip("one CPU");
	pthread_t thread;
	cpu_set_t set;
	make_threaded("cpus", "+cpuset");
	put("cgroup.subtree_control", "+cpuset");
	put("a/cpuset.cpus", "1");
	put("cgroup.procs", "0");
	CHECK_EQ(pthread_create(&thread, NULL, stay, NULL), 0);
	WAIT_UNTIL(thread_id != 0);
	put("a/cgroup.threads", number(thread_id));
	CHECK_OK(sched_getaffinity(thread_id, sizeof(set), &set));
	CHECK(!CPU_ISSET(0, &set) && CPU_ISSET(1, &set));
	CHECK_OK(sched_getaffinity(0, sizeof(set), &set));
	CHECK(CPU_ISSET(0, &set) && CPU_ISSET(1, &set));
	CHECK_OK(put_text(ROOT "/cgroup.procs", "0"));
	remove_threaded();
}

TEST(processes_with_threads_elsewhere_come_together)
{
	pthread_t thread;
	make_threaded("together", NULL);
	CHECK_EQ(pthread_create(&thread, NULL, stay, NULL), 0);
	WAIT_UNTIL(thread_id != 0);
	put("a/cgroup.procs", number(thread_id)); /* any thread names its process */
	CHECK_STR(get("cgroup.procs"), number(getpid()));
	CHECK(strstr(get("a/cgroup.threads"), number(thread_id)));
	CHECK_OK(put_text(ROOT "/cgroup.procs", "0"));
	remove_threaded();
}
