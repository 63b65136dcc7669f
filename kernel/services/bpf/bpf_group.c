// SPDX-License-Identifier: MPL-2.0
// Programs on control groups. A group keeps its own programs and flags; which ones are asked about a process is found
// by walking up: the programs of the nearest group that has some, and above it those of groups that allow several.
// One lock for all groups: asking takes it shared, so programs of one walk never change under it.
#include <services/bpf/bpf_internal.h>
#include <services/cgroup/cgroup_device.h>
#include <services/cgroup/cgroup_hierarchy.h>

// Outermost of the leaves: nothing that sleeps happens under it.
static struct rwlock groups_lock = RWLOCK_INIT(RANK_SLEEPING_LEAF);

struct bpf_group {
	struct object object;
	u32 flags;		// of the attachments here: 0, BPF_ALLOW_OVERRIDE or BPF_ALLOW_MULTI; groups_lock
	u32 count;		// groups_lock
	struct bpf_program *program[BPF_GROUP_PROGRAMS_MAX];	// references; groups_lock
};
static exclusive_access void bpf_group_release(struct bpf_group *b)
{
	if (b->count)
		cgroup_device_rules_went();
	for (u32 n = 0; n < b->count; n++)
		bpf_program_put(take(b->program[n]));
}
DECLARE_OBJECT(bpf_group)
DEFINE_OBJECT(bpf_group, bpf_group_release)

// Those of g; NULL: it never had any. Borrowed: they stay as long as the group.
static struct bpf_group *group_of(struct cgroup *g)
{
	return g->device_rules ? bpf_group_from_object(g->device_rules) : NULL;
}

// --- asking ------------------------------------------------------------------------------------------

static bool group_allows(const struct bpf_group *b borrowed, const struct bpf_device_context *context borrowed)
{
	for (u32 n = 0; n < b->count; n++) {
		if (!(bpf_run(b->program[n], context) & 1))
			return false;
	}
	return true;
}

// The next group upwards from g (itself included) whose programs are asked; `any` says whether one was below.
static struct cgroup *next_effective(struct cgroup *g, bool any)
{
	for (; g; g = g->parent) {
		const struct bpf_group *b = group_of(g);

		if (b && b->count && (!any || (b->flags & BPF_ALLOW_MULTI)))
			return g;
	}
	return NULL;
}

static bool bpf_group_allows(struct cgroup *g, enum cgroup_device_kind kind, u64 number, u32 access)
{
	const struct bpf_device_context context = {
		.access_type = access << 16 | kind,
		.major = (u32)(number >> 20),
		.minor = (u32)number & 0xfffff,
	};
	read_guard(&groups_lock);
	for (struct cgroup *at = next_effective(g, false); at; at = next_effective(at->parent, true)) {
		if (!group_allows(group_of(at), &context))
			return false;
	}
	return true;
}

static void add_programs(const struct bpf_group *b borrowed, struct bpf_group_programs *out borrowed)
{
	for (u32 n = 0; n < b->count; n++) {
		if (out->count < BPF_GROUP_PROGRAMS_MAX)
			out->id[out->count] = bpf_program_id(b->program[n]);
		out->count++;
	}
}

void bpf_group_query(struct cgroup *g, enum bpf_query what, struct bpf_group_programs *out borrowed)
{
	out->count = 0;
	out->flags = 0;
	read_guard(&groups_lock);
	if (what == BPF_QUERY_OWN) {
		const struct bpf_group *b = group_of(g);

		out->flags = b ? b->flags : 0;
		if (b)
			add_programs(b, out);
		return;
	}
	for (struct cgroup *at = next_effective(g, false); at; at = next_effective(at->parent, true))
		add_programs(group_of(at), out);
}

// --- changing ----------------------------------------------------------------------------------------

// May a group below have programs of its own? The nearest one above with a program says so.
static bool hierarchy_allows(struct cgroup *g)
{
	for (struct cgroup *a = g->parent; a; a = a->parent) {
		const struct bpf_group *b = group_of(a);

		if (!b || !b->count)
			continue;
		return b->flags;
	}
	return true;
}

// Where in b the new program goes: *at is b->count for a new place.
static err_t find_place(const struct bpf_group *b borrowed, struct bpf_program *p, struct bpf_program *replaced,
	u32 flags, u32 *at borrowed)
{
	*at = flags & BPF_ALLOW_MULTI ? b->count : 0;
	if (!(flags & BPF_ALLOW_MULTI))
		return OK;
	for (u32 n = 0; n < b->count; n++) {
		if (b->program[n] == p && p != replaced)
			return -EINVAL;
		if (replaced && b->program[n] == replaced)
			*at = n;
	}
	return replaced && *at == b->count ? -ENOENT : OK;
}

// With groups_lock held for writing. What was replaced comes back in *old.
static err_t attach_locked(struct cgroup *g, struct bpf_group *b, struct bpf_program *p, struct bpf_program *replaced,
	u32 flags, struct bpf_program **old borrowed)
{
	u32 at = 0;

	if (!hierarchy_allows(g) || (b->count && b->flags != (flags & ~(u32)BPF_REPLACE)))
		return -EPERM;
	if (b->count >= BPF_GROUP_PROGRAMS_MAX)
		return -E2BIG;
	const err_t e = find_place(b, p, replaced, flags, &at);
	if (e)
		return e;
	if (at == b->count) {
		if (!b->count++)
			cgroup_device_rules_came();
	} else {
		*old = take(b->program[at]);
	}
	b->flags = flags & ~(u32)BPF_REPLACE;
	b->program[at] = bpf_program_get(p);
	return OK;
}

err_t bpf_group_attach(struct cgroup *g, struct bpf_program *p, struct bpf_program *replaced, u32 flags)
{
	const u32 both = BPF_ALLOW_OVERRIDE | BPF_ALLOW_MULTI;
	if ((flags & both) == both || ((flags & BPF_REPLACE) && !(flags & BPF_ALLOW_MULTI)) ||
		!replaced != !(flags & BPF_REPLACE) || p->type != BPF_TYPE_CGROUP_DEVICE)
		return -EINVAL;
	struct bpf_program *old object_auto(bpf_program) = NULL;
	struct bpf_group *fresh object_auto(bpf_group) = bpf_group_alloc();
	if (!fresh)
		return -ENOMEM;
	write_guard(&groups_lock);
	if (!g->device_rules) {
		struct bpf_group *b = take(fresh);

		g->device_rules = &b->object;
	}
	return attach_locked(g, group_of(g), p, replaced, flags, &old);
}

// With groups_lock held for writing.
static err_t find_attached(const struct bpf_group *b borrowed, struct bpf_program *p, u32 *at borrowed)
{
	*at = 0;
	if (!(b->flags & BPF_ALLOW_MULTI))
		return b->count ? OK : -ENOENT;
	if (!p)
		return -EINVAL;
	while (*at < b->count && b->program[*at] != p)
		(*at)++;
	return *at < b->count ? OK : -ENOENT;
}

static void remove_at(struct bpf_group *b, u32 at, struct bpf_program **old borrowed)
{
	*old = take(b->program[at]);
	b->count--;
	for (u32 n = at; n < b->count; n++)
		b->program[n] = b->program[n + 1];
	b->program[b->count] = NULL;
	if (b->count)
		return;
	b->flags = 0;
	cgroup_device_rules_went();
}

err_t bpf_group_detach(struct cgroup *g, struct bpf_program *p)
{
	struct bpf_program *old object_auto(bpf_program) = NULL;
	write_guard(&groups_lock);
	if (!group_of(g))
		return -ENOENT;
	u32 at = 0;
	const err_t e = find_attached(group_of(g), p, &at);
	if (!e)
		remove_at(group_of(g), at, &old);
	return e;
}

static const struct cgroup_device_ops bpf_group_ops = { .allows = bpf_group_allows };

void bpf_init(void)
{
	cgroup_set_device_ops(&bpf_group_ops);
}
