// SPDX-License-Identifier: MPL-2.0
// What is known of paths: the largest packet that gets through to a destination, as routers on the way have told
// (RFC 1191, RFC 8201). It is forgotten after ten minutes, and the one told longest ago makes room.
#include <core/time.h>
#include <services/net/ip/ip_internal.h>

#define PATHS_MAX 128u
#define PATH_NS (600 * NS_PER_SECOND)	// net.ipv4.route.mtu_expires
#define MTU_LEAST4 552u			// net.ipv4.route.min_pmtu
#define MTU_LEAST6 1280u

static void ip_path_release(struct ip_path *p) { }
DEFINE_OBJECT(ip_path, ip_path_release)

// They lie in the order in which they were told.
static void drop_expired(struct ip_part *const part, u64 now_ns) REQUIRES(part->path_lock)
{
	struct ip_path *p = NULL;

	while ((p = ip_path_list_first(&part->paths)) && p->until_ns <= now_ns) {
		struct ip_path *old object_auto(ip_path) = ip_path_list_pop(&part->paths);
		(void)old;
	}
}

void ip_path_note(struct net_namespace *net, struct ip_address destination, u32 mtu)
{
	struct ip_part *const part = ip_part_of(net);
	const u32 least = ip_is4(destination) ? MTU_LEAST4 : MTU_LEAST6;
	struct ip_path *fresh object_auto(ip_path) = ip_path_alloc(), *old object_auto(ip_path) = NULL;

	if (!fresh || !mtu || mtu >= IP_PACKET_MAX)
		return;
	fresh->destination = destination;
	fresh->mtu = max(mtu, least);
	fresh->is_locked = mtu < least && ip_is4(destination);
	fresh->until_ns = clock_monotonic_ns() + PATH_NS;
	spin_guard(&part->path_lock);
	drop_expired(part, fresh->until_ns - PATH_NS);
	list_for_each(ip_path_list, p, &part->paths) {
		if (ip_equal(p->destination, destination)) {
			if (p->mtu <= fresh->mtu && fresh->until_ns < p->until_ns + PATH_NS)
				return;		// a path that is known gets narrower only
			ip_path_list_remove(&part->paths, p);
			old = p;
			break;
		}
	}
	if (!old && ip_path_list_count(&part->paths) >= PATHS_MAX)
		old = ip_path_list_pop(&part->paths);
	ip_path_list_append(&part->paths, take(fresh));
	atomic_u32_store(&part->path_count, (u32)ip_path_list_count(&part->paths));
}

void ip_path_forget_all(struct ip_part *const part)
{
	spin_guard(&part->path_lock);
	while (!ip_path_list_is_empty(&part->paths)) {
		struct ip_path *p object_auto(ip_path) = ip_path_list_pop(&part->paths);
		(void)p;
	}
}

struct ip_path_answer ip_path_find(struct net_namespace *net, struct ip_address destination)
{
	struct ip_part *const part = ip_part_of(net);
	struct ip_path_answer a = { .mtu = U32_MAX };

	if (!atomic_u32_load_relaxed(&part->path_count))
		return a;
	const u64 now_ns = clock_monotonic_ns();
	spin_guard(&part->path_lock);
	list_for_each(ip_path_list, p, &part->paths) {
		if (ip_equal(p->destination, destination) && now_ns < p->until_ns)
			a = (struct ip_path_answer){ .mtu = p->mtu, .is_locked = p->is_locked };
	}
	return a;
}
