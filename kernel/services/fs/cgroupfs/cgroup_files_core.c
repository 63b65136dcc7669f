// SPDX-License-Identifier: MPL-2.0
// cgroup.*
#include <services/fs/cgroupfs/cgroup_files.h>
#include <services/process/thread.h>

enum { OWNER_PROCS = 2 };	// number of cgroup.procs

void cgroup_core_show_type(struct cgroup *g, struct text *out borrowed)
{
	text_put(out, STR("domain\n"));
}

err_t cgroup_core_store_type(struct cgroup *g, bytes_t text)
{
	return bytes_equal(text, STR("threaded")) ? -EOPNOTSUPP : -EINVAL;
}

// --- members -------------------------------------------------------------------------------

static void cgroup_core_show_members(struct cgroup *g, struct text *out borrowed, u32 flags)
{
	const struct cgroup_member_ops *ops = cgroup_member_ops();
	u32 number = 0;

	while (ops && ops->next(g, &number, flags))
		text_printf(out, "%u\n", number);
}

void cgroup_core_show_procs(struct cgroup *g, struct text *out borrowed)
{
	cgroup_core_show_members(g, out, 0);
}

void cgroup_core_show_threads(struct cgroup *g, struct text *out borrowed)
{
	cgroup_core_show_members(g, out, CGROUP_MEMBER_THREADS);
}

// A process may be moved by who may write cgroup.procs of the nearest group that contains both places.
err_t cgroup_may_move(struct cgroup *from, struct cgroup *to)
{
	struct cred *cred = thread_cred();
	struct cgroup *common = from, *seen = cgroup_namespace_from(thread_namespace(NAMESPACE_CGROUP))->root;

	// Across the boundary of a namespace nothing is seen, so nothing is moved.
	if (atomic_u32_load(&cgroup_nsdelegate) && !(cgroup_is_within(from, seen) && cgroup_is_within(to, seen)))
		return -ENOENT;
	while (!cgroup_is_within(to, common))
		common = common->parent;
	struct cgroup_owner owner = common->owners[OWNER_PROCS];
	u32 mode = owner.mode ? owner.mode : 0644;

	if (cred_has_capability(cred, user_namespace_initial(), CAP_DAC_OVERRIDE) ||
		(owner.uid == cred->fsuid && mode & 0200))
		return OK;
	return (cred_in_group(cred, owner.gid) && mode & 020) || mode & 02 ? OK : -EACCES;
}

err_t cgroup_core_store_procs(struct cgroup *g, bytes_t text)
{
	const struct cgroup_member_ops *ops = cgroup_member_ops();
	u64 number = 0;

	if (!ops || !bytes_parse_u64(text, 10, &number) || number > S32_MAX)
		return -EINVAL;
	mutex_guard(&cgroup_tree_lock);
	err_t e = cgroup_check_members_allowed(g);

	return e ? e : ops->move(g, (u32)number, 0, cgroup_may_move);
}

// All threads of a process are in one group: there are no threaded groups to move them between.
err_t cgroup_core_store_threads(struct cgroup *g, bytes_t text)
{
	u64 number = 0;

	if (!bytes_parse_u64(text, 10, &number) || number > S32_MAX)
		return -EINVAL;
	struct pid *pid object_auto(pid) = number ? pid_find(thread_pid_namespace(), (u32)number) : NULL;
	struct thread *t object_auto(thread) = pid ? pid_thread(pid) : NULL;

	if (number && !t)
		return -ESRCH;
	struct cgroup *is_in object_auto(cgroup) = process_cgroup(number ? t->process : process_current());

	return is_in == g ? OK : -EOPNOTSUPP;
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
		is_frozen = cgroup_is_frozen(g) && g->frozen_threads >= atomic_u64_load(&g->pids);
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
	err_t e = cgroup_parse_limit(text, &value);

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
	err_t e = cgroup_parse_limit(text, &value);

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
