// SPDX-License-Identifier: MPL-2.0
// Looking a name up through the layers: the upper one, then the lower ones from the top. A whiteout or a file ends
// the search, so does a folder marked opaque; a redirect says under which name to go on. A file without its content
// is looked for further below, until the content is found.
#include <services/fs/overlayfs/overlay_internal.h>

static exclusive_access void overlay_place_release(struct overlay_place *p)
{
	if (p->dentry)
		dentry_put(take(p->dentry));
}
DEFINE_OBJECT(overlay_place, overlay_place_release)

err_t overlay_place_add(struct overlay_place_list *list borrowed, struct overlay_layer *layer, struct dentry *d)
{
	struct overlay_place *p object_auto(overlay_place) = overlay_place_alloc();
	if (!p)
		return -ENOMEM;
	p->layer = layer;
	p->dentry = dentry_get(d);
	overlay_place_list_append(list, take(p));
	return OK;
}

void overlay_found_end(struct overlay_found *f borrowed)
{
	if (f->upper)
		dentry_put(take(f->upper));
	for (struct overlay_place *p = overlay_place_list_pop(&f->lower); p; p = overlay_place_list_pop(&f->lower))
		overlay_place_put(take(p));
}

// --- redirects --------------------------------------------------------------------------------------

// The search goes on with this name: a text without '/' in the same folder, or a path from the layers' roots.
struct stack_only overlay_search {
	struct overlay_superblock *s;
	struct buf *redirect;	// owned; NULL: the name as given
	bytes_t name;
	u32 ends;		// nothing below is to be looked at
	u32 lacks_content;	// a file was found, its content was not yet
};

static void search_end(struct overlay_search *q borrowed)
{
	buf_free(take(q->redirect));
}

static bytes_t search_name(const struct overlay_search *q borrowed)
{
	return q->redirect ? buf_bytes(q->redirect) : q->name;
}

static bool search_is_absolute(const struct overlay_search *q borrowed)
{
	return q->redirect && byte_at(buf_bytes(q->redirect), 0) == '/';
}

// Goes on where a file or folder says.
static err_t search_redirected(struct overlay_search *q borrowed, struct inode *real)
{
	struct buf *redirect buf_auto = NULL;
	const err_t e = overlay_get_redirect(q->s, real, &redirect);
	if (e || !redirect)
		return e;
	if (q->s->options.redirect == OVERLAY_REDIRECT_NOFOLLOW)
		return -EPERM;
	// A relative one below an absolute one: its last component is replaced.
	if (search_is_absolute(q) && byte_at(buf_bytes(redirect), 0) != '/') {
		const bytes_t old = buf_bytes(q->redirect);
		usize cut = bytes_len(old);
		while (cut && byte_at(old, cut - 1) != '/')
			cut--;
		struct buf *joined buf_auto = buf_alloc(cut + buf_len(redirect));
		if (!joined)
			return -ENOMEM;
		span_copy(buf_span(joined), bytes_first(old, cut));
		span_copy(span_from(buf_span(joined), cut), buf_bytes(redirect));
		buf_free(take(q->redirect));
		q->redirect = take(joined);
		return OK;
	}
	buf_free(take(q->redirect));
	q->redirect = take(redirect);
	return OK;
}

// Does the folder hide what is below it, or move it?
static err_t search_folder(struct overlay_search *q borrowed, struct inode *dir)
{
	if (!overlay_is_opaque(q->s, dir))
		return search_redirected(q, dir);
	q->ends = 1;
	return OK;
}

// Has the file its content, or is that further below?
static err_t search_file(struct overlay_search *q borrowed, struct inode *real)
{
	const ssize_r mark = real->type != S_IFREG ? (ssize_r)-ENODATA
			: overlay_get_mark(q->s, real, OVERLAY_MARK_METACOPY, span_empty());
	q->lacks_content = mark >= 0;
	q->ends = !q->lacks_content;
	if (q->ends)
		return mark == -ENODATA || mark == -EOPNOTSUPP ? OK : (err_t)mark;
	return q->s->options.flags & OVERLAY_METACOPY ? search_redirected(q, real) : (err_t)-EPERM;
}

// --- one layer --------------------------------------------------------------------------------------

// A path from a layer's root, component by component; whiteouts and files on the way end it.
static err_t look_path(struct overlay_superblock *s, struct dentry *root, bytes_t path, struct dentry **out borrowed)
{
	struct dentry *at object_auto(dentry) = dentry_get(root);
	for (usize i = 0; i < bytes_len(path);) {
		const usize length = bytes_find(bytes_from(path, i), '/');
		const bytes_t name = bytes_slice(path, i, length);
		i += length + 1;
		if (length == 0)
			continue;
		struct dentry *next object_auto(dentry) = NULL;
		if (at->inode->type != S_IFDIR)
			return OK;
		const err_t e = overlay_look(s, at, name, &next);
		if (e || !next)
			return e;
		dentry_put(take(at));
		at = take(next);
		if (overlay_is_whiteout(at))
			break;
	}
	*out = take(at);
	return OK;
}

// What a lower layer has: `d` NULL for nothing.
static err_t take_lower(struct overlay_search *q borrowed, struct overlay_layer *layer, struct dentry *d,
	struct overlay_found *out borrowed)
{
	if (!d)
		return OK;
	const bool is_folder = d->inode->type == S_IFDIR;
	const bool has_something = out->upper || !overlay_place_list_is_empty(&out->lower);
	const bool fits = q->lacks_content ? d->inode->type == S_IFREG : is_folder || !has_something;
	if (overlay_is_whiteout(d) || !fits) {
		q->ends = 1;
		return OK;
	}
	const err_t e = overlay_place_add(&out->lower, layer, d);
	if (e)
		return e;
	return is_folder ? search_folder(q, d->inode) : search_file(q, d->inode);
}

static err_t search_absolute(struct overlay_search *q borrowed, u32 below, struct overlay_found *out borrowed)
{
	for (struct overlay_layer *l = overlay_layer_list_first(&q->s->layers); l && !q->ends;
		l = overlay_layer_list_next(l)) {
		if (l->index <= below)
			continue;
		struct dentry *d object_auto(dentry) = NULL;
		err_t e = look_path(q->s, l->mount->root, search_name(q), &d);
		if (!e)
			e = take_lower(q, l, d, out);
		if (e)
			return e;
	}
	return OK;
}

static err_t search_lower(struct overlay_search *q borrowed, struct overlay_inode *dir,
	struct overlay_found *out borrowed)
{
	u32 below = 0;
	list_for_each(overlay_place_list, p, &dir->lower) {
		if (q->ends)
			return OK;
		if (search_is_absolute(q))
			return search_absolute(q, below, out);
		struct dentry *d object_auto(dentry) = NULL;
		err_t e = overlay_look(q->s, p->dentry, search_name(q), &d);
		if (!e)
			e = take_lower(q, p->layer, d, out);
		if (e)
			return e;
		below = p->layer->index;
	}
	return !q->ends && search_is_absolute(q) ? search_absolute(q, below, out) : OK;
}

static err_t search_upper(struct overlay_search *q borrowed, struct overlay_inode *dir,
	struct overlay_found *out borrowed)
{
	struct dentry *d object_auto(dentry) = NULL;
	const err_t e = overlay_look(q->s, dir->upper, q->name, &d);
	if (e || !d)
		return e;
	if (overlay_is_whiteout(d)) {
		q->ends = 1;
		return OK;
	}
	const bool is_folder = d->inode->type == S_IFDIR;
	struct inode *real = d->inode;
	out->upper = take(d);
	if (is_folder)
		return search_folder(q, real);
	const err_t mark = search_file(q, real);
	if (mark || q->lacks_content)
		return mark;
	return overlay_find_origin(q->s, out->upper, out);
}

// The content of an upper file without any is what it was copied from, or nothing is right.
static err_t check_content(const struct overlay_search *q borrowed, struct overlay_found *out borrowed)
{
	struct overlay_place *origin = overlay_place_list_first(&out->lower);
	if (q->lacks_content || !origin)
		return -EIO;
	return overlay_origin_matches(q->s, out->upper->inode, origin->dentry->inode) ? OK : -EIO;
}

err_t overlay_find(struct overlay_inode *dir, bytes_t name, struct overlay_found *out borrowed)
{
	struct overlay_search q auto_release(search_end) = { .s = overlay_of(dir->base.superblock), .name = name };
	err_t e = dir->upper ? search_upper(&q, dir, out) : OK;
	out->is_metacopy = !e && q.lacks_content;
	if (!e && !q.ends)
		e = search_lower(&q, dir, out);
	if (!e && (out->is_metacopy || q.lacks_content))
		e = out->is_metacopy ? check_content(&q, out) : (err_t)-EIO;
	if (!e)
		e = overlay_index_find(q.s, out);
	if (e)
		return e;
	return out->upper || !overlay_place_list_is_empty(&out->lower) ? OK : -ENOENT;
}

err_t overlay_lower_has(struct overlay_inode *dir, bytes_t name, bool *out borrowed)
{
	struct overlay_superblock *s = overlay_of(dir->base.superblock);
	*out = false;
	list_for_each(overlay_place_list, p, &dir->lower) {
		struct dentry *d object_auto(dentry) = NULL;
		const err_t e = overlay_look(s, p->dentry, name, &d);
		if (e)
			return e;
		if (!d)
			continue;
		*out = !overlay_is_whiteout(d);
		return OK;
	}
	return OK;
}

err_t overlay_lookup(struct inode *dir, bytes_t name, struct inode **out borrowed)
{
	struct overlay_inode *d = overlay_inode_of(dir);
	struct overlay_found found overlay_found_auto = {};
	const err_t e = overlay_find(d, name, &found);
	return e ? e : overlay_inode_make(overlay_of(dir->superblock), d, name, &found, out);
}
