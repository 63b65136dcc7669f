// SPDX-License-Identifier: MPL-2.0
/* Numbers that calls may take: chosen by the name that the table of calls gives to an argument. */
#ifndef KEELSON_TESTS_STRESS_VALUES_H
#define KEELSON_TESTS_STRESS_VALUES_H
#include "slots.h"

#include <sched.h>
#include <sys/syscall.h>

static inline uint64_t any_number(struct dice *d)
{
	static const uint64_t edges[] = {0, 1, 2, 3, 7, 8, 0x7f, 0xff, 0x1000, 0xfff, 0x7fffffff, 0x80000000,
		0xffffffff, 0x100000000, 0x7fffffffffffffff, 0x8000000000000000, ~0ul, ~0ul - 4095, 0x7ffffffff000,
		0x800000000000, 0xffffffff80200000, 0xffff800000000000, 1ul << 40, 1ul << 20};
	switch (below(d, 4)) {
	case 0: return PICK(d, edges);
	case 1: return below(d, 64);
	case 2: return 1ul << below(d, 64);
	default: return roll(d) >> below(d, 64);
	}
}

static inline uint64_t any_bits(struct dice *d)
{
	uint64_t bits = 0;
	switch (below(d, 12)) {
	case 0: return any_number(d);
	case 1: case 2: case 3: case 4: case 5: case 6: return 0;
	case 7: case 8: return below(d, 16);
	}
	for (uint64_t i = below(d, 4); i < 4; i++)
		bits |= 1ul << below(d, one_in(d, 10) ? 32 : 21);
	return bits;
}

static inline uint64_t any_fd(struct dice *d)
{
	static const int64_t odd[] = {-1, -100, 0, 1, 2, 1000, 0x7fffffff, -2};
	return one_in(d, 12) ? (uint64_t)PICK(d, odd) : 3 + below(d, one_in(d, 3) ? 60 : SLOT_FREE - 3);
}

static inline uint64_t any_pid(struct dice *d)
{
	switch (below(d, 8)) {
	case 0: return 0;
	case 1: return (uint64_t)getpid();
	case 2: return (uint64_t)syscall(SYS_gettid);
	case 3: return (uint64_t)getppid();
	case 4: return any_number(d);
	default: return 2 + below(d, 40);
	}
}

static inline uint64_t any_size(struct dice *d)
{
	static const uint64_t sizes[] = {0, 1, 4, 8, 16, 24, 32, 64, 100, 255, 256, 512, 4095, 4096, 4097, 8192, 65535,
		65536};
	return one_in(d, 12) ? any_number(d) : one_in(d, 3) ? below(d, 300) : PICK(d, sizes);
}

static inline uint64_t any_address(struct dice *d)
{
	uint64_t at = GROUND_BASE + below(d, GROUND_PAGES) * PAGE;
	switch (below(d, 16)) {
	case 0: return any_number(d);
	case 1: return any_number(d) & ~0xffful;
	case 2: return at + below(d, PAGE);
	case 3: return 0;
	default: return at;
	}
}

static inline uint64_t any_signal(struct dice *d)
{
	/* SIGKILL and SIGSTOP end the fun of a whole process, so they are rare */
	uint64_t number = one_in(d, 20) ? any_number(d) : below(d, 65);
	return (number == SIGKILL || number == SIGSTOP) && !one_in(d, 30) ? SIGCHLD : number;
}

static inline uint64_t any_domain(struct dice *d)
{
	static const int domains[] = {1, 1, 2, 2, 10, 16, 16, 17, 17, 40, 3};
	return one_in(d, 20) ? below(d, 46) : (uint64_t)PICK(d, domains);
}

static inline uint64_t any_socket_type(struct dice *d)
{
	return (1 + below(d, one_in(d, 8) ? 10 : 3)) | (one_in(d, 2) ? 04000 : 0) | (one_in(d, 5) ? 02000000 : 0);
}

static inline uint64_t any_protocol(struct dice *d)
{
	static const int protocols[] = {0, 0, 0, 0, 1, 6, 17, 58, 255, 15, 9, 16, 3, 0x300, 12, 21, 4};
	return one_in(d, 10) ? below(d, 300) : (uint64_t)PICK(d, protocols);
}

static inline uint64_t any_level(struct dice *d)
{
	static const int levels[] = {1, 1, 1, 0, 6, 17, 41, 58, 270, 263, 255};
	return (uint64_t)PICK(d, levels);
}

static inline uint64_t any_ioctl(struct dice *d)
{
	static const uint32_t bases[] = {0x5400, 0x5400, 0x8900, 0x8900, 0x8910, 0x8920, 0x8930, 0x8940, 0x8990, 0x1260,
		0xb700, 0x6600, 0x5450, 0x80045430, 0xc0189436, 0x80087601, 0x40045431, 0x5200, 0x1200};
	static const uint32_t known[] = {0x541b, 0x5421, 0x5450, 0x5451, 0x5452, 0x5401, 0x5402, 0x5413, 0x5414, 0x540e,
		0x5412, 0x5410, 0x540f, 0x80045430, 0x40045431, 0x5441, 0x5422, 0x8910, 0x8912, 0x8913, 0x8914, 0x8915,
		0x8916, 0x8927, 0x8933, 0x8904, 0x8906, 0x890b, 0xb701, 0xb702, 0xb703, 0xb704, 0x80086601, 0x40086602,
		0x801c581f, 0x401c5820, 0x40049409, 0x4020940d, 0xc0185879, 0xc0502100, 0xc0182101, 0x40082102,
		0x40182103, 0x80045438, 0x40045439};
	return one_in(d, 3) ? PICK(d, bases) + below(d, 64) : one_in(d, 10) ? any_number(d) : PICK(d, known);
}

static inline uint64_t any_clone_flags(struct dice *d)
{
	uint64_t flags = SIGCHLD;
	for (uint64_t i = below(d, 5); i < 5; i++)
		flags |= 1ul << (8 + below(d, 26));
	return one_in(d, 20) ? any_number(d) : flags;
}

/* Small numbers that select: commands, operations, options. */
static inline uint64_t any_choice(struct dice *d)
{
	return one_in(d, 20) ? any_number(d) : below(d, one_in(d, 3) ? 80 : 24);
}

static inline uint64_t any_key(struct dice *d)
{
	static const int64_t special[] = {-1, -2, -3, -4, -5, -6, -7, -8};
	return one_in(d, 2) ? (uint64_t)PICK(d, special) : one_in(d, 2) ? below(d, 64) : any_number(d);
}

static inline uint64_t any_wait_ms(struct dice *d)
{
	return one_in(d, 12) ? ~0ul : below(d, 3);
}
#endif
