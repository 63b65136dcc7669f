// SPDX-License-Identifier: MPL-2.0
// The hierarchy: making and removing groups, walking them, controllers.
//
// A living group is on its parent's list with a reference; every group holds one on its parent. A removed group
// lives on, without files, until the last process, page or open file lets go of it, and its charges still
// count for its ancestors.
#include <core/print.h>
#include <services/cgroup/cgroup_hierarchy.h>
#include <services/cgroup/memory_stall.h>

DEFINE_ONCE(cgroup_cell, struct cgroup);
DEFINE_ONCE(cgroup_current_cell, const struct cgroup_current_ops);

struct mutex cgroup_tree_lock = MUTEX_INIT(RANK_CGROUP_TREE);
struct spinlock cgroup_member_lock = SPINLOCK_INIT(RANK_CGROUP_COUNTER);
enum { CGROUP_BUCKETS = 1024 };
DEFINE_LIST(cgroup_bucket, cgroup, named)
static struct cgroup_bucket cgroups_by_name[CGROUP_BUCKETS] GUARDED_BY(cgroup_tree_lock);
struct atomic_u32 cgroup_options;
static struct atomic_u64 next_id = ATOMIC_INIT(1);
static struct cgroup_cell root_cell;
static struct cgroup_current_cell current_cell;

static exclusive_access void cgroup_release(struct cgroup *g)
{
	for (struct cgroup *a = g->parent; a; a = a->parent)
		if (atomic_u32_load(&g->is_removed))
			atomic_u32_sub(&a->dying_count, 1);
	cgroup_cpu_hand_up(g);
	sched_group_fini(&g->sched);
	cgroup_pages_fini(g);
	cgroup_kernel_fini(g);
	cgroup_io_fini(g);
	buf_free(take(g->name));
	if (g->device_rules)
		object_put(take(g->device_rules));
	if (g->parent)
		cgroup_put(take(g->parent));
}
DEFINE_OBJECT(cgroup, cgroup_release)

struct cgroup *cgroup_of_object(struct object *o)
{
	return cgroup_from_object(o);
}

struct cgroup *cgroup_root(void)
{
	return cgroup_cell_get(&root_cell);
}

void cgroup_set_current_ops(const struct cgroup_current_ops *ops)
{
	cgroup_current_cell_set(&current_cell, ops);
}

struct cgroup *cgroup_current(void)
{
	const struct cgroup_current_ops *ops = cgroup_current_cell_get(&current_cell);
	struct cgroup *g object_auto(cgroup) = ops ? ops->current() : NULL;

	return g ? take(g) : cgroup_get(cgroup_root());
}

bool cgroup_current_is_user(void)
{
	const struct cgroup_current_ops *ops = cgroup_current_cell_get(&current_cell);
	struct cgroup *g object_auto(cgroup) = ops ? ops->current() : NULL;

	return g;
}

bool cgroup_is_within(const struct cgroup *g, const struct cgroup *ancestor)
{
	while (g && g != ancestor)
		g = g->parent;
	return g;
}

u32 cgroup_controllers(const struct cgroup *g borrowed)
{
	u32 of_threads = g->thread_root ? (u32)CGROUP_CONTROLLERS_THREADED : (u32)CGROUP_CONTROLLER_ALL;

	return g->parent ? g->parent->subtree_control & of_threads : (u32)CGROUP_CONTROLLER_ALL;
}

static void cgroup_reset_huge_limits(struct cgroup *g)
{
	for (u32 size = 0; size < CGROUP_HUGE_SIZES; size++) {
		atomic_u64_store(array_ptr(g->huge_max, size), CGROUP_MAX);
		atomic_u64_store(array_ptr(g->huge_reserved_max, size), CGROUP_MAX);
	}
}

static struct cgroup *cgroup_make(bytes_t name) owned;
static struct cgroup *cgroup_make(bytes_t name)
{
	struct cgroup *g object_auto(cgroup) = cgroup_alloc();

	if (!g)
		return NULL;
	g->name = buf_from(name);
	if (!g->name)
		return NULL;
	g->id = atomic_u64_add(&next_id, 1);
	g->max_depth = CGROUP_MAX;
	g->max_descendants = CGROUP_MAX;
	cgroup_pages_init(g);
	spin_init(&g->io_lock, RANK_SERVICE_LEAF);
	atomic_u32_store(&g->io_weight, CGROUP_IO_WEIGHT_NORMAL);
	wait_queue_init(&g->freeze_event);
	wait_queue_init(&g->event);
	atomic_u64_store(&g->pids_max, CGROUP_MAX);
	atomic_u64_store(&g->memory_max, CGROUP_MAX);
	atomic_u64_store(&g->memory_high, CGROUP_MAX);
	atomic_u64_store(&g->swap_max, CGROUP_MAX);
	atomic_u64_store(&g->swap_high, CGROUP_MAX);
	cgroup_reset_huge_limits(g);
	return take(g);
}

// That no file has the name is services/fs/cgroupfs's to know.
static bool cgroup_name_is_valid(bytes_t name)
{
	return bytes_len(name) && bytes_len(name) <= 255 && bytes_find(name, '\n') == bytes_len(name);
}

// Of the living ones, without references: a look-up must not cost more with a thousand siblings.
static struct cgroup_bucket *cgroup_bucket_of(const struct cgroup *parent borrowed, bytes_t name)
	REQUIRES(cgroup_tree_lock)
{
	return array_ptr(cgroups_by_name, bytes_hash(name, parent->id) % CGROUP_BUCKETS);
}

struct cgroup *cgroup_find_child(struct cgroup *g, bytes_t name)
{
	list_for_each(cgroup_bucket, c, cgroup_bucket_of(g, name))
		if (c->parent == g && bytes_equal(buf_bytes(c->name), name))
			return c;
	return NULL;
}

static err_t cgroup_check_room(const struct cgroup *parent)
{
	u64 depth = 1;

	if (parent->level + 1 >= CGROUP_LEVELS_MAX)
		return -EAGAIN;
	for (const struct cgroup *a = parent; a; a = a->parent, depth++)
		if (a->descendant_count >= a->max_descendants || depth > a->max_depth)
			return -EAGAIN;
	return OK;
}

err_t cgroup_create(struct cgroup *parent, bytes_t name, u32 uid, u32 gid, struct cgroup **out borrowed)
{
	if (!cgroup_name_is_valid(name))
		return -EINVAL;
	if (atomic_u32_load(&parent->is_removed))
		return -ENODEV;
	if (cgroup_find_child(parent, name))
		return -EEXIST;
	err_t e = cgroup_check_room(parent);

	if (e)
		return e;
	struct cgroup *g object_auto(cgroup) = cgroup_make(name);

	if (!g)
		return -ENOMEM;
	e = cgroup_kernel_create(g);
	if (e)
		return e;
	g->parent = cgroup_get(parent);
	g->level = parent->level + 1;
	for (u32 i = 0; i < CGROUP_OWNERS; i++)
		g->owners[i] = (struct cgroup_owner){ uid, gid, 0 };
	atomic_u32_store(&g->freeze_depth, atomic_u32_load(&parent->freeze_depth));
	cgroup_members_init(g);
	e = cgroup_cpu_init(g, parent);
	if (e)
		return e;
	cgroup_cpuset_init(g);
	cgroup_io_switch(g, cgroup_controllers(g) & CGROUP_CONTROLLER_IO);
	for (struct cgroup *a = parent; a; a = a->parent)
		a->descendant_count++;
	struct cgroup *listed object_auto(cgroup) = cgroup_get(g);

	cgroup_list_append(&parent->children, take(listed));
	cgroup_bucket_append(cgroup_bucket_of(parent, name), g);
	*out = take(g);
	return OK;
}

static err_t cgroup_mark_removed(struct cgroup *g)
{
	spin_guard(&cgroup_member_lock);
	if (g->populated)
		return -EBUSY;
	atomic_u32_store(&g->is_removed, 1);
	return OK;
}

err_t cgroup_remove(struct cgroup *g)
{
	if (cgroup_is_root(g) || !cgroup_list_is_empty(&g->children))
		return -EBUSY;
	if (atomic_u32_load(&g->is_removed))
		return -ENOENT;
	err_t e = cgroup_mark_removed(g);

	if (e)
		return e;
	cgroup_partition_set(g, CGROUP_PARTITION_MEMBER); // its CPUs are its parent's again
	for (struct cgroup *a = g->parent; a; a = a->parent) {
		a->descendant_count--;
		atomic_u32_add(&a->dying_count, 1);
	}
	if (g->thread_root)
		g->parent->threaded_children--;
	cgroup_list_remove(&g->parent->children, g);
	cgroup_bucket_remove(cgroup_bucket_of(g->parent, buf_bytes(g->name)), g);
	cgroup_cpu_hand_up(g);
	cgroup_kernel_retire(g);
	wait_queue_wake_all(&g->event, ~0u);
	struct cgroup *listed object_auto(cgroup) = g; // the list's reference

	return OK;
}

struct cgroup *cgroup_next_below(struct cgroup *g, struct cgroup *at)
{
	if (!at)
		return g;
	if (!cgroup_list_is_empty(&at->children))
		return cgroup_list_first(&at->children);
	for (; at != g; at = at->parent)
		if (cgroup_list_next(at))
			return cgroup_list_next(at);
	return NULL;
}

// --- controllers ---------------------------------------------------------------------------

static u32 cgroup_controller_of(bytes_t word)
{
	if (bytes_equal(word, STR("memory")))
		return CGROUP_CONTROLLER_MEMORY;
	if (bytes_equal(word, STR("cpu")))
		return CGROUP_CONTROLLER_CPU;
	if (bytes_equal(word, STR("cpuset")))
		return CGROUP_CONTROLLER_CPUSET;
	if (bytes_equal(word, STR("io")))
		return CGROUP_CONTROLLER_IO;
	if (bytes_equal(word, STR("hugetlb")))
		return CGROUP_CONTROLLER_HUGETLB;
	return bytes_equal(word, STR("pids")) ? CGROUP_CONTROLLER_PIDS : 0;
}

static err_t cgroup_parse_controllers(bytes_t text, u32 *enable borrowed, u32 *disable borrowed)
{
	while (bytes_len(text)) {
		usize length = min(bytes_find(text, ' '), bytes_find(text, '\n'));
		bytes_t word = bytes_first(text, length);

		text = bytes_from(text, min(length + 1, bytes_len(text)));
		if (!length)
			continue;
		u32 c = cgroup_controller_of(bytes_from(word, 1)), sign = byte_at(word, 0);

		if (!c || (sign != '+' && sign != '-'))
			return -EINVAL;
		*enable = sign == '+' ? *enable | c : *enable & ~c;
		*disable = sign == '-' ? *disable | c : *disable & ~c;
	}
	return OK;
}

void cgroup_reset_limits(struct cgroup *g, u32 controllers)
{
	if (controllers & CGROUP_CONTROLLER_MEMORY) {
		atomic_u64_store(&g->memory_max, CGROUP_MAX);
		atomic_u64_store(&g->memory_high, CGROUP_MAX);
		atomic_u64_store(&g->memory_low, 0);
		atomic_u64_store(&g->memory_min, 0);
		atomic_u64_store(&g->swap_max, CGROUP_MAX);
		atomic_u64_store(&g->swap_high, CGROUP_MAX);
		atomic_u32_store(&g->memory_oom_group, 0);
	}
	if (controllers & CGROUP_CONTROLLER_CPUSET) {
		cgroup_partition_set(g, CGROUP_PARTITION_MEMBER);
		cgroup_cpuset_set(g, 0);
		atomic_u32_store(&g->mems, 0);
	}
	if (controllers & CGROUP_CONTROLLER_IO)
		cgroup_io_reset(g);
	if (controllers & CGROUP_CONTROLLER_HUGETLB)
		cgroup_reset_huge_limits(g);
	if (controllers & CGROUP_CONTROLLER_PIDS)
		atomic_u64_store(&g->pids_max, CGROUP_MAX);
	if (controllers & CGROUP_CONTROLLER_CPU) {
		cgroup_cpu_set_quota(g, 0, CGROUP_CPU_PERIOD_NORMAL_NS);
		atomic_u64_store(&g->cpu_burst_ns, 0);
		atomic_u32_store(&g->cpu_idle, 0);
		cgroup_cpu_set_weight(g, CGROUP_CPU_WEIGHT_NORMAL);
	}
}

err_t cgroup_write_subtree_control(struct cgroup *g, bytes_t text)
{
	u32 enable = 0, disable = 0;
	err_t e = cgroup_parse_controllers(text, &enable, &disable);

	if (e)
		return e;
	if (atomic_u32_load(&g->is_removed))
		return -ENODEV;
	enable &= ~g->subtree_control;
	disable &= g->subtree_control;
	if (enable & ~cgroup_controllers(g))
		return -ENOENT;
	list_for_each(cgroup_list, c, &g->children)
		if (c->subtree_control & disable)
			return -EBUSY;
	e = cgroup_check_enable(g, enable);
	if (e || !(enable | disable))
		return e;
	g->subtree_control = (g->subtree_control | enable) & ~disable;
	list_for_each(cgroup_list, c, &g->children) {
		cgroup_io_switch(c, cgroup_controllers(c) & CGROUP_CONTROLLER_IO);
		cgroup_reset_limits(c, disable);
	}
	return OK;
}

void cgroup_count_event(struct cgroup *g, enum cgroup_event e)
{
	bool is_pids = e == CGROUP_EVENT_PIDS_MAX;

	atomic_u64_add(array_ptr(g->events_local, e), 1);
	if (!is_pids)
		cgroup_event_changed(g, CGROUP_EVENT_FILE_MEMORY_LOCAL);
	for (struct cgroup *a = g; a; a = a->parent) {
		atomic_u64_add(array_ptr(a->events, e), 1);
		cgroup_event_changed(a, is_pids ? CGROUP_EVENT_FILE_PIDS : CGROUP_EVENT_FILE_MEMORY);
		if (!is_pids && cgroup_has_option(CGROUP_OPTION_LOCAL_EVENTS))
			return;
	}
}

static void cgroup_memory_stalls(void)
{
	pressure_memory_stall(1);
}

static void cgroup_memory_stalls_no_more(void)
{
	pressure_memory_stall(-1);
}

static const struct memory_stall_ops stall_ops = { cgroup_memory_stalls, cgroup_memory_stalls_no_more };

void cgroup_init(void)
{
	struct cgroup *root object_auto(cgroup) = cgroup_make(bytes_empty());

	if (!root)
		panic("no memory for the root cgroup");
	if (cgroup_cpu_init(root, NULL))
		panic("no memory for the root cgroup");
	cgroup_cell_set(&root_cell, take(root));
	cgroup_kernel_init();
	memory_stall_set_ops(&stall_ops);
	cgroup_namespace_init();
}
