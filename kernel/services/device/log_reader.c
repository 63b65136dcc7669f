// SPDX-License-Identifier: MPL-2.0
// The place of the readers in the kernel log, and how much of the record there was taken.
// Nothing in the log may wake a task (it is written to from everywhere), so new records are looked for.
#include <core/buf.h>
#include <core/lock.h>
#include <core/print.h>
#include <core/task.h>
#include <core/wait.h>
#include <core/time.h>
#include <services/device/log_reader.h>

#define POLL_NS (100 * NS_PER_MS)

static struct synchronised log_cursor {
	struct mutex lock;
	u64 position GUARDED_BY(lock);
	usize taken GUARDED_BY(lock);	// bytes of the record at `position`
} cursor = { .lock = MUTEX_INIT(RANK_SLEEPING_LEAF) };

// Takes up to `room` bytes of one record: they are at line[*start ..]. 0 when nothing is new.
static usize record_take(span_t line, usize room, usize *start borrowed)
{
	mutex_guard(&cursor.lock);
	if (cursor.position < log_first_position()) {
		cursor.position = log_first_position();
		cursor.taken = 0;
	}
	u64 next = cursor.position;
	usize length = log_read(&next, line);

	*start = min(cursor.taken, length);
	usize n = min(length - *start, room);
	cursor.taken += n;
	if (cursor.taken >= length) {
		cursor.position = next;
		cursor.taken = 0;
	}
	return n;
}

u64 log_reader_unread(span_t line)
{
	mutex_guard(&cursor.lock);
	u64 at = cursor.position, total = 0;

	for (usize n = log_read(&at, line); n; n = log_read(&at, line))
		total += n;
	return total - min(total, (u64)cursor.taken);
}

ssize_r log_reader_read(struct iobuf *to borrowed, enum log_reader_wait wait)
{
	struct buf *line buf_auto = buf_alloc(LOG_RECORD_TEXT_MAX);
	usize done = 0;

	if (!line)
		return -ENOMEM;
	while (iobuf_remaining(to) > 0) {
		usize start = 0, n = record_take(buf_span(line), iobuf_remaining(to), &start);

		if (n > 0) {
			if (iobuf_put(to, bytes_slice(buf_bytes(line), start, n)) < n)
				return done ? (ssize_r)done : (ssize_r)-EFAULT;
			done += n;
			continue;
		}
		if (done)
			break;
		if (wait == LOG_READER_RETURNS)
			return -EAGAIN;
		err_t e = task_sleep_until(clock_monotonic_ns() + POLL_NS, WAIT_INTERRUPTIBLE);
		if (e)
			return (ssize_r)e;
	}
	return (ssize_r)done;
}
