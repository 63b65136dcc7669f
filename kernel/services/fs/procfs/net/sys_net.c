// SPDX-License-Identifier: MPL-2.0
// /proc/sys/net: settings of the caller's network namespace. source: ip(7), Linux's ip-sysctl
#include <core/text.h>
#include <services/cred/user_namespace.h>
#include <services/fs/procfs/procfs_internal.h>
#include <services/fs/procfs/sys/sys_setting.h>
#include <services/net/ip/ip_part.h>

static struct net_namespace *own_net(void)
{
	return net_namespace_from(thread_namespace(NAMESPACE_NET));
}

// The root of the user namespace that owns the network may write, as well as who the mode lets.
static err_t net_permission(struct pseudo_inode *n, u32 mask, const struct cred *cred borrowed)
{
	if (!(mask & PERMISSION_EXECUTE) && n->base.mode & 0200 &&
		cred_has_capability(cred, net_namespace_owner(own_net()), CAP_NET_ADMIN))
		return OK;
	return proc_setting_permission(n, mask, cred);
}

// What sizes the kernel's own queues is not for the root of a user namespace; the files are read by all.
static err_t host_net_permission(struct pseudo_inode *n, u32 mask, const struct cred *cred borrowed)
{
	if (net_namespace_owner(own_net()) == user_namespace_initial())
		return net_permission(n, mask, cred);
	return mask & PERMISSION_WRITE ? (err_t)-EACCES : proc_setting_permission(n, mask, cred);
}

enum net_setting {
	SETTING_TTL, SETTING_UNPRIVILEGED, SETTING_NONLOCAL, SETTING_FORWARD, SETTING_SACK, SETTING_TIMESTAMPS,
	SETTING_KEEP_IDLE, SETTING_KEEP_INTERVAL, SETTING_KEEP_COUNT, SETTING_SYN_RETRIES, SETTING_ANSWER_RETRIES,
	SETTING_RETRIES, SETTING_ORPHAN_RETRIES, SETTING_FIN_TIMEOUT, SETTING_BACKLOG, SETTING_SYN_BACKLOG,
	SETTING_FRAGMENT_BYTES, SETTING_FRAGMENT_SECONDS
};
static struct atomic_u32 *setting_word(u32 of)
{
	struct ip_settings *s = &ip_part_of(own_net())->settings;

	switch (of) {
	case SETTING_TTL: return &s->ttl;
	case SETTING_UNPRIVILEGED: return &s->port_unprivileged;
	case SETTING_NONLOCAL: return &s->bind_nonlocal;
	case SETTING_SACK: return &s->tcp_sack;
	case SETTING_TIMESTAMPS: return &s->tcp_timestamps;
	case SETTING_KEEP_IDLE: return &s->tcp_keep_idle;
	case SETTING_KEEP_INTERVAL: return &s->tcp_keep_interval;
	case SETTING_KEEP_COUNT: return &s->tcp_keep_count;
	case SETTING_SYN_RETRIES: return &s->tcp_syn_retries;
	case SETTING_ANSWER_RETRIES: return &s->tcp_answer_retries;
	case SETTING_RETRIES: return &s->tcp_retries;
	case SETTING_ORPHAN_RETRIES: return &s->tcp_orphan_retries;
	case SETTING_FIN_TIMEOUT: return &s->tcp_fin_timeout;
	case SETTING_FRAGMENT_BYTES: return &s->fragment_bytes_max;
	case SETTING_FRAGMENT_SECONDS: return &s->fragment_seconds;
	case SETTING_SYN_BACKLOG: return &s->tcp_syn_backlog;
	case SETTING_BACKLOG: return &own_net()->backlog_max;
	default: return &own_net()->all_settings.forwarding;
	}
}

static u64 setting_get(u32 of)
{
	return atomic_u32_load(setting_word(of));
}

static err_t setting_set(u32 of, u64 value)
{
	atomic_u32_store(setting_word(of), (u32)value);
	return OK;
}

#define SECONDS_MAX (S32_MAX / 1000)
static const struct proc_setting settings[] = {
	{ .get = setting_get, .set = setting_set, .of = SETTING_TTL, .least = 1, .most = 255 },
	{ .get = setting_get, .set = setting_set, .of = SETTING_UNPRIVILEGED, .most = 65535 },
	{ .get = setting_get, .set = setting_set, .of = SETTING_NONLOCAL, .most = 1 },
	{ .get = setting_get, .set = setting_set, .of = SETTING_FORWARD, .most = 1 },
	{ .get = setting_get, .set = setting_set, .of = SETTING_SACK, .most = 255 },
	{ .get = setting_get, .set = setting_set, .of = SETTING_TIMESTAMPS, .most = 255 },
	{ .get = setting_get, .set = setting_set, .of = SETTING_KEEP_IDLE, .least = 1, .most = SECONDS_MAX },
	{ .get = setting_get, .set = setting_set, .of = SETTING_KEEP_INTERVAL, .least = 1, .most = SECONDS_MAX },
	{ .get = setting_get, .set = setting_set, .of = SETTING_KEEP_COUNT, .most = 255 },
	{ .get = setting_get, .set = setting_set, .of = SETTING_SYN_RETRIES, .least = 1, .most = 127 },
	{ .get = setting_get, .set = setting_set, .of = SETTING_ANSWER_RETRIES, .most = 255 },
	{ .get = setting_get, .set = setting_set, .of = SETTING_RETRIES, .most = 255 },
	{ .get = setting_get, .set = setting_set, .of = SETTING_ORPHAN_RETRIES, .most = 255 },
	{ .get = setting_get, .set = setting_set, .of = SETTING_FIN_TIMEOUT, .least = 1, .most = SECONDS_MAX },
	{ .get = setting_get, .set = setting_set, .of = SETTING_BACKLOG, .most = S32_MAX },
	{ .get = setting_get, .set = setting_set, .of = SETTING_SYN_BACKLOG, .most = S32_MAX },
	{ .get = setting_get, .set = setting_set, .of = SETTING_FRAGMENT_BYTES, .most = IP_FRAGMENT_BYTES_MOST },
	{ .get = setting_get, .set = setting_set, .of = SETTING_FRAGMENT_SECONDS, .most = SECONDS_MAX },
};

static err_t number_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	return proc_setting_show(array_ptr(settings, n->value[0]), out);
}
static ssize_r number_store(struct pseudo_inode *n, struct file *f, bytes_t data)
{
	return proc_setting_store(array_ptr(settings, n->value[0]), data);
}
static const struct pseudo_kind number_kind = { .show = number_show, .store = number_store,
	.permission = net_permission };
static const struct pseudo_kind host_number_kind = { .show = number_show, .store = number_store,
	.permission = host_net_permission };

// --- pairs of numbers -----------------------------------------------------------------------------------------------

struct number_pair {
	u64 first, second;
};
static bool parse_pair(bytes_t data, struct number_pair *out borrowed)
{
	usize begin = 0;
	u64 numbers[2] = { };
	u32 count = 0;

	while (begin < bytes_len(data) && count < 2) {
		bytes_t rest = bytes_from(data, begin);
		usize length = 0;
		while (length < bytes_len(rest) && byte_at(rest, length) >= '0' && byte_at(rest, length) <= '9')
			length++;
		if (length && !bytes_parse_u64(bytes_first(rest, length), 10, array_ptr(numbers, count++)))
			return false;
		if (!length && byte_at(rest, 0) != ' ' && byte_at(rest, 0) != '\t' && byte_at(rest, 0) != '\n')
			return false;
		begin += length ? length : 1;
	}
	*out = (struct number_pair){ numbers[0], numbers[1] };
	return count == 2;
}

static err_t ports_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	const struct ip_settings *s = &ip_part_of(own_net())->settings;

	text_printf(out, "%u\t%u\n", atomic_u32_load(&s->port_first), atomic_u32_load(&s->port_last));
	return OK;
}

static ssize_r ports_store(struct pseudo_inode *n, struct file *f, bytes_t data)
{
	struct ip_settings *s = &ip_part_of(own_net())->settings;
	struct number_pair p = { };

	if (!parse_pair(data, &p) || p.first < 1 || p.second > 65535 || p.first > p.second)
		return -EINVAL;
	atomic_u32_store(&s->port_first, (u32)p.first);
	atomic_u32_store(&s->port_last, (u32)p.second);
	return (ssize_r)bytes_len(data);
}

static err_t groups_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	const struct ip_settings *s = &ip_part_of(own_net())->settings;
	struct user_namespace *ns = net_namespace_owner(own_net());

	text_printf(out, "%u\t%u\n", user_namespace_gid_show(ns, atomic_u32_load(&s->ping_group_first)),
		user_namespace_gid_show(ns, atomic_u32_load(&s->ping_group_last)));
	return OK;
}

static ssize_r groups_store(struct pseudo_inode *n, struct file *f, bytes_t data)
{
	struct ip_settings *s = &ip_part_of(own_net())->settings;
	struct user_namespace *ns = net_namespace_owner(own_net());
	struct number_pair p = { };

	if (!parse_pair(data, &p) || p.first > S32_MAX || p.second > S32_MAX)
		return -EINVAL;
	const u32 first = user_namespace_gid_in(ns, (u32)p.first), last = user_namespace_gid_in(ns, (u32)p.second);
	if (first == ID_INVALID || last == ID_INVALID)
		return -EINVAL;
	atomic_u32_store(&s->ping_group_first, first);
	atomic_u32_store(&s->ping_group_last, last);
	return (ssize_r)bytes_len(data);
}

static const struct pseudo_kind ports_kind = { .show = ports_show, .store = ports_store, .permission = net_permission };
static const struct pseudo_kind groups_kind = { .show = groups_show, .store = groups_store,
	.permission = net_permission };

static const struct pseudo_entry ipv4_entries[] = {
	PROC_SETTING("ip_default_ttl", number_kind, 0),
	PROC_SETTING("ip_unprivileged_port_start", number_kind, 1),
	PROC_SETTING("ip_nonlocal_bind", number_kind, 2),
	PROC_SETTING("ip_forward", number_kind, 3),
	PROC_SETTING("tcp_sack", number_kind, SETTING_SACK),
	PROC_SETTING("tcp_timestamps", number_kind, SETTING_TIMESTAMPS),
	PROC_SETTING("tcp_keepalive_time", number_kind, SETTING_KEEP_IDLE),
	PROC_SETTING("tcp_keepalive_intvl", number_kind, SETTING_KEEP_INTERVAL),
	PROC_SETTING("tcp_keepalive_probes", number_kind, SETTING_KEEP_COUNT),
	PROC_SETTING("tcp_syn_retries", number_kind, SETTING_SYN_RETRIES),
	PROC_SETTING("tcp_synack_retries", number_kind, SETTING_ANSWER_RETRIES),
	PROC_SETTING("tcp_retries2", number_kind, SETTING_RETRIES),
	PROC_SETTING("tcp_orphan_retries", number_kind, SETTING_ORPHAN_RETRIES),
	PROC_SETTING("tcp_fin_timeout", number_kind, SETTING_FIN_TIMEOUT),
	PROC_SETTING("ipfrag_high_thresh", number_kind, SETTING_FRAGMENT_BYTES),
	PROC_SETTING("ipfrag_time", number_kind, SETTING_FRAGMENT_SECONDS),
	PROC_SETTING("tcp_max_syn_backlog", number_kind, SETTING_SYN_BACKLOG),
	PROC_FILE("ip_local_port_range", 0644, ports_kind),
	PROC_FILE("ping_group_range", 0644, groups_kind),
};
PROC_SYS_FOLDER(ipv4, ipv4_entries);
static const struct pseudo_entry core_entries[] = {
	PROC_SETTING("somaxconn", host_number_kind, SETTING_BACKLOG),
};
PROC_SYS_FOLDER(core, core_entries);
static const struct pseudo_entry net_entries[] = {
	PROC_FOLDER("core", 0555, core_kind),
	PROC_FOLDER("ipv4", 0555, ipv4_kind),
};

static const struct pseudo_entry *net_entry(u32 index)
{
	return index < array_len(net_entries) ? array_ptr(net_entries, index) : NULL;
}
const struct pseudo_kind proc_sys_net_kind = { .entry_at = net_entry };
