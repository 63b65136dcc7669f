// SPDX-License-Identifier: MPL-2.0
#include <core/random.h>
#include <services/net/ip/ip_internal.h>

static exclusive_access void ip_part_release(struct ip_part *part)
{
	ip_reassembly_forget(part);
	ip_path_forget_all(part);
	for (u32 i = 0; i < CPU_COUNT_MAX; i++) {
		struct ip_loopback *l = array_ptr(part->loopback, i);
		while (!packet_list_is_empty(&l->waiting)) {
			struct packet *p object_auto(packet) = packet_list_pop(&l->waiting);
			(void)p;
		}
	}
}
DEFINE_OBJECT(ip_part, ip_part_release)

#define TCP_SYN_BACKLOG_DEFAULT 1024u

static struct ip_transport_cell transports[256];

static void tcp_settings_begin(struct ip_settings *s borrowed)
{
	atomic_u32_store_relaxed(&s->tcp_sack, 1);
	atomic_u32_store_relaxed(&s->tcp_timestamps, 1);
	atomic_u32_store_relaxed(&s->tcp_keep_idle, 7200);
	atomic_u32_store_relaxed(&s->tcp_keep_interval, 75);
	atomic_u32_store_relaxed(&s->tcp_keep_count, 9);
	atomic_u32_store_relaxed(&s->tcp_syn_retries, 6);
	atomic_u32_store_relaxed(&s->tcp_answer_retries, 5);
	atomic_u32_store_relaxed(&s->tcp_retries, 15);
	atomic_u32_store_relaxed(&s->tcp_syn_backlog, TCP_SYN_BACKLOG_DEFAULT);
	atomic_u32_store_relaxed(&s->tcp_fin_timeout, 60);
}

struct object *ip_part_create(void)
{
	struct ip_part *part object_auto(ip_part) = ip_part_alloc();

	if (!part)
		return NULL;
	for (u32 i = 0; i < CPU_COUNT_MAX; i++)
		spin_init(&array_ptr(part->loopback, i)->lock, RANK_NET_PORTS);
	atomic_u32_store_relaxed(&part->settings.ttl, IP_TTL_DEFAULT);
	atomic_u32_store_relaxed(&part->settings.port_first, 32768);
	atomic_u32_store_relaxed(&part->settings.port_last, 60999);
	atomic_u32_store_relaxed(&part->settings.port_unprivileged, 1024);
	atomic_u32_store_relaxed(&part->settings.ping_group_first, 1);
	atomic_u32_store_relaxed(&part->settings.fragment_bytes_max, 4 << 20);
	atomic_u32_store_relaxed(&part->settings.fragment_seconds, 30);
	spin_init(&part->path_lock, RANK_SERVICE_LEAF);
	atomic_u32_store_relaxed(&part->next_id, (u32)random_u64());
	atomic_u32_store_relaxed(&part->next_id6, (u32)random_u64());
	tcp_settings_begin(&part->settings);
	return &take(part)->object;
}

struct ip_part *ip_part_of(struct net_namespace *net)
{
	return ip_part_from_object(net->parts[NET_PART_IP]);
}

void ip_count(struct net_namespace *net, enum ip_counter counter)
{
	atomic_u64_add(array_ptr(ip_part_of(net)->counters, counter), 1);
}

u64 ip_counter_read(struct net_namespace *net, enum ip_counter counter)
{
	return atomic_u64_load_relaxed(array_ptr(ip_part_of(net)->counters, counter));
}

void ip_transport_register(u32 protocol, const struct ip_transport *t)
{
	ip_transport_cell_set(array_ptr(transports, protocol), t);
}

const struct ip_transport *ip_transport_find(u32 protocol)
{
	return protocol < array_len(transports) ? ip_transport_cell_get(array_ptr(transports, protocol)) : NULL;
}

void ip_init(void)
{
	net_part_register(NET_PART_IP, ip_part_create);
	icmp_init();
	if (ip_reassembly_init())
		core_trap();	// nothing runs yet that could go without
	net_protocol_register(ETHERTYPE_IP4, ip_input);
	net_protocol_register(ETHERTYPE_IP6, ip_input);
}
