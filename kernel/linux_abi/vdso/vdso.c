// SPDX-License-Identifier: MPL-2.0
// User code: the clocks, from the page before this image (core/arch/vdso_data.h) and the processor's counter;
// the system call where that page says so or the clock is another one. source: vdso(7), clock_gettime(2)
#include <core/arch/vdso_data.h>

#define NS_PER_SECOND 1000000000ul
#define CALL_CLOCK_GETTIME 228
#define CALL_CLOCK_GETRES 229
#define CALL_GETCPU 309
enum { REALTIME = 0, MONOTONIC = 1, MONOTONIC_RAW = 4, REALTIME_COARSE = 5, MONOTONIC_COARSE = 6, BOOTTIME = 7 };
#define CLOCKS_REAL (1u << REALTIME | 1u << REALTIME_COARSE)
#define CLOCKS_MONOTONIC (1u << MONOTONIC | 1u << MONOTONIC_RAW | 1u << MONOTONIC_COARSE | 1u << BOOTTIME)

struct time_spec {
	s64 seconds, nanoseconds;
};
struct time_value {
	s64 seconds, microseconds;
};
struct time_zone {
	s32 minutes_west, summer_time;
};

// The page before that of the clock, one a time namespace: what its clocks are ahead of the machine's. Written by
// services/namespace before it is mapped.
struct vdso_offsets {
	s64 monotonic_ns, boot_ns;
};

extern const struct vdso_data vdso_data __attribute__((visibility("hidden")));
extern const struct vdso_offsets vdso_offsets __attribute__((visibility("hidden")));

int __vdso_clock_gettime(int clock, struct time_spec *out);
int __vdso_clock_getres(int clock, struct time_spec *out);
int __vdso_gettimeofday(struct time_value *out, struct time_zone *zone);
s64 __vdso_time(s64 *out);
int __vdso_getcpu(u32 *cpu, u32 *node, void *unused);

static inline s64 system_call(s64 number, s64 a, s64 b, s64 c)
{
	s64 result;
	__asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
	return result;
}

static inline u64 counter(void)
{
	u32 low, high;
	__asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return (u64)high << 32 | low;
}

// Nanoseconds of the clock; false when the page cannot be used.
static inline bool now(bool real, u64 *out)
{
	const struct vdso_data *d = &vdso_data;
	for (;;) {
		u32 sequence = __atomic_load_n(&d->sequence, __ATOMIC_ACQUIRE);
		if (sequence & 1)
			continue;
		if (!d->usable)
			return false;
		u64 offset = real ? d->realtime_offset_ns : 0;
		u64 value = d->base_ns + (u64)(((unsigned __int128)(counter() - d->base_tsc) * d->multiplier) >> 32) +
			offset;
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (__atomic_load_n(&d->sequence, __ATOMIC_RELAXED) != sequence)
			continue;
		*out = value;
		return true;
	}
}

int __vdso_clock_gettime(int clock, struct time_spec *out)
{
	u64 value;
	u32 bit = (u32)clock < 32 ? 1u << clock : 0;
	if (!(bit & (CLOCKS_REAL | CLOCKS_MONOTONIC)) || !now(bit & CLOCKS_REAL, &value))
		return (int)system_call(CALL_CLOCK_GETTIME, clock, (s64)out, 0);
	if (bit & CLOCKS_MONOTONIC)
		value += (u64)(clock == BOOTTIME ? vdso_offsets.boot_ns : vdso_offsets.monotonic_ns);
	out->seconds = (s64)(value / NS_PER_SECOND);
	out->nanoseconds = (s64)(value % NS_PER_SECOND);
	return 0;
}

int __vdso_clock_getres(int clock, struct time_spec *out)
{
	return (int)system_call(CALL_CLOCK_GETRES, clock, (s64)out, 0);
}

int __vdso_gettimeofday(struct time_value *out, struct time_zone *zone)
{
	struct time_spec t;
	if (out) {
		int error = __vdso_clock_gettime(REALTIME, &t);
		if (error)
			return error;
		out->seconds = t.seconds;
		out->microseconds = t.nanoseconds / 1000;
	}
	if (zone)
		*zone = (struct time_zone){ 0, 0 };
	return 0;
}

s64 __vdso_time(s64 *out)
{
	struct time_spec t;
	int error = __vdso_clock_gettime(REALTIME, &t);
	if (error)
		return error;
	if (out)
		*out = t.seconds;
	return t.seconds;
}

int __vdso_getcpu(u32 *cpu, u32 *node, void *unused)
{
	(void)unused;
	return (int)system_call(CALL_GETCPU, (s64)cpu, (s64)node, 0);
}

// The names without the prefix.
int clock_gettime(int clock, struct time_spec *out) __attribute__((alias("__vdso_clock_gettime")));
int clock_getres(int clock, struct time_spec *out) __attribute__((alias("__vdso_clock_getres")));
int gettimeofday(struct time_value *out, struct time_zone *zone) __attribute__((alias("__vdso_gettimeofday")));
s64 time(s64 *out) __attribute__((alias("__vdso_time")));
int getcpu(u32 *cpu, u32 *node, void *unused) __attribute__((alias("__vdso_getcpu")));
