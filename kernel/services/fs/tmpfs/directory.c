// SPDX-License-Identifier: MPL-2.0
// Folders of tmpfs: each entry stands in two trees, by hash of its name and by its position, which is
// never used again, so that readdir goes on correctly while entries come and go.
#include <services/fs/tmpfs/tmpfs_internal.h>

static exclusive_access void tmpfs_entry_release(struct tmpfs_entry *e)
{
	if (e->inode)
		inode_put(take(e->inode));
	buf_free(take(e->long_name));
}
DEFINE_OBJECT(tmpfs_entry, tmpfs_entry_release)

struct tmpfs_entry *tmpfs_entry_create(bytes_t name, struct inode *inode)
{
	struct tmpfs_entry *e object_auto(tmpfs_entry) = tmpfs_entry_alloc();
	if (!e)
		return NULL;
	e->name_length = (u32)bytes_len(name);
	if (bytes_len(name) <= TMPFS_NAME_INLINE) {
		span_copy(array_span(e->short_name), name);
	} else {
		e->long_name = buf_from(name);
		if (!e->long_name)
			return NULL;
	}
	if (inode)
		e->inode = inode_get(inode);
	return take(e);
}

static bool entry_is_named(const struct tmpfs_entry *e, bytes_t name)
{
	if (e->name_length != bytes_len(name))
		return false;
	if (e->long_name)
		return bytes_equal(buf_bytes(e->long_name), name);
	return bytes_equal(bytes_first(array_bytes(e->short_name), e->name_length), name);
}

struct tmpfs_entry *tmpfs_entry_find(struct tmpfs_inode *dir, bytes_t name)
{
	const u64 hash = bytes_hash(name, dir->base.number);
	struct tmpfs_entry *e = tmpfs_name_tree_at_least(&dir->names, hash);
	for (; e && tmpfs_name_tree_key(e) == hash; e = tmpfs_name_tree_next(e)) {
		if (entry_is_named(e, name))
			return e;
	}
	return NULL;
}

static void note_parent(struct inode *child, const struct tmpfs_inode *dir borrowed)
{
	if (child->type == S_IFDIR)
		atomic_u64_store(&tmpfs_inode_of(child)->parent_number, dir->base.number);
}

static void directory_set_size(struct tmpfs_inode *dir)
{
	atomic_u64_store_relaxed(&dir->base.size, tmpfs_name_tree_count(&dir->names) * TMPFS_ENTRY_SIZE);
	inode_touch(&dir->base, TOUCH_MODIFY | TOUCH_CHANGE);
}

void tmpfs_entry_insert(struct tmpfs_inode *dir, struct tmpfs_entry *e consumes, bytes_t name)
{
	note_parent(e->inode, dir);
	tmpfs_name_tree_insert(&dir->names, e, bytes_hash(name, dir->base.number));
	tmpfs_place_tree_insert(&dir->places, e, dir->next_place++);
	directory_set_size(dir);
}

void tmpfs_entry_remove(struct tmpfs_inode *dir, struct tmpfs_entry *e)
{
	tmpfs_name_tree_remove(&dir->names, e);
	tmpfs_place_tree_remove(&dir->places, e);
	directory_set_size(dir);
	tmpfs_entry_put(take(e));
}

void tmpfs_tear_down(struct inode *root)
{
	struct tmpfs_teardown_list folders = {};
	struct inode *held object_auto(inode) = inode_get(root);
	tmpfs_teardown_list_append(&folders, tmpfs_inode_of(take(held)));
	for (struct tmpfs_inode *dir = tmpfs_teardown_list_pop(&folders); dir; dir =
		tmpfs_teardown_list_pop(&folders)) {
		for (struct tmpfs_entry *e = tmpfs_place_tree_first(&dir->places); e; e =
			tmpfs_place_tree_first(&dir->places)) {
			struct inode *child object_auto(inode) = inode_get(e->inode);
			tmpfs_entry_remove(dir, e);
			if (child->type == S_IFDIR)
				tmpfs_teardown_list_append(&folders, tmpfs_inode_of(take(child)));
		}
		struct inode *base = &dir->base;
		inode_put(take(base));
	}
}

// --- operations -------------------------------------------------------------------------------------

static err_t directory_lookup(struct inode *dir, bytes_t name, struct inode **out borrowed)
{
	struct tmpfs_entry *e = tmpfs_entry_find(tmpfs_inode_of(dir), name);
	if (!e)
		return -ENOENT;
	struct inode *found object_auto(inode) = inode_get(e->inode);
	*out = take(found);
	return OK;
}

// Enters a new inode under `name`.
static err_t directory_add(struct inode *dir, bytes_t name, struct inode *child)
{
	struct tmpfs_entry *e object_auto(tmpfs_entry) = tmpfs_entry_create(name, child);
	if (!e)
		return -ENOMEM;
	tmpfs_entry_insert(tmpfs_inode_of(dir), take(e), name);
	return OK;
}

static err_t directory_make(struct inode *dir, bytes_t name, u32 mode, u64 device, const struct cred *cred borrowed,
	struct inode **out borrowed)
{
	struct inode *child object_auto(inode) = NULL;
	err_t e = tmpfs_inode_create(tmpfs_superblock_of(dir->superblock), mode, device, &child);
	if (e)
		return e;
	inode_init_owner(child, dir, cred, mode);
	e = directory_add(dir, name, child);
	if (e)
		return e;
	*out = take(child);
	return OK;
}

static err_t directory_make_directory(struct inode *dir, bytes_t name, u32 mode, const struct cred *cred borrowed,
	struct inode **out borrowed)
{
	const err_t e = directory_make(dir, name, S_IFDIR | (mode & 07777), 0, cred, out);
	if (e)
		return e;
	inode_add_links(*out, 1);
	inode_add_links(dir, 1);
	return OK;
}

static err_t directory_symlink(struct inode *dir, bytes_t name, bytes_t target, const struct cred *cred borrowed,
	struct inode **out borrowed)
{
	struct inode *child object_auto(inode) = NULL;
	err_t e = tmpfs_inode_create(tmpfs_superblock_of(dir->superblock), S_IFLNK | 0777, 0, &child);
	if (e)
		return e;
	inode_init_owner(child, dir, cred, 0777);
	tmpfs_inode_of(child)->target = buf_from(target);
	if (!tmpfs_inode_of(child)->target)
		return -ENOMEM;
	atomic_u64_store(&child->size, bytes_len(target));
	e = directory_add(dir, name, child);
	if (e)
		return e;
	*out = take(child);
	return OK;
}

static err_t directory_link(struct inode *dir, bytes_t name, struct inode *target)
{
	const err_t e = directory_add(dir, name, target);
	if (e)
		return e;
	atomic_u32_and(&target->state, ~(u32)INODE_LINKABLE);
	inode_add_links(target, 1);
	return OK;
}

static err_t directory_unlink(struct inode *dir, bytes_t name, struct inode *child)
{
	struct tmpfs_entry *e = tmpfs_entry_find(tmpfs_inode_of(dir), name);
	if (!e)
		return -ENOENT;
	inode_add_links(child, -1);
	tmpfs_entry_remove(tmpfs_inode_of(dir), e);
	return OK;
}

static err_t directory_remove_directory(struct inode *dir, bytes_t name, struct inode *child)
{
	struct tmpfs_entry *e = tmpfs_entry_find(tmpfs_inode_of(dir), name);
	if (!e)
		return -ENOENT;
	if (!tmpfs_name_tree_is_empty(&tmpfs_inode_of(child)->names))
		return -ENOTEMPTY;
	inode_add_links(child, -2);
	inode_add_links(dir, -1);
	tmpfs_entry_remove(tmpfs_inode_of(dir), e);
	return OK;
}

static err_t directory_create_unnamed(struct inode *dir, u32 mode, const struct cred *cred borrowed,
	struct inode **out borrowed)
{
	struct inode *child object_auto(inode) = NULL;
	const err_t e = tmpfs_inode_create(tmpfs_superblock_of(dir->superblock), mode, 0, &child);
	if (e)
		return e;
	inode_init_owner(child, dir, cred, mode);
	inode_add_links(child, -1);
	*out = take(child);
	return OK;
}

static err_t directory_read(struct inode *dir, u64 *position borrowed, struct directory_sink *sink borrowed)
{
	struct tmpfs_inode *d = tmpfs_inode_of(dir);
	struct tmpfs_entry *e = tmpfs_place_tree_at_least(&d->places, *position);
	for (; e; e = tmpfs_place_tree_next(e)) {
		const u64 next = tmpfs_place_tree_key(e) + 1;
		const bytes_t name = e->long_name ? buf_bytes(e->long_name) : bytes_first(array_bytes(e->short_name),
			e->name_length);
		if (!sink->add(sink, name, e->inode->number, e->inode->type, next))
			break;
		*position = next;
	}
	return OK;
}

// --- rename -----------------------------------------------------------------------------------------

static void rename_exchange(struct inode *from_dir, struct tmpfs_entry *from, struct inode *to_dir,
	struct tmpfs_entry *to)
{
	struct inode *child = from->inode;
	from->inode = to->inode;
	to->inode = child;
	note_parent(from->inode, tmpfs_inode_of(from_dir));
	note_parent(to->inode, tmpfs_inode_of(to_dir));
	if (from_dir != to_dir && from->inode->type != to->inode->type) {
		const s32 delta = to->inode->type == S_IFDIR ? 1 : from->inode->type == S_IFDIR ? -1 : 0;
		inode_add_links(to_dir, delta);
		inode_add_links(from_dir, -delta);
	}
	inode_touch(from_dir, TOUCH_MODIFY | TOUCH_CHANGE);
	inode_touch(to_dir, TOUCH_MODIFY | TOUCH_CHANGE);
}

static err_t rename_remove_old(struct inode *dir, struct inode *replaced, bytes_t name)
{
	if (replaced->type == S_IFDIR)
		return directory_remove_directory(dir, name, replaced);
	return directory_unlink(dir, name, replaced);
}

static err_t directory_rename(struct inode *from_dir, bytes_t from_name, struct inode *child, struct inode *to_dir,
			      bytes_t to_name, struct inode *replaced, u32 flags)
{
	enum { EXCHANGE = 2, WHITEOUT = 4 };
	struct tmpfs_entry *from = tmpfs_entry_find(tmpfs_inode_of(from_dir), from_name);
	if (!from)
		return -ENOENT;
	if (flags & EXCHANGE) {
		struct tmpfs_entry *to = tmpfs_entry_find(tmpfs_inode_of(to_dir), to_name);
		if (!to)
			return -ENOENT;
		rename_exchange(from_dir, from, to_dir, to);
		inode_touch(child, TOUCH_CHANGE);
		inode_touch(replaced, TOUCH_CHANGE);
		return OK;
	}
	struct tmpfs_entry *fresh object_auto(tmpfs_entry) = tmpfs_entry_create(to_name, child);
	struct inode *whiteout object_auto(inode) = NULL;
	if (!fresh)
		return -ENOMEM;
	if (flags & WHITEOUT) {
		const err_t e = tmpfs_inode_create(tmpfs_superblock_of(from_dir->superblock), S_IFCHR, 0, &whiteout);
		if (e)
			return e;
		inode_init_owner(whiteout, from_dir, cred_current(), 0);
	}
	if (replaced) {
		const err_t e = rename_remove_old(to_dir, replaced, to_name);
		if (e)
			return e;
	}
	tmpfs_entry_insert(tmpfs_inode_of(to_dir), take(fresh), to_name);
	if (whiteout) {
		struct inode *old = from->inode;
		from->inode = take(whiteout);
		inode_put(take(old));
	} else {
		tmpfs_entry_remove(tmpfs_inode_of(from_dir), from);
	}
	if (child->type == S_IFDIR && from_dir != to_dir) {
		inode_add_links(from_dir, -1);
		inode_add_links(to_dir, 1);
	}
	inode_touch(child, TOUCH_CHANGE);
	return OK;
}

const struct inode_ops tmpfs_directory_ops = {
	.set_flags = tmpfs_set_flags,
	.lookup = directory_lookup,
	.create = directory_make,
	.make_directory = directory_make_directory,
	.symlink = directory_symlink,
	.link = directory_link,
	.unlink = directory_unlink,
	.remove_directory = directory_remove_directory,
	.rename = directory_rename,
	.read_directory = directory_read,
	.create_unnamed = directory_create_unnamed,
	.set_attributes = tmpfs_set_attributes,
	.get_xattr = tmpfs_get_xattr,
	.set_xattr = tmpfs_set_xattr,
	.list_xattr = tmpfs_list_xattr,
	.remove_xattr = tmpfs_remove_xattr,
};
