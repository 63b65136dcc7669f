// SPDX-License-Identifier: MPL-2.0
/* Pressure of groups and of the machine, and triggers on it. (Linux as Debian builds it needs psi=1.) */
#include "group.h"

#include <poll.h>
#include <sched.h>
#include <sys/mount.h>

/* They share the first two processors, however many the machine has. */
static void spinners(int count)
{
	cpu_set_t two;
	CPU_ZERO(&two);
	CPU_SET(0, &two);
	CPU_SET(1, &two);
	for (int i = 0; i < count; i++) {
		if (fork_checked() == 0) {
			join();
			CHECK_OK(sched_setaffinity(0, sizeof(two), &two));
			for (;;)
				continue;
		}
	}
}

static void end_spinners(void)
{
	/* Some may not have joined yet. */
	do {
		put("cgroup.kill", "1");
		sleep_ms(10);
	} while (waitpid(-1, NULL, WNOHANG) >= 0);
	remove_group();
}

/* Microseconds, after "some " or "full ". */
static long total_of(const char *text, const char *kind)
{
	const char *line = strstr(text, kind), *at = line ? strstr(line, "total=") : NULL;
	CHECK(at);
	return strtol(at + 6, NULL, 10);
}

static void need_pressure(void)
{
	if (access("/proc/pressure/cpu", F_OK) != 0)
		test_skip("no pressure");
}

TEST(files_have_two_lines)
{
	need_pressure();
	static const char *const files[] = {"cpu", "memory", "io"};
	make_group("lines", NULL);
	for (int i = 0; i < 3; i++) {
		char path[64];
		double averages[6];
		long totals[2];
		snprintf(path, sizeof(path), "%s.pressure", files[i]);
		CHECK_EQ(sscanf(get(path),
				"some avg10=%lf avg60=%lf avg300=%lf total=%ld\nfull avg10=%lf avg60=%lf avg300=%lf "
				"total=%ld\n",
				&averages[0], &averages[1], &averages[2], &totals[0], &averages[3], &averages[4],
				&averages[5], &totals[1]),
			 8);
		CHECK_EQ(totals[0], 0);
		CHECK_EQ(totals[1], 0);
		snprintf(path, sizeof(path), "/proc/pressure/%s", files[i]);
		CHECK(strstr(read_text(path), "some avg10="));
		CHECK(strstr(read_text(path), "\nfull avg10="));
	}
	CHECK(strstr(read_text("/proc/pressure/cpu"), "full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"));
	remove_group();
}

TEST(waiting_for_a_processor_counts)
{
	need_pressure();
	make_group("cpu", NULL);
	spinners(6);
	long machine = total_of(read_text("/proc/pressure/cpu"), "some");
	sleep_ms(6500);
	long some = total_of(get("cpu.pressure"), "some");
	CHECK(some > 3000000);
	CHECK(some < 8000000);
	CHECK(total_of(read_text("/proc/pressure/cpu"), "some") > machine + 2000000);
	double average = strtod(strstr(get("cpu.pressure"), "avg10=") + 6, NULL);
	CHECK(average > 20);
	CHECK(average < 100);
	end_spinners();
}

TEST(a_group_alone_on_its_processors_feels_none)
{
	need_pressure();
	make_group("alone", NULL);
	spinners(1);
	sleep_ms(300);
	long full = total_of(get("cpu.pressure"), "full");
	sleep_ms(2500);
	CHECK(total_of(get("cpu.pressure"), "full") - full < 1000000);
	end_spinners();
}

TEST(a_quota_is_felt)
{
	need_pressure();
	make_group("quota", "+cpu");
	put("cpu.max", "10000 100000");
	spinners(1);
	sleep_ms(5000);
	CHECK(total_of(get("cpu.pressure"), "some") > 2500000);
	end_spinners();
}

TEST(reading_from_the_disk_counts)
{
	need_pressure();
	static char block[1 << 20];
	private_mounts();
	CHECK_OK(mkdir("disk", 0755));
	if (mount("/dev/vda", "disk", "ext2", 0, NULL) != 0)
		test_skip("no disk");
	int fd = CHECK_OK(open("disk/data", O_RDWR | O_CREAT | O_TRUNC, 0600));
	for (int i = 0; i < 8; i++)
		CHECK_EQ(write(fd, block, sizeof(block)), sizeof(block));
	CHECK_OK(fsync(fd));
	CHECK_OK(put_text("/proc/sys/vm/drop_caches", "3"));
	make_group("io", "+io");
	char limit[64];
	struct stat info;
	CHECK_OK(fstat(fd, &info));
	snprintf(limit, sizeof(limit), "%u:%u rbps=4194304", (unsigned)(info.st_dev >> 8 & 0xfff),
		 (unsigned)(info.st_dev & 0xff));
	put("io.max", limit);
	pid_t child = fork_checked();
	if (child == 0) {
		join();
		for (int i = 0; i < 8; i++)
			CHECK_EQ(pread(fd, block, sizeof(block), (off_t)i << 20), sizeof(block));
		_exit(0);
	}
	CHECK_EQ(wait_exit(child), 0);
	sleep_ms(2500);
	CHECK(total_of(get("io.pressure"), "some") > 500000);
	CHECK(total_of(get("io.pressure"), "full") > 500000);
	close(fd);
	CHECK_OK(unlink("disk/data"));
	CHECK_OK(umount("disk"));
	remove_group();
}

TEST(reclaim_counts)
{
	need_pressure();
	make_group("memory", "+memory");
	put("memory.high", "4M");
	if (access(path_in("memory.swap.max"), F_OK) == 0)
		put("memory.swap.max", "0");
	pid_t child = fork_checked();
	if (child == 0) {
		join();
		char *memory = map_pages(4096);
		for (int i = 0; i < 1300; i++)
			memory[(size_t)i * PAGE] = 1;
		for (;;)
			pause();
	}
	WAIT_UNTIL(total_of(get("memory.pressure"), "some") > 0);
	put("cgroup.kill", "1");
	CHECK_EQ(wait_signal(child), SIGKILL);
	remove_group();
}

TEST(trigger_goes_off_once_a_window)
{
	need_pressure();
	make_group("trigger", NULL);
	int fd = CHECK_OK(open(path_in("cpu.pressure"), O_RDWR | O_NONBLOCK));
	CHECK_EQ(write(fd, "some 100000 1000000", 20), 20);
	CHECK_ERR(write(fd, "some 100000 1000000", 20), EBUSY);
	struct pollfd entry = {fd, POLLPRI, 0};
	CHECK_EQ(poll(&entry, 1, 300), 0);
	spinners(6);
	CHECK_EQ(poll(&entry, 1, 10000), 1);
	CHECK(entry.revents & POLLPRI);
	CHECK(!(entry.revents & POLLERR));
	CHECK_EQ(poll(&entry, 1, 200), 0);
	CHECK_EQ(poll(&entry, 1, 5000), 1);
	close(fd);
	end_spinners();
}

TEST(trigger_on_the_machine)
{
	need_pressure();
	make_group("machine", NULL);
	int fd = CHECK_OK(open("/proc/pressure/cpu", O_RDWR));
	CHECK_EQ(write(fd, "some 50000 500000\n", 18), 18);
	spinners(6);
	struct pollfd entry = {fd, POLLPRI, 0};
	CHECK_EQ(poll(&entry, 1, 10000), 1);
	CHECK(entry.revents & POLLPRI);
	close(fd);
	end_spinners();
}

TEST(bad_triggers_are_refused)
{
	need_pressure();
	make_group("bad", NULL);
	const char *path = path_in("io.pressure");
	CHECK_ERR(put_text(path, "some 100000"), EINVAL);
	CHECK_ERR(put_text(path, "any 100000 1000000"), EINVAL);
	CHECK_ERR(put_text(path, "some 2000000 1000000"), EINVAL);
	CHECK_ERR(put_text(path, "some 0 1000000"), EINVAL);
	CHECK_ERR(put_text(path, "some 100000 400000"), EINVAL);
	CHECK_ERR(put_text(path, "some 100000 10000001"), EINVAL);
	CHECK_OK(put_text(path, "full 100000 10000000"));
	remove_group();
}

TEST(without_a_trigger_poll_says_so)
{
	need_pressure();
	make_group("none", NULL);
	struct pollfd entry = {CHECK_OK(open(path_in("cpu.pressure"), O_RDWR)), POLLPRI, 0};
	CHECK_EQ(poll(&entry, 1, 0), 1);
	CHECK(entry.revents & POLLERR);
	CHECK(entry.revents & POLLPRI);
	close(entry.fd);
	remove_group();
}

TEST(unprivileged_windows_are_of_two_seconds)
{
	need_pressure();
	become_nobody();
	int fd = CHECK_OK(open("/proc/pressure/cpu", O_RDWR));
	CHECK_ERR(write(fd, "some 100000 1000000", 20), EINVAL);
	CHECK_EQ(write(fd, "some 100000 2000000", 20), 20);
	close(fd);
}

TEST(pressure_can_be_switched_off)
{
	need_pressure();
	make_group("off", NULL);
	CHECK_STR(get("cgroup.pressure"), "1\n");
	CHECK_ERR(put_text(path_in("cgroup.pressure"), "2"), ERANGE);
	put("cgroup.pressure", "0");
	CHECK_STR(get("cgroup.pressure"), "0\n");
	CHECK_ERR(open(path_in("cpu.pressure"), O_RDONLY), ENOENT);
	put("cgroup.pressure", "1");
	spinners(6);
	WAIT_UNTIL(total_of(get("cpu.pressure"), "some") > 0);
	end_spinners();
}
