// SPDX-License-Identifier: MPL-2.0
// Propagation of mounts (mount_namespaces(7)). Theory: the members of a peer group form a ring and see each
// other's changes; a slave sees its master's group's changes and tells nothing back; it may at the same
// time be a peer in a group of its own. What happens on a mount is repeated on all its receivers:
// the other peers, their slaves, the peers and slaves of those, and so on.
//
// A copy made for a peer of X is a peer of the copy made for X; a copy made for a slave is a slave of
// the copy its master got, and shared anew if the slave is itself shared.
#include <services/vfs/dentry.h>
#include <services/vfs/mount/mount_internal.h>

static struct atomic_u32 next_group = ATOMIC_INIT(1);

// --- rings and slaves -------------------------------------------------------------------------------

static void ring_insert(struct mount *m, struct mount *after) REQUIRES(mount_tree_lock);
static void ring_insert(struct mount *m, struct mount *after)
{
	if (!after->next_peer) {
		after->next_peer = after;
		after->previous_peer = after;
	}
	m->next_peer = after->next_peer;
	m->previous_peer = after;
	after->next_peer->previous_peer = m;
	after->next_peer = m;
}

// Another member of the ring, or NULL when m was alone.
static struct mount *ring_remove(struct mount *m) REQUIRES(mount_tree_lock);
static struct mount *ring_remove(struct mount *m)
{
	struct mount *other = m->next_peer;
	if (!other || other == m)
		other = NULL;
	if (other) {
		m->previous_peer->next_peer = m->next_peer;
		m->next_peer->previous_peer = m->previous_peer;
	}
	m->next_peer = NULL;
	m->previous_peer = NULL;
	return other;
}

static void master_leave(struct mount *m) REQUIRES(mount_tree_lock);
static void master_leave(struct mount *m)
{
	if (m->master)
		mount_slave_list_remove(&m->master->slaves, m);
	m->master = NULL;
}

void mount_join_master(struct mount *m, struct mount *master)
{
	master_leave(m);
	m->master = master;
	mount_slave_list_append(&master->slaves, m);
}

void mount_join_peers(struct mount *m, struct mount *peer)
{
	m->group = peer->group;
	ring_insert(m, peer);
}

void mount_make_shared(struct mount *m)
{
	if (m->group)
		return;
	m->group = atomic_u32_add(&next_group, 1);
	m->unbindable = 0;
}

// m leaves its group. Its slaves go on with another peer, else with m's own master, else alone.
static struct mount *group_leave(struct mount *m) REQUIRES(mount_tree_lock);
static struct mount *group_leave(struct mount *m)
{
	struct mount *heir = ring_remove(m);
	if (!heir)
		heir = m->master;
	m->group = 0;
	for (struct mount *s = mount_slave_list_pop(&m->slaves); s; s = mount_slave_list_pop(&m->slaves)) {
		s->master = heir;
		if (heir)
			mount_slave_list_append(&heir->slaves, s);
	}
	return heir;
}

void mount_make_private(struct mount *m)
{
	group_leave(m);
	master_leave(m);
}

// A shared mount without other peers has nobody to be slave of: it becomes private.
void mount_make_slave(struct mount *m)
{
	if (!m->group)
		return;
	struct mount *heir = group_leave(m);
	if (heir && heir != m->master)
		mount_join_master(m, heir);
}

void mount_change_propagation(struct mount *m, enum mount_propagation kind)
{
	// A slave stays unbindable if it was.
	if (kind != MOUNT_SLAVE)
		m->unbindable = kind == MOUNT_UNBINDABLE;
	if (kind == MOUNT_SHARED)
		mount_make_shared(m);
	else if (kind == MOUNT_SLAVE)
		mount_make_slave(m);
	else
		mount_make_private(m);
}

struct mount *mount_receiver_next(struct mount *m, struct mount *origin)
{
	if (!mount_slave_list_is_empty(&m->slaves))
		return mount_slave_list_first(&m->slaves);
	for (;;) {
		if (m->master == origin->master) {
			struct mount *next = m->next_peer ? m->next_peer : m;
			return next == origin ? NULL : next;
		}
		struct mount *sibling = mount_slave_list_next(m);
		if (sibling)
			return sibling;
		m = m->master;
	}
}

// --- clones -----------------------------------------------------------------------------------------

err_t mount_clone(struct mount *m, struct dentry *root, enum mount_clone_kind kind, struct mount **out borrowed)
{
	struct mount *copy object_auto(mount) = NULL;
	const u32 kept = atomic_u32_load(&m->flags) & ~(u32)(MOUNT_DETACHED | MOUNT_INTERNAL);
	const bytes_t source = m->source ? buf_bytes(m->source) : bytes_empty();
	const err_t e = mount_create(m->superblock, root, source, kept, &copy);
	if (e)
		return e;
	if (kind == MOUNT_CLONE_SLAVE && m->group)
		mount_join_master(copy, m);
	if (kind == MOUNT_CLONE_LIKE) {
		if (m->group)
			mount_join_peers(copy, m);
		if (m->master)
			mount_join_master(copy, m->master);
	}
	copy->locked_flags = m->locked_flags;
	if (m->idmap)
		copy->idmap = user_namespace_get(m->idmap);
	*out = take(copy);
	return OK;
}

// The copy's mount that corresponds to `parent`: both trees are walked in step, so it is `at` or above.
static struct mount *copy_parent(struct mount *at, struct mount *source_at,
	struct mount *parent) REQUIRES(mount_tree_lock);
static struct mount *copy_parent(struct mount *at, struct mount *source_at, struct mount *parent)
{
	while (source_at != parent) {
		source_at = source_at->parent;
		at = at->parent;
	}
	return at;
}

// Skips the subtree of m.
static struct mount *tree_skip(struct mount *m, struct mount *top) REQUIRES(mount_tree_lock);
static struct mount *tree_skip(struct mount *m, struct mount *top)
{
	while (m != top) {
		struct mount *next = mount_list_next(m);
		if (next)
			return next;
		m = m->parent;
	}
	return NULL;
}

u64 mount_namespace_number_of(struct dentry *d)
{
	const struct superblock_ops *ops = d->superblock->ops;
	return d->inode && ops->mount_namespace_number ? ops->mount_namespace_number(d->inode) : 0;
}

static bool clone_wants(struct mount *m, struct mount *top, struct dentry *root, u32 options) REQUIRES(mount_tree_lock);
static bool clone_wants(struct mount *m, struct mount *top, struct dentry *root, u32 options)
{
	if (m->unbindable && !(options & MOUNT_CLONE_UNBINDABLE))
		return false;
	if (!(options & MOUNT_CLONE_NAMESPACES) && mount_namespace_number_of(m->root))
		return false;
	return m->parent != top || dentry_is_below(m->mountpoint, root);
}

err_t mount_tree_clone(struct mount *top, struct dentry *root, enum mount_clone_kind kind, u32 options,
	struct mount **out borrowed)
{
	struct mount *copy object_auto(mount) = NULL;
	if (!(options & MOUNT_CLONE_NAMESPACES) && mount_namespace_number_of(root))
		return -EINVAL;
	err_t e = mount_clone(top, root, kind, &copy);
	if (e)
		return e;
	struct mount *at = copy, *source_at = top;
	struct mount *m = mount_tree_next(top, top);
	while (m) {
		if (!clone_wants(m, top, root, options)) {
			m = tree_skip(m, top);
			continue;
		}
		struct mount *child object_auto(mount) = NULL;
		e = mount_clone(m, m->root, kind, &child);
		if (e) {
			struct mount_order_list doomed = {};
			mount_tree_discard(copy, &doomed);
			mount_list_put_all(&doomed);
			return e;
		}
		if (options & MOUNT_CLONE_LOCK)
			atomic_u32_or(&child->flags, MOUNT_LOCKED);
		at = copy_parent(at, source_at, m->parent);
		mount_attach(child, at, m->mountpoint);
		at = take(child);	// the tree's reference
		source_at = m;
		m = mount_tree_next(m, top);
	}
	*out = take(copy);
	return OK;
}

// Takes m out of every structure. The tree's reference goes to `doomed`.
static void mount_remove(struct mount *m, struct mount_order_list *doomed borrowed) REQUIRES(mount_tree_lock);
static void mount_remove(struct mount *m, struct mount_order_list *doomed borrowed)
{
	struct path was = path_none();
	mount_make_private(m);
	mount_detach(m, &was);
	if (m->namespace) {
		mount_order_list_remove(&m->namespace->mounts, m);
		mount_namespace_note_change(m->namespace);
		m->namespace = NULL;
	}
	atomic_u32_or(&m->flags, MOUNT_DETACHED);
	mount_order_list_append(doomed, m);
	path_put(&was);
}

void mount_tree_discard(struct mount *top, struct mount_order_list *doomed borrowed)
{
	for (;;) {
		struct mount *leaf = top;
		for (struct mount *child = mount_list_first(&leaf->children); child; child =
			mount_list_first(&leaf->children))
			leaf = child;
		if (leaf == top)
			break;
		mount_remove(leaf, doomed);
	}
	mount_make_private(top);
}

// --- attaching --------------------------------------------------------------------------------------

// What a receiver got, while one attachment is under way.
struct mount_copy {
	struct object object;
	struct list_link link;
	struct mount *receiver;		// borrowed
	struct mount *copy;		// reference until it is attached
};
DEFINE_LIST(mount_copy_list, mount_copy, link)
DECLARE_OBJECT(mount_copy)
static exclusive_access void mount_copy_release(struct mount_copy *c)
{
	if (c->copy)
		mount_put(take(c->copy));
}
DEFINE_OBJECT(mount_copy, mount_copy_release)

// The copy that the new one is a peer or slave of.
static struct mount *copy_source(struct mount *receiver, struct mount *parent, struct mount *tree,
	const struct mount_copy_list *made borrowed, bool *is_peer borrowed) REQUIRES(mount_tree_lock);
static struct mount *copy_source(struct mount *receiver, struct mount *parent, struct mount *tree,
	const struct mount_copy_list *made borrowed, bool *is_peer borrowed)
{
	*is_peer = true;
	if (receiver->group && receiver->group == parent->group)
		return tree;
	list_for_each(mount_copy_list, c, made) {
		if (receiver->group && c->receiver->group == receiver->group)
			return c->copy;
	}
	*is_peer = false;
	const u32 master = receiver->master ? receiver->master->group : 0;
	list_for_each(mount_copy_list, c, made) {
		if (master && c->receiver->group == master)
			return c->copy;
	}
	return tree;
}

static err_t copy_make(struct mount *receiver, struct mount *parent, struct mount *tree,
	struct mount_copy_list *made borrowed) REQUIRES(mount_tree_lock);
static err_t copy_make(struct mount *receiver, struct mount *parent, struct mount *tree,
	struct mount_copy_list *made borrowed)
{
	bool is_peer = false;
	struct mount *source = copy_source(receiver, parent, tree, made, &is_peer);
	struct mount_copy *c object_auto(mount_copy) = mount_copy_alloc();
	if (!c)
		return -ENOMEM;
	const err_t e = mount_tree_clone(source, source->root, is_peer ? MOUNT_CLONE_LIKE : MOUNT_CLONE_SLAVE,
		MOUNT_CLONE_UNBINDABLE, &c->copy);
	if (e)
		return e;
	for (struct mount *m = c->copy; m && !is_peer && receiver->group; m = mount_tree_next(m, c->copy))
		mount_make_shared(m);
	if (receiver->namespace->base.owner != parent->namespace->base.owner) {
		for (struct mount *m = mount_tree_next(c->copy, c->copy); m; m = mount_tree_next(m, c->copy))
			atomic_u32_or(&m->flags, MOUNT_LOCKED);
		mount_lock_flags(c->copy);
	}
	c->receiver = receiver;
	mount_copy_list_append(made, take(c));
	return OK;
}

static void copies_discard(struct mount_copy_list *made borrowed,
	struct mount_order_list *doomed borrowed) REQUIRES(mount_tree_lock);
static void copies_discard(struct mount_copy_list *made borrowed, struct mount_order_list *doomed borrowed)
{
	for (struct mount_copy *c = mount_copy_list_pop(made); c; c = mount_copy_list_pop(made)) {
		mount_tree_discard(c->copy, doomed);
		mount_copy_put(take(c));
	}
}

static err_t copies_make(struct mount *tree, struct mount *parent, struct dentry *at,
	struct mount_copy_list *made borrowed) REQUIRES(mount_tree_lock);
static err_t copies_make(struct mount *tree, struct mount *parent, struct dentry *at,
	struct mount_copy_list *made borrowed)
{
	if (!parent->group)
		return OK;
	for (struct mount *m = tree; m; m = mount_tree_next(m, tree))
		mount_make_shared(m);
	for (struct mount *r = mount_receiver_next(parent, parent); r; r = mount_receiver_next(r, parent)) {
		if (!r->namespace || r->superblock != parent->superblock || !dentry_is_below(at, r->root))
			continue;
		const err_t e = copy_make(r, parent, tree, made);
		if (e)
			return e;
	}
	return OK;
}

// A mount that is already at the place is moved on top of the new one.
static void attach_below(struct mount *tree, struct mount *parent, struct dentry *at) REQUIRES(mount_tree_lock);
static void attach_below(struct mount *tree, struct mount *parent, struct dentry *at)
{
	struct mount *there object_auto(mount) = mount_child_at(parent, at);
	if (there) {
		struct path was path_auto = path_none();
		mount_detach(there, &was);
		mount_attach(there, tree, tree->root);
	}
	mount_attach(tree, parent, at);
}

// Every namespace that receives something has room for all of it, or none receives anything.
static err_t room_find(struct mount *tree, struct mount *parent,
	const struct mount_copy_list *made borrowed) REQUIRES(mount_tree_lock);
static err_t room_find(struct mount *tree, struct mount *parent, const struct mount_copy_list *made borrowed)
{
	err_t e = tree->namespace ? OK : mount_tree_expect(tree, parent->namespace);
	list_for_each(mount_copy_list, c, made) {
		if (!e)
			e = mount_tree_expect(c->copy, c->receiver->namespace);
	}
	parent->namespace->expected = 0;
	list_for_each(mount_copy_list, c, made)
		c->receiver->namespace->expected = 0;
	return e;
}

err_t mount_attach_propagated(struct mount *tree, struct mount *parent, struct dentry *at,
	struct mount_order_list *doomed borrowed)
{
	struct mount_copy_list made = {};
	err_t e = copies_make(tree, parent, at, &made);
	if (!e)
		e = room_find(tree, parent, &made);
	if (e) {
		copies_discard(&made, doomed);
		return e;
	}
	mount_attach(tree, parent, at);
	if (!tree->namespace)
		mount_tree_add(tree, parent->namespace);
	for (struct mount_copy *c = mount_copy_list_pop(&made); c; c = mount_copy_list_pop(&made)) {
		// It enters before something of the namespace's is moved on top of it.
		mount_tree_add(c->copy, c->receiver->namespace);
		attach_below(c->copy, c->receiver, at);
		(void)take(c->copy);	// the namespace's reference now
		mount_copy_put(take(c));
	}
	mount_namespace_note_change(parent->namespace);
	return OK;
}

// --- removing ---------------------------------------------------------------------------------------

err_t mount_check_copies_idle(struct mount *m)
{
	if (!m->parent)
		return OK;
	for (struct mount *r = mount_receiver_next(m->parent, m->parent); r; r = mount_receiver_next(r, m->parent)) {
		struct mount *copy object_auto(mount) = mount_child_at(r, m->mountpoint);
		if (copy && mount_list_is_empty(&copy->children) && object_references(&copy->object) > 2)
			return -EBUSY;
	}
	return OK;
}

// The copies of m at the receivers of its parent go with it, if nothing is mounted on them.
static void remove_copies(struct mount *m, struct mount_order_list *doomed borrowed) REQUIRES(mount_tree_lock);
static void remove_copies(struct mount *m, struct mount_order_list *doomed borrowed)
{
	struct mount *parent = m->parent;
	if (!parent || !parent->group)
		return;
	for (struct mount *r = mount_receiver_next(parent, parent); r; r = mount_receiver_next(r, parent)) {
		struct mount *copy object_auto(mount) = mount_child_at(r, m->mountpoint);
		if (copy && mount_list_is_empty(&copy->children))
			mount_remove(copy, doomed);
	}
}

void mount_tree_remove(struct mount *top, enum mount_remove_kind kind, struct mount_order_list *doomed borrowed)
{
	for (;;) {
		struct mount *leaf = top;
		for (struct mount *child = mount_list_first(&leaf->children); child; child =
			mount_list_first(&leaf->children))
			leaf = child;
		if (kind == MOUNT_REMOVE_PROPAGATED)
			remove_copies(leaf, doomed);
		mount_remove(leaf, doomed);
		if (leaf == top)
			return;
	}
}
