// SPDX-License-Identifier: MPL-2.0
// What splice(2) and tee(2) need of a pipe.
#include <services/vfs/pipe/pipe_internal.h>

ssize_r pipe_readable(struct pipe *const p, enum pipe_wait wait)
{
	mutex_guard(&p->lock);
	if (p->head == p->tail && p->writers) {
		if (wait == PIPE_TRY)
			return -EAGAIN;
		const err_t e = wait_event_mutex(&p->event, &p->lock, WAIT_INTERRUPTIBLE, DEADLINE_NEVER, p->head != p->tail || p->writers == 0);
		if (e)
			return (ssize_r)e;
	}
	return (ssize_r)(p->head - p->tail);
}

ssize_r pipe_writable(struct pipe *const p, enum pipe_wait wait)
{
	mutex_guard(&p->lock);
	if (pipe_room(p) == 0 && p->readers) {
		if (wait == PIPE_TRY)
			return -EAGAIN;
		const err_t e = wait_event_mutex(&p->event, &p->lock, WAIT_INTERRUPTIBLE, DEADLINE_NEVER, pipe_room(p) || p->readers == 0);
		if (e)
			return (ssize_r)e;
	}
	return p->readers ? (ssize_r)pipe_room(p) : (ssize_r)-EPIPE;
}

usize pipe_peek(struct pipe *const p, span_t out)
{
	usize done = 0;
	mutex_guard(&p->lock);
	const usize wanted = min(p->head - p->tail, span_len(out));
	while (done < wanted) {
		const u64 at = p->tail + done;
		const usize here = min(PAGE_SIZE - page_offset(at), wanted - done);
		struct page *page = p->pages->slot[pipe_slot(p, at)];
		span_copy(span_from(out, done), bytes_slice(page_bytes(page), page_offset(at), here));
		done += here;
	}
	return done;
}

void pipe_consume(struct pipe *const p, usize length)
{
	mutex_guard(&p->lock);
	usize left = min(length, p->head - p->tail);
	while (left) {
		const usize here = min(PAGE_SIZE - page_offset(p->tail), left);
		pipe_advance(p, here);
		left -= here;
	}
	wait_queue_wake_all(&p->event, POLL_OUT | POLL_WRITE_NORMAL);
}
