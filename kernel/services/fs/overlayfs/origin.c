// SPDX-License-Identifier: MPL-2.0
// The origin of a copy, as an attribute of the upper file: a file handle, in the form that other systems write too.
#include <services/fs/overlayfs/overlay_internal.h>

enum origin_field { ORIGIN_VERSION = 0, ORIGIN_MAGIC = 1, ORIGIN_LENGTH = 2, ORIGIN_FLAGS = 3, ORIGIN_TYPE = 4,
	ORIGIN_UUID = 5, ORIGIN_NUMBER = 21, ORIGIN_GENERATION = 25, ORIGIN_BYTES = 29 };
#define ORIGIN_MAGIC_VALUE 0xfbu
#define ORIGIN_TYPE_NUMBER 1u	// 32 bits of number, 32 of generation
#define ORIGIN_FLAG_BIG_ENDIAN 1u
#define UUID_BYTES 16u

static bool has_uuid(const struct superblock *sb borrowed)
{
	for (u32 i = 0; i < UUID_BYTES; i++) {
		if (sb->uuid[i])
			return true;
	}
	return false;
}

static bool gives_handles(const struct superblock *sb borrowed)
{
	return sb->ops->find_inode && has_uuid(sb);
}

err_t overlay_set_origin(struct overlay_superblock *s, struct inode *copy, struct inode *lower)
{
	u8 value[ORIGIN_BYTES] = { [ORIGIN_MAGIC] = ORIGIN_MAGIC_VALUE, [ORIGIN_LENGTH] = ORIGIN_BYTES,
		[ORIGIN_TYPE] = ORIGIN_TYPE_NUMBER };
	if (!gives_handles(lower->superblock) || lower->number > U32_MAX)
		return OK;
	span_copy(span_from(array_span(value), ORIGIN_UUID), array_bytes(lower->superblock->uuid));
	span_put_u32le(array_span(value), ORIGIN_NUMBER, (u32)lower->number);
	span_put_u32le(array_span(value), ORIGIN_GENERATION, lower->generation);
	const err_t e = overlay_set_mark(s, copy, OVERLAY_MARK_ORIGIN, array_bytes(value));
	// Where it cannot be kept the number changes at the next mount; that is all.
	return e == -EOPNOTSUPP ? OK : e;
}

static struct overlay_layer *layer_of_uuid(struct overlay_superblock *s, bytes_t uuid)
{
	list_for_each(overlay_layer_list, l, &s->layers) {
		const struct superblock *sb = l->mount->superblock;
		if (gives_handles(sb) && bytes_equal(array_bytes(sb->uuid), uuid))
			return l;
	}
	return NULL;
}

err_t overlay_find_origin(struct overlay_superblock *s, struct dentry *upper, struct overlay_found *out borrowed)
{
	u8 value[ORIGIN_BYTES];
	const bytes_t v = array_bytes(value);
	if (overlay_get_mark(s, upper->inode, OVERLAY_MARK_ORIGIN, array_span(value)) != (ssize_r)sizeof(value))
		return OK;
	if (byte_at(v, ORIGIN_VERSION) || byte_at(v, ORIGIN_MAGIC) != ORIGIN_MAGIC_VALUE ||
		byte_at(v, ORIGIN_LENGTH) != ORIGIN_BYTES || (byte_at(v, ORIGIN_FLAGS) & ORIGIN_FLAG_BIG_ENDIAN) ||
		byte_at(v, ORIGIN_TYPE) != ORIGIN_TYPE_NUMBER)
		return OK;
	struct overlay_layer *l = layer_of_uuid(s, bytes_slice(v, ORIGIN_UUID, UUID_BYTES));
	if (!l)
		return OK;
	struct superblock *sb = l->mount->superblock;
	struct inode *origin object_auto(inode) = NULL;
	const err_t e = sb->ops->find_inode(sb, bytes_get_u32le(v, ORIGIN_NUMBER), bytes_get_u32le(v,
		ORIGIN_GENERATION),
		&origin);
	if (e)
		return e == -ENOMEM ? e : OK;
	if (origin->type != upper->inode->type)
		return OK;
	struct dentry *d object_auto(dentry) = dentry_create_anonymous(sb, origin, bytes_empty());
	return d ? overlay_place_add(&out->lower, l, d) : (err_t)-ENOMEM;
}
