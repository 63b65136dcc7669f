// SPDX-License-Identifier: MPL-2.0
#include <core/atomic.h>
#include <services/cred/namespace_limit.h>
#include <services/cred/user_namespace.h>

DEFINE_BASE(namespace)

// The first namespace of a kind is the initial one and has a fixed number. source: lsns(8) output, ioctl_ns(2)
static const u32 initial_number[NAMESPACE_KIND_COUNT] = {
	[NAMESPACE_USER] = 0xeffffffdu, [NAMESPACE_MOUNT] = 0xf0000001u, [NAMESPACE_UTS] = 0xeffffffeu,
	[NAMESPACE_IPC] = 0xefffffffu,	[NAMESPACE_PID] = 0xeffffffcu,	 [NAMESPACE_NET] = 0xf0000000u,
	[NAMESPACE_CGROUP] = 0xeffffffbu, [NAMESPACE_TIME] = 0xeffffffau,
};
static struct atomic_u32 kinds_seen;
static struct atomic_u64 next_number = ATOMIC_INIT(0xf0000010u);

void namespace_init(struct namespace *n borrowed, enum namespace_kind kind, struct user_namespace *owner)
{
	n->kind = kind;
	if (atomic_u32_or(&kinds_seen, 1u << kind) & (1u << kind))
		n->number = atomic_u64_add(&next_number, 1);
	else
		n->number = initial_number[kind];
	if (owner) {
		struct user_namespace *reference object_auto(user_namespace) = user_namespace_get(owner);
		n->owner = take(reference);
	}
}

void namespace_fini(struct namespace *n borrowed)
{
	if (n->count)
		namespace_uncharge(take(n->count), n->kind);
	if (n->owner)
		user_namespace_put(take(n->owner));
}

struct kind_name {
	u8 text[8];
	u8 length;
	u32 flag;
};
static const struct kind_name kind_names[NAMESPACE_KIND_COUNT] = {
	[NAMESPACE_USER] = { "user", 4, 0x10000000u },	   [NAMESPACE_MOUNT] = { "mnt", 3, 0x00020000u },
	[NAMESPACE_UTS] = { "uts", 3, 0x04000000u },	   [NAMESPACE_IPC] = { "ipc", 3, 0x08000000u },
	[NAMESPACE_PID] = { "pid", 3, 0x20000000u },	   [NAMESPACE_NET] = { "net", 3, 0x40000000u },
	[NAMESPACE_CGROUP] = { "cgroup", 6, 0x02000000u }, [NAMESPACE_TIME] = { "time", 4, 0x00000080u },
};

usize namespace_kind_name(enum namespace_kind kind, span_t out)
{
	return span_copy_some(out, bytes_first(array_bytes(kind_names[kind].text), kind_names[kind].length));
}

u32 namespace_kind_flag(enum namespace_kind kind)
{
	return kind_names[kind].flag;
}

static void namespace_set_release(struct namespace_set *s) exclusive_access
{
	for (u32 i = 0; i < NAMESPACE_KIND_COUNT; i++)
		if (s->slot[i])
			namespace_put(take(s->slot[i]));
	if (s->pid_for_children)
		namespace_put(take(s->pid_for_children));
	if (s->time_for_children)
		namespace_put(take(s->time_for_children));
}
DEFINE_OBJECT(namespace_set, namespace_set_release)

struct namespace_set *namespace_set_create(void)
{
	return namespace_set_alloc();
}

static struct namespace *get_or_null(struct namespace *n) owned;
static struct namespace *get_or_null(struct namespace *n)
{
	return n ? namespace_get(n) : NULL;
}

struct namespace_set *namespace_set_copy(const struct namespace_set *from borrowed)
{
	struct namespace_set *s object_auto(namespace_set) = namespace_set_alloc();
	if (!s)
		return NULL;
	for (u32 i = 0; i < NAMESPACE_KIND_COUNT; i++) {
		struct namespace *n object_auto(namespace) = get_or_null(from->slot[i]);
		s->slot[i] = take(n);
	}
	struct namespace *pid object_auto(namespace) = get_or_null(from->pid_for_children);
	s->pid_for_children = take(pid);
	struct namespace *time object_auto(namespace) = get_or_null(from->time_for_children);
	s->time_for_children = take(time);
	return take(s);
}

void namespace_set_replace(struct namespace_set *s borrowed, enum namespace_kind kind, struct namespace *n consumes)
{
	struct namespace *old object_auto(namespace) = take(s->slot[kind]);
	s->slot[kind] = n;
}

void namespace_set_replace_for_children(
	struct namespace_set *s borrowed, enum namespace_kind kind, struct namespace *n consumes)
{
	if (kind == NAMESPACE_PID) {
		struct namespace *old object_auto(namespace) = take(s->pid_for_children);
		s->pid_for_children = n;
	} else {
		struct namespace *old object_auto(namespace) = take(s->time_for_children);
		s->time_for_children = n;
	}
}
