// SPDX-License-Identifier: MPL-2.0
/* /proc and /sys tell the truth in the form that programs parse. */
#include "support.h"

#include <dirent.h>
#include <linux/capability.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

/* The number after a name such as "VmRSS:" in a file of such lines; -1 if it is not there. */
static long number_of(const char *path, const char *name)
{
	const char *found = strstr(read_text(path), name);
	return found ? strtol(found + strlen(name), NULL, 0) : -1;
}

/* Field n of /proc/self/stat, counted from 1 as proc(5) does; n is above 2. */
static long stat_field(int n)
{
	const char *at = strrchr(read_text("/proc/self/stat"), ')') + 2;
	for (int i = 3; i < n; i++)
		at = strchr(at, ' ') + 1;
	return strtol(at, NULL, 10);
}

TEST(self_is_this_process)
{
	char link[32] = {0}, wanted[64];
	CHECK_OK(readlink("/proc/self", link, sizeof(link) - 1));
	CHECK_EQ(atoi(link), getpid());
	CHECK_OK(readlink("/proc/thread-self", link, sizeof(link) - 1));
	snprintf(wanted, sizeof(wanted), "%d/task/%d", getpid(), gettid());
	CHECK_STR(link, wanted);
}

TEST(stat_fields)
{
	CHECK_EQ(atoi(read_text("/proc/self/stat")), getpid());
	CHECK(strstr(read_text("/proc/self/stat"), " (procfs) R "));
	CHECK_EQ(stat_field(4), getppid());
	CHECK_EQ(stat_field(5), getpgrp());
	CHECK_EQ(stat_field(6), getsid(0));
	CHECK_EQ(stat_field(20), 1);
	CHECK(stat_field(22) > 0);
	CHECK(stat_field(23) > 0);
	CHECK(stat_field(24) > 0);
	int fields = 2;
	for (const char *at = strrchr(read_text("/proc/self/stat"), ')'); *at; at++)
		fields += *at == ' ';
	CHECK_EQ(fields, 52);
}

TEST(status_fields)
{
	const char *path = "/proc/self/status";
	CHECK(strncmp(read_text(path), "Name:\tprocfs\n", 13) == 0);
	CHECK(strstr(read_text(path), "State:\tR (running)\n"));
	CHECK_EQ(number_of(path, "\nTgid:"), getpid());
	CHECK_EQ(number_of(path, "\nPid:"), getpid());
	CHECK_EQ(number_of(path, "\nPPid:"), getppid());
	CHECK(strstr(read_text(path), "\nUid:\t0\t0\t0\t0\n"));
	CHECK(strstr(read_text(path), "\nGid:\t0\t0\t0\t0\n"));
	CHECK_EQ(number_of(path, "\nThreads:"), 1);
	CHECK(number_of(path, "\nVmRSS:") > 0);
	CHECK(number_of(path, "\nVmSize:") >= number_of(path, "\nVmRSS:"));
	CHECK(strstr(read_text(path), "\nCapEff:\t000001ffffffffff\n"));
	CHECK(strstr(read_text(path), "\nSeccomp:\t0\n"));
	CHECK(strstr(read_text(path), "\nNoNewPrivs:\t0\n"));
}

TEST(status_follows_signals)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	CHECK_OK(sigprocmask(SIG_BLOCK, &set, NULL));
	handle_signal(SIGUSR2, count_signal, 0);
	CHECK(signal(SIGHUP, SIG_IGN) != SIG_ERR);
	CHECK_OK(kill(getpid(), SIGUSR1));
	CHECK(strstr(read_text("/proc/self/status"), "\nShdPnd:\t0000000000000200\n"));
	CHECK(strstr(read_text("/proc/self/status"), "\nSigBlk:\t0000000000000200\n"));
	CHECK(strstr(read_text("/proc/self/status"), "\nSigIgn:\t0000000000000001\n"));
	CHECK(strstr(read_text("/proc/self/status"), "\nSigCgt:\t0000000000000800\n"));
}

TEST(resident_memory_grows)
{
	long before = number_of("/proc/self/status", "\nVmRSS:");
	char *memory = map_pages(1024);
	memset(memory, 1, (size_t)1024 * PAGE);
	long after = number_of("/proc/self/status", "\nVmRSS:");
	CHECK(after - before >= 3900 && after - before <= 4400);
	long size, resident;
	CHECK_EQ(sscanf(read_text("/proc/self/statm"), "%ld %ld", &size, &resident), 2);
	CHECK(resident * 4 >= after - 300 && resident * 4 <= after + 300);
}

TEST(cmdline_and_environ_of_an_executed_program)
{
	char path[40];
	pid_t child = fork_checked();
	if (child == 0) {
		char *words[] = {"name", "sleep", "third word", NULL};
		char *environment[] = {"A=1", "B=2", NULL};
		execve("/tests/helper", words, environment);
		_exit(1);
	}
	snprintf(path, sizeof(path), "/proc/%d/comm", child);
	WAIT_UNTIL(strcmp(read_text(path), "helper\n") == 0);
	snprintf(path, sizeof(path), "/proc/%d/cmdline", child);
	CHECK(memcmp(read_text(path), "name\0sleep\0third word\0", 22) == 0);
	snprintf(path, sizeof(path), "/proc/%d/environ", child);
	CHECK(memcmp(read_text(path), "A=1\0B=2\0", 8) == 0);
	char link[64] = {0};
	snprintf(path, sizeof(path), "/proc/%d/exe", child);
	CHECK_OK(readlink(path, link, sizeof(link) - 1));
	CHECK_STR(link, "/tests/helper");
	kill(child, SIGKILL);
	CHECK_EQ(wait_signal(child), SIGKILL);
}

TEST(comm_can_be_written)
{
	CHECK_OK(put_text("/proc/self/comm", "renamed"));
	CHECK_STR(read_text("/proc/self/comm"), "renamed\n");
}

TEST(cwd_and_root_links)
{
	char link[200] = {0}, here[200];
	CHECK(getcwd(here, sizeof(here)));
	CHECK_OK(readlink("/proc/self/cwd", link, sizeof(link) - 1));
	CHECK_STR(link, here);
	memset(link, 0, sizeof(link));
	CHECK_OK(readlink("/proc/self/root", link, sizeof(link) - 1));
	CHECK_STR(link, "/");
	write_text("f", "through");
	CHECK_STR(read_text("/proc/self/cwd/f"), "through");
}

TEST(fd_links)
{
	char path[64], link[200] = {0}, wanted[40];
	struct stat info;
	int ends[2], fd = make_file("f");
	CHECK_OK(pipe(ends));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	CHECK_OK(readlink(path, link, sizeof(link) - 1));
	CHECK(strstr(link, "/f"));
	memset(link, 0, sizeof(link));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", ends[0]);
	CHECK_OK(readlink(path, link, sizeof(link) - 1));
	CHECK_OK(fstat(ends[0], &info));
	snprintf(wanted, sizeof(wanted), "pipe:[%lu]", (unsigned long)info.st_ino);
	CHECK_STR(link, wanted);
	CHECK_ERR(readlink("/proc/self/fd/999", link, sizeof(link)), ENOENT);
}

TEST(fd_lists_what_is_open)
{
	int fd = CHECK_OK(dup2(make_file("f"), 70)), seen = 0;
	DIR *directory = opendir("/proc/self/fd");
	struct dirent *entry;
	CHECK(directory);
	while ((entry = readdir(directory)))
		seen += atoi(entry->d_name) == fd;
	closedir(directory);
	CHECK_EQ(seen, 1);
	CHECK_OK(lseek(fd, 5, SEEK_SET));
	CHECK_EQ(number_of("/proc/self/fdinfo/70", "pos:"), 5);
	CHECK(strstr(read_text("/proc/self/fdinfo/70"), "flags:\t0100002\n"));
}

static void *sleep_until_told(void *turn)
{
	turn_take(*(struct turn *)turn);
	return NULL;
}

TEST(tasks_are_listed)
{
	struct turn turn = turn_create();
	pthread_t thread;
	CHECK_EQ(pthread_create(&thread, NULL, sleep_until_told, &turn), 0);
	int count = 0;
	DIR *directory = opendir("/proc/self/task");
	struct dirent *entry;
	while ((entry = readdir(directory)))
		count += entry->d_name[0] != '.';
	closedir(directory);
	CHECK_EQ(count, 2);
	CHECK_EQ(number_of("/proc/self/status", "\nThreads:"), 2);
	turn_give(turn);
	CHECK_EQ(pthread_join(thread, NULL), 0);
}

TEST(processes_are_listed)
{
	struct turn turn = turn_create();
	pid_t child = fork_checked();
	if (child == 0) {
		turn_take(turn);
		_exit(0);
	}
	int seen = 0;
	DIR *directory = opendir("/proc");
	struct dirent *entry;
	while ((entry = readdir(directory)))
		seen += atoi(entry->d_name) == child || atoi(entry->d_name) == 1;
	closedir(directory);
	CHECK_EQ(seen, 2);
	turn_give(turn);
	CHECK_EQ(wait_exit(child), 0);
	char path[32];
	snprintf(path, sizeof(path), "/proc/%d", child);
	CHECK_ERR(access(path, F_OK), ENOENT);
}

TEST(held_directory_of_a_dead_process_is_esrch)
{
	char path[32], byte;
	struct turn turn = turn_create();
	pid_t child = fork_checked();
	if (child == 0) {
		turn_take(turn);
		_exit(0);
	}
	snprintf(path, sizeof(path), "/proc/%d/stat", child);
	int fd = CHECK_OK(open(path, O_RDONLY));
	turn_give(turn);
	CHECK_EQ(wait_exit(child), 0);
	CHECK_ERR(read(fd, &byte, 1), ESRCH);
}

TEST(states_of_processes)
{
	pid_t child = fork_checked();
	if (child == 0)
		for (;;)
			pause();
	WAIT_UNTIL(process_state(child) == 'S');
	CHECK_OK(kill(child, SIGSTOP));
	WAIT_UNTIL(process_state(child) == 'T');
	CHECK_OK(kill(child, SIGKILL));
	WAIT_UNTIL(process_state(child) == 'Z');
	CHECK_EQ(wait_signal(child), SIGKILL);
}

TEST(other_users_secrets_are_closed)
{
	char path[40];
	snprintf(path, sizeof(path), "/proc/%d/environ", getpid());
	pid_t child = fork_checked();
	if (child == 0) {
		char link[100];
		become_nobody();
		CHECK_ERR(open(path, O_RDONLY), EACCES);
		CHECK_ERR(readlink("/proc/1/exe", link, sizeof(link)), EACCES);
		CHECK_ERR(opendir("/proc/1/fd") ? 0 : -1, EACCES);
		_exit(0);
	}
	CHECK_EQ(wait_exit(child), 0);
}

TEST(mem_reads_memory)
{
	static const char secret[] = "found in memory";
	char text[sizeof(secret)] = {0};
	int fd = CHECK_OK(open("/proc/self/mem", O_RDONLY));
	CHECK_EQ(pread(fd, text, sizeof(text), (off_t)(uintptr_t)secret), sizeof(text));
	CHECK_STR(text, secret);
	CHECK_ERR(pread(fd, text, 1, 0), EIO);
}

TEST(limits_file)
{
	const char *text = read_text("/proc/self/limits");
	CHECK(strstr(text, "Max open files "));
	CHECK(strstr(text, "Max stack size "));
}

TEST(meminfo_adds_up)
{
	const char *path = "/proc/meminfo";
	long total = number_of(path, "MemTotal:"), free_kib = number_of(path, "MemFree:");
	long available = number_of(path, "MemAvailable:");
	CHECK(total > 100000 && total < 1 << 24);
	CHECK(free_kib > 0 && free_kib < total);
	CHECK(available > 0 && available < total);
	CHECK(number_of(path, "Cached:") >= 0);
	struct sysinfo info;
	CHECK_OK(sysinfo(&info));
	CHECK_EQ(info.totalram * info.mem_unit / 1024, total);
}

TEST(free_memory_follows_use)
{
	long before = number_of("/proc/meminfo", "MemFree:");
	char *memory = map_pages(8192);
	memset(memory, 1, (size_t)8192 * PAGE);
	long during = number_of("/proc/meminfo", "MemFree:");
	CHECK(before - during >= 28000);
	CHECK_OK(munmap(memory, (size_t)8192 * PAGE));
	WAIT_UNTIL(number_of("/proc/meminfo", "MemFree:") - during >= 28000);
}

TEST(machine_files)
{
	CHECK(strstr(read_text("/proc/version"), "Linux version "));
	struct utsname names;
	CHECK_OK(uname(&names));
	CHECK(strstr(read_text("/proc/version"), names.release));
	CHECK(strstr(read_text("/proc/cpuinfo"), "processor\t: 0\n"));
	CHECK(strstr(read_text("/proc/cpuinfo"), "flags\t"));
	CHECK(strstr(read_text("/proc/cmdline"), "console=ttyS0"));
	CHECK(strncmp(read_text("/proc/stat"), "cpu  ", 5) == 0);
	CHECK(strstr(read_text("/proc/stat"), "\nbtime "));
	CHECK(strstr(read_text("/proc/stat"), "\nprocesses "));
	double one, five, fifteen;
	CHECK_EQ(sscanf(read_text("/proc/loadavg"), "%lf %lf %lf", &one, &five, &fifteen), 3);
	CHECK(strstr(read_text("/proc/filesystems"), "nodev\tproc\n"));
	CHECK(strstr(read_text("/proc/devices"), "Character devices:"));
}

TEST(kernel_settings)
{
	CHECK(atoi(read_text("/proc/sys/kernel/pid_max")) >= 32768);
	CHECK_STR(read_text("/proc/sys/kernel/ostype"), "Linux\n");
	CHECK_EQ(atoi(read_text("/proc/sys/kernel/cap_last_cap")), 40);
	CHECK_EQ(strlen(read_text("/proc/sys/kernel/random/boot_id")), 37);
	CHECK(strcmp(read_text("/proc/sys/kernel/random/uuid"), "") != 0);
	CHECK_EQ(atoi(read_text("/proc/sys/kernel/overflowuid")), 65534);
	CHECK(atoi(read_text("/proc/sys/fs/nr_open")) > 0);
	CHECK_ERR(open("/proc/sys/kernel/ostype", O_WRONLY) < 0 ? -1 : 0, EACCES);
}

TEST(proc_is_read_only_where_linux_is)
{
	CHECK(open("/proc/new", O_CREAT | O_WRONLY, 0644) < 0);
	CHECK(mkdir("/proc/d", 0755) < 0);
	CHECK(unlink("/proc/version") < 0);
	CHECK_ERR(rmdir("/proc/1"), EPERM);
}

TEST(reads_in_small_pieces_agree)
{
	char whole[4096] = {0}, pieces[4096] = {0};
	size_t length = 0;
	int fd = CHECK_OK(open("/proc/self/mountinfo", O_RDONLY));
	ssize_t count = CHECK_OK(pread(fd, whole, sizeof(whole) - 1, 0));
	while (length < (size_t)count && read(fd, pieces + length, 7) > 0)
		length = strlen(pieces);
	CHECK(strncmp(whole, pieces, (size_t)count) == 0);
}

TEST(sys_has_processors_and_blocks)
{
	CHECK(strncmp(read_text("/sys/devices/system/cpu/online"), "0", 1) == 0);
	CHECK_OK(access("/sys/block", F_OK));
	CHECK_OK(access("/sys/class", F_OK));
	CHECK_OK(access("/sys/fs/cgroup", F_OK));
	CHECK_OK(access("/sys/kernel", F_OK));
}

TEST(oom_score_adjustment)
{
	CHECK_STR(read_text("/proc/self/oom_score_adj"), "0\n");
	CHECK_OK(put_text("/proc/self/oom_score_adj", "500"));
	CHECK_STR(read_text("/proc/self/oom_score_adj"), "500\n");
	CHECK_ERR(put_text("/proc/self/oom_score_adj", "2000"), EINVAL);
	int fd = CHECK_OK(open("/proc/self/oom_score_adj", O_RDWR));
	CHECK_EQ(write(fd, "600", 4), 4);	/* runc writes the zero byte too */
	CHECK_STR(read_text("/proc/self/oom_score_adj"), "600\n");
	close(fd);
}

TEST(fdinfo_of_itself)
{
	char text[256], path[64];
	int fd = CHECK_OK(open("/dev/null", O_RDONLY));
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	CHECK_EQ(CHECK_OK(dup2(CHECK_OK(open(path, O_RDONLY)), fd)), fd);
	CHECK(read(fd, text, sizeof(text)) > 0);	/* its position is being used */
}

TEST(sys_bus_leads_to_the_processors)
{
	char target[128];
	ssize_t n = CHECK_OK(readlink("/sys/bus/cpu/devices/cpu0", target, sizeof(target) - 1));
	target[n] = 0;
	CHECK_STR(target, "../../../devices/system/cpu/cpu0");
	CHECK_OK(access("/sys/bus/cpu/devices/cpu0/.", F_OK));
	CHECK_ERR(access("/sys/bus/cpu/devices/cpu999", F_OK), ENOENT);
}

TEST(kmsg_gives_each_record_once)
{
	static char mine[64], text[65536];
	int log = CHECK_OK(open("/dev/kmsg", O_WRONLY)), fd = CHECK_OK(open("/proc/kmsg", O_RDONLY | O_NONBLOCK));
	while (read(fd, text, sizeof(text)) > 0)
		continue;
	CHECK_EQ(errno, EAGAIN);
	CHECK_EQ(write(log, mine, (size_t)sprintf(mine, "<4>once %d\n", getpid())), (ssize_t)strlen(mine));
	ssize_t n = CHECK_OK(read(fd, text, 10));	/* the rest of the record comes next */
	while (n < (ssize_t)sizeof(text) - 1 && read(fd, text + n, 1) == 1)
		n++;
	text[n] = 0;
	mine[strlen(mine) - 1] = 0;
	CHECK(strstr(text, mine + 3));
	CHECK(!strstr(strstr(text, mine + 3) + 1, mine + 3));
	become_nobody();
	CHECK(open("/proc/kmsg", O_RDONLY) == -1);
}

/* Of root to root: only ptrace(2)'s rule keeps one without privilege from what the other has open. */
TEST(descriptors_of_the_privileged_are_not_followed)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[2] = {{0}};
	char path[64], target[64];
	struct turn ready = turn_create();
	pid_t privileged = fork_checked();
	if (privileged == 0) {
		CHECK_EQ(dup2(CHECK_OK(open("/", O_RDONLY)), 50), 50);
		turn_give(ready);
		pause();
	}
	turn_take(ready);
	snprintf(path, sizeof(path), "/proc/%d/fd/50", privileged);
	CHECK_EQ(readlink(path, target, sizeof(target)), 1);
	pid_t other = fork_checked();
	if (other == 0) {
		CHECK_OK(syscall(SYS_capset, &header, none));
		CHECK_ERR(readlink(path, target, sizeof(target)), EACCES);
		CHECK_ERR(open(path, O_PATH | O_DIRECTORY), EACCES);
		snprintf(path, sizeof(path), "/proc/%d/fd/50/proc", privileged);
		CHECK_ERR(access(path, F_OK), EACCES);
		snprintf(path, sizeof(path), "/proc/%d/fdinfo/50", privileged);
		const int fd = open(path, O_RDONLY);
		CHECK(fd == -1 || read(fd, target, sizeof(target)) == -1);
		CHECK_EQ(errno, EACCES);
		CHECK_EQ(readlink("/proc/self/fd/50", target, sizeof(target)), -1);
		CHECK_OK(open("/proc/self/fd/0", O_PATH));
		_exit(0);
	}
	CHECK_EQ(wait_exit(other), 0);
	CHECK_OK(kill(privileged, SIGKILL));
	CHECK_EQ(wait_signal(privileged), SIGKILL);
}

/* A program that hid itself before it entered a user namespace hides from that namespace's root, too. */
TEST(what_enters_a_user_namespace_stays_hidden)
{
	char path[64], target[64];
	struct turn ready = turn_create(), entered = turn_create();
	pid_t root_inside = fork_checked();
	if (root_inside == 0) {
		CHECK_OK(unshare(CLONE_NEWUSER));
		turn_give(ready);
		turn_take(entered);
		pid_t guest;
		CHECK_EQ(read(entered.read_end, &guest, sizeof(guest)), (ssize_t)sizeof(guest));
		snprintf(path, sizeof(path), "/proc/%d/cwd", guest);
		CHECK_ERR(readlink(path, target, sizeof(target)), EACCES);
		_exit(0);
	}
	turn_take(ready);
	snprintf(path, sizeof(path), "/proc/%d/uid_map", root_inside);
	CHECK_OK(put_text(path, "0 0 10\n"));
	pid_t guest = fork_checked();
	if (guest == 0) {
		CHECK_OK(prctl(PR_SET_DUMPABLE, 0));
		snprintf(path, sizeof(path), "/proc/%d/ns/user", root_inside);
		CHECK_OK(setns(CHECK_OK(open(path, O_RDONLY)), CLONE_NEWUSER));
		turn_give(entered);
		guest = getpid();
		CHECK_EQ(write(entered.write_end, &guest, sizeof(guest)), (ssize_t)sizeof(guest));
		pause();
	}
	CHECK_EQ(wait_exit(root_inside), 0);
	CHECK_OK(kill(guest, SIGKILL));
	CHECK_EQ(wait_signal(guest), SIGKILL);
}

TEST(children_of_a_thread)
{
	char path[64], wanted[64];
	snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	CHECK_STR(read_text(path), "");
	pid_t first = fork_checked();
	if (first == 0)
		pause();
	pid_t second = fork_checked();
	if (second == 0)
		pause();
	snprintf(wanted, sizeof(wanted), "%d %d ", first, second);
	CHECK_STR(read_text(path), wanted);
	CHECK_ERR(access("/proc/self/children", F_OK), ENOENT);
	CHECK_OK(kill(first, SIGKILL));
	CHECK_EQ(wait_signal(first), SIGKILL);
	snprintf(wanted, sizeof(wanted), "%d ", second);
	CHECK_STR(read_text(path), wanted);
	CHECK_OK(kill(second, SIGKILL));
	CHECK_EQ(wait_signal(second), SIGKILL);
}

TEST(call_in_which_a_process_sleeps)
{
	char path[64], byte;
	int fds[2];
	CHECK(strncmp(read_text("/proc/self/syscall"), "0 0x", 4) == 0); /* it reads */
	CHECK_OK(pipe(fds));
	pid_t child = fork_checked();
	if (child == 0)
		_exit(read(fds[0], &byte, 17) != 17);
	snprintf(path, sizeof(path), "/proc/%d/syscall", child);
	unsigned long number = 99, a[6], stack = 0, place = 0;
	for (int i = 0; i < 2000 && number; i++) {
		usleep(1000);
		sscanf(read_text(path), "%lu %lx %lx %lx %lx %lx %lx %lx %lx", &number, a, a + 1, a + 2, a + 3, a + 4,
		       a + 5, &stack, &place);
	}
	CHECK_EQ(number, 0);
	CHECK_EQ(a[0], (unsigned long)fds[0]);
	CHECK_EQ(a[2], 17);
	CHECK(stack && place);
	struct stat s;
	CHECK_OK(stat(path, &s));
	CHECK_EQ(s.st_mode, S_IFREG | 0400);
	CHECK_OK(kill(child, SIGKILL));
	CHECK_EQ(wait_signal(child), SIGKILL);
}

TEST(kernel_addresses_are_not_for_everybody)
{
	char text[64];
	CHECK_STR(read_text("/proc/self/wchan"), "0");
	CHECK_OK(setresgid(NOBODY, NOBODY, NOBODY));
	CHECK_OK(setresuid(NOBODY, NOBODY, NOBODY));
	CHECK_OK(prctl(PR_SET_DUMPABLE, 1));
	int fd = CHECK_OK(open("/proc/self/stack", O_RDONLY));
	CHECK_ERR(read(fd, text, sizeof(text)), EACCES);
	CHECK_STR(read_text("/proc/self/wchan"), "0");
}

#define MAP_PRESENT (1ull << 63)
#define MAP_OF_FILE (1ull << 61)
#define MAP_EXCLUSIVE (1ull << 56)
#define MAP_FRAME ((1ull << 55) - 1)

static uint64_t page_entry(int fd, const volatile void *at)
{
	uint64_t entry = 0;
	CHECK_EQ(pread(fd, &entry, sizeof(entry), (off_t)((uintptr_t)at / PAGE * 8)), 8);
	return entry;
}

TEST(map_of_pages)
{
	char *own = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t entries[4];
	int fd = CHECK_OK(open("/proc/self/pagemap", O_RDONLY));
	own[PAGE] = 1;
	own[2 * PAGE] = 1;
	shared[0] = 1;
	CHECK_EQ(pread(fd, entries, sizeof(entries), (off_t)((uintptr_t)own / PAGE * 8)), (ssize_t)sizeof(entries));
	CHECK(!(entries[0] & MAP_PRESENT) && !(entries[3] & MAP_PRESENT));
	for (int i = 1; i < 3; i++) {
		CHECK(entries[i] & MAP_PRESENT);
		CHECK(entries[i] & MAP_EXCLUSIVE);
		CHECK(!(entries[i] & MAP_OF_FILE));
		CHECK(entries[i] & MAP_FRAME);
	}
	CHECK((entries[1] & MAP_FRAME) != (entries[2] & MAP_FRAME));
	CHECK(page_entry(fd, shared) & MAP_OF_FILE);
	pid_t child = fork_checked();
	if (child == 0) {
		/* Opened before: it shows the parent's pages, which both have now. */
		CHECK(!(page_entry(fd, own + PAGE) & MAP_EXCLUSIVE));
		CHECK_EQ(page_entry(fd, own + PAGE) & MAP_FRAME, entries[1] & MAP_FRAME);
		_exit(0);
	}
	CHECK_EQ(wait_exit(child), 0);
	CHECK_ERR(pread(fd, entries, 8, 4), EINVAL);
	CHECK_ERR(pread(fd, entries, 12, 0), EINVAL);
	CHECK_ERR(write(fd, entries, 8), EBADF);
	CHECK_EQ(pread(fd, entries, 8, 0), 8);
	CHECK_EQ(entries[0] & MAP_PRESENT, 0);
	struct stat s;
	CHECK_OK(fstat(fd, &s));
	CHECK_EQ(s.st_mode, S_IFREG | 0400);
}

TEST(frames_are_not_for_everybody)
{
	volatile char *own = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	own[0] = 1;
	CHECK_OK(setresgid(NOBODY, NOBODY, NOBODY));
	CHECK_OK(setresuid(NOBODY, NOBODY, NOBODY));
	CHECK_OK(prctl(PR_SET_DUMPABLE, 1));
	int fd = CHECK_OK(open("/proc/self/pagemap", O_RDONLY));
	uint64_t entry = page_entry(fd, own);
	CHECK(entry & MAP_PRESENT);
	CHECK_EQ(entry & MAP_FRAME, 0);
	CHECK_ERR(open("/proc/1/pagemap", O_RDONLY), EACCES);
}
