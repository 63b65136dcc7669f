// SPDX-License-Identifier: MPL-2.0
// Mount options: words separated by commas (a backslash takes a comma's meaning away).
#include <services/fs/overlayfs/overlay_internal.h>

void overlay_options_end(struct overlay_options *o borrowed)
{
	buf_free(take(o->lower));
	buf_free(take(o->upper));
	buf_free(take(o->work));
}

static err_t keep(struct buf **to borrowed, bytes_t value)
{
	if (bytes_len(value) == 0)
		return -EINVAL;
	struct buf *copy buf_auto = buf_from(value);
	if (!copy)
		return -ENOMEM;
	buf_free(take(*to));
	*to = take(copy);
	return OK;
}

// Removes the backslashes of a value; its length.
static usize unescape(bytes_t value, span_t out)
{
	usize used = 0;
	for (usize i = 0; i < bytes_len(value); i++) {
		if (byte_at(value, i) == '\\' && i + 1 < bytes_len(value))
			i++;
		span_at(out, used++) = byte_at(value, i);
	}
	return used;
}

// A path of its own (upperdir, workdir), without backslashes.
static err_t keep_path(struct buf **to borrowed, bytes_t value)
{
	struct buf *plain buf_auto = buf_alloc(max(bytes_len(value), 1ul));
	if (!plain)
		return -ENOMEM;
	return keep(to, bytes_first(buf_bytes(plain), unescape(value, buf_span(plain))));
}

static err_t parse_redirect(bytes_t value, struct overlay_options *o borrowed)
{
	o->flags |= OVERLAY_REDIRECT_SET;
	if (bytes_equal(value, STR("on")))
		o->redirect = OVERLAY_REDIRECT_ON;
	else if (bytes_equal(value, STR("follow")))
		o->redirect = OVERLAY_REDIRECT_FOLLOW;
	else if (bytes_equal(value, STR("nofollow")))
		o->redirect = OVERLAY_REDIRECT_NOFOLLOW;
	else if (bytes_equal(value, STR("off")))
		o->redirect = OVERLAY_REDIRECT_OFF;
	else
		return -EINVAL;
	return OK;
}

static err_t parse_xino(bytes_t value, struct overlay_options *o borrowed)
{
	if (bytes_equal(value, STR("on")))
		o->xino = OVERLAY_XINO_ON;
	else if (bytes_equal(value, STR("auto")))
		o->xino = OVERLAY_XINO_AUTO;
	else if (bytes_equal(value, STR("off")))
		o->xino = OVERLAY_XINO_OFF;
	else
		return -EINVAL;
	return OK;
}

static void flags_put(struct overlay_options *o borrowed, u32 clear, u32 set)
{
	o->flags = (o->flags & ~clear) | set;
}

// on or off, and whether that was said.
static err_t parse_switch(bytes_t value, u32 flag, u32 said, struct overlay_options *o borrowed)
{
	if (bytes_equal(value, STR("on")))
		flags_put(o, 0, flag | said);
	else if (bytes_equal(value, STR("off")))
		flags_put(o, flag, said);
	else
		return -EINVAL;
	return OK;
}

static err_t parse_flag(bytes_t word, struct overlay_options *o borrowed)
{
	if (bytes_equal(word, STR("volatile")))
		flags_put(o, 0, OVERLAY_VOLATILE);
	else if (bytes_equal(word, STR("userxattr")))
		flags_put(o, 0, OVERLAY_USER_XATTR);
	else if (bytes_equal(word, STR("default_permissions")))
		flags_put(o, 0, OVERLAY_DEFAULT_PERMISSIONS);
	else if (bytes_equal(word, STR("uuid=off")))
		flags_put(o, 0, OVERLAY_UUID_OFF);
	else if (bytes_equal(word, STR("uuid=on")))
		flags_put(o, OVERLAY_UUID_OFF, 0);
	else
		return -EINVAL;
	return OK;
}

static err_t parse_word(bytes_t word, struct overlay_options *o borrowed)
{
	const usize equals = bytes_find(word, '=');
	const bytes_t key = bytes_first(word, equals);
	const bytes_t value = equals < bytes_len(word) ? bytes_from(word, equals + 1) : bytes_empty();
	if (bytes_equal(key, STR("lowerdir")))
		return keep(&o->lower, value);
	if (bytes_equal(key, STR("upperdir")))
		return keep_path(&o->upper, value);
	if (bytes_equal(key, STR("workdir")))
		return keep_path(&o->work, value);
	if (bytes_equal(key, STR("redirect_dir")))
		return parse_redirect(value, o);
	if (bytes_equal(key, STR("xino")))
		return parse_xino(value, o);
	if (bytes_equal(key, STR("index")))
		return parse_switch(value, OVERLAY_INDEX, OVERLAY_INDEX_SET, o);
	if (bytes_equal(key, STR("nfs_export")))
		return parse_switch(value, OVERLAY_NFS_EXPORT, 0, o);
	if (bytes_equal(key, STR("metacopy")))
		return parse_switch(value, OVERLAY_METACOPY, OVERLAY_METACOPY_SET, o);
	return parse_flag(word, o);
}

// Where the word that begins at `from` ends.
static usize word_end(bytes_t text, usize from)
{
	usize at = from;
	while (at < bytes_len(text) && byte_at(text, at) != ',')
		at += byte_at(text, at) == '\\' ? 2 : 1;
	return min(at, bytes_len(text));
}

// A file without its content may be renamed, so it needs redirects.
static err_t check_metacopy(struct overlay_options *o borrowed)
{
	if (!(o->flags & OVERLAY_METACOPY))
		return OK;
	if (o->flags & (OVERLAY_USER_XATTR | OVERLAY_NFS_EXPORT))
		return -EINVAL;
	if ((o->flags & OVERLAY_REDIRECT_SET) && o->redirect != OVERLAY_REDIRECT_ON)
		return -EINVAL;
	o->redirect = OVERLAY_REDIRECT_ON;
	return OK;
}

// Handles need an index, which comes by itself, where something is copied. Without an upper layer a redirect could
// not be followed back.
static err_t check_export(struct overlay_options *o borrowed)
{
	if (!(o->flags & OVERLAY_NFS_EXPORT) || (o->flags & OVERLAY_INDEX))
		return OK;
	if (!o->upper && o->redirect != OVERLAY_REDIRECT_NOFOLLOW)
		flags_put(o, OVERLAY_NFS_EXPORT, 0);
	else if (o->flags & OVERLAY_INDEX_SET)
		return -EINVAL;
	else
		flags_put(o, 0, OVERLAY_INDEX);
	return OK;
}

static err_t check_together(struct overlay_options *o borrowed)
{
	if (!o->upper) {
		buf_free(take(o->work));
		flags_put(o, OVERLAY_VOLATILE | OVERLAY_INDEX, 0);	// say nothing without an upper layer
	} else if (!o->work) {
		return -EINVAL;
	}
	if (o->flags & OVERLAY_USER_XATTR) {
		if ((o->flags & OVERLAY_REDIRECT_SET) && o->redirect != OVERLAY_REDIRECT_NOFOLLOW)
			return -EINVAL;
		o->redirect = OVERLAY_REDIRECT_NOFOLLOW;
	}
	err_t e = check_metacopy(o);
	if (!e)
		e = check_export(o);
	if (e)
		return e;
	return o->lower ? OK : -EINVAL;
}

err_t overlay_options_parse(bytes_t text, struct overlay_options *o borrowed)
{
	for (usize at = 0; at < bytes_len(text);) {
		const usize end = word_end(text, at);
		if (end > at) {
			const err_t e = parse_word(bytes_slice(text, at, end - at), o);
			if (e)
				return e;
		}
		at = end + 1;
	}
	return check_together(o);
}

static void show_path(bytes_t key, const struct buf *value borrowed, struct text *out borrowed)
{
	if (!value)
		return;
	text_put(out, key);
	text_put_escaped(out, buf_bytes(value), STR(", \t\n\\"));
}

void overlay_options_show(const struct overlay_options *o borrowed, struct text *out borrowed)
{
	show_path(STR(",lowerdir="), o->lower, out);
	show_path(STR(",upperdir="), o->upper, out);
	show_path(STR(",workdir="), o->work, out);
	if (o->flags & OVERLAY_DEFAULT_PERMISSIONS)
		text_put(out, STR(",default_permissions"));
	if (o->flags & OVERLAY_REDIRECT_SET) {
		if (o->redirect == OVERLAY_REDIRECT_ON)
			text_put(out, STR(",redirect_dir=on"));
		else if (o->redirect == OVERLAY_REDIRECT_FOLLOW)
			text_put(out, STR(",redirect_dir=follow"));
		else if (o->redirect == OVERLAY_REDIRECT_NOFOLLOW)
			text_put(out, STR(",redirect_dir=nofollow"));
	}
	if (o->flags & OVERLAY_INDEX)
		text_put(out, STR(",index=on"));
	if (o->flags & OVERLAY_UUID_OFF)
		text_put(out, STR(",uuid=off"));
	if (o->flags & OVERLAY_NFS_EXPORT)
		text_put(out, STR(",nfs_export=on"));
	if (o->xino == OVERLAY_XINO_ON)
		text_put(out, STR(",xino=on"));
	if (o->xino == OVERLAY_XINO_AUTO)
		text_put(out, STR(",xino=auto"));
	if (o->flags & OVERLAY_METACOPY)
		text_put(out, STR(",metacopy=on"));
	if (o->flags & OVERLAY_VOLATILE)
		text_put(out, STR(",volatile"));
	if (o->flags & OVERLAY_USER_XATTR)
		text_put(out, STR(",userxattr"));
}

// --- lists of paths ---------------------------------------------------------------------------------

ssize_r overlay_next_path(bytes_t list, usize *at borrowed, span_t out)
{
	usize used = 0;
	while (*at < bytes_len(list) && byte_at(list, *at) != ':') {
		if (byte_at(list, *at) == '\\' && *at + 1 < bytes_len(list))
			++*at;
		if (used == span_len(out))
			return -ENAMETOOLONG;
		span_at(out, used++) = byte_at(list, *at);
		++*at;
	}
	++*at;
	return (ssize_r)used;
}

usize overlay_count_paths(bytes_t list)
{
	usize count = 1;
	for (usize i = 0; i < bytes_len(list); i++) {
		if (byte_at(list, i) == '\\')
			i++;
		else if (byte_at(list, i) == ':')
			count++;
	}
	return count;
}
