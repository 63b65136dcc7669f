// SPDX-License-Identifier: MPL-2.0
// Threaded groups: where threads of one process may be in different groups.
//
// A group is a domain, or threaded: then it belongs to the threaded subtree of its nearest ancestor that is a domain,
// the thread root. Memory and disk are used by processes, so they are counted for the thread root; controllers that
// can tell threads apart (cpu, cpuset, pids) work in the whole subtree. A domain below a threaded group, or beside one
// whose parent is a thread root, is invalid: it can take no process until it becomes threaded too.
// source: the kernel's Documentation/admin-guide/cgroup-v2.rst, "Threads"
#include <services/cgroup/cgroup_hierarchy.h>

struct cgroup *cgroup_domain(struct cgroup *g)
{
	return g->thread_root ? g->thread_root : g;
}

bool cgroup_has_members(struct cgroup *g)
{
	spin_guard(&cgroup_member_lock);
	return !cgroup_member_list_is_empty(&g->members);
}

static bool cgroup_has_populated_domain_child(struct cgroup *g) REQUIRES(cgroup_tree_lock)
{
	list_for_each(cgroup_list, c, &g->children)
		if (!c->thread_root && cgroup_is_populated(c))
			return true;
	return false;
}

static bool cgroup_can_be_thread_root(struct cgroup *g) REQUIRES(cgroup_tree_lock)
{
	if (cgroup_is_root(g))
		return true;
	return !g->thread_root && !(g->subtree_control & ~(u32)CGROUP_CONTROLLERS_THREADED) &&
		!cgroup_has_populated_domain_child(g);
}

static bool cgroup_is_thread_root(struct cgroup *g) REQUIRES(cgroup_tree_lock)
{
	if (g->thread_root)
		return false;
	if (g->threaded_children)
		return true;
	return (g->subtree_control & CGROUP_CONTROLLERS_THREADED) && cgroup_has_members(g);
}

static bool cgroup_is_valid_domain(struct cgroup *g) REQUIRES(cgroup_tree_lock)
{
	if (g->thread_root)
		return false;
	for (struct cgroup *a = g->parent; a; a = a->parent)
		if (a->thread_root || (!cgroup_is_root(a) && cgroup_is_thread_root(a)))
			return false;
	return true;
}

enum cgroup_type cgroup_type(struct cgroup *g)
{
	if (g->thread_root)
		return CGROUP_THREADED;
	if (!cgroup_is_valid_domain(g))
		return CGROUP_DOMAIN_INVALID;
	return cgroup_is_thread_root(g) ? CGROUP_DOMAIN_THREADED : CGROUP_DOMAIN;
}

// Members could only come here by a fork or a move, which look at both locks.
static err_t cgroup_set_thread_root(struct cgroup *g, struct cgroup *root) REQUIRES(cgroup_tree_lock)
{
	spin_guard(&cgroup_member_lock);
	if (g->populated)
		return -EOPNOTSUPP;
	for (struct cgroup *c = cgroup_next_below(g, NULL); c; c = cgroup_next_below(g, c))
		if (c == g || c->thread_root)
			c->thread_root = root;
	return OK;
}

err_t cgroup_make_threaded(struct cgroup *g)
{
	if (atomic_u32_load(&g->is_removed))
		return -ENODEV;
	if (g->thread_root)
		return OK;
	struct cgroup *root = cgroup_domain(g->parent);

	if (g->subtree_control & ~(u32)CGROUP_CONTROLLERS_THREADED)
		return -EOPNOTSUPP;
	if (!cgroup_is_valid_domain(root) || !cgroup_can_be_thread_root(root))
		return -EOPNOTSUPP;
	err_t e = cgroup_set_thread_root(g, root);

	if (e)
		return e;
	g->parent->threaded_children++;
	cgroup_io_switch(g, 0);
	cgroup_reset_limits(g, (u32)CGROUP_CONTROLLER_ALL & ~(u32)CGROUP_CONTROLLERS_THREADED);
	return OK;
}

err_t cgroup_check_members_allowed(struct cgroup *g)
{
	if (atomic_u32_load(&g->is_removed))
		return -ENODEV;
	if (!cgroup_is_valid_domain(cgroup_domain(g)))
		return -EOPNOTSUPP;
	if (!cgroup_can_be_thread_root(g) && !g->thread_root && g->subtree_control)
		return -EBUSY;
	return cgroup_cpuset_check_members_allowed(g);
}

err_t cgroup_check_enable(struct cgroup *g, u32 controllers)
{
	if (!controllers)
		return OK;
	if (!cgroup_is_valid_domain(cgroup_domain(g)))
		return -EOPNOTSUPP;
	if (cgroup_is_root(g))
		return OK;
	if (controllers & ~(u32)CGROUP_CONTROLLERS_THREADED) {
		if (g->thread_root || cgroup_is_thread_root(g))
			return -EOPNOTSUPP;
	} else if (g->thread_root || cgroup_can_be_thread_root(g)) {
		return OK;
	}
	return cgroup_has_members(g) ? -EBUSY : OK;
}
