// SPDX-License-Identifier: MPL-2.0
// Access control lists: their form, and what they decide. Most files have none: that is remembered (the inode's note
// no_acl), so that a walk pays for lists only where there are some.
#include <services/vfs/acl.h>
#include <services/vfs/dentry.h>
#include <services/vfs/idmap.h>
#include <services/vfs/superblock.h>

bool acl_is_name(bytes_t name)
{
	return bytes_equal(name, XATTR_ACL_ACCESS) || bytes_equal(name, XATTR_ACL_DEFAULT);
}

// --- the form -----------------------------------------------------------------------------------------

usize acl_count(bytes_t list)
{
	return bytes_len(list) < ACL_HEADER_BYTES ? 0 : (bytes_len(list) - ACL_HEADER_BYTES) / ACL_ENTRY_BYTES;
}

static usize entry_place(usize index)
{
	return ACL_HEADER_BYTES + index * ACL_ENTRY_BYTES;
}

struct acl_entry acl_entry_at(bytes_t list, usize index)
{
	const usize at = entry_place(index);
	return (struct acl_entry){ bytes_get_u16le(list, at), bytes_get_u16le(list, at + 2),
		bytes_get_u32le(list, at + 4) };
}

void acl_entry_put(span_t list, usize index, const struct acl_entry *e borrowed)
{
	const usize at = entry_place(index);
	span_put_u16le(list, at, (u16)e->tag);
	span_put_u16le(list, at + 2, (u16)e->rights);
	span_put_u32le(list, at + 4, e->id);
}

// May `tag` follow `last` (0: nothing)? Users and groups may follow their like.
static bool may_follow(u32 last, u32 tag)
{
	switch (tag) {
	case ACL_USER_OBJ:
		return last == 0;
	case ACL_USER:
		return last == ACL_USER_OBJ || last == ACL_USER;
	case ACL_GROUP_OBJ:
		return last == ACL_USER_OBJ || last == ACL_USER;
	case ACL_GROUP:
		return last == ACL_GROUP_OBJ || last == ACL_GROUP;
	case ACL_MASK:
		return last == ACL_GROUP_OBJ || last == ACL_GROUP;
	case ACL_OTHER:
		return last == ACL_GROUP_OBJ || last == ACL_GROUP || last == ACL_MASK;
	default:
		return false;
	}
}

err_t acl_check(bytes_t list)
{
	bool names_somebody = false, has_mask = false;
	u32 last = 0;
	if (bytes_len(list) < ACL_HEADER_BYTES || (bytes_len(list) - ACL_HEADER_BYTES) % ACL_ENTRY_BYTES)
		return -EINVAL;
	for (usize k = 0; k < acl_count(list); k++) {
		const struct acl_entry e = acl_entry_at(list, k);
		const bool is_named = e.tag == ACL_USER || e.tag == ACL_GROUP;
		if (!may_follow(last, e.tag) || (e.rights & ~7u) || (is_named && e.id == ACL_NO_ID))
			return -EINVAL;
		names_somebody |= is_named;
		has_mask |= e.tag == ACL_MASK;
		last = e.tag;
	}
	return last == ACL_OTHER && (has_mask || !names_somebody) ? OK : -EINVAL;
}

// --- reading ------------------------------------------------------------------------------------------

static bool has_lists(const struct inode *i borrowed)
{
	return (atomic_u32_load_relaxed(&i->superblock->flags) & SUPERBLOCK_ACL) && i->type != S_IFLNK &&
		i->ops->get_xattr;
}

// The list in *out; NULL: none. What a file system cannot read (-EIO) is an error, not an empty list.
static err_t list_read(struct inode *i, bytes_t name, struct buf **out borrowed)
{
	*out = NULL;
	const ssize_r length = i->ops->get_xattr(i, name, span_empty());
	if (length <= 0)
		return length == 0 || length == -ENODATA || length == -EOPNOTSUPP ? OK : (err_t)length;
	struct buf *list buf_auto = buf_alloc((usize)length);
	if (!list)
		return -ENOMEM;
	const ssize_r again = i->ops->get_xattr(i, name, buf_span(list));
	if (again != length)
		return again < 0 ? (err_t)again : -EIO;
	const err_t e = acl_check(buf_bytes(list));
	if (e)
		return -EIO;
	*out = take(list);
	return OK;
}

static err_t access_read(struct inode *i, struct buf **out borrowed)
{
	*out = NULL;
	const u32 note = atomic_u32_load(&i->no_acl);
	if (!has_lists(i) || inode_note_says_absent(&i->no_acl))
		return OK;
	const err_t e = list_read(i, XATTR_ACL_ACCESS, out);
	if (!e && !*out)
		inode_note_absent(&i->no_acl, note);
	return e;
}

// --- rights -------------------------------------------------------------------------------------------

static u32 id_seen(struct inode *i, struct user_namespace *idmap, const struct acl_entry *e borrowed)
{
	return e->tag == ACL_USER ? idmap_uid_seen_of(i, idmap, e->id) : idmap_gid_seen_of(i, idmap, e->id);
}

static u32 mask_of(bytes_t list)
{
	for (usize k = acl_count(list); k > 0; k--) {
		const struct acl_entry e = acl_entry_at(list, k - 1);
		if (e.tag == ACL_MASK)
			return e.rights;
	}
	return 7;
}

// The named user's entry decides; else the groups' that has all that is wanted; else, in no group, that of others.
static err_t list_decide(struct inode *i, struct user_namespace *idmap, bytes_t list, u32 wanted,
	const struct cred *cred borrowed)
{
	const u32 mask = mask_of(list);
	bool is_member = false;
	for (usize k = 0; k < acl_count(list); k++) {
		const struct acl_entry e = acl_entry_at(list, k);
		const bool allows = !(wanted & ~(e.rights & mask));
		bool is_group = false;
		if (e.tag == ACL_USER && id_seen(i, idmap, &e) == cred->fsuid)
			return allows ? OK : -EACCES;
		if (e.tag == ACL_GROUP_OBJ)
			is_group = cred_in_group(cred, idmap_gid_seen(i, idmap));
		else if (e.tag == ACL_GROUP)
			is_group = cred_in_group(cred, id_seen(i, idmap, &e));
		if (is_group && allows)
			return OK;
		is_member |= is_group;
		if (e.tag == ACL_OTHER)
			return !is_member && !(wanted & ~e.rights) ? OK : -EACCES;
	}
	return -EACCES;
}

err_t acl_permission(struct inode *i, struct user_namespace *idmap, u32 mask, const struct cred *cred borrowed)
{
	struct buf *list buf_auto = NULL;
	// Where the mode's group bits, the mask, give nothing, a list cannot either: Linux does not ask it then.
	const err_t e = i->mode & 0070 ? access_read(i, &list) : OK;
	if (e)
		return e;
	return list ? list_decide(i, idmap, buf_bytes(list), mask & 7, cred) : (err_t)-EAGAIN;
}

// --- lists and modes ----------------------------------------------------------------------------------

static void rights_limit(span_t list, usize index, u32 rights)
{
	struct acl_entry e = acl_entry_at(bytes_of(list), index);
	e.rights &= rights;
	acl_entry_put(list, index, &e);
}

// Which of the mode's three digits an entry stands for (its shift); a group's own only without a mask.
static bool entry_digit(const struct acl_entry *e borrowed, bool has_mask, u32 *shift borrowed)
{
	switch (e->tag) {
	case ACL_USER_OBJ:
		*shift = 6;
		return true;
	case ACL_GROUP_OBJ:
		*shift = 3;
		return !has_mask;
	case ACL_MASK:
		*shift = 3;
		return true;
	case ACL_OTHER:
		*shift = 0;
		return true;
	default:
		return false;
	}
}

static bool list_has_mask(bytes_t list)
{
	for (usize k = 0; k < acl_count(list); k++) {
		if (acl_entry_at(list, k).tag == ACL_MASK)
			return true;
	}
	return false;
}

// A new file's list from its folder's: what the mode does not ask for is taken from it, and the other way round.
static u32 list_begin(span_t list, u32 mode)
{
	const bool has_mask = list_has_mask(bytes_of(list));
	for (usize k = 0; k < acl_count(bytes_of(list)); k++) {
		const struct acl_entry e = acl_entry_at(bytes_of(list), k);
		u32 shift = 0;
		if (!entry_digit(&e, has_mask, &shift))
			continue;
		rights_limit(list, k, mode >> shift & 7);
		mode &= e.rights << shift | ~(7u << shift);
	}
	return mode;
}

static void list_set_mode(span_t list, u32 mode)
{
	const bool has_mask = list_has_mask(bytes_of(list));
	for (usize k = 0; k < acl_count(bytes_of(list)); k++) {
		struct acl_entry e = acl_entry_at(bytes_of(list), k);
		u32 shift = 0;
		if (!entry_digit(&e, has_mask, &shift))
			continue;
		e.rights = mode >> shift & 7;
		acl_entry_put(list, k, &e);
	}
}

bool acl_is_handed_on(struct inode *dir)
{
	return has_lists(dir) && dir->ops->get_xattr(dir, XATTR_ACL_DEFAULT, span_empty()) > 0;
}

static err_t list_store(struct inode *i, bytes_t name, bytes_t list)
{
	if (!i->ops->set_xattr)
		return -EOPNOTSUPP;
	const err_t e = i->ops->set_xattr(i, name, list, 0);
	inode_note_changed(&i->no_acl);
	return e;
}

static err_t mode_store(struct inode *i, u32 mode)
{
	const struct attribute_change change = { .valid = ATTRIBUTE_MODE, .mode = mode };
	if (i->mode == mode)
		return OK;
	if (i->ops->set_attributes)
		return i->ops->set_attributes(i, &change);
	inode_set_attributes_generic(i, &change);
	return OK;
}

err_t acl_hand_on(struct inode *dir, struct inode *child, u32 mode)
{
	struct buf *list buf_auto = NULL;
	if (!has_lists(dir) || child->type == S_IFLNK)
		return OK;
	err_t e = list_read(dir, XATTR_ACL_DEFAULT, &list);
	if (e || !list)
		return e;
	if (child->type == S_IFDIR)
		e = list_store(child, XATTR_ACL_DEFAULT, buf_bytes(list));
	// Set-group-id came from the folder, not from the caller.
	const u32 kept = list_begin(buf_span(list), mode & 07777) | (child->mode & S_ISGID);
	if (!e && acl_count(buf_bytes(list)) > 3)
		e = list_store(child, XATTR_ACL_ACCESS, buf_bytes(list));
	return e ? e : mode_store(child, kept);
}

err_t acl_change_mode(struct inode *i, u32 mode)
{
	struct buf *list buf_auto = NULL;
	const err_t e = access_read(i, &list);
	if (e || !list)
		return e;
	list_set_mode(buf_span(list), mode);
	return list_store(i, XATTR_ACL_ACCESS, buf_bytes(list));
}
