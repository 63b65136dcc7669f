// SPDX-License-Identifier: MPL-2.0
// What a domain leaves at a place. Theory: each layer adds up the rights that its rules leave at the place and at each
// folder above, up to the root of the machine; a right that a layer does not handle is left everywhere, but for that to
// give a file a second folder (REFER), which every layer handles. Done may be what all layers leave.
// A file that gets another folder must not thereby become more than it was: what its new place would leave is
// compared, layer by layer, with what the old one left.
#include <services/process/thread.h>
#include <services/security/landlock/landlock_internal.h>
#include <services/vfs/dentry.h>
#include <services/vfs/mount.h>

#define RIGHTS_OF_FILES (PATH_EXECUTE | PATH_WRITE_FILE | PATH_READ_FILE)

struct stack_only rights_left {
	u32 count;
	u32 layer[LANDLOCK_LAYERS_MAX];
};

static struct rights_left rights_unhandled(const struct landlock_domain *d borrowed)
{
	struct rights_left left = { .count = d->count };
	for (u32 n = 0; n < d->count; n++)
		left.layer[n] = PATH_RIGHTS_ALL & ~(d->layers[n]->handled | PATH_REFER);
	return left;
}

static void rights_add_of(const struct landlock_domain *d borrowed, struct inode *i,
	struct rights_left *left borrowed)
{
	for (u32 n = 0; i && n < d->count; n++) {
		const struct landlock_rule *r = landlock_rule_find(&d->layers[n]->rules, i);
		if (r)
			left->layer[n] |= r->rights;
	}
}

static bool rights_cover(const struct rights_left *left borrowed, u32 wanted)
{
	for (u32 n = 0; n < left->count; n++) {
		if (wanted & ~left->layer[n])
			return false;
	}
	return true;
}

// Adds what the rules leave at p and above. `enough`: no need to go on when all layers leave this.
static no_inline void rights_add_above(const struct landlock_domain *d borrowed, const struct path *p borrowed,
	u32 enough, struct rights_left *left borrowed)
{
	struct path at path_auto = path_copy(p);
	do {
		rights_add_of(d, path_inode(&at), left);
	} while (!rights_cover(left, enough) && path_ascend(&at));
}

err_t landlock_may(const struct cred *cred borrowed, const struct path *p borrowed, u32 rights)
{
	const struct landlock_domain *d = landlock_domain_of(cred->domain);
	struct rights_left left = rights_unhandled(d);
	// Pipes, sockets and their kind are of no tree.
	if (mount_has(p->mount, MOUNT_INTERNAL) || rights_cover(&left, rights))
		return OK;
	rights_add_above(d, p, rights, &left);
	return rights_cover(&left, rights) ? OK : (err_t)-EACCES;
}

bool landlock_domain_covers(struct object *outer, struct object *inner)
{
	const struct landlock_domain *o = landlock_domain_of(outer), *i = landlock_domain_of(inner);
	if (o->count > i->count)
		return false;
	return o->layers[o->count - 1] == i->layers[o->count - 1];
}

static u32 right_to_remove(const struct dentry *d borrowed)
{
	if (!d || !d->inode)
		return 0;
	return d->inode->type == S_IFDIR ? PATH_REMOVE_FOLDER : PATH_REMOVE_FILE;
}

// Would `child`, which comes from where `from` is left to where `to` is, gain a right in some layer?
static bool child_gains(const struct landlock_domain *d borrowed, const struct dentry *child borrowed,
	const struct rights_left *from borrowed, const struct rights_left *to borrowed)
{
	const u32 counted = child->inode->type == S_IFDIR ? (u32)PATH_RIGHTS_ALL : RIGHTS_OF_FILES;
	struct rights_left own = *from;
	rights_add_of(d, child->inode, &own);
	for (u32 n = 0; n < d->count; n++) {
		if (to->layer[n] & ~own.layer[n] & counted)
			return true;
	}
	return false;
}

err_t landlock_may_move(const struct cred *cred borrowed, const struct path_move *m borrowed)
{
	const struct landlock_domain *d = landlock_domain_of(cred->domain);
	const u32 made = path_right_to_make(m->child->inode->type);
	const bool replaces = m->replaced && m->replaced->inode;
	u32 there = made, here = 0;
	if (mount_has(m->to.mount, MOUNT_INTERNAL))
		return OK;
	if (m->exchanges && replaces)
		here |= path_right_to_make(m->replaced->inode->type);
	if (m->leaves) {
		here |= right_to_remove(m->child);
		there |= right_to_remove(m->replaced);
	}
	if (m->from.dentry == m->to.dentry)
		return landlock_may(cred, &m->to, here | there);
	struct rights_left from = rights_unhandled(d), to = from;
	rights_add_above(d, &m->from, PATH_RIGHTS_ALL, &from);
	rights_add_above(d, &m->to, PATH_RIGHTS_ALL, &to);
	if (!rights_cover(&from, here) || !rights_cover(&to, there))
		return -EACCES;
	if (!rights_cover(&from, PATH_REFER) || !rights_cover(&to, PATH_REFER) || child_gains(d, m->child, &from, &to))
		return -EXDEV;
	return m->exchanges && replaces && child_gains(d, m->replaced, &to, &from) ? (err_t)-EXDEV : OK;
}
