// SPDX-License-Identifier: MPL-2.0
// source: Virtual I/O Device specification 1.2, section 5.1
//
// Received frames stay where the device put them: a buffer is a packet_data of one page, which the packet takes along,
// and a fresh one takes its place. Frames to be sent are copied into pages that are mapped once.
#include <core/cpu.h>
#include <core/print.h>
#include <drivers/virtio/net/virtio_net.h>
#include <drivers/virtio/virtio.h>
#include <services/net/device/net_device.h>

#define FEATURE_MAC 5u
#define FEATURE_MERGED_BUFFERS 15u
#define FEATURE_STATUS 16u
#define CONFIG_STATUS 6u
#define STATUS_LINK_UP 1u
#define HEADER_BYTES 12u		// struct virtio_net_hdr with num_buffers
#define HEADER_BYTES_LEGACY 10u		// before 1.0, without merged buffers
#define NUM_BUFFERS_OFFSET 10u
#define RECEIVE_SLOTS 128u
#define SEND_SLOTS 64u
#define FRAME_MAX ((u32)PAGE_SIZE - HEADER_BYTES)
enum queue_number { QUEUE_RECEIVE = 0, QUEUE_SEND = 1 };

struct net_card {
	struct net_device base;
	struct virtio_device *device;		// reference; immutable
	struct work *harvest;			// reference; immutable
	u32 header_bytes;			// immutable
	struct spinlock receive_lock;		// RANK_EVENT_SOURCE, as the next
	struct virtio_queue *receive_ring GUARDED_BY(receive_lock);	// reference
	struct packet_data *receive_slot[VIRTIO_QUEUE_MAX] GUARDED_BY(receive_lock);	// references, by token
	u32 receive_count GUARDED_BY(receive_lock);			// buffers that the device has
	struct spinlock send_lock;
	struct virtio_queue *send_ring GUARDED_BY(send_lock);		// reference
	struct page *send_page[SEND_SLOTS];	// references; immutable
	u32 send_busy[SEND_SLOTS] GUARDED_BY(send_lock);
	u8 send_slot_of[VIRTIO_QUEUE_MAX] GUARDED_BY(send_lock);	// by token
};
static exclusive_access void net_card_release(struct net_card *c)
{
	for (u32 i = 0; i < VIRTIO_QUEUE_MAX; i++) {
		if (c->receive_slot[i])
			packet_data_put(take(c->receive_slot[i]));
	}
	for (u32 i = 0; i < SEND_SLOTS; i++) {
		if (c->send_page[i])
			page_put(take(c->send_page[i]));
	}
	if (c->receive_ring)
		virtio_queue_put(take(c->receive_ring));
	if (c->send_ring)
		virtio_queue_put(take(c->send_ring));
	if (c->harvest)
		work_put(take(c->harvest));
	if (c->device)
		virtio_device_put(take(c->device));
	net_device_fini(&c->base);
}
DEFINE_DERIVED(net_card, net_device, net_card_release)

struct net_card_work {
	struct work base;
	struct net_device *card;	// borrowed: cards live for ever once they have one; immutable
};
static void net_card_work_release(struct net_card_work *w) { }
DEFINE_DERIVED(net_card_work, work, net_card_work_release)

struct net_card_irq {
	struct irq_action base;
	struct net_device *card;	// reference; immutable
};
static exclusive_access void net_card_irq_release(struct net_card_irq *a)
{
	net_device_put(take(a->card));
}
DEFINE_DERIVED(net_card_irq, irq_action, net_card_irq_release)

// --- receiving ------------------------------------------------------------------------------------------------------
static no_inline err_t receive_add(struct net_card *c, struct packet_data *data consumes)
{
	struct packet_data *d object_auto(packet_data) = data;
	struct virtio_chain chain = { };
	u32 token = 0;

	virtio_chain_add(&chain, page_dma_address(d->pages[0]), (u32)PAGE_SIZE, 1);
	irq_guard(&c->receive_lock);
	const err_t err = virtio_queue_add(c->receive_ring, &chain, &token);
	if (err)
		return err;
	c->receive_slot[token] = take(d);
	c->receive_count++;
	return OK;
}

static u32 receive_missing(struct net_card *c)
{
	irq_guard(&c->receive_lock);
	const u32 wanted = min(RECEIVE_SLOTS, c->receive_ring->size);
	return wanted - min(wanted, c->receive_count);
}

static void receive_notify(struct net_card *c)
{
	irq_guard(&c->receive_lock);
	virtio_queue_notify(c->receive_ring);
}

// Without memory the device has fewer buffers until the next time.
static void receive_fill(struct net_card *c)
{
	for (u32 missing = receive_missing(c); missing > 0; missing--) {
		struct packet_data *d object_auto(packet_data) = packet_data_create((u32)PAGE_SIZE);
		if (!d || receive_add(c, take(d)))
			break;
	}
	receive_notify(c);
}

static struct packet_data *receive_take(struct net_card *c, u32 *written borrowed) owned;
static struct packet_data *receive_take(struct net_card *c, u32 *written borrowed)
{
	u32 token = 0;

	irq_guard(&c->receive_lock);
	while (virtio_queue_take(c->receive_ring, &token, written)) {
		if (!c->receive_slot[token])
			continue;
		c->receive_count--;
		return take(c->receive_slot[token]);
	}
	return NULL;
}

// The further buffers of a frame that did not fit one. False: it is not whole.
static bool receive_rest(struct net_card *c, struct packet *p borrowed, u32 count)
{
	for (; count > 0; count--) {
		u32 written = 0;
		struct packet_data *d object_auto(packet_data) = receive_take(c, &written);
		if (!d || packet_append(p, bytes_first(page_bytes(d->pages[0]), min(written, (u32)PAGE_SIZE))))
			return false;
	}
	return true;
}

static struct packet *frame_take(struct net_card *c, u32 *found borrowed) owned;
static struct packet *frame_take(struct net_card *c, u32 *found borrowed)
{
	u32 written = 0;
	struct packet_data *d object_auto(packet_data) = receive_take(c, &written);

	*found = d != NULL;
	if (!d)
		return NULL;
	written = min(written, (u32)PAGE_SIZE);
	struct packet *p object_auto(packet) = packet_create(0);
	if (!p || written < c->header_bytes + ETHER_HEADER_BYTES) {
		atomic_u64_add(&c->base.statistics.received_errors, 1);
		return NULL;
	}
	packet_attach(p, d, c->header_bytes, written - c->header_bytes);
	const u32 buffers =
		virtio_has(c->device, FEATURE_MERGED_BUFFERS)
			? bytes_get_u16le(page_bytes(d->pages[0]), NUM_BUFFERS_OFFSET)
			: 1;
	return buffers < 2 || receive_rest(c, p, buffers - 1) ? take(p) : NULL;
}

static void link_state_read(struct net_card *c)
{
	if (!virtio_has(c->device, FEATURE_STATUS))
		return;
	const u32 status = c->device->transport->read_config(c->device, CONFIG_STATUS, 2);
	net_device_set_carrier(&c->base, status & STATUS_LINK_UP);
}

static void harvest_run(struct work *w)
{
	struct net_device *card = net_card_work_from_work(w)->card;
	struct net_card *c = net_card_from_net_device(card);
	u32 found = 1;

	while (found) {
		struct packet *p object_auto(packet) = frame_take(c, &found);
		if (p)
			net_device_deliver(card, take(p));
	}
	receive_fill(c);
	link_state_read(c);
}

static bool card_interrupt(struct irq_action *action)
{
	struct net_card *c = net_card_from_net_device(net_card_irq_from_irq_action(action)->card);

	if (!c->device->transport->acknowledge(c->device))
		return false;
	work_schedule(c->harvest);
	return true;
}

// --- sending --------------------------------------------------------------------------------------------------------
static void send_reclaim(struct net_card *c) REQUIRES(c->send_lock)
{
	u32 token = 0, written = 0;

	while (virtio_queue_take(c->send_ring, &token, &written))
		c->send_busy[c->send_slot_of[token]] = 0;
}

static u32 send_free_slot(struct net_card *c) REQUIRES(c->send_lock)
{
	for (u32 i = 0; i < SEND_SLOTS; i++) {
		if (!c->send_busy[i])
			return i;
	}
	return SEND_SLOTS;
}

static no_inline bool send_frame(struct net_card *c, const struct packet *p borrowed)
{
	struct virtio_chain chain = { };
	const u32 length = packet_length(p);
	u32 token = 0;

	irq_guard(&c->send_lock);
	send_reclaim(c);
	const u32 slot = send_free_slot(c);
	if (slot == SEND_SLOTS)
		return false;
	struct page *page = c->send_page[slot];
	span_fill(span_first(page_span(page), c->header_bytes), 0);
	packet_read(p, 0, span_slice(page_span(page), c->header_bytes, length));
	virtio_chain_add(&chain, page_dma_address(page), c->header_bytes + length, 0);
	if (virtio_queue_add(c->send_ring, &chain, &token))
		return false;
	c->send_busy[slot] = 1;
	c->send_slot_of[token] = (u8)slot;
	virtio_queue_notify(c->send_ring);
	return true;
}

static void card_transmit(struct net_device *d, struct packet *packet)
{
	struct packet *p object_auto(packet) = packet;
	struct net_card *c = net_card_from_net_device(d);

	packet_checksum_finish(p);
	if (packet_length(p) > FRAME_MAX || !send_frame(c, p))
		atomic_u64_add(&d->statistics.sent_dropped, 1);
}

static err_t card_open(struct net_device *d)
{
	link_state_read(net_card_from_net_device(d));
	return OK;
}

static const struct net_device_ops card_ops = { .transmit = card_transmit, .open = card_open };

// --- finding a card -------------------------------------------------------------------------------------------------
static exclusive_access err_t queue_make(
	struct net_card *c, enum queue_number number, struct virtio_queue **out borrowed)
{
	struct net_card_irq *irq object_auto(net_card_irq) = net_card_irq_alloc();

	if (!irq)
		return -ENOMEM;
	irq->card = net_device_get(&c->base);
	irq->base.handle = card_interrupt;
	return virtio_queue_create(c->device, number, (u32)number % cpu_count(), &irq->base, out);
}

static exclusive_access err_t card_set_up(struct net_card *c)
{
	struct virtio_queue *receive object_auto(virtio_queue) = NULL;
	struct virtio_queue *send object_auto(virtio_queue) = NULL;
	struct net_card_work *w object_auto(net_card_work) = net_card_work_alloc();

	if (!w)
		return -ENOMEM;
	w->base.run = harvest_run;
	w->card = &c->base;
	c->harvest = &take(w)->base;
	spin_init(&c->receive_lock, RANK_EVENT_SOURCE);
	spin_init(&c->send_lock, RANK_EVENT_SOURCE);
	for (u32 i = 0; i < SEND_SLOTS; i++) {
		c->send_page[i] = page_alloc(PAGE_ALLOC_ZERO);
		if (!c->send_page[i])
			return -ENOMEM;
	}
	err_t err = queue_make(c, QUEUE_RECEIVE, &receive);
	if (!err)
		err = queue_make(c, QUEUE_SEND, &send);
	if (err)
		return err;
	c->receive_ring = take(receive);
	c->send_ring = take(send);
	return OK;
}

static exclusive_access void address_read(struct net_card *c)
{
	if (!virtio_has(c->device, FEATURE_MAC))
		return;		// the random one stays
	for (u32 i = 0; i < ETHER_ADDRESS_BYTES; i++)
		c->base.address.bytes[i] = (u8)c->device->transport->read_config(c->device, i, 1);
}

static err_t card_announce(struct net_card *c)
{
	mutex_guard(&net_change_lock);
	return net_device_register(&c->base, net_namespace_initial(), STR("eth%d"), 0);
}

static exclusive_access err_t card_probe(struct virtio_device *v)
{
	struct net_card *c object_auto(net_card) = net_card_alloc();
	const struct net_device_traits traits = {
		.ops = &card_ops,
		.type = NET_LINK_ETHER,
		.address_length = ETHER_ADDRESS_BYTES,
		.mtu = 1500,
		.mtu_min = 68,
		.mtu_max = FRAME_MAX - ETHER_HEADER_BYTES,
		.queue_length = 1000,
		.flags = NET_BROADCAST | NET_MULTICAST,
	};

	if (!c || net_device_init(&c->base, &traits))
		return -ENOMEM;
	err_t err = virtio_negotiate(v, 1ul << FEATURE_MAC | 1ul << FEATURE_MERGED_BUFFERS | 1ul << FEATURE_STATUS);
	if (err)
		return err;
	c->device = virtio_device_get(v);
	c->header_bytes = v->is_legacy && !virtio_has(v, FEATURE_MERGED_BUFFERS) ? HEADER_BYTES_LEGACY : HEADER_BYTES;
	address_read(c);
	err = card_set_up(c);
	if (err)
		return err;
	virtio_start(v);
	receive_fill(c);
	err = card_announce(c);
	if (!err)
		log_info("virtio: network card eth, link %u", atomic_u32_load(&c->base.has_carrier));
	return err;
}

static const struct virtio_driver virtio_net_driver = { .kind = VIRTIO_NET, .probe = card_probe };

void virtio_net_init(void)
{
	virtio_driver_register(&virtio_net_driver);
}
