// SPDX-License-Identifier: MPL-2.0
// source: add_key(2), request_key(2), keyctl(2)
#include <generated/syscall_prototypes.h>
#include <services/keys/keys.h>
#include <services/process/thread.h>

#define TYPE_MAX 32u
#define BIG_PAYLOAD_MAX (1024 * 1024 - 1)
enum {
	GET_KEYRING_ID = 0, JOIN_SESSION_KEYRING = 1, UPDATE = 2, REVOKE = 3, CHOWN = 4, SETPERM = 5, DESCRIBE = 6,
	CLEAR = 7, LINK = 8, UNLINK = 9, SEARCH = 10, READ = 11, INSTANTIATE = 12, NEGATE = 13,
	SET_REQKEY_KEYRING = 14, SET_TIMEOUT = 15, ASSUME_AUTHORITY = 16, GET_SECURITY = 17, REJECT = 19,
	INSTANTIATE_IOV = 20, INVALIDATE = 21
};

// --- arguments ------------------------------------------------------------------------------------------

// A string of at most `limit` bytes. -EFAULT, -EINVAL
static err_t string_read(user_addr_t from, usize limit, struct buf **out borrowed, usize *length borrowed)
{
	struct buf *b buf_auto = buf_alloc(limit + 1);
	if (!b)
		return -ENOMEM;
	const ssize_r n = user_copy_string(buf_span(b), from);
	if (n < 0)
		return n == -ENAMETOOLONG ? -EINVAL : (err_t)n;
	*length = (usize)n;
	*out = take(b);
	return OK;
}

struct stack_only key_arguments {
	struct buf *storage;
	usize length;
	enum key_type type;
};
static void key_arguments_end(struct key_arguments *a borrowed)
{
	buf_free(take(a->storage));
}
#define key_arguments_auto auto_release(key_arguments_end)
#define description_of(a) bytes_first(buf_bytes((a)->storage), (a)->length)

// -EPERM: types with a dot in front are the kernel's own. -ENODEV: there is none of that name.
static err_t type_read(user_addr_t type, enum key_type *out borrowed)
{
	u8 name[TYPE_MAX + 1];
	const ssize_r n = user_copy_string(array_span(name), type);
	if (n < 0)
		return n == -ENAMETOOLONG ? -EINVAL : (err_t)n;
	if (n == 0 || n >= (ssize_r)TYPE_MAX)
		return -EINVAL;
	if (name[0] == '.')
		return -EPERM;
	return key_type_find(bytes_first(array_bytes(name), (usize)n), out) ? OK : -ENODEV;
}

static err_t arguments_read(struct key_arguments *a borrowed, user_addr_t type, user_addr_t description)
{
	const err_t e = type_read(type, &a->type);
	return e ? e : string_read(description, KEY_DESCRIPTION_MAX, &a->storage, &a->length);
}

static err_t payload_read(user_addr_t from, u64 length, struct buf **out borrowed)
{
	if (length > BIG_PAYLOAD_MAX)
		return -EINVAL;
	struct buf *b buf_auto = length ? buf_alloc(length) : NULL;
	if (length && !b)
		return -ENOMEM;
	const err_t e = b ? user_copy_in(buf_span(b), from) : OK;
	if (!e)
		*out = take(b);
	return e;
}

static err_t description_check(const struct key_arguments *a borrowed)
{
	const bytes_t d = description_of(a);
	if (a->length == 0)
		return -EINVAL;
	if (a->type == KEY_TYPE_KEYRING && byte_at(d, 0) == '.')
		return -EPERM;
	const usize colon = bytes_find(d, ':');
	return a->type == KEY_TYPE_LOGON && (colon == 0 || colon == a->length) ? -EINVAL : OK;
}

static bool length_fits(enum key_type type, u64 length)
{
	return type == KEY_TYPE_KEYRING ? length == 0 : length > 0 && length <= KEY_PAYLOAD_MAX;
}

// --- calls ----------------------------------------------------------------------------------------------

s64 sys_add_key(user_addr_t type, user_addr_t description, user_addr_t payload, u64 plen, s32 keyring)
{
	struct key_arguments a key_arguments_auto = {};
	struct buf *content buf_auto = NULL;
	if (plen > BIG_PAYLOAD_MAX)
		return -EINVAL;
	err_t e = arguments_read(&a, type, description);
	if (!e)
		e = description_check(&a);
	if (!e)
		e = payload_read(payload, plen, &content);
	if (!e && !length_fits(a.type, plen))
		e = -EINVAL;
	return e ? (s64)e : (s64)key_add(a.type, description_of(&a), take(content), keyring);
}

s64 sys_request_key(user_addr_t type, user_addr_t description, user_addr_t callout_info, s32 keyring)
{
	struct key_arguments a key_arguments_auto = {};
	const err_t e = arguments_read(&a, type, description);
	return e ? (s64)(e == (err_t)-ENODEV ? -ENOKEY : e) : (s64)key_request(a.type, description_of(&a), keyring);
}

static s64 join_session(user_addr_t name)
{
	struct buf *text buf_auto = NULL;
	usize length = 0;
	err_t e = user_is_null(name) ? OK : string_read(name, KEY_DESCRIPTION_MAX, &text, &length);
	if (e)
		return e;
	if (text && length && byte_at(buf_bytes(text), 0) == '.')
		return -EPERM;
	struct cred *c object_auto(cred) = cred_copy(thread_cred());
	if (!c)
		return -ENOMEM;
	const ssize_r n = key_session_join(c, text ? bytes_first(buf_bytes(text), length) : bytes_empty());
	if (n >= 0)
		thread_set_cred(take(c));
	return n;
}

static s64 update(s32 id, user_addr_t payload, u64 length)
{
	struct buf *content buf_auto = NULL;
	if (length > PAGE_SIZE)
		return -EINVAL;
	const err_t e = payload_read(payload, length, &content);
	return e ? e : key_update(id, take(content));
}

static s64 change_owner(s32 id, u32 uid, u32 gid)
{
	struct user_namespace *ns = thread_cred()->user_ns;
	const u32 kuid = uid == U32_MAX ? ID_INVALID : user_namespace_uid_in(ns, uid);
	const u32 kgid = gid == U32_MAX ? ID_INVALID : user_namespace_gid_in(ns, gid);
	if ((uid != U32_MAX && kuid == ID_INVALID) || (gid != U32_MAX && kgid == ID_INVALID))
		return -EINVAL;
	return uid == U32_MAX && gid == U32_MAX ? 0 : key_set_owner(id, kuid, kgid);
}

// The length of all; copied when there is room for all.
static s64 copy_whole(bytes_t all, user_addr_t to, u64 room)
{
	if (user_is_null(to) || room < bytes_len(all))
		return (s64)bytes_len(all);
	const err_t e = user_copy_out(to, all);
	return e ? (s64)e : (s64)bytes_len(all);
}

static s64 describe(s32 id, user_addr_t to, u64 room)
{
	struct buf *line buf_auto = buf_alloc(KEY_DESCRIPTION_MAX + 128);
	if (!line)
		return -ENOMEM;
	struct text t = text_to(buf_span(line));
	const err_t e = key_describe(id, &t);
	return e ? (s64)e : copy_whole(text_bytes(&t), to, room);
}

static s64 read_key(s32 id, user_addr_t to, u64 room)
{
	struct buf *content buf_auto = NULL;
	usize length = 0;
	const err_t e = key_read(id, &content, &length);
	return e ? (s64)e : copy_whole(bytes_first(buf_bytes(content), length), to, room);
}

static s64 search(s32 ring, user_addr_t type, user_addr_t description, s32 destination)
{
	struct key_arguments a key_arguments_auto = {};
	const err_t e = arguments_read(&a, type, description);
	return e ? (s64)(e == (err_t)-ENODEV ? -ENOKEY : e)
		 : (s64)key_search(ring, a.type, description_of(&a), destination);
}

// No security module has a label for a key: the empty string.
static s64 get_security(s32 id, user_addr_t to, u64 room)
{
	const u8 nothing[1] = { 0 };
	const err_t e = key_check_view(id);
	return e ? (s64)e : copy_whole(array_bytes(nothing), to, room);
}

static s64 control_key(s32 operation, s32 id, u64 b, u64 c, u64 d)
{
	switch (operation) {
	case UPDATE: return update(id, user_addr(b), c);
	case REVOKE: return key_revoke(id);
	case CHOWN: return change_owner(id, (u32)b, (u32)c);
	case SETPERM: return b & ~0x3f3f3f3ful ? -EINVAL : key_set_permission(id, (u32)b);
	case DESCRIBE: return describe(id, user_addr(b), c);
	case CLEAR: return key_clear(id);
	case LINK: return key_link(id, (s32)b);
	case UNLINK: return key_unlink(id, (s32)b);
	case SEARCH: return search(id, user_addr(b), user_addr(c), (s32)d);
	case READ: return read_key(id, user_addr(b), c);
	case SET_TIMEOUT: return key_set_timeout(id, (u32)b);
	case GET_SECURITY: return get_security(id, user_addr(b), c);
	case INVALIDATE: return key_invalidate(id);
	default: return -EOPNOTSUPP;
	}
}

s64 sys_keyctl(s32 operation, u64 arg2, u64 arg3, u64 arg4, u64 arg5)
{
	switch (operation) {
	case GET_KEYRING_ID:
		return key_number((s32)arg2, arg3 ? KEY_MAKE : KEY_FIND);
	case JOIN_SESSION_KEYRING:
		return join_session(user_addr(arg2));
	case INSTANTIATE:
	case NEGATE:
	case REJECT:
	case INSTANTIATE_IOV:
		return -EPERM;	// nobody is ever asked to make a key
	case ASSUME_AUTHORITY:
		return (s32)arg2 < 0 ? -EINVAL : arg2 ? -ENOKEY : 0;
	case SET_REQKEY_KEYRING:
		return key_set_request_ring((s32)arg2);
	default:
		return control_key(operation, (s32)arg2, arg3, arg4, arg5);
	}
}
