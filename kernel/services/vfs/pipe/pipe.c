// SPDX-License-Identifier: MPL-2.0
// Pipes. Theory: a ring of pages that come when they are written and go when they are read. `tail` and
// `head` count bytes since the beginning; byte n lies in slot (n / page size) modulo the number of slots,
// so the ring needs no other bookkeeping. Writes of up to PIPE_BUF bytes wait until all of it fits.
//
// The mutex guards everything; copies from and to user memory happen under it, which is allowed (page
// faults take later ranks) and keeps writes atomic. Reads and writes wake the other side when they have given it up:
// who is woken may run at once, and would only find it taken.
#include <core/page.h>
#include <services/vfs/pipe.h>
#include <services/vfs/pipe/pipe_internal.h>

static exclusive_access void pipe_release(struct pipe *p)
{
	if (!p->pages)
		return;
	for (u32 n = 0; n < pipe_pages_count(p->pages); n++) {
		if (p->pages->slot[n])
			page_put(take(p->pages->slot[n]));
	}
	if (p->spare)
		page_put(take(p->spare));
	pipe_pages_free(take(p->pages));
}
DEFINE_OBJECT(pipe, pipe_release)

struct pipe *pipe_from(struct object *o)
{
	return pipe_from_object(o);
}

struct pipe *pipe_make(void)
{
	struct pipe *p object_auto(pipe) = pipe_alloc();
	if (!p)
		return NULL;
	mutex_init(&p->lock, RANK_PIPE);
	wait_queue_init(&p->event);
	mutex_guard(&p->lock);
	p->pages = pipe_pages_alloc(PIPE_DEFAULT_PAGES);
	if (!p->pages)
		return NULL;
	pipe_changed(p, ~0u);
	return take(p);
}

static usize pipe_used(const struct pipe *p) REQUIRES(p->lock);
static usize pipe_used(const struct pipe *p)
{
	return p->head - p->tail;
}

usize pipe_room(const struct pipe *p)
{
	// A partly read page is not written again before it is empty.
	return pipe_pages_count(p->pages) * PAGE_SIZE - (p->head - page_round_down(p->tail));
}

u32 pipe_slot(const struct pipe *p, u64 position)
{
	return (u32)((position >> PAGE_SHIFT) % pipe_pages_count(p->pages));
}

// --- reading ----------------------------------------------------------------------------------------

static void pipe_page_done(struct pipe *p, u32 slot) REQUIRES(p->lock);
static void pipe_page_done(struct pipe *p, u32 slot)
{
	struct page *page = take(p->pages->slot[slot]);
	if (!p->spare)
		p->spare = page;
	else
		page_put(take(page));
}

// n bytes of one page were read; an empty page goes.
void pipe_advance(struct pipe *p, usize n)
{
	const u32 slot = pipe_slot(p, p->tail);
	p->tail += n;
	if (page_offset(p->tail) != 0 && p->tail != p->head)
		return;
	pipe_page_done(p, slot);
	if (p->tail == p->head)
		p->tail = p->head = 0;
}

// The next piece that lies in one page.
void pipe_next_piece(const struct pipe *p, struct pipe_piece *out borrowed)
{
	const u32 offset = page_offset(p->tail), slot = pipe_slot(p, p->tail);
	const u64 mark = p->pages->slot[slot]->index;
	out->slot = slot;
	out->offset = offset;
	out->is_packet = mark & PIPE_PACKET ? 1 : 0;
	out->span = min(PAGE_SIZE - offset, pipe_used(p));
	out->length = out->is_packet ? (mark & ~PIPE_PACKET) - offset : out->span;
}

static usize pipe_take(struct pipe *p, struct iobuf *to borrowed) REQUIRES(p->lock);
static usize pipe_take(struct pipe *p, struct iobuf *to borrowed)
{
	usize done = 0;
	struct pipe_piece piece = {};
	while (pipe_used(p) && iobuf_remaining(to)) {
		pipe_next_piece(p, &piece);
		// One packet is one read; what does not fit is lost (pipe(2), O_DIRECT).
		if (piece.is_packet && done)
			break;
		const usize wanted = min(piece.length, iobuf_remaining(to));
		const usize n = iobuf_put(to, bytes_slice(page_bytes(p->pages->slot[piece.slot]), piece.offset,
			wanted));
		if (n == 0)
			break;
		pipe_advance(p, piece.is_packet ? piece.span : n);
		done += n;
		if (piece.is_packet)
			break;
	}
	return done;
}

static ssize_r pipe_read_locked(struct pipe *const p, const struct file *f borrowed, struct iobuf *to borrowed)
{
	mutex_guard(&p->lock);
	if (!pipe_used(p)) {
		if (p->writers == 0)
			return (ssize_r)0;
		if (file_is_nonblocking(f))
			return -EAGAIN;
		const err_t e = wait_event_mutex(&p->event, &p->lock, WAIT_INTERRUPTIBLE, DEADLINE_NEVER,
			p->head != p->tail || p->writers == 0);
		if (e)
			return (ssize_r)e;
		if (!pipe_used(p))
			return (ssize_r)0;
	}
	const usize done = pipe_take(p, to);
	if (!done)
		return -EFAULT;
	pipe_publish(p);
	return (ssize_r)done;
}

ssize_r pipe_read(struct file *f, struct iobuf *to borrowed, u64 *position borrowed)
{
	struct pipe *const p = pipe_of_file(f);
	if (iobuf_remaining(to) == 0)
		return (ssize_r)0;
	const ssize_r n = pipe_read_locked(p, f, to);
	if (n > 0)
		wait_queue_wake_all(&p->event, POLL_OUT | POLL_WRITE_NORMAL);
	return n;
}

// --- writing ----------------------------------------------------------------------------------------

static bool pipe_page_ready(struct pipe *p, u32 slot) REQUIRES(p->lock);
static bool pipe_page_ready(struct pipe *p, u32 slot)
{
	if (p->pages->slot[slot])
		return true;
	if (p->spare)
		p->pages->slot[slot] = take(p->spare);
	else
		p->pages->slot[slot] = page_alloc(PAGE_ALLOC_CHARGE);
	if (!p->pages->slot[slot])
		return false;
	p->pages->slot[slot]->index = 0;
	return true;
}

// A page that holds a packet takes nothing more.
static void pipe_skip_packet(struct pipe *p) REQUIRES(p->lock);
static void pipe_skip_packet(struct pipe *p)
{
	if (page_offset(p->head) && (p->pages->slot[pipe_slot(p, p->head)]->index & PIPE_PACKET))
		p->head = page_round_up(p->head);
}

// Bytes written; *e tells why it stopped short of what fits.
static usize pipe_fill(struct pipe *p, struct iobuf *from borrowed, err_t *e borrowed) REQUIRES(p->lock);
static usize pipe_fill(struct pipe *p, struct iobuf *from borrowed, err_t *e borrowed)
{
	usize done = 0;
	pipe_skip_packet(p);
	while (pipe_room(p) && iobuf_remaining(from)) {
		const u32 offset = page_offset(p->head), slot = pipe_slot(p, p->head);
		if (!pipe_page_ready(p, slot)) {
			*e = -ENOMEM;
			break;
		}
		const usize room = min(PAGE_SIZE - offset, pipe_room(p));
		const usize here = min(room, iobuf_remaining(from));
		const usize n = iobuf_get(from, span_slice(page_span(p->pages->slot[slot]), offset, here));
		p->head += n;
		done += n;
		if (n < here) {
			*e = -EFAULT;
			if (p->head == p->tail)
				pipe_page_done(p, slot);
			break;
		}
	}
	return done;
}

// The room a writer waits for: so many bytes, or a page that nobody has begun.
#define ROOM_FOR_PACKET (~(usize)0)

static bool pipe_fits(const struct pipe *p, usize wanted) REQUIRES(p->lock);
static bool pipe_fits(const struct pipe *p, usize wanted)
{
	if (wanted != ROOM_FOR_PACKET)
		return pipe_room(p) >= wanted;
	const usize begun = page_round_up(p->head) - page_round_down(p->tail);
	return begun + PAGE_SIZE <= pipe_pages_count(p->pages) * PAGE_SIZE;
}

// O_DIRECT: one packet of at most a page, in a page of its own. 0 when the room went to another writer.
static usize pipe_fill_packet(struct pipe *p, struct iobuf *from borrowed, err_t *e borrowed) REQUIRES(p->lock);
static usize pipe_fill_packet(struct pipe *p, struct iobuf *from borrowed, err_t *e borrowed)
{
	const u64 head = page_round_up(p->head);
	if (!pipe_fits(p, ROOM_FOR_PACKET))
		return 0;
	const u32 slot = pipe_slot(p, head);
	if (!pipe_page_ready(p, slot)) {
		*e = -ENOMEM;
		return 0;
	}
	const usize length = min(iobuf_remaining(from), (usize)PAGE_SIZE);
	if (iobuf_get(from, span_first(page_span(p->pages->slot[slot]), length)) < length) {
		*e = -EFAULT;
		pipe_page_done(p, slot);
		return 0;
	}
	p->pages->slot[slot]->index = PIPE_PACKET | length;
	p->head = head + length;
	return length;
}

static err_t pipe_wait_room(struct pipe *p, const struct file *f borrowed, usize wanted) REQUIRES(p->lock);
static err_t pipe_wait_room(struct pipe *p, const struct file *f borrowed, usize wanted)
{
	if (p->readers == 0)
		return -EPIPE;
	if (pipe_fits(p, wanted))
		return OK;
	if (file_is_nonblocking(f))
		return -EAGAIN;
	wait_queue_wake_all(&p->event, POLL_IN | POLL_READ_NORMAL);	// what is written so far
	const err_t e = wait_event_mutex(&p->event, &p->lock, WAIT_INTERRUPTIBLE, DEADLINE_NEVER,
		pipe_fits(p, wanted) || p->readers == 0);
	if (e)
		return e;
	return p->readers ? OK : -EPIPE;
}

static ssize_r pipe_write_locked(struct pipe *const p, const struct file *f borrowed, struct iobuf *from borrowed)
{
	const usize total = iobuf_remaining(from);
	const usize wanted = total <= PIPE_ATOMIC_SIZE ? total : 1;
	const bool packets = atomic_u32_load_relaxed(&f->flags) & OPEN_DIRECT;
	usize done = 0;
	err_t e = OK;
	mutex_guard(&p->lock);
	while (iobuf_remaining(from) && !e) {
		e = pipe_wait_room(p, f, packets ? ROOM_FOR_PACKET : done ? 1 : wanted);
		if (e)
			break;
		done += packets ? pipe_fill_packet(p, from, &e) : pipe_fill(p, from, &e);
		pipe_publish(p);
	}
	return done ? (ssize_r)done : (ssize_r)e;
}

ssize_r pipe_write(struct file *f, struct iobuf *from borrowed, u64 *position borrowed)
{
	struct pipe *const p = pipe_of_file(f);
	if (iobuf_remaining(from) == 0)
		return (ssize_r)0;
	const ssize_r n = pipe_write_locked(p, f, from);
	if (n > 0)
		wait_queue_wake_all(&p->event, POLL_IN | POLL_READ_NORMAL);
	return n;
}

// --- readiness, size --------------------------------------------------------------------------------

// What the ends see of each other; poll(2) reads it without the lock.
void pipe_publish(struct pipe *p)
{
	u32 ready = p->head != p->tail ? POLL_IN | POLL_READ_NORMAL : 0;
	if (pipe_room(p) >= PIPE_ATOMIC_SIZE)
		ready |= POLL_OUT | POLL_WRITE_NORMAL;
	if (p->writers == 0)
		ready |= POLL_HANGUP;
	if (p->readers == 0)
		ready |= POLL_ERROR;
	if (ready != atomic_u32_load_relaxed(&p->ready))
		atomic_u32_store_relaxed(&p->ready, ready);	// a wake is a full barrier
}

void pipe_changed(struct pipe *p, u32 events)
{
	pipe_publish(p);
	wait_queue_wake_all(&p->event, events);
}

u32 pipe_poll(struct file *f, struct poll_request *r)
{
	const u32 reading = POLL_IN | POLL_READ_NORMAL | POLL_HANGUP,
		writing = POLL_OUT | POLL_WRITE_NORMAL | POLL_ERROR;
	struct pipe *p = pipe_from_object(f->private_object);
	poll_add(r, &p->event);
	u32 events = atomic_u32_load(&p->ready);
	events &= (f->mode & FILE_MODE_READ ? reading : 0) | (f->mode & FILE_MODE_WRITE ? writing : 0);
	// A FIFO's reader that has never had a writer does not see a hang-up.
	if ((events & POLL_HANGUP) && f->private_value == atomic_u64_load(&p->writers_seen))
		events &= ~POLL_HANGUP;
	return events;
}

#define IOCTL_FIONREAD 0x541bu

ssize_r pipe_control(struct file *f, struct file_control *c borrowed)
{
	struct pipe *const p = pipe_of_file(f);
	if (c->command != IOCTL_FIONREAD)
		return -ENOTTY;
	mutex_guard(&p->lock);
	c->value = pipe_used(p);
	return 0;
}

ssize_r pipe_capacity(struct pipe *p)
{
	mutex_guard(&p->lock);
	return (ssize_r)(pipe_pages_count(p->pages) * PAGE_SIZE);
}

static void pipe_move_pages(struct pipe *p, struct pipe_pages *to) REQUIRES(p->lock);
static void pipe_move_pages(struct pipe *p, struct pipe_pages *to)
{
	for (u64 at = p->tail & ~(PAGE_SIZE - 1); at < p->head; at += PAGE_SIZE)
		to->slot[(at >> PAGE_SHIFT) % pipe_pages_count(to)] = take(p->pages->slot[pipe_slot(p, at)]);
	pipe_pages_free(take(p->pages));
	p->pages = to;
}

ssize_r pipe_set_capacity(struct pipe *p, u64 bytes, const struct cred *cred borrowed)
{
	if (bytes > 1ul << 31)
		return -EINVAL;
	u64 count = 1;
	while (count * PAGE_SIZE < bytes)
		count *= 2;
	if (count > PIPE_MAX_PAGES && !cred_has_capability(cred, user_namespace_initial(), CAP_SYS_RESOURCE))
		return -EPERM;
	struct pipe_pages *pages auto_release(pipe_pages_auto_free) = pipe_pages_alloc((u32)count);
	if (!pages)
		return -ENOMEM;
	mutex_guard(&p->lock);
	// A partly read first page takes a slot of its own.
	if (page_round_up(p->head) - page_round_down(p->tail) > count * PAGE_SIZE)
		return -EBUSY;
	pipe_move_pages(p, take(pages));
	pipe_changed(p, POLL_OUT | POLL_WRITE_NORMAL);
	return (ssize_r)(count * PAGE_SIZE);
}
