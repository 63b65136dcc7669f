// SPDX-License-Identifier: MPL-2.0
/* Dirty pages are written by themselves, when the settings under /proc/sys/vm say so. */
#include "disk.h"

static long dirty_kib(void)
{
	const char *found = strstr(read_text("/proc/meminfo"), "Dirty:");
	CHECK(found != NULL);
	return atol(found + 6);
}

static void set(const char *name, const char *value)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/sys/vm/%s", name);
	CHECK_OK(put_text(path, value));
}

TEST(settings_are_checked)
{
	CHECK_STR(read_text("/proc/sys/vm/dirty_background_ratio"), "10\n");
	CHECK_STR(read_text("/proc/sys/vm/dirty_ratio"), "20\n");
	CHECK_STR(read_text("/proc/sys/vm/dirty_expire_centisecs"), "3000\n");
	CHECK_STR(read_text("/proc/sys/vm/dirty_writeback_centisecs"), "500\n");
	CHECK_ERR(put_text("/proc/sys/vm/dirty_ratio", "101"), EINVAL);
	CHECK_ERR(put_text("/proc/sys/vm/dirty_ratio", "-1"), EINVAL);
}

TEST(old_pages_are_written_by_themselves)
{
	static char block[65536];
	disk_enter();
	sync();
	set("dirty_expire_centisecs", "50");
	set("dirty_writeback_centisecs", "50");
	int fd = make_file("/tmp/disk/writeback");
	for (int i = 0; i < 32; i++)
		CHECK_EQ(write(fd, block, sizeof(block)), sizeof(block));
	for (int tries = 0; dirty_kib() >= 1024; tries++) {
		CHECK(tries < 200);
		sleep_ms(100);
	}
	set("dirty_expire_centisecs", "3000");
	set("dirty_writeback_centisecs", "500");
	CHECK_OK(close(fd));
	CHECK_OK(unlink("/tmp/disk/writeback"));
	disk_leave();
}
