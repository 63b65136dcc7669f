// SPDX-License-Identifier: MPL-2.0
// The clock's discipline: it can be stepped, and whoever disciplines it may say how good it is. It runs at the rate of
// the machine's: what would bend it (frequency, tick, gradual offsets, leap seconds) is refused. source: adjtimex(2)
#include <generated/syscall_prototypes.h>
#include <linux_abi/time/clocks.h>
#include <services/process/thread.h>

#define TIMEX_SIZE 208u
enum adjust_mode { ADJUST_MAX_ERROR = 4, ADJUST_EST_ERROR = 8, ADJUST_STATUS = 0x10, ADJUST_SET_OFFSET = 0x100,
	ADJUST_MICRO = 0x1000, ADJUST_NANO = 0x2000, ADJUST_SINGLE_SHOT_READ = 0xa001 };
#define ADJUST_KNOWN \
	((u32)ADJUST_MAX_ERROR | ADJUST_EST_ERROR | ADJUST_STATUS | ADJUST_SET_OFFSET | ADJUST_MICRO | ADJUST_NANO)
#define STATUS_UNSYNCHRONISED 0x40u
#define STATUS_NANO 0x2000u
#define STATUS_READ_ONLY 0xff00u
#define TIME_OK 0
#define TIME_ERROR 5
#define ERROR_MAX_US 16000000l
#define ERROR_GROWTH_US 500l	// a second without a word of who disciplines the clock

struct clock_quality {
	s64 max_error_us, est_error_us;
	u64 said_at_ns;		// max_error_us: then; monotonic
	u32 status;
};
static struct spinlock quality_lock = SPINLOCK_INIT(RANK_SERVICE_LEAF);
static struct clock_quality quality GUARDED_BY(quality_lock) = {
	.max_error_us = ERROR_MAX_US, .est_error_us = ERROR_MAX_US, .status = STATUS_UNSYNCHRONISED
};

void clock_forget_quality(void)
{
	spin_guard(&quality_lock);
	quality.max_error_us = quality.est_error_us = ERROR_MAX_US;
	quality.status |= STATUS_UNSYNCHRONISED;
}

static s64 error_of(bytes_t in, usize at)
{
	return max(min((s64)bytes_get_u64le(in, at), ERROR_MAX_US), 0l);
}

// What has been said last, worse by what has passed since.
static struct clock_quality quality_update(u32 modes, bytes_t in)
{
	const u64 now = clock_monotonic_ns();
	spin_guard(&quality_lock);
	const s64 seconds = (s64)((now - quality.said_at_ns) / NS_PER_SECOND);
	quality.max_error_us = seconds > ERROR_MAX_US / ERROR_GROWTH_US ? ERROR_MAX_US :
		min(quality.max_error_us + seconds * ERROR_GROWTH_US, ERROR_MAX_US);
	quality.said_at_ns += (u64)seconds * NS_PER_SECOND;
	if (quality.max_error_us >= ERROR_MAX_US)
		quality.status |= STATUS_UNSYNCHRONISED;
	if (modes & ADJUST_STATUS)
		quality.status = (quality.status & STATUS_READ_ONLY) | (bytes_get_u32le(in, 40) & ~STATUS_READ_ONLY);
	if (modes & ADJUST_NANO)
		quality.status |= STATUS_NANO;
	if (modes & ADJUST_MICRO)
		quality.status &= ~STATUS_NANO;
	if (modes & ADJUST_MAX_ERROR) {
		quality.max_error_us = error_of(in, 24);
		quality.said_at_ns = now;
	}
	if (modes & ADJUST_EST_ERROR)
		quality.est_error_us = error_of(in, 32);
	return quality;
}

// The clock goes on or back by seconds and a fraction of one, which is never negative.
static s64 step(bytes_t in, u32 modes)
{
	const s64 seconds = (s64)bytes_get_u64le(in, 72);
	const u64 fraction = bytes_get_u64le(in, 80), unit = modes & ADJUST_NANO ? 1 : NS_PER_US;
	const s64 most = S64_MAX / (s64)NS_PER_SECOND;
	if (fraction >= NS_PER_SECOND / unit || seconds > most / 2 || seconds < -most / 2)
		return -EINVAL;
	const u64 by = (u64)seconds * NS_PER_SECOND + fraction * unit, now = clock_realtime_ns();
	if ((s64)(now + by) < 0)
		return -EINVAL;
	return clock_set_checked(now + by);
}

static s64 change(u32 modes, bytes_t in)
{
	if (!thread_capable_over_machine(CAP_SYS_TIME))
		return -EPERM;
	if (modes & ~ADJUST_KNOWN)
		return -EOPNOTSUPP;
	if ((modes & ADJUST_STATUS) && (bytes_get_u32le(in, 40) & ~(STATUS_UNSYNCHRONISED | STATUS_READ_ONLY)))
		return -EOPNOTSUPP;
	return modes & ADJUST_SET_OFFSET ? step(in, modes) : 0;
}

static void answer(span_t out, const struct clock_quality *q borrowed)
{
	const u64 now = clock_realtime_ns();
	span_fill(out, 0);
	span_put_u64le(out, 24, (u64)q->max_error_us);
	span_put_u64le(out, 32, (u64)q->est_error_us);
	span_put_u32le(out, 40, q->status);
	span_put_u64le(out, 56, 1);				// precision
	span_put_u64le(out, 72, now / NS_PER_SECOND);
	span_put_u64le(out, 80, now % NS_PER_SECOND / (q->status & STATUS_NANO ? 1 : NS_PER_US));
	span_put_u64le(out, 88, 10000);				// microseconds a tick
}

static s64 adjust(user_addr_t buf)
{
	u8 raw[TIMEX_SIZE];
	err_t err = user_copy_in(array_span(raw), buf);
	if (err)
		return err;
	u32 modes = bytes_get_u32le(array_bytes(raw), 0);
	const u32 asked = modes;
	if (modes == ADJUST_SINGLE_SHOT_READ)
		modes = 0;	// nothing is being adjusted gradually
	const s64 changed = modes ? change(modes, array_bytes(raw)) : 0;
	if (changed)
		return changed;
	const struct clock_quality q = quality_update(modes, array_bytes(raw));
	answer(array_span(raw), &q);
	span_put_u32le(array_span(raw), 0, asked);
	err = user_copy_out(buf, array_bytes(raw));
	return err ? err : q.status & STATUS_UNSYNCHRONISED ? TIME_ERROR : TIME_OK;
}

s64 sys_adjtimex(user_addr_t buf)
{
	return adjust(buf);
}

s64 sys_clock_adjtime(s32 clockid, user_addr_t buf)
{
	if (clockid == CLOCK_REALTIME)
		return adjust(buf);
	u64 now = 0;
	const err_t err = clock_read(clockid, &now);
	return err ? err : -EOPNOTSUPP;
}
