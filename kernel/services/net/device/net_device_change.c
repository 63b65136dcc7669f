// SPDX-License-Identifier: MPL-2.0
// What changes a device: into and out of namespaces, up and down, names and sizes. All under net_change_lock.
#include <core/text.h>
#include <services/net/device/net_address.h>
#include <services/net/device/net_device_internal.h>
#include <services/net/device/net_neighbour.h>
#include <services/net/device/net_route.h>

#define NUMBERED_NAMES_MAX 32768u

bool net_name_is_valid(bytes_t name)
{
	const usize length = bytes_len(name);

	if (length == 0 || length >= NET_NAME_BYTES || bytes_equal(name, STR(".")) || bytes_equal(name, STR("..")))
		return false;
	for (usize i = 0; i < length; i++) {
		const u8 c = byte_at(name, i);
		if (c == '/' || c == ':' || c == ' ' || (c >= '\t' && c <= '\r'))
			return false;
	}
	return true;
}

static bool name_is_taken(struct net_namespace *net, bytes_t name)
{
	struct net_device *other object_auto(net_device) = net_device_find_name(net, name);

	return other != NULL;
}

// A name with one %d gets the lowest free number; others must be free.
static err_t name_choose(struct net_namespace *net, bytes_t wanted, span_t room, usize *length borrowed)
{
	const usize percent = bytes_find(wanted, '%');
	struct text t = text_to(room);

	if (!net_name_is_valid(wanted))
		return -EINVAL;
	if (percent == bytes_len(wanted)) {
		if (name_is_taken(net, wanted))
			return -EEXIST;
		*length = span_copy_some(room, wanted);
		return OK;
	}
	if (percent + 2 > bytes_len(wanted) || byte_at(wanted, percent + 1) != 'd' ||
		bytes_find(bytes_from(wanted, percent + 2), '%') != bytes_len(wanted) - percent - 2)
		return -EINVAL;
	for (u32 i = 0; i < NUMBERED_NAMES_MAX; i++) {
		t = text_to(room);
		text_put(&t, bytes_first(wanted, percent));
		text_printf(&t, "%u", i);
		text_put(&t, bytes_from(wanted, percent + 2));
		*length = text_needed(&t);
		if (*length >= NET_NAME_BYTES)
			return -EINVAL;
		if (!name_is_taken(net, text_bytes(&t)))
			return OK;
	}
	return -ENFILE;
}

static void name_set(struct net_device *d, bytes_t name)
{
	spin_guard(&d->lock);
	span_fill(array_span(d->name), 0);
	span_copy(array_span(d->name), name);
}

static void namespace_set(struct net_device *d, struct net_namespace *net)
{
	spin_guard(&d->lock);
	d->net = net;
}

void net_device_forget_namespace(struct net_device *d)
{
	namespace_set(d, NULL);
}

// Into the list, which is by index. -EEXIST, -ENFILE
static err_t link_in(struct net_namespace *net, struct net_device *d, u32 index)
{
	struct net_device *after = NULL;

	spin_guard(&net->lock);
	if (net_device_list_count(&net->devices) >= NET_DEVICES_MAX || net->last_index >= (u32)S32_MAX)
		return -ENFILE;
	if (index == 0)
		index = net->last_index + 1;
	list_for_each(net_device_list, other, &net->devices) {
		if (net_device_index(other) == index)
			return -EEXIST;
		if (net_device_index(other) < index)
			after = other;
	}
	net->last_index = max(net->last_index, index);
	atomic_u32_store(&d->index, index);
	net_device_list_insert_after(&net->devices, after, net_device_get(d));
	return OK;
}

err_t net_device_register(struct net_device *d, struct net_namespace *net, bytes_t name, u32 index)
{
	u8 room[NET_NAME_BYTES] = { };
	usize length = 0;
	err_t err = name_choose(net, name, array_span(room), &length);

	if (!err)
		err = link_in(net, d, index);
	if (err)
		return err;
	name_set(d, bytes_first(array_bytes(room), length));
	namespace_set(d, net);
	net_settings_copy(&d->settings, &net->default_settings);
	net_event_link(d, NET_EVENT_LINK, U32_MAX);
	return OK;
}

// Down, without addresses, routes, neighbours and master.
static void strip(struct net_device *d)
{
	err_t err = net_device_set_flags(d, 0, NET_UP);
	(void)err;	// going down does not fail
	net_device_set_master(d, NULL, NULL);
	net_addresses_flush(d);
	net_routes_flush(d, 1);
	neighbours_flush(d);
}

// The list's reference.
static struct net_device *unlink_from(struct net_namespace *net, struct net_device *d) owned;
static struct net_device *unlink_from(struct net_namespace *net, struct net_device *d)
{
	spin_guard(&net->lock);
	if (!net_device_list_has(&net->devices, d))
		return NULL;
	net_device_list_remove(&net->devices, d);
	return d;
}

void net_device_unregister(struct net_device *d)
{
	struct net_namespace *net object_auto(net_namespace) = net_device_namespace(d);

	if (net) {
		strip(d);
		struct net_device *listed object_auto(net_device) = unlink_from(net, d);
		if (!listed)
			return;
		net_event_link(d, NET_EVENT_LINK_GONE, U32_MAX);
		net_device_forget_namespace(d);
	}
	if (d->ops->removed)
		d->ops->removed(d);
}

err_t net_device_move(struct net_device *d, struct net_namespace *to, bytes_t name, u32 index)
{
	struct net_namespace *from object_auto(net_namespace) = net_device_namespace(d);
	u8 room[NET_NAME_BYTES] = { };
	usize length = 0;

	if (!from)
		return -ENODEV;
	if (net_device_has(d, NET_LOOPBACK))
		return -EINVAL;
	if (from == to)
		return OK;
	err_t err = name_choose(to, name, array_span(room), &length);
	if (err)
		return err;
	struct net_device *taken object_auto(net_device) = net_device_find(to, index ? index : net_device_index(d));
	if (taken && index)
		return -EBUSY;
	const u32 number = index ? index : taken ? 0 : net_device_index(d);
	strip(d);
	struct net_device *listed object_auto(net_device) = unlink_from(from, d);
	net_event_link(d, NET_EVENT_LINK_GONE, U32_MAX);
	name_set(d, bytes_first(array_bytes(room), length));
	err = link_in(to, d, number);
	if (err) {	// the target is full: back to where it came from, whose number it still has
		const err_t back = link_in(from, d, net_device_index(d));
		return back ? back : err;
	}
	namespace_set(d, to);
	net_settings_copy(&d->settings, &to->default_settings);
	net_event_link(d, NET_EVENT_LINK, U32_MAX);
	if (d->ops->moved)
		d->ops->moved(d);
	return OK;
}

void net_device_settle_orphan(struct net_device *d, struct net_namespace *home)
{
	u8 name[NET_NAME_BYTES] = { };
	const usize length = net_device_name(d, array_span(name));

	atomic_u32_and(&d->flags, ~(u32)NET_UP);
	if (d->ops->close)
		d->ops->close(d);
	net_device_set_master(d, NULL, NULL);
	if (d->ops->kind[0] || net_device_has(d, NET_LOOPBACK)) {
		if (d->ops->removed)
			d->ops->removed(d);
		return;
	}
	const u32 index = net_device_index(d);
	struct net_device *taken object_auto(net_device) = net_device_find(home, index);
	err_t err = net_device_register(d, home, bytes_first(array_bytes(name), length), taken ? 0 : index);
	if (err)	// its name is taken there
		err = net_device_register(d, home, STR("dev%d"), taken ? 0 : index);
	(void)err;	// no room at home: nobody can use it any more
}

// --- state ----------------------------------------------------------------------------------------------------------
static err_t bring_up(struct net_device *d)
{
	const err_t err = d->ops->open ? d->ops->open(d) : OK;

	if (err)
		return err;
	atomic_u32_or(&d->flags, NET_UP);
	net_addresses_device_up(d);
	return OK;
}

static void bring_down(struct net_device *d)
{
	atomic_u32_and(&d->flags, ~(u32)NET_UP);
	net_routes_flush(d, 0);
	neighbours_flush(d);
	if (d->ops->close)
		d->ops->close(d);
}

void net_master_tell(struct net_device *d)
{
	struct net_device *master object_auto(net_device) = net_device_master(d);

	if (master && master->ops->port_changed)
		master->ops->port_changed(master, d);
}

err_t net_device_set_flags(struct net_device *d, u32 flags, u32 mask)
{
	const u32 settable = NET_UP | NET_PROMISCUOUS | NET_ALL_MULTICAST | NET_NO_ARP | NET_MULTICAST;
	const u32 before = net_device_flags(d), had = atomic_u32_load(&d->flags);
	const u32 wanted = (had & ~(mask & settable)) | (flags & mask & settable);
	err_t err = OK;

	if ((had ^ wanted) & NET_PROMISCUOUS)
		atomic_u32_add(&d->promiscuity, wanted & NET_PROMISCUOUS ? 1 : U32_MAX);
	if ((had ^ wanted) & NET_ALL_MULTICAST)
		atomic_u32_add(&d->all_multicast, wanted & NET_ALL_MULTICAST ? 1 : U32_MAX);
	atomic_u32_store(&d->flags, (wanted & ~(u32)NET_UP) | (had & NET_UP));
	if ((had ^ wanted) & NET_UP) {
		if (wanted & NET_UP)
			err = bring_up(d);
		else
			bring_down(d);
	}
	if (before != net_device_flags(d)) {
		net_event_link(d, NET_EVENT_LINK, before ^ net_device_flags(d));
		net_master_tell(d);
	}
	return err;
}

err_t net_device_set_mtu(struct net_device *d, u32 mtu)
{
	if (mtu < d->mtu_min || mtu > d->mtu_max)
		return -EINVAL;
	if (atomic_u32_exchange(&d->mtu, mtu) != mtu)
		net_event_link(d, NET_EVENT_LINK, 0);
	return OK;
}

static void address_store(struct net_device *d, struct net_link_address a)
{
	spin_guard(&d->lock);
	d->address = a;
}

err_t net_device_set_address(struct net_device *d, struct net_link_address a)
{
	if (d->type == NET_LINK_ETHER && ((a.bytes[0] & 1) || bytes_find(array_bytes(a.bytes), 0) == 0)) {
		bool is_zero = true;
		for (u32 i = 0; i < ETHER_ADDRESS_BYTES; i++)
			is_zero = is_zero && a.bytes[i] == 0;
		if (is_zero || (a.bytes[0] & 1))
			return -EADDRNOTAVAIL;
	}
	const err_t err = d->ops->set_address ? d->ops->set_address(d, a) : OK;
	if (err)
		return err;
	address_store(d, a);
	net_event_link(d, NET_EVENT_LINK, 0);
	return OK;
}

err_t net_device_set_name(struct net_device *d, bytes_t name)
{
	struct net_namespace *net object_auto(net_namespace) = net_device_namespace(d);
	u8 room[NET_NAME_BYTES] = { }, now[NET_NAME_BYTES] = { };
	usize length = 0;
	const usize now_length = net_device_name(d, array_span(now));

	if (!net)
		return -ENODEV;
	if (bytes_equal(name, bytes_first(array_bytes(now), now_length)))
		return OK;
	const err_t err = name_choose(net, name, array_span(room), &length);
	if (err)
		return err;
	name_set(d, bytes_first(array_bytes(room), length));
	net_event_link(d, NET_EVENT_LINK, 0);
	return OK;
}

static struct net_device *master_exchange(
	struct net_device *d, struct net_device *master consumes, const struct net_port_ops *ops) owned;
static struct net_device *master_exchange(
	struct net_device *d, struct net_device *master consumes, const struct net_port_ops *ops)
{
	spin_guard(&d->lock);
	struct net_device *before = d->master;
	d->master = master;
	d->port = ops;
	return before;
}

void net_device_set_master(struct net_device *d, struct net_device *master, const struct net_port_ops *ops)
{
	struct net_device *before object_auto(net_device) =
		master_exchange(d, master ? net_device_get(master) : NULL, ops);

	if (before == master)
		return;
	if (before) {
		net_device_add_promiscuity(d, -1);
		if (before->ops->port_gone)
			before->ops->port_gone(before, d);
	}
	if (master)
		net_device_add_promiscuity(d, 1);
	if (master)
		atomic_u32_or(&d->flags, NET_SLAVE);
	else
		atomic_u32_and(&d->flags, ~(u32)NET_SLAVE);
	net_event_link(d, NET_EVENT_LINK, 0);
}

void net_device_add_promiscuity(struct net_device *d, s32 delta)
{
	atomic_u32_add(&d->promiscuity, (u32)delta);
}
