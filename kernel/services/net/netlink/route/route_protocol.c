// SPDX-License-Identifier: MPL-2.0
// Which request is whose, who may make it; and what changed is told.
#include <services/net/netlink/route/route_internal.h>

struct route_handler {
	err_t (*act)(struct netlink_request *r borrowed);	// NEW, DEL, SET, and GET of one
	err_t (*dump)(struct netlink_request *r borrowed);
};

static struct route_handler handler_of(u32 type)
{
	static const struct route_handler handlers[] = {
		[RTM_NEWLINK - RTM_NEWLINK] = { link_new, NULL },
		[RTM_DELLINK - RTM_NEWLINK] = { link_delete, NULL },
		[RTM_GETLINK - RTM_NEWLINK] = { link_get, link_dump },
		[RTM_SETLINK - RTM_NEWLINK] = { link_new, NULL },
		[RTM_NEWADDR - RTM_NEWLINK] = { address_new, NULL },
		[RTM_DELADDR - RTM_NEWLINK] = { address_delete, NULL },
		[RTM_GETADDR - RTM_NEWLINK] = { NULL, address_dump },
		[RTM_NEWROUTE - RTM_NEWLINK] = { route_new, NULL },
		[RTM_DELROUTE - RTM_NEWLINK] = { route_delete, NULL },
		[RTM_GETROUTE - RTM_NEWLINK] = { route_get, route_dump },
		[RTM_NEWNEIGH - RTM_NEWLINK] = { neighbour_new, NULL },
		[RTM_DELNEIGH - RTM_NEWLINK] = { neighbour_remove, NULL },
		[RTM_GETNEIGH - RTM_NEWLINK] = { neighbour_get_one, neighbour_dump },
		[RTM_GETRULE - RTM_NEWLINK] = { NULL, rule_dump },
	};

	return type >= RTM_NEWLINK && type - RTM_NEWLINK < array_len(handlers) ? handlers[type - RTM_NEWLINK]
									       : (struct route_handler){ };
}

static err_t route_handle(struct netlink_request *r borrowed)
{
	const bool is_get = (r->type & 3) == 2;
	const struct route_handler h = handler_of(r->type);

	if (r->type > RTM_MAX)
		return -EOPNOTSUPP;
	if (bytes_len(r->body) < 1)
		return OK;
	if (!is_get && !netlink_may(r, r->net, CAP_NET_ADMIN))
		return -EPERM;
	if (is_get && (r->flags & NETLINK_F_DUMP))
		return h.dump ? h.dump(r) : (err_t)-EOPNOTSUPP;
	return h.act ? h.act(r) : (err_t)-EOPNOTSUPP;
}

// --- what changed
// -------------------------------------------------------------------------------------------------------
static bool event_put(struct netlink_writer *w borrowed, const struct net_event *e borrowed)
{
	switch (e->kind) {
	case NET_EVENT_LINK:
		return link_put(w, e->net, e->device, RTM_NEWLINK, e->flags_changed);
	case NET_EVENT_LINK_GONE:
		return link_put(w, e->net, e->device, RTM_DELLINK, e->flags_changed);
	case NET_EVENT_ADDRESS:
		return address_message_put(w, e->address, RTM_NEWADDR);
	case NET_EVENT_ADDRESS_GONE:
		return address_message_put(w, e->address, RTM_DELADDR);
	case NET_EVENT_ROUTE:
		return route_message_put(w, e->route, RTM_NEWROUTE);
	case NET_EVENT_ROUTE_GONE:
		return route_message_put(w, e->route, RTM_DELROUTE);
	case NET_EVENT_NEIGHBOUR:
		return neighbour_message_put(w, e->neighbour, RTM_NEWNEIGH);
	default:
		return neighbour_message_put(w, e->neighbour, RTM_DELNEIGH);
	}
}

static u32 group_of(const struct net_event *e borrowed)
{
	switch (e->kind) {
	case NET_EVENT_LINK:
	case NET_EVENT_LINK_GONE:
		return GROUP_LINK;
	case NET_EVENT_ADDRESS:
	case NET_EVENT_ADDRESS_GONE:
		return e->address->is6 ? GROUP_IPV6_IFADDR : GROUP_IPV4_IFADDR;
	case NET_EVENT_ROUTE:
	case NET_EVENT_ROUTE_GONE:
		return e->route->is6 ? GROUP_IPV6_ROUTE : GROUP_IPV4_ROUTE;
	default:
		return GROUP_NEIGH;
	}
}

static void tell(const struct net_event *e borrowed)
{
	const u32 group = group_of(e);

	if (!netlink_has_listeners(e->net, NETLINK_ROUTE, group))
		return;
	struct buf *room buf_auto = buf_alloc(ROUTE_MESSAGE_ROOM);
	if (!room)
		return;
	struct netlink_writer w = { .room = buf_span(room) };
	if (event_put(&w, e))
		netlink_broadcast(e->net, NETLINK_ROUTE, group, bytes_first(buf_bytes(room), w.used));
}

static const struct netlink_protocol_ops route_ops = {
	.group_count = GROUP_MAX,
	.flags = NETLINK_ANYBODY_HEARS,
	.handle = route_handle,
};

void netlink_route_init(void)
{
	netlink_protocol_register(NETLINK_ROUTE, &route_ops);
	net_event_listen(tell);
}
