// SPDX-License-Identifier: MPL-2.0
// Timers as files. source: timerfd_create(2)
// A timer that is cancelled when the clock is set remembers how often that had happened; it is told, like those whose
// deadline moves then, and wakes who waits for it.
// A repeated one that has expired rests until somebody asks it: however short its interval, it interrupts nobody but
// those who read it. The timer is an object apart from the file: an armed one is held by the clock, and must not hold
// the file.
#include <generated/syscall_prototypes.h>
#include <linux_abi/time/clock_change.h>
#include <services/process/thread.h>
#include <services/vfs/file_table.h>

struct file_timer {
	struct timer base;
	struct wait_queue event;
	struct spinlock lock;
	u64 deadline_ns GUARDED_BY(lock);	// 0: not armed
	u64 interval_ns GUARDED_BY(lock);
	u64 expirations GUARDED_BY(lock);	// since the last read
	u32 is_resting GUARDED_BY(lock);	// expired, not asked since: the clock does not hold it
	u32 is_cancelable GUARDED_BY(lock);	// when the clock is set
	u32 changes_seen GUARDED_BY(lock);	// of clock_changes
	u32 follows GUARDED_BY(lock);		// a time of the real-time clock is awaited
	u64 offset_ns GUARDED_BY(lock);		// of that clock: by which the deadline was made
};
DECLARE_OBJECT(file_timer)
static void file_timer_release(struct file_timer *t) exclusive_access
{
	(void)t;
}
DEFINE_DERIVED_SHARED(file_timer, timer, file_timer_release)

struct file_timer_follower {
	struct clock_follower base;
	struct file_timer *timer;	// reference; immutable
};
static void file_timer_follower_release(struct file_timer_follower *f) exclusive_access
{
	if (f->timer)
		file_timer_put(take(f->timer));
}
DEFINE_DERIVED(file_timer_follower, clock_follower, file_timer_follower_release)

static bool is_cancelled(struct file_timer *t) REQUIRES(t->lock)
{
	return t->is_cancelable && t->changes_seen != atomic_u32_load(&clock_changes);
}

static bool expire(struct file_timer *t)
{
	irq_guard(&t->lock);
	if (!t->deadline_ns || clock_monotonic_ns() < t->deadline_ns)
		return false;
	t->expirations++;
	t->deadline_ns = t->interval_ns ? t->deadline_ns + t->interval_ns : 0;
	t->is_resting = t->interval_ns != 0;
	return true;
}

// Counts what expired while it rested, and waits for the next time.
static void go_on(struct file_timer *t) REQUIRES(t->lock)
{
	if (!t->is_resting)
		return;
	u64 now = clock_monotonic_ns();
	u64 passed = now >= t->deadline_ns ? (now - t->deadline_ns) / t->interval_ns + 1 : 0;
	t->is_resting = 0;
	t->expirations += passed;
	t->deadline_ns += passed * t->interval_ns;
	timer_set(&t->base, t->deadline_ns);
}

static void file_timer_fire(struct timer *base)
{
	struct file_timer *t = file_timer_from_timer(base);
	if (expire(t))
		wait_queue_wake_all(&t->event, POLL_IN);
}

// True: it is cancelled.
static bool move(struct file_timer *t)
{
	u64 offset_ns = 0;
	irq_guard(&t->lock);
	if (t->follows && t->deadline_ns) {
		offset_ns = t->offset_ns;
		t->deadline_ns = clock_deadline_moved(t->deadline_ns, &offset_ns);
		t->offset_ns = offset_ns;
		if (!t->is_resting)
			timer_set(&t->base, t->deadline_ns);
	}
	return is_cancelled(t);
}

static void file_timer_clock_set(struct clock_follower *base)
{
	struct file_timer *const t = file_timer_follower_from_clock_follower(base)->timer;
	if (move(t))
		wait_queue_wake_all(&t->event, POLL_IN);
}

struct timerfd {
	struct file base;
	struct file_timer *timer;	// reference; immutable
	struct file_timer_follower *follower;	// reference; immutable: of one on CLOCK_REALTIME
	s32 clock;			// immutable
};
static void timerfd_release(struct timerfd *f) exclusive_access
{
	file_fini(&f->base);	// ends the watches on the timer's queue
	if (f->follower) {
		clock_follow_no_more(&f->follower->base);
		file_timer_follower_auto_put(&f->follower);
	}
	if (f->timer) {
		(void)timer_cancel_sync(&f->timer->base);
		file_timer_put(take(f->timer));
	}
}
DEFINE_DERIVED(timerfd, file, timerfd_release)

// -ECANCELED once after the clock was set; 0: nothing yet.
static ssize_r take_expirations(struct file_timer *t)
{
	irq_guard(&t->lock);
	go_on(t);
	const u64 n = t->expirations;

	t->expirations = 0;
	if (!is_cancelled(t))
		return (ssize_r)min(n, (u64)S64_MAX);
	t->changes_seen = atomic_u32_load(&clock_changes);
	return -ECANCELED;
}

static ssize_r timerfd_read(struct file *f, struct iobuf *to borrowed, u64 *position borrowed)
{
	struct file_timer *t = timerfd_from_file(f)->timer;
	u8 raw[8];
	if (iobuf_remaining(to) < sizeof(raw))
		return (ssize_r)-EINVAL;
	ssize_r n = take_expirations(t);
	if (!n && file_is_nonblocking(f))
		return (ssize_r)-EAGAIN;
	if (!n) {
		err_t err = wait_event(&t->event, WAIT_INTERRUPTIBLE, DEADLINE_NEVER, (n = take_expirations(t)) != 0);
		if (err)
			return (ssize_r)err;
	}
	if (n < 0)
		return n;
	span_put_u64le(array_span(raw), 0, (u64)n);
	return iobuf_put(to, array_bytes(raw)) == sizeof(raw) ? (ssize_r)sizeof(raw) : (ssize_r)-EFAULT;
}

static bool has_expired(struct file_timer *t)
{
	irq_guard(&t->lock);
	return t->expirations || is_cancelled(t);
}

static u32 timerfd_poll(struct file *f, struct poll_request *r)
{
	struct file_timer *t = timerfd_from_file(f)->timer;
	poll_add(r, &t->event);
	return has_expired(t) ? POLL_IN | POLL_READ_NORMAL : 0;
}

static const struct file_ops timerfd_ops = { .read = timerfd_read, .poll = timerfd_poll };

static err_t follow(struct timerfd *f)
{
	f->follower = file_timer_follower_alloc();
	if (!f->follower)
		return -ENOMEM;
	f->follower->timer = file_timer_get(f->timer);
	f->follower->base.clock_set = file_timer_clock_set;
	clock_follow(&f->follower->base);
	return OK;
}

#define TFD_NONBLOCK 04000
#define TFD_CLOEXEC 02000000
#define TFD_TIMER_ABSTIME 1
#define TFD_TIMER_CANCEL_ON_SET 2

static s64 install(struct file *f consumes, s32 flags)
{
	return file_table_add(thread_files(), f, process_rlimit(process_current(), RLIMIT_NOFILE),
			      flags & TFD_CLOEXEC ? OPEN_CLOSE_ON_EXEC : 0);
}

s64 sys_timerfd_create(s32 clockid, s32 flags)
{
	if ((flags & ~(TFD_NONBLOCK | TFD_CLOEXEC)) ||
		(clockid != CLOCK_REALTIME && clockid != CLOCK_MONOTONIC && clockid != CLOCK_BOOTTIME))
		return -EINVAL;
	struct timerfd *f object_auto(timerfd) = timerfd_alloc();
	if (!f)
		return -ENOMEM;
	f->timer = file_timer_alloc();
	if (!f->timer)
		return -ENOMEM;
	f->clock = clockid;
	f->timer->base.fire = file_timer_fire;
	wait_queue_init(&f->timer->event);
	spin_init(&f->timer->lock, RANK_EVENT_SOURCE);
	if (clockid == CLOCK_REALTIME && follow(f))
		return -ENOMEM;
	err_t err = file_init_anonymous(
		&f->base, &timerfd_ops, STR("anon_inode:[timerfd]"), (u32)(flags & TFD_NONBLOCK) | 2, thread_cred(), 0);
	return err ? err : install(file_get(&f->base), flags);
}

static void read_setting(struct file_timer *t, u64 *interval borrowed, u64 *value borrowed)
{
	irq_guard(&t->lock);
	go_on(t);
	u64 now = clock_monotonic_ns();
	*interval = t->interval_ns;
	*value = !t->deadline_ns ? 0 : t->deadline_ns > now ? t->deadline_ns - now : 1;
}

enum file_timer_flag { FILE_TIMER_CANCELABLE = 1, FILE_TIMER_FOLLOWS = 2 };
// A deadline of one that follows is a time of the real-time clock.
static void set(struct file_timer *t, u64 deadline_ns, u64 interval_ns, u32 flags)
{
	irq_guard(&t->lock);
	t->is_cancelable = flags & FILE_TIMER_CANCELABLE;
	t->follows = flags & FILE_TIMER_FOLLOWS;
	t->changes_seen = atomic_u32_load(&clock_changes);
	t->offset_ns = clock_realtime_offset_ns();
	t->deadline_ns = t->follows && deadline_ns ? clock_deadline_by(deadline_ns, t->offset_ns) : deadline_ns;
	t->interval_ns = min(interval_ns, (u64)S64_MAX);
	t->expirations = 0;
	t->is_resting = 0;
	if (t->deadline_ns)
		timer_set(&t->base, t->deadline_ns);
	else
		(void)timer_cancel(&t->base);
}

static s64 write_setting(user_addr_t to, u64 interval_ns, u64 value_ns)
{
	err_t err = time_spec_write(to, interval_ns);
	return err ? err : time_spec_write(user_offset(to, 16), value_ns);
}

static err_t find(s32 fd, struct file **out borrowed)
{
	*out = file_table_find(thread_files(), (u32)fd);
	if (!*out)
		return -EBADF;
	return file_is_timerfd(*out) ? OK : -EINVAL;
}

s64 sys_timerfd_settime(s32 fd, s32 flags, user_addr_t new_value, user_addr_t old_value)
{
	u64 interval = 0, value = 0, old_interval = 0, old = 0;
	struct file *f object_auto(file) = NULL;
	const s32 cancels = TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET;
	if (flags & ~cancels)
		return -EINVAL;
	err_t err = time_spec_read(new_value, &interval);
	if (!err)
		err = time_spec_read(user_offset(new_value, 16), &value);
	if (!err)
		err = find(fd, &f);
	if (err)
		return err;
	struct timerfd *own = timerfd_from_file(f);
	const u32 real = own->clock == CLOCK_REALTIME;
	u64 deadline = !(flags & TFD_TIMER_ABSTIME) ? clock_deadline_after(value) :
		real ? value : clock_deadline(own->clock, value);
	read_setting(own->timer, &old_interval, &old);
	set(own->timer, value ? min(deadline, DEADLINE_NEVER - 1) : 0, interval,
		(real && flags == cancels ? FILE_TIMER_CANCELABLE : 0u) |
		(real && (flags & TFD_TIMER_ABSTIME) ? FILE_TIMER_FOLLOWS : 0u));
	return user_is_null(old_value) ? 0 : write_setting(old_value, old_interval, old);
}

s64 sys_timerfd_gettime(s32 fd, user_addr_t curr_value)
{
	u64 interval = 0, value = 0;
	struct file *f object_auto(file) = NULL;
	err_t err = find(fd, &f);
	if (err)
		return err;
	read_setting(timerfd_from_file(f)->timer, &interval, &value);
	return write_setting(curr_value, interval, value);
}
