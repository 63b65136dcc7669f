// SPDX-License-Identifier: MPL-2.0
// The calls. Each holds keys_lock from look-up to change.
#include <core/time.h>
#include <services/keys/key_internal.h>
#include <services/process/thread.h>

static u32 permission_for(enum key_type type)
{
	const u32 common = KEY_VIEW | KEY_SEARCH | KEY_LINK | KEY_SET_ATTRIBUTE | KEY_WRITE;
	return KEY_POSSESSOR(type == KEY_TYPE_LOGON ? common : common | KEY_READ) | KEY_OWNER(KEY_VIEW);
}

static err_t find_ring(s32 id, enum key_make make, u32 wanted, struct key_found *out borrowed)
{
	const err_t e = key_find(id, make, wanted, out);
	return e ? e : out->key->type == KEY_TYPE_KEYRING ? OK : -ENOTDIR;
}

static err_t set_payload(struct key *k, struct buf *payload consumes)
{
	struct buf *fresh buf_auto = payload;
	const s64 before = k->payload ? (s64)buf_len(k->payload) : 0, after = fresh ? (s64)buf_len(fresh) : 0;
	const err_t e = key_charge(k, after - before);
	if (e)
		return e;
	buf_free(take(k->payload));
	k->payload = take(fresh);
	return OK;
}

ssize_r key_add(enum key_type type, bytes_t description, struct buf *payload consumes, s32 ring)
{
	struct buf *content buf_auto = payload;
	struct key_found dest key_found_auto = {};
	mutex_guard(&keys_lock);
	err_t e = find_ring(ring, KEY_MAKE, KEY_WRITE, &dest);
	if (e)
		return (ssize_r)e;
	struct key *known = type == KEY_TYPE_KEYRING ? NULL : keyring_find(dest.key, type, description);
	if (known) {
		if (!key_permits(known, dest.possession, KEY_WRITE))
			return -EACCES;
		e = set_payload(known, take(content));
		known->expiry_ns = e ? known->expiry_ns : 0;
		return e ? (ssize_r)e : (ssize_r)known->number;
	}
	struct key *made object_auto(key) = NULL;
	e = key_create(type, description, permission_for(type), take(content), &made);
	if (!e)
		e = keyring_add(dest.key, made);
	return e ? (ssize_r)e : (ssize_r)made->number;
}

static ssize_r found_link(struct key *k, s32 destination)
{
	struct key_found dest key_found_auto = {};
	err_t e = destination ? find_ring(destination, KEY_MAKE, KEY_WRITE, &dest) : OK;
	if (!e && destination)
		e = key_permits(k, KEY_POSSESSED, KEY_LINK) ? keyring_add(dest.key, k) : -EACCES;
	return e ? (ssize_r)e : (ssize_r)k->number;
}

ssize_r key_request(enum key_type type, bytes_t description, s32 destination)
{
	struct key *found object_auto(key) = NULL;
	struct key_rings rings key_rings_auto = {};
	err_t why = -ENOKEY;
	mutex_guard(&keys_lock);
	key_rings_find(&rings);
	for (u32 n = 0; n < KEY_RINGS && !found; n++) {
		struct key *ring = key_ring_at(&rings, n);
		const err_t e = ring ? keyring_search(ring, KEY_POSSESSED, type, description, &found) : -ENOKEY;
		if (e != (err_t)-ENOKEY && e != (err_t)-EACCES)
			why = e;
	}
	return found ? found_link(found, destination) : (ssize_r)why;
}

ssize_r key_search(s32 ring, enum key_type type, bytes_t description, s32 destination)
{
	struct key_found where key_found_auto = {};
	struct key *found object_auto(key) = NULL;
	mutex_guard(&keys_lock);
	err_t e = find_ring(ring, KEY_FIND, KEY_SEARCH, &where);
	if (!e)
		e = keyring_search(where.key, where.possession, type, description, &found);
	return e ? (ssize_r)e : found_link(found, destination);
}

ssize_r key_number(s32 id, enum key_make make)
{
	struct key_found f key_found_auto = {};
	mutex_guard(&keys_lock);
	const err_t e = key_find(id, make, KEY_SEARCH, &f);
	return e ? (ssize_r)e : (ssize_r)f.key->number;
}

err_t key_update(s32 id, struct buf *payload consumes)
{
	struct buf *content buf_auto = payload;
	struct key_found f key_found_auto = {};
	mutex_guard(&keys_lock);
	const err_t e = key_find(id, KEY_FIND, KEY_WRITE, &f);
	if (e)
		return e;
	if (f.key->type == KEY_TYPE_KEYRING)
		return -EOPNOTSUPP;
	f.key->expiry_ns = 0;
	return content ? set_payload(f.key, take(content)) : -EINVAL;
}

err_t key_revoke(s32 id)
{
	struct key_found f key_found_auto = {};
	mutex_guard(&keys_lock);
	err_t e = key_find(id, KEY_FIND, KEY_WRITE, &f);
	if (e == (err_t)-EACCES && key_permits(f.key, f.possession, KEY_SET_ATTRIBUTE))
		e = OK;
	if (e)
		return e;
	f.key->is_revoked = 1;
	keyring_clear(f.key);
	return set_payload(f.key, NULL);
}

err_t key_invalidate(s32 id)
{
	struct key_found f key_found_auto = {};
	mutex_guard(&keys_lock);
	const err_t e = key_find(id, KEY_FIND, KEY_SEARCH, &f);
	if (!e)
		f.key->is_invalid = 1;
	return e;
}

err_t key_set_owner(s32 id, u32 uid, u32 gid)
{
	struct key_found f key_found_auto = {};
	const struct cred *c = thread_cred();
	mutex_guard(&keys_lock);
	const err_t e = key_find(id, KEY_MAKE, KEY_SET_ATTRIBUTE, &f);
	if (e)
		return e;
	if (!cred_has_capability(c, user_namespace_initial(), CAP_SYS_ADMIN) &&
		((uid != ID_INVALID && uid != f.key->uid) ||
			(gid != ID_INVALID && gid != f.key->gid && !cred_in_group(c, gid))))
		return -EACCES;
	if (uid != ID_INVALID && uid != f.key->uid) {
		// The charge moves along; root may put it on whom it likes.
		struct user_account *fresh object_auto(user_account) = user_account_of(uid);
		if (!fresh)
			return -ENOMEM;
		atomic_u64_add(&fresh->keys, 1);
		atomic_u64_add(&fresh->key_bytes, f.key->charge);
		atomic_u64_sub(&f.key->account->keys, 1);
		atomic_u64_sub(&f.key->account->key_bytes, f.key->charge);
		user_account_put(take(f.key->account));
		f.key->account = take(fresh);
		f.key->uid = uid;
	}
	f.key->gid = gid == ID_INVALID ? f.key->gid : gid;
	return OK;
}

err_t key_set_permission(s32 id, u32 permission)
{
	struct key_found f key_found_auto = {};
	mutex_guard(&keys_lock);
	const err_t e = key_find(id, KEY_MAKE, KEY_SET_ATTRIBUTE, &f);
	if (e)
		return e;
	if (f.key->uid != thread_cred()->fsuid &&
		!cred_has_capability(thread_cred(), user_namespace_initial(), CAP_SYS_ADMIN))
		return -EACCES;
	f.key->permission = permission;
	return OK;
}

err_t key_set_timeout(s32 id, u32 seconds)
{
	struct key_found f key_found_auto = {};
	mutex_guard(&keys_lock);
	const err_t e = key_find(id, KEY_MAKE, KEY_SET_ATTRIBUTE, &f);
	if (!e)
		f.key->expiry_ns = seconds ? clock_realtime_ns() + seconds * NS_PER_SECOND : 0;
	return e;
}

err_t key_clear(s32 ring)
{
	struct key_found f key_found_auto = {};
	mutex_guard(&keys_lock);
	const err_t e = find_ring(ring, KEY_MAKE, KEY_WRITE, &f);
	if (!e)
		keyring_clear(f.key);
	return e;
}

err_t key_link(s32 id, s32 ring)
{
	struct key_found f key_found_auto = {}, to key_found_auto = {};
	mutex_guard(&keys_lock);
	err_t e = find_ring(ring, KEY_MAKE, KEY_WRITE, &to);
	if (!e)
		e = key_find(id, KEY_MAKE, KEY_LINK, &f);
	return e ? e : keyring_add(to.key, f.key);
}

err_t key_unlink(s32 id, s32 ring)
{
	struct key_found f key_found_auto = {}, from key_found_auto = {};
	mutex_guard(&keys_lock);
	err_t e = find_ring(ring, KEY_FIND, KEY_WRITE, &from);
	if (e)
		return e;
	e = key_find(id, KEY_FIND, 0, &f);	// a dead one may go, too
	if (!f.key)
		return e;
	return keyring_remove(from.key, f.key) ? OK : -ENOENT;
}

// --- reading ------------------------------------------------------------------------------------------

err_t key_check_view(s32 id)
{
	struct key_found f key_found_auto = {};
	mutex_guard(&keys_lock);
	return key_find(id, KEY_FIND, KEY_VIEW, &f);
}

err_t key_describe(s32 id, struct text *out borrowed)
{
	struct key_found f key_found_auto = {};
	struct user_namespace *ns = thread_cred()->user_ns;
	mutex_guard(&keys_lock);
	const err_t e = key_find(id, KEY_FIND, KEY_VIEW, &f);
	if (e)
		return e;
	text_put(out, key_type_name(f.key->type));
	text_printf(out, ";%u;%u;%08x;", user_namespace_uid_show(ns, f.key->uid),
		user_namespace_gid_show(ns, f.key->gid), f.key->permission);
	text_put(out, f.key->description ? buf_bytes(f.key->description) : bytes_empty());
	text_char(out, 0);
	return OK;
}

static struct buf *numbers_of(struct key *ring) owned;
static struct buf *numbers_of(struct key *ring)
{
	struct buf *b buf_auto = buf_alloc(max(key_link_list_count(&ring->links) * 4, (usize)1));
	usize at = 0;
	if (!b)
		return NULL;
	list_for_each(key_link_list, l, &ring->links) {
		span_put_u32le(buf_span(b), at, (u32)l->key->number);
		at += 4;
	}
	return take(b);
}

err_t key_read(s32 id, struct buf **out borrowed, usize *length borrowed)
{
	struct key_found f key_found_auto = {};
	mutex_guard(&keys_lock);
	err_t e = key_find(id, KEY_FIND, KEY_READ, &f);
	// What one possesses and may search for one may read.
	if (e == (err_t)-EACCES && f.possession == KEY_POSSESSED && key_permits(f.key, KEY_POSSESSED, KEY_SEARCH))
		e = OK;
	if (e)
		return e;
	if (f.key->type == KEY_TYPE_LOGON)
		return -EOPNOTSUPP;
	if (f.key->type == KEY_TYPE_KEYRING) {
		*length = key_link_list_count(&f.key->links) * 4;
		*out = numbers_of(f.key);
	} else {
		*length = f.key->payload ? buf_len(f.key->payload) : 0;
		*out = f.key->payload ? buf_from(buf_bytes(f.key->payload)) : buf_alloc(1);
	}
	return *out ? OK : -ENOMEM;
}

// --- /proc --------------------------------------------------------------------------------------------

static void put_timeout(const struct key *k, struct text *out borrowed)
{
	const u64 now = clock_realtime_ns();
	if (!k->expiry_ns)
		text_put(out, STR("perm"));
	else if (k->expiry_ns <= now)
		text_put(out, STR("expd"));
	else
		text_printf(out, "%3lus", (k->expiry_ns - now) / NS_PER_SECOND);
}

static void put_key(struct key *k, struct text *out borrowed)
{
	struct user_namespace *ns = thread_cred()->user_ns;
	const bytes_t type = key_type_name(k->type);
	text_printf(out, "%08x I%c-%c%c-- %5u ", (u32)k->number, k->is_revoked ? 'R' : '-', 'Q',
		k->is_invalid ? 'i' : '-', object_references(&k->object) - 1);
	put_timeout(k, out);
	text_printf(out, " %08x %5u %5u ", k->permission, user_namespace_uid_show(ns, k->uid),
		user_namespace_gid_show(ns, k->gid));
	text_put(out, type);
	for (usize n = bytes_len(type); n < 10; n++)
		text_char(out, ' ');
	text_put(out, k->description ? buf_bytes(k->description) : bytes_empty());
	if (k->type == KEY_TYPE_KEYRING && key_link_list_is_empty(&k->links))
		text_put(out, STR(": empty\n"));
	else
		text_printf(out, ": %lu\n", k->type == KEY_TYPE_KEYRING ? key_link_list_count(&k->links)
			: k->payload ? buf_len(k->payload) : 0);
}

void key_show_all(struct text *out borrowed)
{
	struct key_rings rings key_rings_auto = {};
	mutex_guard(&keys_lock);
	key_rings_find(&rings);
	for (s32 number = 0;;) {
		struct key *seen object_auto(key) = key_after(number);
		if (!seen)
			return;
		if (key_permits(seen, key_rings_hold(&rings, seen) ? KEY_POSSESSED : KEY_FOREIGN, KEY_VIEW))
			put_key(seen, out);
		number = seen->number;
	}
}

static void put_user(const struct user_account *a borrowed, u32 shown_uid, struct text *out borrowed)
{
	const u64 keys = atomic_u64_load(&a->keys);
	text_printf(out, "%5u: %5lu %lu/%lu %lu/%u %lu/%u\n", shown_uid, keys, keys, keys, keys,
		atomic_u32_load(a->uid ? &key_limits.keys : &key_limits.root_keys), atomic_u64_load(&a->key_bytes),
		atomic_u32_load(a->uid ? &key_limits.bytes : &key_limits.root_bytes));
}

// The users that the caller's user namespace has.
void key_show_users(struct text *out borrowed)
{
	struct user_namespace *ns = thread_cred()->user_ns;
	for (u64 least = 0;;) {
		struct user_account *a object_auto(user_account) = user_account_from_uid(least);
		if (!a)
			return;
		const u32 shown = user_namespace_uid_out(ns, a->uid);
		if (shown != ID_INVALID && atomic_u64_load(&a->keys))
			put_user(a, shown, out);
		least = (u64)a->uid + 1;
	}
}
