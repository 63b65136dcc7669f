// SPDX-License-Identifier: MPL-2.0
// Inside the pipe room.
#pragma once
#include <core/page.h>
#include <services/vfs/pipe.h>

DEFINE_POINTER_TABLE(pipe_pages, page)
struct pipe {
	struct object object;
	struct mutex lock;
	struct wait_queue event;			// readable, writable, ends opened or closed
	struct pipe_pages *pages GUARDED_BY(lock);	// owned, with a reference on each page
	struct page *spare GUARDED_BY(lock);		// reference: the next page to be written
	u64 head GUARDED_BY(lock), tail GUARDED_BY(lock);
	u32 readers GUARDED_BY(lock), writers GUARDED_BY(lock);		// open ends
	u64 readers_seen GUARDED_BY(lock);		// ever opened
	struct atomic_u64 writers_seen;			// likewise; changed under `lock`
	struct atomic_u32 ready;			// POLL_* of both ends, as pipe_changed() left it
};
struct pipe *pipe_make(void) owned;
struct pipe *pipe_from(struct object *o);
ssize_r pipe_read(struct file *f, struct iobuf *to borrowed, u64 *position borrowed);
ssize_r pipe_write(struct file *f, struct iobuf *from borrowed, u64 *position borrowed);
u32 pipe_poll(struct file *f, struct poll_request *r);
ssize_r pipe_control(struct file *f, struct file_control *c borrowed);
// After every change, before `lock` is given up: says what poll(2) will see. Who waits is woken after that:
void pipe_publish(struct pipe *p) REQUIRES(p->lock);
// Both at once, for rare changes.
void pipe_changed(struct pipe *p, u32 events) REQUIRES(p->lock);
usize pipe_room(const struct pipe *p) REQUIRES(p->lock);
u32 pipe_slot(const struct pipe *p, u64 position) REQUIRES(p->lock);
void pipe_advance(struct pipe *p, usize n) REQUIRES(p->lock);
// A packet's page says so in its (otherwise unused) index: PIPE_PACKET | length.
#define PIPE_PACKET (1ul << 63)
struct pipe_piece {
	u32 slot, offset, is_packet, pad;
	usize length;	// bytes to be read
	usize span;	// by which reading it all advances: a packet takes the rest of its page
};
void pipe_next_piece(const struct pipe *p, struct pipe_piece *out borrowed) REQUIRES(p->lock);
