// SPDX-License-Identifier: MPL-2.0
// Cgroup namespaces, and the names of groups as seen from one.
#include <core/print.h>
#include <services/cgroup/cgroup_hierarchy.h>
#include <services/cred/user_namespace.h>
#include <services/namespace/namespace_kinds.h>

DEFINE_ONCE(cgroup_namespace_cell, struct cgroup_namespace);
static struct cgroup_namespace_cell initial_cell;

static exclusive_access void cgroup_namespace_release(struct cgroup_namespace *n)
{
	if (n->root)
		cgroup_put(take(n->root));
	namespace_fini(&n->base);
}
DEFINE_DERIVED_SHARED(cgroup_namespace, namespace, cgroup_namespace_release)

struct cgroup_namespace *cgroup_namespace_initial(void)
{
	return cgroup_namespace_cell_get(&initial_cell);
}

struct cgroup_namespace *cgroup_namespace_from(struct namespace *n)
{
	return cgroup_namespace_from_namespace(n);
}

struct cgroup_namespace *cgroup_namespace_create(struct cgroup *root, struct user_namespace *owner)
{
	struct cgroup_namespace *n object_auto(cgroup_namespace) = cgroup_namespace_alloc();

	if (!n)
		return NULL;
	namespace_init(&n->base, NAMESPACE_CGROUP, owner);
	n->root = cgroup_get(root);
	return take(n);
}

// The ancestor of g (or g) at `level`.
static struct cgroup *cgroup_ancestor(struct cgroup *g, u32 level)
{
	while (g->level > level)
		g = g->parent;
	return g;
}

void cgroup_path(struct cgroup *g, const struct cgroup_namespace *ns borrowed, struct text *out borrowed)
{
	struct cgroup *root = ns->root, *common = cgroup_ancestor(g, min(root->level, g->level));
	u32 level;

	while (!cgroup_is_within(root, common))
		common = common->parent;
	for (level = common->level; level < root->level; level++)
		text_put(out, STR("/.."));
	for (level = common->level + 1; level <= g->level; level++) {
		text_char(out, '/');
		text_put(out, buf_bytes(cgroup_ancestor(g, level)->name));
	}
	if (g == root)
		text_char(out, '/');
}

void cgroup_show(struct cgroup *g, const struct cgroup_namespace *ns borrowed, struct text *out borrowed)
{
	text_put(out, STR("0::"));
	cgroup_path(g, ns, out);
	if (atomic_u32_load(&g->is_removed))
		text_put(out, STR(" (deleted)"));
	text_char(out, '\n');
}

// unshare, clone: rooted at the caller's group.
static err_t cgroup_namespace_copy(
	struct namespace *from, struct user_namespace *owner, struct fs_context *fs, struct namespace **out borrowed)
{
	struct cgroup *root object_auto(cgroup) = cgroup_current();
	struct cgroup_namespace *n object_auto(cgroup_namespace) = cgroup_namespace_create(root, owner);

	if (!n)
		return -ENOMEM;
	*out = namespace_get(&n->base);
	return OK;
}

static const struct namespace_kind_ops cgroup_kind_ops = { .copy = cgroup_namespace_copy };

void cgroup_namespace_init(void)
{
	struct cgroup_namespace *n object_auto(cgroup_namespace) =
		cgroup_namespace_create(cgroup_root(), user_namespace_initial());

	if (!n)
		panic("no memory for the first cgroup namespace");
	cgroup_namespace_cell_set(&initial_cell, take(n));
	namespace_kind_register(NAMESPACE_CGROUP, &cgroup_kind_ops);
}
