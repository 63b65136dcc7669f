// SPDX-License-Identifier: MPL-2.0
// The states of a neighbour: incomplete until an answer comes, reachable for half a minute after a confirmation, stale
// until it is used again, then watched (delay, probe), failed without an answer. source: RFC 4861 section 7.3, arp(7)
#include <core/once.h>
#include <core/time.h>
#include <services/net/device/neighbour/neighbour_internal.h>
#include <services/net/device/net_device_internal.h>

#define TICK_NS (200 * NS_PER_MS)

// --- using an entry -------------------------------------------------------------------------------------------------
struct stack_only send_decision {
	struct packet *send_now;	// reference: to `to`
	struct packet *dropped;		// reference: the queue was full
	struct net_link_address to;
	u32 must_ask, must_watch;
};

static bool needs_start(struct neighbour *n) REQUIRES(n->lock)
{
	return n->state == 0 || n->state == NEIGHBOUR_FAILED;
}

static void decide(struct neighbour *n, struct packet *packet consumes, struct send_decision *out borrowed)
{
	struct packet *p object_auto(packet) = packet;
	const u64 now = clock_monotonic_ns();

	spin_guard(&n->lock);
	n->used_ns = now;
	if (n->state == NEIGHBOUR_INCOMPLETE || needs_start(n)) {
		if (needs_start(n)) {
			n->state = NEIGHBOUR_INCOMPLETE;
			n->probes = 1;
			n->due_ns = now + NEIGHBOUR_PROBE_NS;
			out->must_ask = 1;
		}
		out->must_watch = 1;
		if (packet_list_count(&n->waiting) >= NEIGHBOUR_QUEUE_MAX)
			out->dropped = packet_list_pop(&n->waiting);
		packet_list_append(&n->waiting, take(p));
		return;
	}
	if (n->state == NEIGHBOUR_STALE || (n->state == NEIGHBOUR_REACHABLE && now > n->due_ns)) {
		n->state = NEIGHBOUR_DELAY;
		n->due_ns = now + NEIGHBOUR_DELAY_NS;
		out->must_watch = 1;
	}
	out->to = n->link_address;
	out->send_now = take(p);
}

static struct net_link_address multicast_of(struct ip_address a)
{
	const u32 low = ip_to4(a);

	if (ip_is4(a))
		return (struct net_link_address){
			{ 1, 0, 0x5e, (u8)(low >> 16 & 0x7f), (u8)(low >> 8), (u8)low }
		};
	return (struct net_link_address){
		{ 0x33, 0x33, (u8)(low >> 24), (u8)(low >> 16), (u8)(low >> 8), (u8)low }
	};
}

static bool is_for_all(struct net_device *d, struct ip_address a)
{
	struct net_namespace *net object_auto(net_namespace) = net_device_namespace(d);

	return ip_is4(a) && (ip_to4(a) == IP4_BROADCAST || (net && net_address_type(net, a) == ROUTE_BROADCAST));
}

void neighbour_send(struct net_device *d, struct ip_address next_hop, struct packet *packet)
{
	struct packet *p object_auto(packet) = packet;
	const u32 ethertype = p->ethertype;
	struct send_decision decision = { };

	if (ip_is_multicast(next_hop)) {
		ether_send(d, multicast_of(next_hop), ethertype, take(p));
		return;
	}
	if (net_device_has(d, NET_NO_ARP) || is_for_all(d, next_hop)) {
		ether_send(d, net_device_broadcast(d), ethertype, take(p));
		return;
	}
	struct neighbour *n object_auto(neighbour) = neighbour_make(d, next_hop);
	if (!n) {
		atomic_u64_add(&d->statistics.sent_dropped, 1);
		return;
	}
	decide(n, take(p), &decision);
	struct packet *now object_auto(packet) = take(decision.send_now);
	struct packet *dropped object_auto(packet) = take(decision.dropped);
	if (dropped)
		atomic_u64_add(&d->statistics.sent_dropped, 1);
	if (now)
		ether_send(d, decision.to, ethertype, take(now));
	if (decision.must_ask)
		arp_request(d, next_hop, net_device_broadcast(d));
	if (decision.must_watch)
		neighbour_activate(n);
}

// --- news of an entry -----------------------------------------------------------------------------------------------
static struct packet *take_waiting(struct neighbour *n) owned;
static struct packet *take_waiting(struct neighbour *n)
{
	spin_guard(&n->lock);
	return packet_list_pop(&n->waiting);
}

static void store(struct neighbour *n, u32 state, struct net_link_address link_address)
{
	const u64 now = clock_monotonic_ns();

	spin_guard(&n->lock);
	n->state = state;
	n->link_address = link_address;
	n->updated_ns = now;
	n->probes = 0;
	n->due_ns = 0;
	if (state == NEIGHBOUR_REACHABLE) {
		n->confirmed_ns = now;
		n->due_ns = now + NEIGHBOUR_REACHABLE_NS;
	}
}

void neighbour_update(struct neighbour *n, u32 state, struct net_link_address link_address)
{
	store(n, state, link_address);
	for (;;) {
		struct packet *p object_auto(packet) = take_waiting(n);
		if (!p)
			return;
		const u32 ethertype = p->ethertype;
		ether_send(n->device, link_address, ethertype, take(p));
	}
}

static void set_failed(struct neighbour *n)
{
	spin_guard(&n->lock);
	n->state = NEIGHBOUR_FAILED;
	n->due_ns = 0;
}

void neighbour_fail(struct neighbour *n)
{
	set_failed(n);
	for (;;) {
		struct packet *p object_auto(packet) = take_waiting(n);
		if (!p)
			return;
		atomic_u64_add(&n->device->statistics.sent_dropped, 1);
	}
}

// --- those that are watched -----------------------------------------------------------------------------------------
static struct spinlock active_lock = SPINLOCK_INIT(RANK_SERVICE_LEAF);
static struct active_neighbours active GUARDED_BY(active_lock);		// with references
DEFINE_ONCE(neighbour_timer_cell, struct timer);
static struct neighbour_timer_cell the_timer;
DEFINE_ONCE(neighbour_work_cell, struct work);
static struct neighbour_work_cell the_work;

static bool enlist(struct neighbour *n)
{
	spin_guard(&active_lock);
	const bool was_empty = active_neighbours_is_empty(&active);

	if (!active_neighbours_is_linked(n))
		active_neighbours_append(&active, neighbour_get(n));
	return was_empty;
}

void neighbour_activate(struct neighbour *n)
{
	if (enlist(n))
		timer_set(neighbour_timer_cell_get(&the_timer), clock_monotonic_ns() + TICK_NS);
}

static struct neighbour *active_take(void) owned;
static struct neighbour *active_take(void)
{
	spin_guard(&active_lock);
	return active_neighbours_pop(&active);
}

static usize active_count(void)
{
	spin_guard(&active_lock);
	return active_neighbours_count(&active);
}

enum neighbour_step { STEP_NONE, STEP_WAIT, STEP_ASK_ALL, STEP_ASK_ONE, STEP_FAIL };
static enum neighbour_step step_of(struct neighbour *n)
{
	const u64 now = clock_monotonic_ns();

	spin_guard(&n->lock);
	const bool is_watched = n->state == NEIGHBOUR_INCOMPLETE || n->state == NEIGHBOUR_DELAY ||
				n->state == NEIGHBOUR_PROBE;
	if (!is_watched)
		return STEP_NONE;
	if (now < n->due_ns)
		return STEP_WAIT;
	n->due_ns = now + NEIGHBOUR_PROBE_NS;
	if (n->state == NEIGHBOUR_DELAY) {
		n->state = NEIGHBOUR_PROBE;
		n->probes = 0;
	}
	if (n->probes >= NEIGHBOUR_PROBES_MAX)
		return STEP_FAIL;
	n->probes++;
	return n->state == NEIGHBOUR_PROBE ? STEP_ASK_ONE : STEP_ASK_ALL;
}

static void watch_one(struct neighbour *n)
{
	const enum neighbour_step step = step_of(n);

	if (step == STEP_NONE)
		return;
	if (step == STEP_FAIL) {
		neighbour_fail(n);
		return;
	}
	if (step == STEP_ASK_ALL)
		arp_request(n->device, n->address, net_device_broadcast(n->device));
	if (step == STEP_ASK_ONE)
		arp_request(n->device, n->address, neighbour_read(n).link_address);
	(void)enlist(n);
}

static void watch(struct work *w)
{
	for (usize left = active_count(); left > 0; left--) {
		struct neighbour *n object_auto(neighbour) = active_take();
		if (!n)
			break;
		watch_one(n);
	}
	if (active_count())
		timer_set(neighbour_timer_cell_get(&the_timer), clock_monotonic_ns() + TICK_NS);
}

static void timer_fired(struct timer *t)
{
	work_schedule(neighbour_work_cell_get(&the_work));
}

struct neighbour_timer {
	struct timer base;
};
static void neighbour_timer_release(struct neighbour_timer *t) { }
DEFINE_DERIVED(neighbour_timer, timer, neighbour_timer_release)
struct neighbour_work {
	struct work base;
};
static void neighbour_work_release(struct neighbour_work *w) { }
DEFINE_DERIVED(neighbour_work, work, neighbour_work_release)

err_t neighbour_timer_init(void)
{
	struct neighbour_timer *t object_auto(neighbour_timer) = neighbour_timer_alloc();
	struct neighbour_work *w object_auto(neighbour_work) = neighbour_work_alloc();

	if (!t || !w)
		return -ENOMEM;
	t->base.fire = timer_fired;
	w->base.run = watch;
	neighbour_timer_cell_set(&the_timer, &take(t)->base);
	neighbour_work_cell_set(&the_work, &take(w)->base);
	return OK;
}
