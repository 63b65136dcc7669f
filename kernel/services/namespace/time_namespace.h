// SPDX-License-Identifier: MPL-2.0
// Time namespace: offsets of the monotonic and the boot clock. They may be set (through
// /proc/PID/timens_offsets) until the first process enters. source: time_namespaces(7)
#pragma once
#include <core/atomic.h>
#include <core/page.h>
#include <services/cred/namespace.h>

struct time_namespace {
	struct namespace base;
	struct atomic_s64 monotonic_offset_ns, boot_offset_ns;
	struct atomic_u32 is_frozen;	// a process has entered
	struct spinlock lock;
	struct page *clock_page GUARDED_BY(lock);	// reference, set once: see time_namespace_page()
};
DECLARE_OBJECT(time_namespace)
struct time_namespace *time_namespace_initial(void);
struct time_namespace *time_namespace_from(struct namespace *n);
struct time_namespace *time_namespace_copy(struct time_namespace *from, struct user_namespace *owner) owned;
err_t time_namespace_init(void);
// Seconds that a clock may show at most, so that sums of times never overflow.
#define TIME_NAMESPACE_SECONDS_MAX 4611686018l
enum time_clock { TIME_CLOCK_MONOTONIC, TIME_CLOCK_BOOT };
// Sets what a clock is ahead. -EACCES: somebody lives there; -ERANGE: the clock would leave its range.
err_t time_namespace_set_offset(struct time_namespace *n, enum time_clock which, s64 seconds, u32 nanoseconds);
// The page of offsets that the vDSO reads (s64 nanoseconds, monotonic then boot); the namespace is frozen with it.
// NULL without memory.
struct page *time_namespace_page(struct time_namespace *n) owned;
