// SPDX-License-Identifier: MPL-2.0
#include <services/net/buffer/packet.h>

static exclusive_access void packet_release(struct packet *p)
{
	if (p->data)
		packet_data_put(take(p->data));
}
DEFINE_OBJECT(packet, packet_release)

struct packet *packet_create(u32 headroom)
{
	struct packet *p object_auto(packet) = packet_alloc();

	if (!p)
		return NULL;
	if (headroom > PACKET_HEAD_BYTES)
		core_trap();
	p->head_start = (u16)headroom;
	p->head_end = (u16)headroom;
	return take(p);
}

struct packet *packet_clone(const struct packet *p borrowed)
{
	struct packet *c object_auto(packet) = packet_alloc();

	if (!c)
		return NULL;
	if (p->data)
		c->data = packet_data_get(p->data);
	c->data_start = p->data_start;
	c->data_length = p->data_length;
	c->head_start = p->head_start;
	c->head_end = p->head_end;
	c->network = p->network;
	c->transport = p->transport;
	c->flags = p->flags;
	c->checksum_start = p->checksum_start;
	c->checksum_offset = p->checksum_offset;
	c->ethertype = p->ethertype;
	c->link_start = p->link_start;
	c->interface = p->interface;
	c->mark = p->mark;
	c->priority = p->priority;
	c->received_ns = p->received_ns;
	span_copy(span_slice(array_span(c->head), p->head_start, (usize)p->head_end - p->head_start), packet_front(p));
	return take(c);
}

bytes_t packet_front(const struct packet *p borrowed)
{
	return bytes_slice(array_bytes(p->head), p->head_start, (usize)p->head_end - p->head_start);
}

span_t packet_front_span(struct packet *p borrowed)
{
	return span_slice(array_span(p->head), p->head_start, (usize)p->head_end - p->head_start);
}

// Moves the head's content to its beginning, for room behind it. The places of headers move along.
static void head_to_start(struct packet *p borrowed)
{
	const u16 by = p->head_start, length = (u16)(p->head_end - p->head_start);

	span_copy(array_span(p->head), packet_front(p));
	p->head_start = 0;
	p->head_end = length;
	p->network = p->network >= by ? (u16)(p->network - by) : (u16)0;
	p->transport = p->transport >= by ? (u16)(p->transport - by) : (u16)0;
	p->link_start = p->link_start >= by ? (u16)(p->link_start - by) : (u16)0;
	if (p->flags & PACKET_CHECKSUM_PARTIAL)
		p->checksum_start = (u16)(p->checksum_start - by);
}

bool packet_require(struct packet *p borrowed, u32 n)
{
	const u32 have = (u32)(p->head_end - p->head_start);

	if (have >= n)
		return true;
	if (n > packet_length(p) || n > PACKET_HEADROOM)
		return false;
	if (PACKET_HEAD_BYTES - p->head_end < n - have)
		head_to_start(p);
	packet_data_read(p->data, p->data_start, span_slice(array_span(p->head), p->head_end, n - have));
	p->head_end = (u16)(p->head_end + (n - have));
	p->data_start += n - have;
	p->data_length -= n - have;
	return true;
}

bool packet_reserve(struct packet *p borrowed, u32 n)
{
	const u32 length = (u32)(p->head_end - p->head_start);

	if (p->head_start >= n)
		return true;
	if (length + n > PACKET_HEAD_BYTES)
		return false;
	const u32 by = n - p->head_start;
	span_copy(span_slice(array_span(p->head), n, length), packet_front(p));
	p->head_start = (u16)n;
	p->head_end = (u16)(n + length);
	p->network = (u16)(p->network + by);
	p->transport = (u16)(p->transport + by);
	p->checksum_start = (u16)(p->checksum_start + by);
	return true;
}

span_t packet_push(struct packet *p borrowed, u32 n)
{
	if (n > p->head_start)
		core_trap();
	p->head_start = (u16)(p->head_start - n);
	return span_slice(array_span(p->head), p->head_start, n);
}

void packet_pull(struct packet *p borrowed, u32 n)
{
	const u32 from_head = min(n, (u32)(p->head_end - p->head_start));

	if (n - from_head > p->data_length)
		core_trap();
	p->head_start = (u16)(p->head_start + from_head);
	p->data_start += n - from_head;
	p->data_length -= n - from_head;
}

void packet_trim(struct packet *p borrowed, u32 length)
{
	const u32 head = (u32)(p->head_end - p->head_start);

	if (length > packet_length(p))
		core_trap();
	p->data_length = length > head ? length - head : 0;
	if (length < head)
		p->head_end = (u16)(p->head_start + length);
}

void packet_attach(struct packet *p borrowed, struct packet_data *d, u32 start, u32 length)
{
	if (p->data || start > d->room || length > d->room - start)
		core_trap();
	p->data = packet_data_get(d);
	p->data_start = start;
	p->data_length = length;
}

// How much of `length` more bytes goes behind the head's content; the rest needs data.
static u32 head_share(const struct packet *p borrowed, u32 length)
{
	if (p->data_length)
		return 0;
	return length <= PACKET_HEAD_BYTES - p->head_end ? length : 0;
}

static err_t data_room(struct packet *p borrowed, u32 length)
{
	if (length > PACKET_DATA_MAX - p->data_length)
		return -EMSGSIZE;
	const u32 end = p->data_start + p->data_length;
	if (p->data && object_references(&p->data->object) == 1 && p->data->room - end >= length)
		return OK;
	struct packet_data *d object_auto(packet_data) = packet_data_create(p->data_length + length);
	if (!d)
		return -ENOMEM;
	if (p->data) {
		packet_data_copy(d, 0, p->data, p->data_start, p->data_length);
		packet_data_put(take(p->data));
	}
	p->data = take(d);
	p->data_start = 0;
	return OK;
}

err_t packet_append(struct packet *p borrowed, bytes_t from)
{
	const u32 length = (u32)bytes_len(from);

	if (length == 0)
		return OK;
	if (bytes_len(from) > PACKET_DATA_MAX)
		return -EMSGSIZE;
	if (head_share(p, length)) {
		span_copy(span_slice(array_span(p->head), p->head_end, length), from);
		p->head_end = (u16)(p->head_end + length);
		return OK;
	}
	const err_t err = data_room(p, length);
	if (err)
		return err;
	packet_data_write(p->data, p->data_start + p->data_length, from);
	p->data_length += length;
	return OK;
}

err_t packet_append_from(struct packet *p borrowed, struct iobuf *from borrowed, u32 length)
{
	if (length == 0)
		return OK;
	if (head_share(p, length)) {
		if (iobuf_get(from, span_slice(array_span(p->head), p->head_end, length)) < length)
			return -EFAULT;
		p->head_end = (u16)(p->head_end + length);
		return OK;
	}
	const err_t err = data_room(p, length);
	if (err)
		return err;
	if (packet_data_fill(p->data, p->data_start + p->data_length, from, length) < length)
		return -EFAULT;
	p->data_length += length;
	return OK;
}

void packet_read(const struct packet *p borrowed, u32 offset, span_t to)
{
	bytes_t head = packet_front(p);
	usize n = 0;

	if (offset < bytes_len(head)) {
		n = min(bytes_len(head) - offset, span_len(to));
		span_copy(to, bytes_slice(head, offset, n));
		offset = 0;
	} else {
		offset -= (u32)bytes_len(head);
	}
	if (n == span_len(to))
		return;
	if (offset > p->data_length || span_len(to) - n > p->data_length - offset)
		core_trap();
	packet_data_read(p->data, p->data_start + offset, span_from(to, n));
}

u32 packet_read_to(const struct packet *p borrowed, u32 offset, u32 length, struct iobuf *to borrowed)
{
	bytes_t head = packet_front(p);
	u32 done = 0;

	if (offset < bytes_len(head)) {
		const u32 n = min((u32)bytes_len(head) - offset, length);
		done = (u32)iobuf_put(to, bytes_slice(head, offset, n));
		if (done < n || done == length)
			return done;
		offset = 0;
	} else {
		offset -= (u32)bytes_len(head);
	}
	if (offset > p->data_length || length - done > p->data_length - offset)
		core_trap();
	if (length > done)
		done += packet_data_drain(p->data, p->data_start + offset, to, length - done);
	return done;
}
