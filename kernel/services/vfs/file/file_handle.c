// SPDX-License-Identifier: MPL-2.0
// File handles, by the file system's own search. A folder that is found has to get its place in the tree of names: the
// way up is followed by the file system, the names on it are found by their numbers, and then the way is gone down
// again by name, so that what comes of it stands in the dentry cache as if somebody had looked it up.
#include <core/buf.h>
#include <services/vfs/dentry.h>
#include <services/vfs/file_handle.h>
#include <services/vfs/mount.h>

#define HANDLE_TYPE_NUMBER 1u	// the number (8 bytes) and the generation (4)
#define HANDLE_NUMBER_BYTES 12u
#define CONNECT_PATH_MAX 4096u

err_t file_handle_of(const struct path *p borrowed, struct file_handle *out borrowed)
{
	struct inode *i = p->dentry->inode;
	const struct superblock_ops *ops = i->superblock->ops;
	if (ops->make_handle)
		return ops->make_handle(i, out);
	if (!ops->find_inode)
		return -EOPNOTSUPP;
	out->type = HANDLE_TYPE_NUMBER;
	out->length = HANDLE_NUMBER_BYTES;
	span_put_u64le(array_span(out->bytes), 0, i->number);
	span_put_u32le(array_span(out->bytes), 8, i->generation);
	return OK;
}

// --- the way to a folder ------------------------------------------------------------------------------

#define WANTED_BYTES 8u
// The sink's memory begins with the number that is looked for; its name follows.
static bool name_offer(struct directory_sink *sink borrowed, bytes_t name, u64 number, u32 type, u64 next_position)
{
	if (number != bytes_get_u64le(bytes_of(sink->out), 0) || type != S_IFDIR || bytes_equal(name, STR(".")) ||
		bytes_equal(name, STR("..")))
		return true;
	span_copy(span_from(sink->out, WANTED_BYTES), name);
	sink->used = bytes_len(name);
	return false;
}

// The name of folder `child` in `dir`, to the front of `out` behind WANTED_BYTES; its length.
static err_t name_find(struct inode *dir, const struct inode *child, span_t out, usize *length borrowed)
{
	struct directory_sink sink = { .add = name_offer, .out = out };
	u64 position = atomic_u32_load_relaxed(&dir->superblock->flags) & SUPERBLOCK_VFS_DOTS ? 2 : 0;
	if (!dir->ops->read_directory)
		return -ESTALE;
	span_put_u64le(out, 0, child->number);
	read_guard(&dir->directory_lock);
	const err_t e = dir->ops->read_directory(dir, &position, &sink);
	*length = sink.used;
	if (e || sink.error)
		return e ? e : sink.error;
	return sink.used ? OK : -ESTALE;
}

// The path of `dir` from the root, to the END of `out`; *begin.
static err_t path_of(struct inode *dir, span_t out, usize *begin borrowed)
{
	struct superblock *sb = dir->superblock;
	struct inode *at object_auto(inode) = inode_get(dir);
	*begin = span_len(out);
	while (at != sb->root) {
		u8 name[WANTED_BYTES + DENTRY_NAME_MAX];
		struct inode *parent object_auto(inode) = NULL;
		usize length = 0;
		err_t e = sb->ops->find_parent(at, &parent);
		if (!e)
			e = parent == at || parent->type != S_IFDIR ? (err_t)-ESTALE
				: name_find(parent, at, array_span(name), &length);
		if (e)
			return e;
		if (length + 1 > *begin)
			return -ENAMETOOLONG;
		*begin -= length + 1;
		span_at(out, *begin) = '/';
		span_copy(span_from(out, *begin + 1), bytes_slice(array_bytes(name), WANTED_BYTES, length));
		inode_put(take(at));
		at = take(parent);
	}
	return OK;
}

err_t file_handle_walk(struct dentry *root, bytes_t path, struct dentry **out borrowed)
{
	struct dentry *at object_auto(dentry) = dentry_get(root);
	for (usize i = 0; i < bytes_len(path);) {
		const usize length = bytes_find(bytes_from(path, i), '/');
		const bytes_t name = bytes_slice(path, i, length);
		struct dentry *next object_auto(dentry) = NULL;
		i = min(i + length + 1, bytes_len(path));
		if (length == 0)
			continue;
		const err_t e = dentry_lookup(at, name, &next);
		if (e)
			return e == -ENOENT ? (err_t)-ESTALE : e;
		if (dentry_is_negative(next) || next->inode->type != S_IFDIR)
			return -ESTALE;
		dentry_put(take(at));
		at = take(next);
	}
	*out = take(at);
	return OK;
}

err_t file_handle_connect(struct inode *dir, struct dentry **out borrowed)
{
	struct superblock *sb = dir->superblock;
	struct dentry *root object_auto(dentry) = superblock_root(sb), *found object_auto(dentry) = NULL;
	usize begin = 0;
	if (!root || (dir != sb->root && !sb->ops->find_parent))
		return -ESTALE;
	struct buf *path buf_auto = buf_alloc(CONNECT_PATH_MAX);
	if (!path)
		return -ENOMEM;
	err_t e = path_of(dir, buf_span(path), &begin);
	if (!e)
		e = file_handle_walk(root, bytes_from(buf_bytes(path), begin), &found);
	if (e)
		return e;
	if (found->inode != dir)
		return -ESTALE;		// renamed meanwhile
	*out = take(found);
	return OK;
}

// --- finding ------------------------------------------------------------------------------------------

static bool has_links(struct inode *i)
{
	spin_guard(&i->lock);
	return i->link_count;
}

static err_t number_find(struct superblock *sb, const struct file_handle *h borrowed, struct dentry **out borrowed)
{
	struct inode *found object_auto(inode) = NULL;
	if (!sb->ops->find_inode || h->type != HANDLE_TYPE_NUMBER || h->length != HANDLE_NUMBER_BYTES)
		return -ESTALE;
	const bytes_t b = array_bytes(h->bytes);
	const err_t e = sb->ops->find_inode(sb, bytes_get_u64le(b, 0), bytes_get_u32le(b, 8), &found);
	if (e)
		return e;
	if (!has_links(found))
		return -ESTALE;
	if (found->type == S_IFDIR)
		return file_handle_connect(found, out);
	*out = dentry_create_anonymous(sb, found, bytes_empty());
	return *out ? OK : -ENOMEM;
}

err_t file_handle_find(const struct path *at borrowed, const struct file_handle *h borrowed, struct path *out borrowed)
{
	struct superblock *sb = at->mount->superblock;
	struct dentry *d object_auto(dentry) = NULL;
	const err_t e = sb->ops->find_handle ? sb->ops->find_handle(sb, h, &d) : number_find(sb, h, &d);
	if (e)
		return e == -ENOMEM || e == -EIO ? e : (err_t)-ESTALE;
	out->mount = mount_get(at->mount);
	out->dentry = take(d);
	return OK;
}
