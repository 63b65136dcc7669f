// SPDX-License-Identifier: MPL-2.0
// Delivery on this machine. What is sent to a local address waits in the queue of the CPU that sends it, and whoever
// finds the queue idle empties it, with preemption off: so input never runs inside other input (a reply to a reply
// would nest without end), and a queue is never left waiting for a task that does not run.
#include <core/cpu.h>
#include <services/net/device/net_device.h>
#include <services/net/ip/ip_internal.h>

static struct packet *next_waiting(struct ip_loopback *const l) owned;
static struct packet *next_waiting(struct ip_loopback *const l)
{
	spin_guard(&l->lock);
	struct packet *p = packet_list_pop(&l->waiting);

	if (!p)
		l->is_draining = 0;
	return p;
}

// True when the caller is to empty the queue.
static bool enqueue(struct ip_loopback *const l, struct packet *p consumes)
{
	spin_guard(&l->lock);
	const bool is_idle = !l->is_draining;

	packet_list_append(&l->waiting, p);
	l->is_draining = 1;
	return is_idle;
}

void ip_loopback_send(struct net_namespace *net, struct packet *packet consumes)
{
	struct packet *p object_auto(packet) = packet;
	preempt_guard();
	struct ip_loopback *l = array_ptr(ip_part_of(net)->loopback, cpu_current());

	net_loopback_note(net, p);
	p->interface = NET_LOOPBACK_INDEX;
	p->flags |= PACKET_CHECKSUM_GOOD | PACKET_LOOPBACK;
	if (!enqueue(l, take(p)))
		return;
	for (;;) {
		struct packet *next object_auto(packet) = next_waiting(l);
		if (!next)
			return;
		ip_input(net, NET_LOOPBACK_INDEX, take(next));
	}
}
