// SPDX-License-Identifier: MPL-2.0
// Handles of overlay files (nfs_export=on): the handle of a real file. It has to last when the file is copied up, so it
// is the lower one's if the index leads from there to the copy, else the upper one's. A whiteout in the index says that
// the file has gone. A folder that is found has to get its place in the overlay: an upper folder has the same path in
// its layer; a lower one too, up to the first folder above it that was copied and maybe moved.
#include <services/fs/overlayfs/overlay_internal.h>
#include <services/vfs/file_handle.h>

#define HANDLE_TYPE 0xf8u	// as Linux has it
#define HANDLE_PADDING 3u	// so that the inner handle is aligned
#define HANDLE_BYTES (HANDLE_PADDING + OVERLAY_ORIGIN_BYTES)
#define HANDLE_PATH_MAX 4096u

err_t overlay_make_handle(struct inode *base, struct file_handle *out borrowed)
{
	struct overlay_inode *i = overlay_inode_of(base);
	struct overlay_superblock *s = overlay_of(base->superblock);
	const bool is_upper = i->upper && (!i->is_indexed || base == s->base.root);
	const span_t inner = span_slice(array_span(out->bytes), HANDLE_PADDING, OVERLAY_ORIGIN_BYTES);
	out->type = HANDLE_TYPE;
	out->length = HANDLE_BYTES;
	const bool is_made = is_upper ? overlay_upper_encode(s, i->upper->inode, inner)
			: overlay_origin_encode(s, overlay_place_list_first(&i->lower)->dentry->inode, inner);
	return is_made ? OK : -EOPNOTSUPP;
}

// --- folders ------------------------------------------------------------------------------------------

// Puts the path of `d` below `root` in front of what begins at *begin.
static err_t place_path_put(struct dentry *d, struct dentry *root, span_t out, usize *begin borrowed)
{
	if (!dentry_is_below(d, root))
		return -ESTALE;
	const ssize_r length = d == root ? 0 : dentry_name_from(d, root, span_first(out, *begin));
	if (length < 0)
		return (err_t)length;
	*begin -= (usize)length;
	return OK;
}

static err_t upper_path_put(struct overlay_superblock *s, struct inode *dir, span_t out, usize *begin borrowed)
{
	struct dentry *d object_auto(dentry) = NULL;
	const err_t e = file_handle_connect(dir, &d);
	return e ? e : place_path_put(d, s->upper->mount->root, out, begin);
}

// The path of the lower folder `d` in the overlay. *out_copy: its own upper folder, if the index has one.
static err_t lower_path_put(struct overlay_superblock *s, const struct overlay_layer *l borrowed, struct dentry *d,
	span_t out, usize *begin borrowed)
{
	struct dentry *at object_auto(dentry) = dentry_get(d), *const root = l->mount->root;
	while (at != root) {
		u8 name[DENTRY_NAME_MAX];
		struct dentry *entry object_auto(dentry) = NULL;
		struct inode *copy object_auto(inode) = NULL;
		err_t e = overlay_index_look(s, at->inode, &entry);
		if (!e && entry)
			e = overlay_is_whiteout(entry) ? (err_t)-ESTALE : overlay_index_folder(s, entry, &copy);
		if (e)
			return e;
		if (copy)
			return upper_path_put(s, copy, out, begin);
		const usize length = dentry_name(at, array_span(name));
		if (length + 1 > *begin)
			return -ENAMETOOLONG;
		*begin -= length + 1;
		span_at(out, *begin) = '/';
		span_copy(span_from(out, *begin + 1), bytes_first(array_bytes(name), length));
		struct dentry *parent object_auto(dentry) = dentry_parent(at);
		dentry_put(take(at));
		at = take(parent);
	}
	return OK;
}

// Several layers may lie in one file system: the one that the folder is in.
static struct overlay_layer *layer_around(struct overlay_superblock *s, struct dentry *d)
{
	list_for_each(overlay_layer_list, l, &s->layers) {
		if (l->mount->superblock == d->superblock && dentry_is_below(d, l->mount->root))
			return l;
	}
	return NULL;
}

static bool is_made_of(struct overlay_inode *i, const struct overlay_layer *l borrowed, struct inode *real)
{
	if (l->index == 0)
		return i->upper && i->upper->inode == real;
	struct overlay_place *first = overlay_place_list_first(&i->lower);
	return first && first->dentry->inode == real;
}

static err_t folder_find(struct overlay_superblock *s, struct overlay_layer *l, struct inode *real,
	struct dentry **out borrowed)
{
	struct dentry *root object_auto(dentry) = superblock_root(&s->base), *there object_auto(dentry) = NULL;
	struct dentry *found object_auto(dentry) = NULL;
	usize begin = HANDLE_PATH_MAX;
	struct buf *path buf_auto = buf_alloc(HANDLE_PATH_MAX);
	if (!path || !root)
		return path ? -ESTALE : -ENOMEM;
	err_t e = file_handle_connect(real, &there);
	if (!e && l->index)
		l = layer_around(s, there);
	if (!e && !l)
		e = -ESTALE;
	if (!e)
		e = l->index == 0 ? place_path_put(there, l->mount->root, buf_span(path), &begin)
				  : lower_path_put(s, l, there, buf_span(path), &begin);
	if (!e)
		e = file_handle_walk(root, bytes_from(buf_bytes(path), begin), &found);
	if (e)
		return e;
	if (!is_made_of(overlay_inode_of(found->inode), l, real))
		return -ESTALE;
	*out = take(found);
	return OK;
}

// --- other files --------------------------------------------------------------------------------------

static err_t file_found(struct overlay_superblock *s, struct overlay_layer *l, struct inode *real,
	struct overlay_found *f borrowed)
{
	struct dentry *d object_auto(dentry) = dentry_create_anonymous(real->superblock, real, bytes_empty());
	struct dentry *entry object_auto(dentry) = NULL;
	if (!d)
		return -ENOMEM;
	if (l->index == 0) {
		f->upper = take(d);
		return overlay_find_origin(s, f->upper, f);
	}
	err_t e = overlay_index_look(s, real, &entry);
	if (!e && entry && overlay_is_whiteout(entry))
		e = -ESTALE;
	return e ? e : overlay_place_add(&f->lower, l, d);
}

static err_t file_find(struct overlay_superblock *s, struct overlay_layer *l, struct inode *real,
	struct dentry **out borrowed)
{
	struct overlay_found f overlay_found_auto = {};
	struct inode *i object_auto(inode) = NULL;
	if (real->type == S_IFCHR && real->device == 0)
		return -ESTALE;
	err_t e = file_found(s, l, real, &f);
	if (!e)
		e = overlay_index_find(s, &f);
	if (!e)
		e = overlay_inode_make(s, NULL, bytes_empty(), &f, &i);
	if (e)
		return e;
	*out = dentry_create_anonymous(&s->base, i, bytes_empty());
	return *out ? OK : -ENOMEM;
}

static bool is_unlinked(struct inode *i)
{
	spin_guard(&i->lock);
	return i->link_count == 0;
}

err_t overlay_find_handle(struct superblock *base, const struct file_handle *h borrowed, struct dentry **out borrowed)
{
	struct overlay_superblock *s = overlay_of(base);
	struct overlay_layer *l = NULL;
	struct inode *real object_auto(inode) = NULL;
	if (h->type != HANDLE_TYPE || h->length != HANDLE_BYTES)
		return -ESTALE;
	const err_t e = overlay_handle_find(s, bytes_slice(array_bytes(h->bytes), HANDLE_PADDING,
		OVERLAY_ORIGIN_BYTES), &l, &real);
	if (e)
		return e;
	if (is_unlinked(real))
		return -ESTALE;
	return real->type == S_IFDIR ? folder_find(s, l, real, out) : file_find(s, l, real, out);
}
