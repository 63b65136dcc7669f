// SPDX-License-Identifier: MPL-2.0
/* The test machine's disk as ext2 at /tmp/disk, in the case's own mount namespace. A case skips where there is none. */
#pragma once

#include "support.h"

#include <sys/mount.h>

static inline void disk_mount(void)
{
	CHECK_OK(mount("/dev/vda", "/tmp/disk", "ext2", 0, NULL));
	CHECK_OK(chdir("/tmp/disk"));
}

/* Mounts it and goes there. */
static inline void disk_enter(void)
{
	if (access("/dev/vda", F_OK) != 0)
		test_skip("no disk");
	private_mounts();
	CHECK_OK(mkdir("/tmp/disk", 0755) == 0 || errno == EEXIST ? 0 : -1);
	disk_mount();
}

/* The same, and into a new folder of it. */
static inline void disk_enter_folder(const char *folder, mode_t mode)
{
	disk_enter();
	CHECK_OK(mkdir(folder, mode));
	CHECK_OK(chmod(folder, mode));
	CHECK_OK(chdir(folder));
}

static inline void disk_leave(void)
{
	CHECK_OK(chdir("/"));
	CHECK_OK(umount("/tmp/disk"));
}

/* Leaves and comes back, so that everything is read from the disk again. */
static inline void disk_again(const char *folder)
{
	disk_leave();
	disk_mount();
	CHECK_OK(chdir(folder));
}
