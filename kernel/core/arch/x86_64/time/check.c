// SPDX-License-Identifier: MPL-2.0
// Do two processors' time stamp counters agree? Both take turns at one lock and compare with the last
// value that either saw: a counter that is behind shows as time going backwards.
#include "core/arch/x86_64/time/check.h"
#include "core/arch/x86_64/time/time.h"
#include <core/arch/cpu.h>

enum { ROUNDS = 2000 };

static u32 present;                     // atomic: how many take part
static u32 turn_lock;                   // atomic: a plain lock without rank, before locks are checked
static u64 last_seen;                   // guarded by turn_lock
static u32 backwards;                   // guarded by turn_lock

static void check(void)
{
	__atomic_fetch_add(&present, 1, __ATOMIC_ACQ_REL);
	while (__atomic_load_n(&present, __ATOMIC_ACQUIRE) < 2)
		arch_cpu_relax();
	for (u32 i = 0; i < ROUNDS; i++) {
		while (__atomic_exchange_n(&turn_lock, 1, __ATOMIC_ACQUIRE))
			arch_cpu_relax();
		u64 now = arch_timestamp();
		backwards += now < last_seen;
		last_seen = now;
		__atomic_store_n(&turn_lock, 0, __ATOMIC_RELEASE);
	}
	__atomic_fetch_add(&present, 1, __ATOMIC_ACQ_REL);
}

void time_check_secondary(void)
{
	check();
	while (__atomic_load_n(&present, __ATOMIC_ACQUIRE) != 0)
		arch_cpu_relax();
}

void time_check_primary(void)
{
	u64 flags = arch_interrupts_save();
	check();
	while (__atomic_load_n(&present, __ATOMIC_ACQUIRE) < 4)
		arch_cpu_relax();
	bool disagree = backwards != 0;
	backwards = 0;
	last_seen = 0;
	arch_interrupts_restore(flags);
	if (disagree)
		time_drop_tsc();
	__atomic_store_n(&present, 0, __ATOMIC_RELEASE);
}
