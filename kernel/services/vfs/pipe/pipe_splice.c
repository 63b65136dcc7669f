// SPDX-License-Identifier: MPL-2.0
// What splice(2) and tee(2) need of a pipe.
#include <services/vfs/pipe/pipe_internal.h>

ssize_r pipe_readable(struct pipe *const p, enum pipe_wait wait)
{
	mutex_guard(&p->lock);
	if (p->head == p->tail && p->writers) {
		if (wait == PIPE_TRY)
			return -EAGAIN;
		const err_t e = wait_event_mutex(&p->event, &p->lock, WAIT_INTERRUPTIBLE, DEADLINE_NEVER,
			p->head != p->tail || p->writers == 0);
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
		const err_t e = wait_event_mutex(&p->event, &p->lock, WAIT_INTERRUPTIBLE, DEADLINE_NEVER,
			pipe_room(p) || p->readers == 0);
		if (e)
			return (ssize_r)e;
	}
	return p->readers ? (ssize_r)pipe_room(p) : (ssize_r)-EPIPE;
}

// A packet counts as a whole: it is the last piece that one call sees.
usize pipe_peek(struct pipe *const p, span_t out)
{
	struct pipe_piece piece = {};
	mutex_guard(&p->lock);
	if (p->head == p->tail)
		return 0;
	pipe_next_piece(p, &piece);
	const usize n = min(piece.length, span_len(out));
	span_copy(out, bytes_slice(page_bytes(p->pages->slot[piece.slot]), piece.offset, n));
	return n;
}

void pipe_consume(struct pipe *const p, usize length)
{
	struct pipe_piece piece = {};
	mutex_guard(&p->lock);
	if (p->head == p->tail)
		return;
	pipe_next_piece(p, &piece);
	pipe_advance(p, piece.is_packet ? piece.span : min(length, piece.span));
	pipe_changed(p, POLL_OUT | POLL_WRITE_NORMAL);
}
