// SPDX-License-Identifier: MPL-2.0
// The origin of a copy, as an attribute of the upper file: a file handle, in the form that other systems write too.
#include <services/fs/overlayfs/overlay_internal.h>

enum origin_field { ORIGIN_VERSION = 0, ORIGIN_MAGIC = 1, ORIGIN_LENGTH = 2, ORIGIN_FLAGS = 3, ORIGIN_TYPE = 4,
	ORIGIN_UUID = 5, ORIGIN_NUMBER = 21, ORIGIN_GENERATION = 25, ORIGIN_BYTES = OVERLAY_ORIGIN_BYTES };
#define ORIGIN_MAGIC_VALUE 0xfbu
#define ORIGIN_TYPE_NUMBER 1u	// 32 bits of number, 32 of generation
#define ORIGIN_FLAG_BIG_ENDIAN 1u
#define ORIGIN_FLAG_UPPER 4u
#define UUID_BYTES 16u

static bool has_uuid(const struct superblock *sb borrowed)
{
	for (u32 i = 0; i < UUID_BYTES; i++) {
		if (sb->uuid[i])
			return true;
	}
	return false;
}

// Of file systems without a name of their own (tmpfs) there may be one: then it is meant.
static bool gives_handles(struct overlay_superblock *s, struct superblock *sb)
{
	if (!sb->ops->find_inode)
		return false;
	if (has_uuid(sb))
		return true;
	list_for_each(overlay_layer_list, l, &s->layers) {
		if (l->mount->superblock != sb && !has_uuid(l->mount->superblock))
			return false;
	}
	return true;
}

bool overlay_has_origins(struct overlay_superblock *s)
{
	if (s->upper && !s->upper->mount->superblock->ops->find_inode)
		return false;
	list_for_each(overlay_layer_list, l, &s->layers) {
		if (!gives_handles(s, l->mount->superblock))
			return false;
	}
	return true;
}

static bool encode(struct inode *real, u8 flags, span_t out)
{
	if (real->number > U32_MAX)
		return false;
	span_fill(out, 0);
	span_at(out, ORIGIN_FLAGS) = flags;
	span_at(out, ORIGIN_MAGIC) = ORIGIN_MAGIC_VALUE;
	span_at(out, ORIGIN_LENGTH) = ORIGIN_BYTES;
	span_at(out, ORIGIN_TYPE) = ORIGIN_TYPE_NUMBER;
	span_copy(span_from(out, ORIGIN_UUID), array_bytes(real->superblock->uuid));
	span_put_u32le(out, ORIGIN_NUMBER, (u32)real->number);
	span_put_u32le(out, ORIGIN_GENERATION, real->generation);
	return true;
}

bool overlay_origin_encode(struct overlay_superblock *s, struct inode *lower, span_t out)
{
	return gives_handles(s, lower->superblock) && encode(lower, 0, out);
}

bool overlay_upper_encode(struct overlay_superblock *s, struct inode *upper, span_t out)
{
	return s->upper->mount->superblock->ops->find_inode && encode(upper, ORIGIN_FLAG_UPPER, out);
}

bool overlay_origin_matches(struct overlay_superblock *s, struct inode *copy, struct inode *lower)
{
	u8 noted[ORIGIN_BYTES], there[ORIGIN_BYTES];
	if (overlay_get_mark(s, copy, OVERLAY_MARK_ORIGIN, array_span(noted)) != (ssize_r)sizeof(noted) ||
		!overlay_origin_encode(s, lower, array_span(there)))
		return true;
	return bytes_equal(array_bytes(noted), array_bytes(there));
}

err_t overlay_check_origin(struct overlay_superblock *s)
{
	u8 wanted[ORIGIN_BYTES], there[ORIGIN_BYTES];
	struct inode *upper = s->upper->mount->root->inode;
	if (!overlay_origin_encode(s, overlay_layer_list_first(&s->layers)->mount->root->inode, array_span(wanted)))
		return -EOPNOTSUPP;
	const ssize_r length = overlay_get_mark(s, upper, OVERLAY_MARK_ORIGIN, array_span(there));
	if (length == -ENODATA)
		return overlay_set_mark(s, upper, OVERLAY_MARK_ORIGIN, array_bytes(wanted));
	if (length < 0 && length != -ERANGE)
		return (err_t)length;
	return length == (ssize_r)ORIGIN_BYTES && bytes_equal(array_bytes(wanted), array_bytes(there)) ? OK : -ESTALE;
}

err_t overlay_set_origin(struct overlay_superblock *s, struct inode *copy, struct inode *lower)
{
	u8 value[ORIGIN_BYTES];
	if (!overlay_origin_encode(s, lower, array_span(value)))
		return OK;
	const err_t e = overlay_set_mark(s, copy, OVERLAY_MARK_ORIGIN, array_bytes(value));
	// Where it cannot be kept the number changes at the next mount; that is all.
	return e == -EOPNOTSUPP ? OK : e;
}

static struct overlay_layer *layer_of_uuid(struct overlay_superblock *s, bytes_t uuid)
{
	list_for_each(overlay_layer_list, l, &s->layers) {
		struct superblock *sb = l->mount->superblock;
		if (gives_handles(s, sb) && bytes_equal(array_bytes(sb->uuid), uuid))
			return l;
	}
	return NULL;
}

static bool is_handle(bytes_t v)
{
	return bytes_len(v) == ORIGIN_BYTES && !byte_at(v, ORIGIN_VERSION) &&
		byte_at(v, ORIGIN_MAGIC) == ORIGIN_MAGIC_VALUE && byte_at(v, ORIGIN_LENGTH) == ORIGIN_BYTES &&
		!(byte_at(v, ORIGIN_FLAGS) & ORIGIN_FLAG_BIG_ENDIAN) && byte_at(v, ORIGIN_TYPE) == ORIGIN_TYPE_NUMBER;
}

err_t overlay_handle_find(struct overlay_superblock *s, bytes_t handle, struct overlay_layer **layer borrowed,
	struct inode **out borrowed)
{
	if (!is_handle(handle))
		return -ESTALE;
	const bytes_t uuid = bytes_slice(handle, ORIGIN_UUID, UUID_BYTES);
	struct overlay_layer *l = NULL;
	if (!(byte_at(handle, ORIGIN_FLAGS) & ORIGIN_FLAG_UPPER))
		l = layer_of_uuid(s, uuid);
	else if (s->upper && bytes_equal(array_bytes(s->upper->mount->superblock->uuid), uuid))
		l = s->upper;
	if (!l || !l->mount->superblock->ops->find_inode)
		return -ESTALE;
	struct superblock *sb = l->mount->superblock;
	*layer = l;
	return sb->ops->find_inode(sb, bytes_get_u32le(handle, ORIGIN_NUMBER),
		bytes_get_u32le(handle, ORIGIN_GENERATION), out);
}

err_t overlay_find_origin(struct overlay_superblock *s, struct dentry *upper, struct overlay_found *out borrowed)
{
	u8 value[ORIGIN_BYTES];
	struct overlay_layer *l = NULL;
	struct inode *origin object_auto(inode) = NULL;
	if (overlay_get_mark(s, upper->inode, OVERLAY_MARK_ORIGIN, array_span(value)) != (ssize_r)sizeof(value))
		return OK;
	const err_t e = overlay_handle_find(s, array_bytes(value), &l, &origin);
	if (e)
		return e == -ENOMEM ? e : OK;
	if (l == s->upper || origin->type != upper->inode->type)
		return OK;
	struct dentry *d object_auto(dentry) = dentry_create_anonymous(origin->superblock, origin, bytes_empty());
	return d ? overlay_place_add(&out->lower, l, d) : (err_t)-ENOMEM;
}
