// SPDX-License-Identifier: MPL-2.0
// Reading a folder: the names of all its layers, each once, as they were when the reading began. The list belongs
// to the open file: positions stay valid whatever happens in the folder, and rewinding makes a new one.
#include <services/fs/overlayfs/overlay_internal.h>

struct overlay_entry {
	struct object object;
	struct tree_link name_link;	// by hash of the name
	struct tree_link place_link;	// by position
	struct buf *name;		// owned
	u64 number;
	u32 type;
	u32 is_whiteout;
	u32 device_index, is_upper;	// where it is from
};
static exclusive_access void overlay_entry_release(struct overlay_entry *e)
{
	buf_free(take(e->name));
}
DECLARE_OBJECT(overlay_entry)
DEFINE_OBJECT(overlay_entry, overlay_entry_release)
DEFINE_TREE(overlay_name_tree, overlay_entry, name_link)
DEFINE_TREE(overlay_entry_tree, overlay_entry, place_link)

// A folder's names; under the position lock of the open file, or of one user.
struct overlay_listing {
	struct object object;
	struct overlay_name_tree names;
	struct overlay_entry_tree places;
	u64 seed, next_place;
	u64 shown;	// entries that are no whiteouts
	u64 has_copies;	// numbers of the upper layer may not be those that are seen
};
static exclusive_access void overlay_listing_release(struct overlay_listing *l)
{
	for (struct overlay_entry *e = overlay_entry_tree_first(&l->places); e;
		e = overlay_entry_tree_first(&l->places)) {
		overlay_name_tree_remove(&l->names, e);
		overlay_entry_tree_remove(&l->places, e);
		overlay_entry_put(take(e));
	}
}
DECLARE_OBJECT(overlay_listing)
DEFINE_OBJECT(overlay_listing, overlay_listing_release)

#define FIRST_PLACE 2u	// after "." and ".."

static bool listing_has(struct overlay_listing *l, bytes_t name, u64 hash)
{
	struct overlay_entry *e = overlay_name_tree_at_least(&l->names, hash);
	for (; e && overlay_name_tree_key(e) == hash; e = overlay_name_tree_next(e)) {
		if (bytes_equal(buf_bytes(e->name), name))
			return true;
	}
	return false;
}

static err_t listing_add(struct overlay_listing *l, bytes_t name, const struct overlay_name *n borrowed,
	u32 is_whiteout, const struct overlay_layer *layer borrowed)
{
	const u64 hash = bytes_hash(name, 0);
	if (listing_has(l, name, hash))
		return OK;
	struct overlay_entry *e object_auto(overlay_entry) = overlay_entry_alloc();
	if (!e)
		return -ENOMEM;
	e->name = buf_from(name);
	if (!e->name)
		return -ENOMEM;
	e->number = n->number;
	e->type = n->type;
	e->is_whiteout = is_whiteout;
	e->device_index = layer->device_index;
	e->is_upper = layer->index == 0;
	l->shown += !is_whiteout;
	overlay_name_tree_insert(&l->names, e, hash);
	overlay_entry_tree_insert(&l->places, take(e), l->next_place++);
	return OK;
}

// --- reading the layers -----------------------------------------------------------------------------

static err_t is_whiteout_at(struct overlay_superblock *s, struct dentry *dir, bytes_t name, u32 *out borrowed)
{
	struct dentry *d object_auto(dentry) = NULL;
	const err_t e = overlay_look(s, dir, name, &d);
	*out = d && overlay_is_whiteout(d);
	return e;
}

static no_inline err_t listing_take(struct overlay_superblock *s, struct overlay_listing *l,
	const struct overlay_layer *layer borrowed, struct dentry *dir, bytes_t names)
{
	struct overlay_name n = {};
	for (usize at = 0; overlay_next_name(names, &at, &n);) {
		const bytes_t name = bytes_slice(names, n.offset, n.length);
		u32 is_whiteout = 0;
		err_t e = n.type == S_IFCHR ? is_whiteout_at(s, dir, name, &is_whiteout) : OK;
		if (!e)
			e = listing_add(l, name, &n, is_whiteout, layer);
		if (e)
			return e;
	}
	return OK;
}

static err_t listing_read_layer(struct overlay_superblock *s, struct overlay_listing *l,
	const struct overlay_layer *layer borrowed, struct dentry *dir)
{
	struct file *f object_auto(file) = NULL;
	struct buf *names buf_auto = buf_alloc(OVERLAY_NAMES_BYTES);
	if (!names)
		return -ENOMEM;
	err_t e = overlay_open_real(s, layer->mount, dir, OPEN_DIRECTORY, &f);
	while (!e) {
		usize used = 0;
		e = overlay_read_names(f, buf_span(names), &used);
		if (e || used == 0)
			return e;
		e = listing_take(s, l, layer, dir, bytes_first(buf_bytes(names), used));
	}
	return e;
}

static bool is_impure(struct overlay_superblock *s, struct overlay_inode *dir)
{
	u8 value[1] = {};
	if (atomic_u32_load(&dir->is_impure))
		return true;
	if (!dir->upper || overlay_get_mark(s, dir->upper->inode, OVERLAY_MARK_IMPURE, array_span(value)) != 1)
		return false;
	atomic_u32_store(&dir->is_impure, 1);
	return true;
}

static err_t listing_make(struct overlay_inode *dir, struct overlay_listing **out borrowed)
{
	struct overlay_superblock *s = overlay_of(dir->base.superblock);
	struct overlay_listing *l object_auto(overlay_listing) = overlay_listing_alloc();
	if (!l)
		return -ENOMEM;
	l->next_place = FIRST_PLACE;
	l->has_copies = overlay_is_merged(dir) || is_impure(s, dir);
	err_t e = dir->upper ? listing_read_layer(s, l, s->upper, dir->upper) : OK;
	list_for_each(overlay_place_list, p, &dir->lower) {
		if (!e)
			e = listing_read_layer(s, l, p->layer, p->dentry);
	}
	if (!e)
		*out = take(l);
	return e;
}

err_t overlay_check_empty(struct overlay_inode *dir)
{
	struct overlay_listing *l object_auto(overlay_listing) = NULL;
	const err_t e = listing_make(dir, &l);
	if (e)
		return e;
	return l->shown ? -ENOTEMPTY : OK;
}

// --- open folders -----------------------------------------------------------------------------------

// "." and ".." and then the list; false when the sink is full.
static bool put_dots(struct file *f, struct directory_sink *sink borrowed)
{
	struct file_stat st = {};
	if (f->position == 0) {
		const err_t e = inode_stat(f->inode, &st);
		if (!sink->add(sink, STR("."), e ? f->inode->number : st.number, S_IFDIR, 1))
			return false;
		f->position = 1;
	}
	if (f->position == 1) {
		struct dentry *parent object_auto(dentry) = dentry_parent(f->path.dentry);
		const err_t e = inode_stat(parent->inode, &st);
		if (!sink->add(sink, STR(".."), e ? parent->inode->number : st.number, S_IFDIR, FIRST_PLACE))
			return false;
		f->position = FIRST_PLACE;
	}
	return true;
}

// The number that stat shows, as far as it is the overlay's to choose: a copy keeps that of its lower file.
static u64 entry_number(struct overlay_inode *dir, const struct overlay_listing *l borrowed,
	const struct overlay_entry *e)
{
	struct overlay_superblock *s = overlay_of(dir->base.superblock);
	struct inode *i object_auto(inode) = NULL;
	struct file_stat st = {};
	const u32 shift = 64 - s->xino_bits;
	if (s->device_count > 1 && !s->xino_bits)
		return e->number;
	if (e->is_upper && l->has_copies)
		return overlay_lookup(&dir->base, buf_bytes(e->name), &i) || overlay_get_attributes(i, &st) ? e->number
			: st.number;
	if (s->xino_bits && !(e->number >> shift))
		return e->number | (u64)e->device_index << (shift + 1);
	return e->number;
}

static void put_entries(struct file *f, struct overlay_listing *l, struct directory_sink *sink borrowed)
{
	struct overlay_entry *e = overlay_entry_tree_at_least(&l->places, f->position);
	for (; e; e = overlay_entry_tree_next(e)) {
		const u64 next = overlay_entry_tree_key(e) + 1;
		if (!e->is_whiteout && !sink->add(sink, buf_bytes(e->name),
			entry_number(overlay_inode_of(f->inode), l, e), e->type, next))
			return;
		f->position = next;
	}
}

// The position lock of f is held.
static err_t open_directory_read(struct file *f, struct directory_sink *sink borrowed)
{
	struct inode *dir = f->inode;
	read_guard(&dir->directory_lock);
	if (dentry_is_deleted(f->path.dentry))
		return -ENOENT;
	if (f->position == 0 && f->private_object)
		object_put(take(f->private_object));
	if (!put_dots(f, sink))
		return OK;
	if (!f->private_object) {
		struct overlay_listing *l object_auto(overlay_listing) = NULL;
		const err_t e = listing_make(overlay_inode_of(dir), &l);
		if (e)
			return e;
		f->private_object = &take(l)->object;
	}
	put_entries(f, overlay_listing_from_object(f->private_object), sink);
	return OK;
}

static ssize_r open_directory_seek(struct file *f, s64 offset, u32 whence)
{
	return file_ops_directory.seek(f, offset, whence);
}

static ssize_r open_directory_read_bytes(struct file *f, struct iobuf *to borrowed, u64 *position borrowed)
{
	return file_ops_directory.read(f, to, position);
}

static err_t open_directory_sync(struct file *f, u64 start, u64 end, u32 data_only)
{
	struct overlay_inode *i = overlay_inode_of(f->inode);
	struct overlay_superblock *s = overlay_of(f->inode->superblock);
	struct file *real object_auto(file) = NULL;
	if (!i->upper || (s->options.flags & OVERLAY_VOLATILE))
		return OK;
	const err_t e = overlay_open_real(s, s->upper->mount, i->upper, OPEN_DIRECTORY, &real);
	return e ? e : file_sync(real, start, end, data_only);
}

const struct file_ops overlay_open_directory_ops = {
	.read = open_directory_read_bytes,
	.seek = open_directory_seek,
	.sync = open_directory_sync,
	.read_directory = open_directory_read,
};
