// SPDX-License-Identifier: MPL-2.0
// What waits for a time of the real-time clock when that is set. Who sleeps is woken by the core to look again; timers
// are told here. Their deadlines are kept by the monotonic clock, with the offset by which each was made: a timer reads
// the offset under its own lock when it is set, and again when it is told, so whichever comes later sees the new one.
// source: clock_settime(2), timerfd_create(2)
#include <linux_abi/time/clock_change.h>

DEFINE_BASE(clock_follower)

struct atomic_u32 clock_changes;
static struct spinlock follower_lock = SPINLOCK_INIT(RANK_SERVICE_LEAF);
static struct clock_follower_list followers GUARDED_BY(follower_lock);

void clock_follow(struct clock_follower *f)
{
	spin_guard(&follower_lock);
	clock_follower_list_append(&followers, f);
}

void clock_follow_no_more(struct clock_follower *f)
{
	spin_guard(&follower_lock);
	if (clock_follower_list_has(&followers, f))
		clock_follower_list_remove(&followers, f);
}

static void tell_followers(void)
{
	spin_guard(&follower_lock);
	list_for_each(clock_follower_list, f, &followers)
		f->clock_set(f);
}

void clock_was_set(void)
{
	atomic_u32_add(&clock_changes, 1);
	clock_forget_quality();
	tell_followers();
}

u64 clock_deadline_by(u64 at_ns, u64 offset_ns)
{
	const u64 at = min(at_ns, (u64)S64_MAX);
	const u64 since_1970_ns = offset_ns;	// of the boot: never negative
	return at > since_1970_ns ? at - since_1970_ns : 1;
}

u64 clock_deadline_moved(u64 deadline_ns, u64 *offset_ns borrowed)
{
	const u64 offset = clock_realtime_offset_ns();
	const s64 later_ns = (s64)(*offset_ns - offset);
	const s64 at = (s64)min(deadline_ns, (u64)S64_MAX);
	*offset_ns = offset;
	if (later_ns >= 0)
		return min((u64)at + (u64)later_ns, DEADLINE_NEVER - 1);
	return at + later_ns > 0 ? (u64)(at + later_ns) : 1;
}

err_t clock_sleep_until(s32 clock, u64 at_ns)
{
	if (clock == CLOCK_REALTIME || clock == CLOCK_TAI)
		return task_sleep_until(at_ns, WAIT_INTERRUPTIBLE_REALTIME);
	return task_sleep_until(clock_deadline(clock, at_ns), WAIT_INTERRUPTIBLE);
}
