// SPDX-License-Identifier: MPL-2.0
// Split virtqueues. One page run holds the three rings at fixed places for any size up to 256:
// descriptors at 0 (16 bytes each), available ring at 4096, used ring at 8192. What the device writes is
// read with barriers and checked: a token that is not in flight is dropped.
#include <core/print.h>
#include <drivers/virtio/virtio.h>
#include <drivers/virtio/virtio_ring_internal.h>

static exclusive_access void virtio_queue_release(struct virtio_queue *q)
{
	if (q->ring)
		page_run_free(take(q->ring), VIRTIO_RING_ORDER);
}
DEFINE_OBJECT(virtio_queue, virtio_queue_release)

#define ring_span(q) page_run_span((q)->ring, VIRTIO_RING_ORDER)

static void descriptor_write(
	struct virtio_queue *q borrowed, u32 i, const struct virtio_piece *p borrowed, u16 flags, u16 next)
{
	span_t d = span_slice(ring_span(q), i * DESCRIPTOR_BYTES, DESCRIPTOR_BYTES);

	span_put_u64le(d, 0, p->address);
	span_put_u32le(d, 8, p->length);
	span_put_u16le(d, 12, flags);
	span_put_u16le(d, 14, next);
}

static u16 descriptor_next(struct virtio_queue *q borrowed, u32 i)
{
	return bytes_get_u16le(bytes_of(ring_span(q)), i * DESCRIPTOR_BYTES + 14);
}

err_t virtio_queue_create(
	struct virtio_device *d, u32 index, u32 cpu, struct irq_action *action, struct virtio_queue **out borrowed)
{
	struct virtio_queue *q object_auto(virtio_queue) = virtio_queue_alloc();
	u32 size = d->transport->queue_size(d, index);
	err_t err;

	if (!q)
		return -ENOMEM;
	if (size == 0)
		return -ENOENT;
	q->ring = page_run_alloc(VIRTIO_RING_ORDER, PAGE_ALLOC_ZERO);
	if (!q->ring)
		return -ENOMEM;
	q->device = d;
	q->index = index;
	q->size = min(size, VIRTIO_QUEUE_MAX);
	q->free_count = (u16)q->size;
	for (u32 i = 0; i < q->size; i++)
		span_put_u16le(ring_span(q), i * DESCRIPTOR_BYTES + 14, (u16)(i + 1));
	err = d->transport->queue_start(d, q, cpu, action);
	if (err)
		return err;
	*out = take(q);
	return OK;
}

void virtio_chain_add(struct virtio_chain *c borrowed, u64 address, u32 length, u32 is_written)
{
	c->piece[c->count] = (struct virtio_piece){ address, length, is_written };
	c->count++;
}

bool virtio_queue_has_room(const struct virtio_queue *q borrowed, u32 pieces)
{
	return q->free_count >= pieces;
}

err_t virtio_queue_add(struct virtio_queue *q borrowed, const struct virtio_chain *c borrowed, u32 *token borrowed)
{
	u16 head = q->free_head, at = head;

	if (c->count == 0 || q->free_count < c->count)
		return -ENOSPC;
	for (u32 i = 0; i < c->count; i++) {
		u16 next = descriptor_next(q, at);
		u16 flags = (u16)((c->piece[i].is_written ? DESCRIPTOR_WRITE : 0) |
			(i + 1 < c->count ? DESCRIPTOR_NEXT : 0));

		descriptor_write(q, at, array_ptr(c->piece, i), flags, next);
		at = next;
	}
	q->free_head = at;
	q->free_count -= (u16)c->count;
	q->chain_length[head] = (u16)c->count;
	span_put_u16le(ring_span(q), AVAILABLE_OFFSET + 4 + q->available_index % q->size * 2ul, head);
	memory_barrier();
	q->available_index++;
	span_put_u16le(ring_span(q), AVAILABLE_OFFSET + 2, q->available_index);
	*token = head;
	return OK;
}

void virtio_queue_notify(struct virtio_queue *q borrowed)
{
	memory_barrier();
	if (!(bytes_get_u16le(bytes_of(ring_span(q)), USED_OFFSET) & USED_NO_NOTIFY))
		q->device->transport->notify(q->device, q);
}

// Gives a chain's descriptors back to the free list.
static void chain_free(struct virtio_queue *q borrowed, u32 head)
{
	u32 last = head;

	for (u32 i = 1; i < q->chain_length[head]; i++)
		last = descriptor_next(q, last);
	span_put_u16le(ring_span(q), last * DESCRIPTOR_BYTES + 14, q->free_head);
	q->free_head = (u16)head;
	q->free_count += q->chain_length[head];
	q->chain_length[head] = 0;
}

bool virtio_queue_take(struct virtio_queue *q borrowed, u32 *token borrowed, u32 *written borrowed)
{
	memory_barrier();
	while (bytes_get_u16le(bytes_of(ring_span(q)), USED_OFFSET + 2) != q->used_index) {
		memory_barrier();
		bytes_t element =
			bytes_slice(bytes_of(ring_span(q)), USED_OFFSET + 4 + q->used_index % q->size * 8ul, 8);
		u32 id = bytes_get_u32le(element, 0);

		q->used_index++;
		if (id >= q->size || q->chain_length[id] == 0) {
			log_error("virtio: the device returned descriptor %u, which is not in flight", id);
			continue;
		}
		*token = id;
		*written = bytes_get_u32le(element, 4);
		chain_free(q, id);
		return true;
	}
	return false;
}
