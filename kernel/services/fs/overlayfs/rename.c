// SPDX-License-Identifier: MPL-2.0
// rename(2) in an overlay: one rename in the upper layer does it, together with what must be left behind. A folder
// that has lower ones cannot be renamed unless redirects are on: then it remembers where its lower ones are.
#include <services/fs/overlayfs/overlay_internal.h>

struct stack_only overlay_renaming {
	struct overlay_superblock *s;
	struct overlay_inode *from_dir, *to_dir, *child, *replaced;	// replaced: or NULL; all lent
	bytes_t from_name, to_name;
	u32 flags;		// as asked for
	u32 upper_flags;	// of the rename in the upper layer
	u32 leftover;		// a whiteout remains at the old name that hides nothing
	u32 was_upper;		// what is replaced had its name in the upper layer
};

static bool has_lower(const struct overlay_inode *i borrowed)
{
	return !overlay_place_list_is_empty(&i->lower);
}

static bool can_move(const struct overlay_renaming *r borrowed, const struct overlay_inode *i borrowed)
{
	return i->base.type != S_IFDIR || !has_lower(i) || r->s->options.redirect == OVERLAY_REDIRECT_ON;
}

// --- redirects --------------------------------------------------------------------------------------

#define REDIRECT_MAX 256u	// longer ones are refused, as Linux's limit has it
#define REDIRECT_DEPTH_MAX 64u

// The path of an upper folder's lower ones, from the end of `out` to its front: its names, or the redirects of those
// that were renamed.
static err_t redirect_path(struct overlay_superblock *s, struct dentry *dir, span_t out, usize *begin borrowed)
{
	struct dentry *at object_auto(dentry) = dentry_get(dir);
	*begin = span_len(out);
	for (u32 depth = 0; at != s->upper->mount->root; depth++) {
		struct buf *redirect buf_auto = NULL;
		u8 name[DENTRY_NAME_MAX];
		const err_t e = overlay_get_redirect(s, at->inode, &redirect);
		if (e)
			return e;
		const bytes_t part = redirect ? buf_bytes(redirect)
					      : bytes_first(array_bytes(name), dentry_name(at, array_span(name)));
		const bool is_whole = byte_at(part, 0) == '/';
		const usize need = bytes_len(part) + (is_whole ? 0 : 1);
		if (need > *begin || depth == REDIRECT_DEPTH_MAX)
			return -ENAMETOOLONG;
		*begin -= bytes_len(part);
		span_copy(span_from(out, *begin), part);
		if (is_whole)
			return OK;
		span_at(out, --*begin) = '/';
		struct dentry *parent object_auto(dentry) = dentry_parent(at);
		dentry_put(take(at));
		at = take(parent);
	}
	return OK;
}

// A moved folder tells where its lower ones are; what fails here fails the rename as it does without redirects.
static no_inline err_t set_redirect(struct overlay_superblock *s, struct overlay_inode *dir, bytes_t old_name,
	const struct overlay_inode *from_dir borrowed, const struct overlay_inode *to_dir borrowed)
{
	u8 text[REDIRECT_MAX];
	struct buf *old buf_auto = NULL;
	usize begin = 0;
	err_t e = overlay_get_redirect(s, dir->upper->inode, &old);
	if (e)
		return e;
	if (from_dir == to_dir && (!old || byte_at(buf_bytes(old), 0) != '/')) {
		if (!old)
			e = overlay_set_mark(s, dir->upper->inode, OVERLAY_MARK_REDIRECT, old_name);
	} else {
		e = redirect_path(s, dir->upper, array_span(text), &begin);
		if (!e)
			e = overlay_set_mark(s, dir->upper->inode, OVERLAY_MARK_REDIRECT,
				bytes_from(array_bytes(text), begin));
	}
	return e ? (err_t)-EXDEV : OK;
}

// The path of the first lower one; files of lower layers do not move.
err_t overlay_redirect_file(struct overlay_superblock *s, struct overlay_inode *file)
{
	u8 text[REDIRECT_MAX];
	struct overlay_place *lower = overlay_place_list_first(&file->lower);
	if (!atomic_u32_load(&file->is_metacopy))
		return OK;
	const ssize_r length = dentry_name_from(lower->dentry, lower->layer->mount->root, array_span(text));
	if (length <= 0)
		return -EXDEV;
	return overlay_set_mark(s, file->upper->inode, OVERLAY_MARK_REDIRECT,
		bytes_from(array_bytes(text), REDIRECT_MAX - (usize)length)) ? (err_t)-EXDEV : OK;
}

// What a folder that arrives in `to_dir` needs: a redirect, or to be opaque where something may lie below.
static err_t prepare_folder(struct overlay_renaming *r borrowed, struct overlay_inode *dir, bytes_t old_name,
	const struct overlay_inode *from_dir borrowed, const struct overlay_inode *to_dir borrowed)
{
	if (dir->base.type != S_IFDIR)
		return overlay_redirect_file(r->s, dir);
	if (has_lower(dir))
		return set_redirect(r->s, dir, old_name, from_dir, to_dir);
	if (!has_lower(to_dir) || overlay_is_opaque(r->s, dir->upper->inode))
		return OK;
	return overlay_set_mark(r->s, dir->upper->inode, OVERLAY_MARK_OPAQUE, STR("y")) ? (err_t)-EXDEV : OK;
}

// --- the steps --------------------------------------------------------------------------------------

static err_t check(const struct overlay_renaming *r borrowed)
{
	if (r->flags & ~(RENAME_EXCHANGE | RENAME_NOREPLACE))
		return -EINVAL;
	if (!can_move(r, r->child))
		return -EXDEV;
	if ((r->flags & RENAME_EXCHANGE) && !can_move(r, r->replaced))
		return -EXDEV;
	return OK;
}

static err_t copy_up_all(const struct overlay_renaming *r borrowed)
{
	err_t e = overlay_copy_up_attributes(r->child);
	if (!e)
		e = overlay_copy_up(r->from_dir);
	if (!e)
		e = overlay_copy_up(r->to_dir);
	if (!e && r->replaced && ((r->flags & RENAME_EXCHANGE) || r->replaced->is_indexed))
		e = overlay_copy_up_attributes(r->replaced);
	if (!e)
		e = overlay_check_writable(r->s);
	if (!e)
		e = overlay_index_link(r->child, r->from_dir, r->from_name);
	if (!e && (r->flags & RENAME_EXCHANGE))
		e = overlay_index_link(r->replaced, r->to_dir, r->to_name);
	return e;
}

// What is left at the old name, and what is covered at the new one.
static err_t choose_flags(struct overlay_renaming *r borrowed)
{
	struct dentry *there object_auto(dentry) = NULL;
	bool is_below = false;
	if (r->flags & RENAME_EXCHANGE) {
		r->upper_flags = RENAME_EXCHANGE;
		return OK;
	}
	err_t e = overlay_look(r->s, r->to_dir->upper, r->to_name, &there);
	if (!e)
		e = overlay_lower_has(r->from_dir, r->from_name, &is_below);
	if (e)
		return e;
	const bool is_covered = there && overlay_is_whiteout(there);
	r->was_upper = there && !is_covered;
	if (there && !is_covered && !r->replaced)
		return -ESTALE;
	if (is_below)
		r->upper_flags = is_covered ? RENAME_EXCHANGE : RENAME_WHITEOUT;
	else if (r->child->base.type == S_IFDIR && is_covered)
		r->upper_flags = RENAME_EXCHANGE;
	r->leftover = !is_below && r->upper_flags == RENAME_EXCHANGE;
	return OK;
}

static err_t move_upper(struct overlay_renaming *r borrowed)
{
	struct mount *m = r->s->upper->mount;
	const struct lookup_context from = OVERLAY_CONTEXT(r->s, m, r->from_dir->upper, r->s->cred);
	const struct lookup_context to = OVERLAY_CONTEXT(r->s, m, r->to_dir->upper, r->s->cred);
	const err_t e = entry_rename(&from, r->from_name, &to, r->to_name, r->upper_flags);
	if (e || !r->leftover)
		return e;
	// Only a whiteout that hides nothing: where it cannot be removed it does no harm.
	const err_t cleaned = entry_unlink(&from, r->from_name);
	(void)cleaned;
	return OK;
}

static err_t rename_steps(struct overlay_renaming *r borrowed)
{
	err_t e = check(r);
	if (!e)
		e = copy_up_all(r);
	if (!e && r->replaced && !(r->flags & RENAME_EXCHANGE) && r->replaced->base.type == S_IFDIR)
		e = overlay_make_bare(r->replaced);
	if (!e)
		e = choose_flags(r);
	if (!e)
		e = prepare_folder(r, r->child, r->from_name, r->from_dir, r->to_dir);
	if (!e && (r->flags & RENAME_EXCHANGE))
		e = prepare_folder(r, r->replaced, r->to_name, r->to_dir, r->from_dir);
	if (e)
		return e;
	overlay_mark_impure(r->s, r->to_dir, r->child);
	if (r->flags & RENAME_EXCHANGE)
		overlay_mark_impure(r->s, r->from_dir, r->replaced);
	return move_upper(r);
}

err_t overlay_rename(struct inode *from_dir, bytes_t from_name, struct inode *child, struct inode *to_dir,
	bytes_t to_name, struct inode *replaced, u32 flags)
{
	struct overlay_renaming r = { .s = overlay_of(from_dir->superblock), .from_dir = overlay_inode_of(from_dir),
		.to_dir = overlay_inode_of(to_dir), .child = overlay_inode_of(child),
		.replaced = replaced ? overlay_inode_of(replaced) : NULL, .from_name = from_name, .to_name = to_name,
		.flags = flags };
	const err_t e = rename_steps(&r);
	if (!e && replaced && !(flags & RENAME_EXCHANGE)) {
		atomic_u32_store(&r.replaced->is_removed, 1);
		overlay_index_lost(r.replaced, r.was_upper);
	}
	if (replaced)
		overlay_refresh(r.replaced);
	overlay_refresh(r.child);
	overlay_refresh(r.from_dir);
	overlay_refresh(r.to_dir);
	return e;
}
