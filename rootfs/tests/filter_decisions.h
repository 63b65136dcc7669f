// SPDX-License-Identifier: MPL-2.0
// What the filter decided when libseccomp 2.5.4 compiled it from the runtime's configuration, number by number.
// "none" has rows for all; a container with one more capability only those that differ.
#pragma once

#include <errno.h>
#include <stdint.h>

#define ALLOW 0x7fff0000u
#define ERRNO(number) (0x00050000u | (number))
#define KILL 0u

static const struct {
	const char *capabilities;
	uint32_t first, last, answer;
} by_number[] = {
	{"none", 0, 100, ALLOW}, {"none", 101, 101, ERRNO(EPERM)}, {"none", 102, 102, ALLOW},
	{"none", 103, 103, ERRNO(EPERM)}, {"none", 104, 133, ALLOW}, {"none", 134, 134, ERRNO(EPERM)},
	{"none", 135, 135, ALLOW}, {"none", 136, 136, ERRNO(EPERM)}, {"none", 137, 138, ALLOW},
	{"none", 139, 139, ERRNO(EPERM)}, {"none", 140, 152, ALLOW}, {"none", 153, 153, ERRNO(EPERM)},
	{"none", 154, 154, ALLOW}, {"none", 155, 155, ERRNO(EPERM)}, {"none", 156, 156, ERRNO(ENOSYS)},
	{"none", 157, 160, ALLOW}, {"none", 161, 161, ERRNO(EPERM)}, {"none", 162, 162, ALLOW},
	{"none", 163, 173, ERRNO(EPERM)}, {"none", 174, 174, ERRNO(ENOSYS)}, {"none", 175, 176, ERRNO(EPERM)},
	{"none", 177, 178, ERRNO(ENOSYS)}, {"none", 179, 180, ERRNO(EPERM)}, {"none", 181, 185, ERRNO(ENOSYS)},
	{"none", 186, 211, ALLOW}, {"none", 212, 212, ERRNO(EPERM)}, {"none", 213, 226, ALLOW},
	{"none", 227, 227, ERRNO(EPERM)}, {"none", 228, 235, ALLOW}, {"none", 236, 236, ERRNO(ENOSYS)},
	{"none", 237, 239, ERRNO(EPERM)}, {"none", 240, 245, ALLOW}, {"none", 246, 246, ERRNO(EPERM)},
	{"none", 247, 247, ALLOW}, {"none", 248, 250, ERRNO(EPERM)}, {"none", 251, 255, ALLOW},
	{"none", 256, 256, ERRNO(EPERM)}, {"none", 257, 271, ALLOW}, {"none", 272, 272, ERRNO(EPERM)},
	{"none", 273, 277, ALLOW}, {"none", 278, 279, ERRNO(EPERM)}, {"none", 280, 297, ALLOW},
	{"none", 298, 298, ERRNO(EPERM)}, {"none", 299, 299, ALLOW}, {"none", 300, 300, ERRNO(EPERM)},
	{"none", 301, 303, ALLOW}, {"none", 304, 304, ERRNO(EPERM)}, {"none", 305, 307, ALLOW},
	{"none", 308, 308, ERRNO(EPERM)}, {"none", 309, 309, ALLOW}, {"none", 310, 313, ERRNO(EPERM)},
	{"none", 314, 319, ALLOW}, {"none", 320, 321, ERRNO(EPERM)}, {"none", 322, 322, ALLOW},
	{"none", 323, 323, ERRNO(EPERM)}, {"none", 324, 332, ALLOW}, {"none", 333, 333, ERRNO(ENOSYS)},
	{"none", 334, 334, ALLOW}, {"none", 335, 423, ERRNO(ENOSYS)}, {"none", 424, 424, ALLOW},
	{"none", 425, 433, ERRNO(EPERM)}, {"none", 434, 434, ALLOW}, {"none", 435, 435, ERRNO(ENOSYS)},
	{"none", 436, 437, ALLOW}, {"none", 438, 438, ERRNO(EPERM)}, {"none", 439, 439, ALLOW},
	{"none", 440, 440, ERRNO(EPERM)}, {"none", 441, 441, ALLOW}, {"none", 442, 443, ERRNO(EPERM)},
	{"none", 444, 449, ALLOW}, {"none", 450, 450, ERRNO(EPERM)}, {"none", 451, 512, ERRNO(ENOSYS)},
	{"default", 161, 161, ALLOW}, {"all", 101, 101, ALLOW}, {"all", 103, 103, ALLOW}, {"all", 153, 153, ALLOW},
	{"all", 155, 155, ALLOW}, {"all", 161, 161, ALLOW}, {"all", 163, 173, ALLOW}, {"all", 175, 176, ALLOW},
	{"all", 179, 179, ALLOW}, {"all", 212, 212, ALLOW}, {"all", 227, 227, ALLOW}, {"all", 237, 239, ALLOW},
	{"all", 246, 246, ALLOW}, {"all", 256, 256, ALLOW}, {"all", 272, 272, ALLOW}, {"all", 279, 279, ALLOW},
	{"all", 298, 298, ALLOW}, {"all", 300, 300, ALLOW}, {"all", 304, 304, ALLOW}, {"all", 308, 308, ALLOW},
	{"all", 310, 313, ALLOW}, {"all", 320, 321, ALLOW}, {"all", 428, 433, ALLOW}, {"all", 435, 435, ALLOW},
	{"all", 438, 438, ALLOW}, {"all", 440, 440, ALLOW}, {"all", 442, 443, ALLOW}, {"all", 450, 450, ALLOW},
	{"CAP_SYS_ADMIN", 155, 155, ALLOW}, {"CAP_SYS_ADMIN", 165, 168, ALLOW}, {"CAP_SYS_ADMIN", 170, 171, ALLOW},
	{"CAP_SYS_ADMIN", 179, 179, ALLOW}, {"CAP_SYS_ADMIN", 212, 212, ALLOW}, {"CAP_SYS_ADMIN", 272, 272, ALLOW},
	{"CAP_SYS_ADMIN", 298, 298, ALLOW}, {"CAP_SYS_ADMIN", 300, 300, ALLOW}, {"CAP_SYS_ADMIN", 308, 308, ALLOW},
	{"CAP_SYS_ADMIN", 321, 321, ALLOW}, {"CAP_SYS_ADMIN", 428, 433, ALLOW}, {"CAP_SYS_ADMIN", 435, 435, ALLOW},
	{"CAP_SYS_ADMIN", 442, 443, ALLOW}, {"CAP_SYS_PTRACE", 101, 101, ALLOW}, {"CAP_SYS_PTRACE", 310, 312, ALLOW},
	{"CAP_SYS_PTRACE", 438, 438, ALLOW}, {"CAP_SYS_PTRACE", 440, 440, ALLOW},
	{"CAP_DAC_READ_SEARCH", 304, 304, ALLOW}, {"CAP_SYS_CHROOT", 161, 161, ALLOW},
	{"CAP_SYS_MODULE", 175, 176, ALLOW}, {"CAP_SYS_MODULE", 313, 313, ALLOW}, {"CAP_SYS_BOOT", 169, 169, ALLOW},
	{"CAP_SYS_BOOT", 246, 246, ALLOW}, {"CAP_SYS_BOOT", 320, 320, ALLOW}, {"CAP_SYS_PACCT", 163, 163, ALLOW},
	{"CAP_SYS_RAWIO", 172, 173, ALLOW}, {"CAP_SYS_TIME", 164, 164, ALLOW}, {"CAP_SYS_TIME", 227, 227, ALLOW},
	{"CAP_SYS_TTY_CONFIG", 153, 153, ALLOW}, {"CAP_SYS_NICE", 237, 239, ALLOW},
	{"CAP_SYS_NICE", 256, 256, ALLOW}, {"CAP_SYS_NICE", 279, 279, ALLOW}, {"CAP_SYS_NICE", 450, 450, ALLOW},
	{"CAP_SYSLOG", 103, 103, ALLOW},
};

// By arguments 0 and 2.
static const struct {
	const char *capabilities;
	uint32_t number;
	uint64_t arguments[2];
	uint32_t answer;
} by_argument[] = {
	{"none", 56, {0, 0}, ALLOW}, {"none", 56, {0x11, 0}, ALLOW}, {"none", 56, {0x3d0f00, 0}, ALLOW},
	{"none", 56, {0x20000, 0}, ERRNO(EPERM)}, {"none", 56, {0x2000000, 0}, ERRNO(EPERM)},
	{"none", 56, {0x4000000, 0}, ERRNO(EPERM)}, {"none", 56, {0x8000000, 0}, ERRNO(EPERM)},
	{"none", 56, {0x10000000, 0}, ERRNO(EPERM)}, {"none", 56, {0x20000000, 0}, ERRNO(EPERM)},
	{"none", 56, {0x40000000, 0}, ERRNO(EPERM)}, {"none", 56, {0x7e020000, 0}, ERRNO(EPERM)},
	{"none", 56, {0x80, 0}, ALLOW}, {"none", 56, {0x100000080, 0}, ALLOW},
	{"none", 56, {0x100020000, 0}, ERRNO(EPERM)}, {"none", 56, {0xffffffff, 0}, ERRNO(EPERM)},
	{"none", 56, {0x100000000, 0}, ALLOW}, {"none", 435, {0, 0}, ERRNO(ENOSYS)},
	{"none", 435, {0x7e020000, 0}, ERRNO(ENOSYS)}, {"none", 135, {0, 0}, ALLOW},
	{"none", 135, {1, 0}, ERRNO(ENOSYS)}, {"none", 135, {8, 0}, ALLOW}, {"none", 135, {0x20000, 0}, ALLOW},
	{"none", 135, {0x20008, 0}, ALLOW}, {"none", 135, {0xffffffff, 0}, ALLOW},
	{"none", 135, {0x40000, 0}, ERRNO(ENOSYS)}, {"none", 135, {0x20009, 0}, ERRNO(ENOSYS)},
	{"none", 41, {0, 0}, ALLOW}, {"none", 41, {0, 8}, ALLOW}, {"none", 41, {0, 9}, ALLOW},
	{"none", 41, {0, 0xa}, ALLOW}, {"none", 41, {1, 0}, ALLOW}, {"none", 41, {1, 8}, ALLOW},
	{"none", 41, {1, 9}, ALLOW}, {"none", 41, {1, 0xa}, ALLOW}, {"none", 41, {2, 0}, ALLOW},
	{"none", 41, {2, 8}, ALLOW}, {"none", 41, {2, 9}, ALLOW}, {"none", 41, {2, 0xa}, ALLOW},
	{"none", 41, {0xa, 0}, ALLOW}, {"none", 41, {0xa, 8}, ALLOW}, {"none", 41, {0xa, 9}, ALLOW},
	{"none", 41, {0xa, 0xa}, ALLOW}, {"none", 41, {0xf, 0}, ALLOW}, {"none", 41, {0xf, 8}, ALLOW},
	{"none", 41, {0xf, 9}, ALLOW}, {"none", 41, {0xf, 0xa}, ALLOW}, {"none", 41, {0x10, 0}, ALLOW},
	{"none", 41, {0x10, 8}, ALLOW}, {"none", 41, {0x10, 9}, ERRNO(EINVAL)}, {"none", 41, {0x10, 0xa}, ALLOW},
	{"none", 41, {0x11, 0}, ALLOW}, {"none", 41, {0x11, 8}, ALLOW}, {"none", 41, {0x11, 9}, ALLOW},
	{"none", 41, {0x11, 0xa}, ALLOW}, {"none", 41, {0x26, 0}, ALLOW}, {"none", 41, {0x26, 8}, ALLOW},
	{"none", 41, {0x26, 9}, ALLOW}, {"none", 41, {0x26, 0xa}, ALLOW}, {"all", 56, {0x20000, 0}, ALLOW},
	{"all", 56, {0x2000000, 0}, ALLOW}, {"all", 56, {0x4000000, 0}, ALLOW}, {"all", 56, {0x8000000, 0}, ALLOW},
	{"all", 56, {0x10000000, 0}, ALLOW}, {"all", 56, {0x20000000, 0}, ALLOW},
	{"all", 56, {0x40000000, 0}, ALLOW}, {"all", 56, {0x7e020000, 0}, ALLOW},
	{"all", 56, {0x100020000, 0}, ALLOW}, {"all", 56, {0xffffffff, 0}, ALLOW}, {"all", 435, {0, 0}, ALLOW},
	{"all", 435, {0x7e020000, 0}, ALLOW}, {"all", 41, {0x10, 9}, ALLOW},
	{"CAP_SYS_ADMIN", 56, {0x20000, 0}, ALLOW}, {"CAP_SYS_ADMIN", 56, {0x2000000, 0}, ALLOW},
	{"CAP_SYS_ADMIN", 56, {0x4000000, 0}, ALLOW}, {"CAP_SYS_ADMIN", 56, {0x8000000, 0}, ALLOW},
	{"CAP_SYS_ADMIN", 56, {0x10000000, 0}, ALLOW}, {"CAP_SYS_ADMIN", 56, {0x20000000, 0}, ALLOW},
	{"CAP_SYS_ADMIN", 56, {0x40000000, 0}, ALLOW}, {"CAP_SYS_ADMIN", 56, {0x7e020000, 0}, ALLOW},
	{"CAP_SYS_ADMIN", 56, {0x100020000, 0}, ALLOW}, {"CAP_SYS_ADMIN", 56, {0xffffffff, 0}, ALLOW},
	{"CAP_SYS_ADMIN", 435, {0, 0}, ALLOW}, {"CAP_SYS_ADMIN", 435, {0x7e020000, 0}, ALLOW},
	{"CAP_AUDIT_WRITE", 41, {0x10, 9}, ALLOW},
};
