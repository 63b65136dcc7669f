// SPDX-License-Identifier: MPL-2.0
// cgroup.*
#include <services/fs/cgroupfs/cgroup_files.h>
#include <services/process/thread.h>

enum { OWNER_PROCS = 2 };	// number of cgroup.procs

void cgroup_core_show_type(struct cgroup *g, struct text *out borrowed)
{
	mutex_guard(&cgroup_tree_lock);
	switch (cgroup_type(g)) {
	case CGROUP_DOMAIN:
		return text_put(out, STR("domain\n"));
	case CGROUP_DOMAIN_INVALID:
		return text_put(out, STR("domain invalid\n"));
	case CGROUP_DOMAIN_THREADED:
		return text_put(out, STR("domain threaded\n"));
	case CGROUP_THREADED:
		return text_put(out, STR("threaded\n"));
	}
}

err_t cgroup_core_store_type(struct cgroup *g, bytes_t text)
{
	if (!bytes_equal(text, STR("threaded")))
		return -EINVAL;
	mutex_guard(&cgroup_tree_lock);
	return cgroup_make_threaded(g);
}

// --- members -------------------------------------------------------------------------------

static void cgroup_core_show_members(struct cgroup *g, struct text *out borrowed, u32 flags)
{
	const struct cgroup_member_ops *ops = cgroup_member_ops();
	u64 place = 0;
	u32 number = 0;
	struct task *t object_auto(task) = ops ? cgroup_next_member(g, NULL, &place) : NULL;

	while (t) {
		if (ops->number(t, flags, &number))
			text_printf(out, "%u\n", number);
		struct task *next object_auto(task) = cgroup_next_member(g, t, &place);

		task_put(take(t));
		t = take(next);
	}
}

// All processes of a threaded subtree are its root's.
void cgroup_core_show_procs(struct cgroup *g, struct text *out borrowed)
{
	mutex_guard(&cgroup_tree_lock);
	for (struct cgroup *c = cgroup_next_below(g, NULL); c; c = cgroup_next_below(g, c))
		if (c == g || c->thread_root == g)
			cgroup_core_show_members(c, out, 0);
}

void cgroup_core_show_threads(struct cgroup *g, struct text *out borrowed)
{
	cgroup_core_show_members(g, out, CGROUP_MEMBER_THREADS);
}

bool cgroup_may_write_procs(const struct cgroup *g, const struct cred *cred borrowed)
{
	struct cgroup_owner owner = g->owners[OWNER_PROCS];
	u32 mode = owner.mode ? owner.mode : 0644;

	if (cred_has_capability(cred, user_namespace_initial(), CAP_DAC_OVERRIDE))
		return true;
	if (owner.uid == cred->fsuid)
		return mode & 0200;
	return cred_in_group(cred, owner.gid) ? mode & 020 : mode & 02;
}

err_t cgroup_may_move(struct cgroup *from, const struct cgroup_move *m borrowed)
{
	struct cgroup *common = from, *seen = cgroup_namespace_from(thread_namespace(NAMESPACE_CGROUP))->root;

	while (!cgroup_is_within(m->to, common))
		common = common->parent;
	if (!cgroup_may_write_procs(common, m->cred))
		return -EACCES;
	// Across the boundary of a namespace nothing is seen, so nothing is moved.
	if (cgroup_has_option(CGROUP_OPTION_NSDELEGATE) &&
		!(cgroup_is_within(from, seen) && cgroup_is_within(m->to, seen)))
		return -ENOENT;
	err_t e = cgroup_check_members_allowed(m->to);

	if (e)
		return e;
	// One thread alone stays in its process's subtree.
	return m->flags & CGROUP_MEMBER_THREADS && cgroup_domain(from) != m->domain ? -EOPNOTSUPP : OK;
}

err_t cgroup_move_member(struct cgroup *g, bytes_t text, struct cred *cred, u32 flags)
{
	const struct cgroup_member_ops *ops = cgroup_member_ops();
	struct cgroup_move m = { .to = g, .flags = flags, .cred = cred, .may_move = cgroup_may_move };
	u64 number = 0;

	if (!ops || !bytes_parse_u64(text, 10, &number) || number > S32_MAX)
		return -EINVAL;
	m.number = (u32)number;
	mutex_guard(&cgroup_tree_lock);
	m.domain = cgroup_domain(g);
	return ops->move(&m);
}

// --- controllers ---------------------------------------------------------------------------

static void cgroup_put_word(struct text *out borrowed, bytes_t word, u32 *is_first borrowed)
{
	if (!*is_first)
		text_char(out, ' ');
	*is_first = 0;
	text_put(out, word);
}

static void cgroup_put_controllers(struct text *out borrowed, u32 controllers)
{
	u32 is_first = 1;

	if (controllers & CGROUP_CONTROLLER_CPUSET)
		cgroup_put_word(out, STR("cpuset"), &is_first);
	if (controllers & CGROUP_CONTROLLER_CPU)
		cgroup_put_word(out, STR("cpu"), &is_first);
	if (controllers & CGROUP_CONTROLLER_IO)
		cgroup_put_word(out, STR("io"), &is_first);
	if (controllers & CGROUP_CONTROLLER_MEMORY)
		cgroup_put_word(out, STR("memory"), &is_first);
	if (controllers & CGROUP_CONTROLLER_HUGETLB)
		cgroup_put_word(out, STR("hugetlb"), &is_first);
	if (controllers & CGROUP_CONTROLLER_PIDS)
		cgroup_put_word(out, STR("pids"), &is_first);
	text_char(out, '\n');
}

void cgroup_core_show_controllers(struct cgroup *g, struct text *out borrowed)
{
	mutex_guard(&cgroup_tree_lock);
	cgroup_put_controllers(out, cgroup_controllers(g));
}

void cgroup_core_show_subtree(struct cgroup *g, struct text *out borrowed)
{
	mutex_guard(&cgroup_tree_lock);
	cgroup_put_controllers(out, g->subtree_control);
}

err_t cgroup_core_store_subtree(struct cgroup *g, bytes_t text)
{
	mutex_guard(&cgroup_tree_lock);
	return cgroup_write_subtree_control(g, text);
}

// --- state ---------------------------------------------------------------------------------

void cgroup_core_show_events(struct cgroup *g, struct text *out borrowed)
{
	bool is_populated, is_frozen;
	{
		spin_guard(&cgroup_member_lock);
		is_populated = g->populated;
		is_frozen = g->is_frozen;
	}
	text_printf(out, "populated %u\nfrozen %u\n", is_populated, is_frozen);
}

void cgroup_core_show_freeze(struct cgroup *g, struct text *out borrowed)
{
	text_printf(out, "%u\n", atomic_u32_load(&g->freeze_wanted));
}

err_t cgroup_core_store_freeze(struct cgroup *g, bytes_t text)
{
	u64 value = 0;

	if (!bytes_parse_u64(text, 0, &value))
		return -EINVAL;
	if (value > 1)
		return -ERANGE;
	mutex_guard(&cgroup_tree_lock);
	cgroup_freeze(g, (u32)value);
	return OK;
}

err_t cgroup_core_store_kill(struct cgroup *g, bytes_t text)
{
	u64 value = 0;

	if (!bytes_parse_u64(text, 0, &value))
		return -EINVAL;
	if (value != 1)
		return -ERANGE;
	mutex_guard(&cgroup_tree_lock);
	if (g->thread_root)
		return -EOPNOTSUPP; // processes are the thread root's
	cgroup_kill(g);
	return OK;
}

void cgroup_core_show_max_depth(struct cgroup *g, struct text *out borrowed)
{
	mutex_guard(&cgroup_tree_lock);
	cgroup_put_limit(out, g->max_depth);
}

err_t cgroup_core_store_max_depth(struct cgroup *g, bytes_t text)
{
	u64 value = 0;
	err_t e = cgroup_parse_count(text, &value);

	mutex_guard(&cgroup_tree_lock);
	if (!e)
		g->max_depth = value;
	return e;
}

void cgroup_core_show_max_descendants(struct cgroup *g, struct text *out borrowed)
{
	mutex_guard(&cgroup_tree_lock);
	cgroup_put_limit(out, g->max_descendants);
}

err_t cgroup_core_store_max_descendants(struct cgroup *g, bytes_t text)
{
	u64 value = 0;
	err_t e = cgroup_parse_count(text, &value);

	mutex_guard(&cgroup_tree_lock);
	if (!e)
		g->max_descendants = value;
	return e;
}

void cgroup_core_show_stat(struct cgroup *g, struct text *out borrowed)
{
	mutex_guard(&cgroup_tree_lock);
	text_printf(out, "nr_descendants %u\nnr_dying_descendants %u\n", g->descendant_count,
		atomic_u32_load(&g->dying_count));
}
