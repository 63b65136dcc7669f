// SPDX-License-Identifier: MPL-2.0
// Attributes of files in kernel form (linux_abi encodes them as stat or statx).
#pragma once
#include <core/types.h>

#define S_IFMT 0170000u
#define S_IFSOCK 0140000u
#define S_IFLNK 0120000u
#define S_IFREG 0100000u
#define S_IFBLK 0060000u
#define S_IFDIR 0040000u
#define S_IFCHR 0020000u
#define S_IFIFO 0010000u
#define S_ISUID 04000u
#define S_ISGID 02000u
#define S_ISVTX 01000u

struct file_time {
	s64 seconds;
	u32 nanoseconds;
	u32 pad;
};
struct file_stat {
	u64 superblock_device, number, size, blocks, device, attributes, mount_id;
	u32 mode, link_count, uid, gid, block_size, pad;	// mode with type; kernel ids
	struct file_time access_time, modify_time, change_time, birth_time;
};
enum attribute_valid {
	ATTRIBUTE_MODE = 1, ATTRIBUTE_UID = 2, ATTRIBUTE_GID = 4, ATTRIBUTE_SIZE = 8,
	ATTRIBUTE_ACCESS_TIME = 16, ATTRIBUTE_MODIFY_TIME = 32, ATTRIBUTE_CHANGE_TIME = 64
};
struct attribute_change {
	u32 valid;
	u32 mode, uid, gid;
	u64 size;
	struct file_time access_time, modify_time, change_time;
};
// Device numbers in the kernel: major << 20 | minor, as Linux's dev_t inside the kernel.
static inline u64 device_number(u32 major, u32 minor) { return (u64)major << 20 | minor; }
static inline u32 device_major(u64 d) { return (u32)(d >> 20); }
static inline u32 device_minor(u64 d) { return (u32)d & 0xfffff; }
