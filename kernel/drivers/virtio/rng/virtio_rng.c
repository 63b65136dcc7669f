// SPDX-License-Identifier: MPL-2.0
// One buffer circulates: given to the device, mixed in by the interrupt, given again by a timer.
#include <core/print.h>
#include <core/random.h>
#include <core/time.h>
#include <drivers/virtio/rng/virtio_rng.h>
#include <drivers/virtio/virtio.h>

#define BATCH_BYTES 64u
#define REFILL_NS (60 * NS_PER_SECOND)

struct rng {
	struct object object;
	struct virtio_device *device;	// reference; immutable
	struct spinlock lock;
	struct virtio_queue *ring GUARDED_BY(lock);	// reference
	struct page *batch;		// reference; immutable
};
DECLARE_OBJECT(rng)
struct rng_irq {
	struct irq_action base;
	struct rng *rng;		// reference; immutable
};
struct rng_timer {
	struct timer base;
	struct rng *rng;		// reference; immutable
};
static exclusive_access void rng_release(struct rng *r)
{
	if (r->ring)
		virtio_queue_put(take(r->ring));
	if (r->batch)
		page_put(take(r->batch));
	if (r->device)
		virtio_device_put(take(r->device));
}
DEFINE_OBJECT(rng, rng_release)
static exclusive_access void rng_irq_release(struct rng_irq *a)
{
	rng_put(take(a->rng));
}
DEFINE_DERIVED(rng_irq, irq_action, rng_irq_release)
static exclusive_access void rng_timer_release(struct rng_timer *t)
{
	rng_put(take(t->rng));
}
DEFINE_DERIVED(rng_timer, timer, rng_timer_release)

static no_inline err_t request_batch(struct rng *r)
{
	struct virtio_chain c = { };
	u32 token = 0;
	err_t err;

	virtio_chain_add(&c, page_dma_address(r->batch), BATCH_BYTES, 1);
	irq_guard(&r->lock);
	err = virtio_queue_add(r->ring, &c, &token);
	if (!err)
		virtio_queue_notify(r->ring);
	return err;
}

static bool rng_interrupt(struct irq_action *action)
{
	struct rng *r = rng_irq_from_irq_action(action)->rng;
	u32 token = 0, written = 0;

	if (!r->device->transport->acknowledge(r->device))
		return false;
	irq_guard(&r->lock);
	while (virtio_queue_take(r->ring, &token, &written)) {
		u32 got = min(written, BATCH_BYTES);

		random_add(bytes_first(page_bytes(r->batch), got), got * 8);
	}
	return true;
}

static void refill(struct timer *t)
{
	// A device that has not answered yet still owns the only buffer: -ENOSPC cannot happen, errors wait a minute.
	if (request_batch(rng_timer_from_timer(t)->rng))
		log_debug("virtio: entropy request failed");
	timer_set(t, clock_monotonic_ns() + REFILL_NS);
}

static exclusive_access err_t rng_set_up(struct rng *r, struct virtio_device *v)
{
	struct rng_irq *irq object_auto(rng_irq) = rng_irq_alloc();
	struct virtio_queue *ring object_auto(virtio_queue) = NULL;
	err_t err = virtio_negotiate(v, 0);

	if (err)
		return err;
	r->device = virtio_device_get(v);
	spin_init(&r->lock, RANK_EVENT_SOURCE);
	r->batch = page_alloc(PAGE_ALLOC_ZERO);
	if (!irq || !r->batch)
		return -ENOMEM;
	irq->rng = rng_get(r);
	irq->base.handle = rng_interrupt;
	err = virtio_queue_create(v, 0, 0, &irq->base, &ring);
	if (!err)
		r->ring = take(ring);
	return err;
}

static err_t rng_probe(struct virtio_device *v)
{
	struct rng *r object_auto(rng) = rng_alloc();
	struct rng_timer *t object_auto(rng_timer) = rng_timer_alloc();
	err_t err;

	if (!r || !t)
		return -ENOMEM;
	err = rng_set_up(r, v);
	if (err)
		return err;
	virtio_start(v);
	t->base.fire = refill;
	t->rng = rng_get(r);
	timer_set(&t->base, clock_monotonic_ns() + REFILL_NS);
	return request_batch(r);
}

static const struct virtio_driver virtio_rng_driver = { .kind = VIRTIO_RNG, .probe = rng_probe };

void virtio_rng_init(void)
{
	virtio_driver_register(&virtio_rng_driver);
}
