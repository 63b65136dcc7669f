// SPDX-License-Identifier: MPL-2.0
// The index: a folder beside the work folder with a name for each copied lower file that had several names, made of
// its file handle. So all names of the lower file lead to one copy. A name that stands only in a lower layer still
// counts: what the copy's link count lacks is kept with the copy, as an attribute ("U" and the difference).
#include <services/fs/overlayfs/overlay_internal.h>

#define INDEX_NAME_BYTES (2 * OVERLAY_ORIGIN_BYTES)
#define LINKS_TEXT_MAX 16u

static u32 links_of(struct inode *real)
{
	spin_guard(&real->lock);
	return real->link_count;
}

// For handles everything that is copied is to be found by what it was made from.
bool overlay_index_wants(const struct overlay_superblock *s borrowed, struct inode *lower)
{
	if (!s->index)
		return false;
	return (s->options.flags & OVERLAY_NFS_EXPORT) || (lower->type != S_IFDIR && links_of(lower) > 1);
}

static err_t index_name(struct overlay_superblock *s, struct inode *lower, span_t out)
{
	u8 value[OVERLAY_ORIGIN_BYTES];
	if (!overlay_origin_encode(s, lower, array_span(value)))
		return -EOPNOTSUPP;
	struct text t = text_to(out);
	for (u32 i = 0; i < OVERLAY_ORIGIN_BYTES; i++)
		text_printf(&t, "%02x", (u32)value[i]);
	return text_fits(&t) ? OK : -ENAMETOOLONG;
}

err_t overlay_index_look(struct overlay_superblock *s, struct inode *lower, struct dentry **out borrowed)
{
	u8 name[INDEX_NAME_BYTES];
	*out = NULL;
	if (!s->index)
		return OK;
	const err_t e = index_name(s, lower, array_span(name));
	if (e)
		return e == -EOPNOTSUPP ? OK : e;
	return overlay_look(s, s->index, array_bytes(name), out);
}

err_t overlay_index_folder(struct overlay_superblock *s, struct dentry *entry, struct inode **out borrowed)
{
	u8 value[OVERLAY_ORIGIN_BYTES];
	struct overlay_layer *l = NULL;
	struct inode *found object_auto(inode) = NULL;
	if (overlay_get_mark(s, entry->inode, OVERLAY_MARK_UPPER, array_span(value)) != (ssize_r)sizeof(value))
		return -ESTALE;
	const err_t e = overlay_handle_find(s, array_bytes(value), &l, &found);
	if (e)
		return e;
	if (l != s->upper || found->type != S_IFDIR)
		return -ESTALE;
	*out = take(found);
	return OK;
}

// A copy that was made while there was no index stands alone, whatever the index says of its lower file.
err_t overlay_index_find(struct overlay_superblock *s, struct overlay_found *f borrowed)
{
	struct overlay_place *lower = overlay_place_list_first(&f->lower);
	struct dentry *d object_auto(dentry) = NULL;
	if (!lower || !overlay_index_wants(s, lower->dentry->inode))
		return OK;
	const u32 type = lower->dentry->inode->type;
	const err_t e = overlay_index_look(s, lower->dentry->inode, &d);
	if (e)
		return e;
	if (!d) {
		f->is_indexed = !f->upper;
	} else if (d->inode->type != type) {
		f->is_indexed = 0;	// a whiteout: what had this handle has gone
	} else if (type == S_IFDIR) {
		struct inode *copy object_auto(inode) = NULL;
		const err_t none = overlay_index_folder(s, d, &copy);
		f->is_indexed = !none && f->upper && f->upper->inode == copy;
	} else {
		if (!f->upper)
			f->upper = take(d);
		f->is_indexed = !d || d->inode == f->upper->inode;
	}
	return OK;
}

// The entry of a folder is a folder that says which one it stands for.
err_t overlay_index_enter_folder(struct overlay_superblock *s, struct inode *lower, struct inode *copy)
{
	u8 value[OVERLAY_ORIGIN_BYTES], name[INDEX_NAME_BYTES];
	struct overlay_temporary temporary = {};
	struct dentry *made object_auto(dentry) = NULL;
	const struct overlay_make what = { .mode = S_IFDIR | 0700, .uid = s->cred->fsuid, .gid = s->cred->fsgid };
	if (!overlay_upper_encode(s, copy, array_span(value)))
		return -EOPNOTSUPP;
	err_t e = index_name(s, lower, array_span(name));
	if (!e)
		e = overlay_make_temporary(s, &what, &temporary, &made);
	if (e)
		return e;
	e = overlay_set_mark(s, made->inode, OVERLAY_MARK_UPPER, array_bytes(value));
	if (!e)
		e = overlay_place_temporary(s, &temporary, s->index, array_bytes(name), RENAME_NOREPLACE);
	if (e)
		overlay_drop_temporary(s, &temporary);
	return e;
}

err_t overlay_index_enter(struct overlay_superblock *s, struct inode *lower,
	const struct overlay_temporary *copy borrowed)
{
	u8 name[INDEX_NAME_BYTES];
	const err_t e = index_name(s, lower, array_span(name));
	return e ? e : overlay_place_temporary(s, copy, s->index, array_bytes(name), RENAME_NOREPLACE);
}

// --- link counts ------------------------------------------------------------------------------------

void overlay_index_load(struct overlay_superblock *s, struct overlay_inode *i)
{
	u8 text[LINKS_TEXT_MAX] = {};
	u64 number = 0;
	if (!i->is_indexed || !i->upper || i->base.type == S_IFDIR)
		return;
	const ssize_r length = overlay_get_mark(s, i->upper->inode, OVERLAY_MARK_LINKS, array_span(text));
	if (length < 3 || text[0] != 'U' || (text[1] != '+' && text[1] != '-') ||
		!bytes_parse_u64(bytes_slice(array_bytes(text), 2, (usize)length - 2), 10, &number) || number > U32_MAX)
		return;
	atomic_s64_store(&i->more_links, text[1] == '-' ? -(s64)number : (s64)number);
}

void overlay_index_count(struct overlay_inode *i, s64 delta)
{
	u8 out[LINKS_TEXT_MAX] = {};
	struct text t = text_to(array_span(out));
	const s64 more = atomic_s64_add(&i->more_links, delta) + delta;
	text_printf(&t, "U%c%lu", more < 0 ? '-' : '+', (u64)(more < 0 ? -more : more));
	// Where it cannot be kept the count is wrong after the next mount; the names are not.
	const err_t e = overlay_set_mark(overlay_of(i->base.superblock), i->upper->inode, OVERLAY_MARK_LINKS,
		text_bytes(&t));
	(void)e;
}

bool overlay_is_indexed(const struct overlay_inode *i borrowed)
{
	return i->is_indexed;
}

err_t overlay_index_link(struct overlay_inode *i, struct overlay_inode *dir, bytes_t name)
{
	struct overlay_superblock *s = overlay_of(i->base.superblock);
	struct dentry *there object_auto(dentry) = NULL;
	if (!overlay_is_indexed(i) || i->base.type == S_IFDIR)
		return OK;
	err_t e = overlay_look(s, dir->upper, name, &there);
	if (e || there)
		return e;
	e = overlay_link_upper(s, i, dir->upper, name);
	if (!e)
		overlay_index_count(i, -1);	// a name more of the copy, none more to be seen
	return e;
}

void overlay_index_lost(struct overlay_inode *i, bool was_upper)
{
	struct overlay_superblock *s = overlay_of(i->base.superblock);
	u8 name[INDEX_NAME_BYTES];
	const bool is_folder = i->base.type == S_IFDIR;
	if (!overlay_is_indexed(i) || !i->upper)
		return;
	if (!was_upper && !is_folder)
		overlay_index_count(i, -1);
	struct overlay_place *origin = overlay_place_list_first(&i->lower);
	if (!origin || (!is_folder && (s64)links_of(i->upper->inode) + atomic_s64_load(&i->more_links) > 0))
		return;
	const struct lookup_context c = OVERLAY_CONTEXT(s, s->upper->mount, s->index, s->cred);
	err_t e = index_name(s, origin->dentry->inode, array_span(name));
	if (e)
		return;
	// A whiteout says to handles that the file has gone. Otherwise a stale entry is found by nobody.
	e = s->options.flags & OVERLAY_NFS_EXPORT ? overlay_whiteout(s, s->index, array_bytes(name))
						  : entry_unlink(&c, array_bytes(name));
	(void)e;
}
