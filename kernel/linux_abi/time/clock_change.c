// SPDX-License-Identifier: MPL-2.0
// What waits for a time of the real-time clock when that is set: timers follow it, sleepers look again.
// Deadlines are kept by the monotonic clock. A follower knows by which offset its deadline was made; the list's lock
// orders the setting of new deadlines and the moving of old ones. source: clock_settime(2), timerfd_create(2)
#include <linux_abi/time/clock_change.h>

DEFINE_BASE(clock_follower)

struct atomic_u32 clock_changes;
struct wait_queue clock_change_event = WAIT_QUEUE_INIT;
static struct spinlock follower_lock = SPINLOCK_INIT(RANK_SERVICE_LEAF);
static struct clock_follower_list followers GUARDED_BY(follower_lock);

void clock_follow(struct clock_follower *f)
{
	spin_guard(&follower_lock);
	f->offset_ns = clock_realtime_offset_ns();
	clock_follower_list_append(&followers, f);
}

void clock_follow_no_more(struct clock_follower *f)
{
	spin_guard(&follower_lock);
	if (clock_follower_list_has(&followers, f))
		clock_follower_list_remove(&followers, f);
}

static void move_followers(void)
{
	spin_guard(&follower_lock);
	const u64 offset_ns = clock_realtime_offset_ns();
	list_for_each(clock_follower_list, f, &followers) {
		const s64 later_ns = (s64)(f->offset_ns - offset_ns);
		f->offset_ns = offset_ns;
		f->moved(f, later_ns);
	}
}

void clock_was_set(void)
{
	atomic_u32_add(&clock_changes, 1);
	clock_forget_quality();
	move_followers();
	wait_queue_wake_all(&clock_change_event, POLL_IN);
}

u64 clock_deadline_moved(u64 deadline_ns, s64 later_ns)
{
	const s64 at = (s64)min(deadline_ns, (u64)S64_MAX);
	if (later_ns >= 0)
		return min((u64)at + (u64)later_ns, DEADLINE_NEVER - 1);
	return at + later_ns > 0 ? (u64)(at + later_ns) : 1;
}

err_t clock_sleep_until(s32 clock, u64 at_ns)
{
	const bool follows = clock == CLOCK_REALTIME || clock == CLOCK_TAI;
	const err_t err = follows ?
		wait_event(&clock_change_event, WAIT_INTERRUPTIBLE, clock_deadline(clock, at_ns), false) :
		task_sleep_until(clock_deadline(clock, at_ns), WAIT_INTERRUPTIBLE);
	return err == (err_t)-ETIMEDOUT ? OK : err;
}
