// SPDX-License-Identifier: MPL-2.0
// A request becomes one chain: a 16-byte header, its pages, one status byte. Headers and status bytes live in
// one page a queue, 32 bytes for each slot; the slot is the index of the request in `in_flight`, and `slot_of`
// maps the queue's token back to it.
#include <core/cpu.h>
#include <core/print.h>
#include <drivers/virtio/block/virtio_block.h>
#include <drivers/virtio/virtio.h>
#include <services/block/block_device.h>
#include <services/vfs/stat.h>

#define VIRTIO_BLOCK_MAJOR 254u
#define MINORS_A_DISK 16u
#define DISKS_MAX 26u
#define QUEUES_MAX 8u
#define SLOTS 64u
#define SLOT_BYTES 32u
#define HEADER_BYTES 16u
#define FEATURE_READ_ONLY 5u
#define FEATURE_FLUSH 9u
#define FEATURE_MULTI_QUEUE 12u
#define CONFIG_CAPACITY 0u
#define CONFIG_QUEUES 34u
enum request_type { TYPE_IN = 0, TYPE_OUT = 1, TYPE_FLUSH = 4 };

struct block_queue {
	struct object object;
	struct virtio_device *device;		// borrowed from the disk; immutable
	struct spinlock lock;
	struct virtio_queue *ring GUARDED_BY(lock);	// reference
	struct page *headers;			// reference; immutable
	struct block_request *in_flight[SLOTS] GUARDED_BY(lock);	// a reference each
	u8 slot_of[VIRTIO_QUEUE_MAX] GUARDED_BY(lock);
	struct wait_queue room;
};
DECLARE_OBJECT(block_queue)
struct block_irq {
	struct irq_action base;
	struct block_queue *queue;		// reference; immutable
};
struct virtio_disk {
	struct block_device base;
	struct virtio_device *device;		// reference; immutable
	struct block_queue *queue[QUEUES_MAX];	// a reference each; immutable
	u32 queue_count;			// immutable
};

static exclusive_access void block_queue_release(struct block_queue *q)
{
	if (q->ring)
		virtio_queue_put(take(q->ring));
	if (q->headers)
		page_put(take(q->headers));
}
DEFINE_OBJECT(block_queue, block_queue_release)
static exclusive_access void block_irq_release(struct block_irq *a)
{
	block_queue_put(take(a->queue));
}
DEFINE_DERIVED(block_irq, irq_action, block_irq_release)
static exclusive_access void virtio_disk_release(struct virtio_disk *d)
{
	for (u32 i = 0; i < d->queue_count; i++)
		block_queue_put(take(d->queue[i]));
	if (d->device)
		virtio_device_put(take(d->device));
	block_device_fini(&d->base);
}
DEFINE_DERIVED(virtio_disk, block_device, virtio_disk_release)

static u32 free_slot(struct block_queue *q) REQUIRES(q->lock)
{
	for (u32 i = 0; i < SLOTS; i++)
		if (!q->in_flight[i])
			return i;
	return SLOTS;
}

static bool has_room(struct block_queue *q) REQUIRES(q->lock)
{
	return free_slot(q) < SLOTS && virtio_queue_has_room(q->ring, BLOCK_REQUEST_PAGES + 2);
}

static void header_write(struct block_queue *q, u32 slot, const struct block_request *r borrowed)
{
	static const u32 type_of[] = { [BLOCK_READ] = TYPE_IN, [BLOCK_WRITE] = TYPE_OUT, [BLOCK_FLUSH] = TYPE_FLUSH };
	span_t h = span_slice(page_span(q->headers), slot * SLOT_BYTES, SLOT_BYTES);

	span_put_u32le(h, 0, type_of[r->operation]);
	span_put_u32le(h, 4, 0);
	span_put_u64le(h, 8, r->operation == BLOCK_FLUSH ? 0 : r->sector);
	span_at(h, HEADER_BYTES) = 0xff;
}

static void chain_build(
	struct block_queue *q, u32 slot, const struct block_request *r borrowed, struct virtio_chain *c borrowed)
{
	u64 header = page_dma_address(q->headers) + slot * SLOT_BYTES;
	u32 left = r->length;

	virtio_chain_add(c, header, HEADER_BYTES, 0);
	for (u32 i = 0; i < r->page_count && left > 0; i++) {
		u32 offset = i == 0 ? r->offset : 0;
		u32 piece = min(left, (u32)PAGE_SIZE - offset);

		virtio_chain_add(c, page_dma_address(r->page[i]) + offset, piece, r->operation == BLOCK_READ);
		left -= piece;
	}
	virtio_chain_add(c, header + HEADER_BYTES, 1, 1);
}

// 1,024 bytes of frame do not hold a chain and guards of the caller's too.
static no_inline err_t request_start(struct block_queue *q, struct block_request *r) REQUIRES(q->lock)
{
	struct virtio_chain chain = { };
	u32 slot = free_slot(q), token = 0;
	err_t err;

	header_write(q, slot, r);
	chain_build(q, slot, r, &chain);
	err = virtio_queue_add(q->ring, &chain, &token);
	if (err)
		return err;
	q->in_flight[slot] = block_request_get(r);
	q->slot_of[token] = (u8)slot;
	virtio_queue_notify(q->ring);
	return OK;
}

static void disk_submit(struct block_device *b, struct block_request *r)
{
	struct virtio_disk *d = virtio_disk_from_block_device(b);
	struct block_queue *q = d->queue[cpu_current() % d->queue_count];
	err_t err;

	{
		irq_guard(&q->lock);
		err = wait_event_irq(&q->room, &q->lock, WAIT_UNINTERRUPTIBLE, DEADLINE_NEVER, has_room(q));
		if (!err)
			err = request_start(q, r);
	}
	if (err)
		block_request_complete(r, err);
}

static const struct block_device_ops disk_ops = { .submit = disk_submit };

// Takes one finished request out; NULL when there is none.
static struct block_request *request_take(struct block_queue *q, err_t *result borrowed) owned REQUIRES(q->lock);
static struct block_request *request_take(struct block_queue *q, err_t *result borrowed)
{
	u32 token = 0, written = 0;

	while (virtio_queue_take(q->ring, &token, &written)) {
		u32 slot = q->slot_of[token];
		u8 status = byte_at(page_bytes(q->headers), slot * SLOT_BYTES + HEADER_BYTES);

		if (!q->in_flight[slot])
			continue;
		*result = status == 0 ? OK : status == 2 ? (err_t)-EOPNOTSUPP : (err_t)-EIO;
		return take(q->in_flight[slot]);
	}
	return NULL;
}

static struct block_request *request_take_one(struct block_queue *q, err_t *result borrowed) owned;
static struct block_request *request_take_one(struct block_queue *q, err_t *result borrowed)
{
	irq_guard(&q->lock);
	return request_take(q, result);
}

static bool queue_interrupt(struct irq_action *action)
{
	struct block_queue *q = block_irq_from_irq_action(action)->queue;
	bool any = false;

	if (!q->device->transport->acknowledge(q->device))
		return false;
	for (;;) {
		err_t result = OK;
		struct block_request *r object_auto(block_request) = request_take_one(q, &result);

		if (!r)
			break;
		any = true;
		block_request_complete(r, result);
	}
	if (any)
		wait_queue_wake_all(&q->room, U32_MAX);
	return true;
}

static exclusive_access err_t queue_create(struct virtio_disk *d, u32 index)
{
	struct block_queue *q object_auto(block_queue) = block_queue_alloc();
	struct block_irq *irq object_auto(block_irq) = block_irq_alloc();
	struct virtio_queue *ring object_auto(virtio_queue) = NULL;
	err_t err;

	if (!q || !irq)
		return -ENOMEM;
	q->device = d->device;
	spin_init(&q->lock, RANK_EVENT_SOURCE);
	wait_queue_init(&q->room);
	q->headers = page_alloc(PAGE_ALLOC_ZERO);
	irq->queue = block_queue_get(q);
	irq->base.handle = queue_interrupt;
	if (!q->headers)
		return -ENOMEM;
	err = virtio_queue_create(d->device, index, index % cpu_count(), &irq->base, &ring);
	if (err)
		return err;
	q->ring = take(ring);
	d->queue[index] = take(q);
	d->queue_count = index + 1;
	return OK;
}

static struct synchronised disk_counter {
	struct atomic_u32 next;
} disks;

static err_t disk_name_and_init(struct virtio_disk *d, u32 number)
{
	u8 name[3] = { 'v', 'd', (u8)('a' + number) };
	u32 flags = (virtio_has(d->device, FEATURE_READ_ONLY) ? BLOCK_DEVICE_READ_ONLY : 0) |
		    (virtio_has(d->device, FEATURE_FLUSH) ? BLOCK_DEVICE_VOLATILE_CACHE : 0);

	return block_device_init(&d->base, &disk_ops, array_bytes(name),
		device_number(VIRTIO_BLOCK_MAJOR, number * MINORS_A_DISK),
		virtio_config_u64(d->device, CONFIG_CAPACITY), flags);
}

static err_t disk_start_queues(struct virtio_disk *d)
{
	u32 wanted = 1;
	err_t err = OK;

	if (virtio_has(d->device, FEATURE_MULTI_QUEUE))
		wanted = min(
			min(d->device->transport->read_config(d->device, CONFIG_QUEUES, 2), cpu_count()), QUEUES_MAX);
	for (u32 i = 0; i < max(wanted, 1u) && !err; i++)
		err = queue_create(d, i);
	// One queue is enough; fewer vectors than queues are no reason to fail.
	return d->queue_count ? OK : err;
}

static err_t disk_probe(struct virtio_device *v)
{
	struct virtio_disk *d object_auto(virtio_disk) = virtio_disk_alloc();
	u32 number = atomic_u32_add(&disks.next, 1);
	err_t err;

	if (!d)
		return -ENOMEM;
	if (number >= DISKS_MAX)
		return -ENOSPC;
	err = virtio_negotiate(v, 1ul << FEATURE_READ_ONLY | 1ul << FEATURE_FLUSH | 1ul << FEATURE_MULTI_QUEUE);
	if (err)
		return err;
	d->device = virtio_device_get(v);
	err = disk_name_and_init(d, number);
	if (!err)
		err = disk_start_queues(d);
	if (err)
		return err;
	virtio_start(v);
	log_info("virtio: disk vd%c, %lu MiB, %u queue(s)", 'a' + (s32)number, block_device_bytes(&d->base) >> 20,
		d->queue_count);
	return block_device_register(&d->base);
}

static const struct virtio_driver virtio_block_driver = { .kind = VIRTIO_BLOCK, .probe = disk_probe };

void virtio_block_init(void)
{
	virtio_driver_register(&virtio_block_driver);
}
