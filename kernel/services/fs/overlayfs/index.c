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

bool overlay_index_wants(const struct overlay_superblock *s borrowed, struct inode *lower)
{
	return s->index && lower->type != S_IFDIR && links_of(lower) > 1;
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

err_t overlay_index_find(struct overlay_superblock *s, struct overlay_found *f borrowed)
{
	u8 name[INDEX_NAME_BYTES];
	struct overlay_place *lower = overlay_place_list_first(&f->lower);
	if (f->upper || !lower || !overlay_index_wants(s, lower->dentry->inode))
		return OK;
	struct dentry *d object_auto(dentry) = NULL;
	err_t e = index_name(s, lower->dentry->inode, array_span(name));
	if (!e)
		e = overlay_look(s, s->index, array_bytes(name), &d);
	if (e)
		return e == -EOPNOTSUPP ? OK : e;
	if (d && d->inode->type == lower->dentry->inode->type)
		f->upper = take(d);
	return OK;
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
	if (!s->index || !i->upper || i->base.type == S_IFDIR)
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
	if (!overlay_is_indexed(i))
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
	if (!overlay_is_indexed(i))
		return;
	if (!was_upper)
		overlay_index_count(i, -1);
	struct overlay_place *origin = overlay_place_list_first(&i->lower);
	if ((s64)links_of(i->upper->inode) + atomic_s64_load(&i->more_links) > 0 || !origin)
		return;
	const struct lookup_context c = OVERLAY_CONTEXT(s, s->upper->mount, s->index, s->cred);
	err_t e = index_name(s, origin->dentry->inode, array_span(name));
	if (!e)
		e = entry_unlink(&c, array_bytes(name));
	(void)e;	// a stale entry is found by nobody: no name leads to it
}
