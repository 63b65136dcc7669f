// SPDX-License-Identifier: MPL-2.0
// Room in the queue of a datagram receiver. One that is connected to somebody else (or to nobody) takes a few
// datagrams only; its senders wait on its `room`. A sender that polls waits on queues of its own, so a relay passes
// the news on. The two kinds of queues are apart, so that two sockets that send to each other make no ring of relays.
#include <services/net/unix/unix_internal.h>

struct unix_relay {
	struct wait_entry base;
	struct unix_socket *sender;	// borrowed: it cancels the relay before it ends; immutable
	struct unix_socket *receiver;	// reference; immutable
};
DECLARE_OBJECT(unix_relay)
static exclusive_access void unix_relay_release(struct unix_relay *r)
{
	if (r->receiver)
		unix_socket_put(take(r->receiver));
}
DEFINE_DERIVED_SHARED(unix_relay, wait_entry, unix_relay_release)

static void relay_notify(struct wait_entry *entry, u32 events)
{
	struct unix_relay *r = unix_relay_from_wait_entry(entry);
	wait_queue_wake_all(&r->sender->writable, POLL_OUT | POLL_WRITE_NORMAL | POLL_WRITE_BAND);
}

static bool is_connected_to(struct unix_socket *const u, struct unix_socket *other)
{
	spin_guard(&u->lock);
	return u->peer == other;
}

static bool queue_is_full(struct unix_socket *const to)
{
	spin_guard(&to->queue_lock);
	return !to->is_closed && unix_packet_list_count(&to->packets) > UNIX_DATAGRAMS_MAX;
}

bool unix_is_full_for(struct unix_socket *to, struct unix_socket *from)
{
	return to != from && !is_connected_to(to, from) && queue_is_full(to);
}

static struct unix_relay *relay_exchange(struct unix_socket *const u, struct unix_relay *fresh) owned;
static struct unix_relay *relay_exchange(struct unix_socket *const u, struct unix_relay *fresh)
{
	spin_guard(&u->lock);
	struct unix_relay *old object_auto(unix_relay) = take(u->relay);
	u->relay = fresh ? unix_relay_get(fresh) : NULL;
	return take(old);
}

void unix_relay_cancel(struct unix_socket *u)
{
	struct unix_relay *old object_auto(unix_relay) = relay_exchange(u, NULL);
	if (old)
		wait_entry_cancel(&old->base);
}

static bool relay_is_to(struct unix_socket *const u, struct unix_socket *receiver)
{
	spin_guard(&u->lock);
	return u->relay && u->relay->receiver == receiver;
}

static void relay_make(struct unix_socket *u, struct unix_socket *receiver)
{
	struct unix_relay *r object_auto(unix_relay) = unix_relay_alloc();
	if (!r)
		return;	// the next poll tries again
	r->base.notify = relay_notify;
	r->sender = u;
	r->receiver = unix_socket_get(receiver);
	struct unix_relay *old object_auto(unix_relay) = relay_exchange(u, r);
	if (old)
		wait_entry_cancel(&old->base);
	wait_entry_subscribe(&receiver->room, &r->base);
}

bool unix_peer_has_room(struct unix_socket *u)
{
	struct unix_socket *peer object_auto(unix_socket) = unix_peer_of(u);
	if (!peer || !unix_is_full_for(peer, u))
		return true;
	mutex_guard(&u->control);
	if (!relay_is_to(u, peer))
		relay_make(u, peer);
	return !unix_is_full_for(peer, u);
}
