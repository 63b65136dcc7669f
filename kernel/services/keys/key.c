// SPDX-License-Identifier: MPL-2.0
// Keys: numbers, quotas, permissions. Theory: keyrings hold keys, credentials and user namespaces hold keyrings; the
// tables of numbers and of the names of keyrings hold nothing, and a key takes itself out of them at its end. One mutex
// serialises all changes.
#include <core/random.h>
#include <core/time.h>
#include <services/cred/user_namespace.h>
#include <services/keys/key_internal.h>
#include <services/process/thread.h>

DEFINE_TREE(key_tree, key, table_link)
DEFINE_TREE(keyring_name_tree, key, name_link)
struct mutex keys_lock = MUTEX_INIT(RANK_NAMESPACE);
struct key_limits key_limits;
static struct spinlock table_lock = SPINLOCK_INIT(RANK_SERVICE_LEAF);
static struct key_tree table GUARDED_BY(table_lock);	// by number; no references
static struct keyring_name_tree names GUARDED_BY(table_lock);	// keyrings by the hash of their name; no references
static struct atomic_u64 name_seed;

#define KEYRING_BYTES 16u	// charged for a keyring as such

static void table_remove(struct key *k)
{
	spin_guard(&table_lock);
	if (key_tree_is_linked(k))
		key_tree_remove(&table, k);
	if (keyring_name_tree_is_linked(k))
		keyring_name_tree_remove(&names, k);
}

static exclusive_access void key_release(struct key *k)
{
	table_remove(k);
	keyring_clear(k);
	buf_free(take(k->description));
	buf_free(take(k->payload));
	if (!k->account)
		return;
	atomic_u64_sub(&k->account->keys, 1);
	atomic_u64_sub(&k->account->key_bytes, k->charge);
	user_account_put(take(k->account));
}
DEFINE_OBJECT(key, key_release)

struct key *key_from(struct object *o)
{
	return key_from_object(o);
}

void keys_init(void)
{
	atomic_u64_store(&name_seed, random_u64());
	atomic_u32_store(&key_limits.keys, 200);
	atomic_u32_store(&key_limits.bytes, 20000);
	atomic_u32_store(&key_limits.root_keys, 1000000);
	atomic_u32_store(&key_limits.root_bytes, 25000000);
}

// --- types ------------------------------------------------------------------------------------------

bytes_t key_type_name(enum key_type type)
{
	return type == KEY_TYPE_USER ? STR("user") : type == KEY_TYPE_LOGON ? STR("logon") : STR("keyring");
}

bool key_type_find(bytes_t name, enum key_type *out borrowed)
{
	for (u32 n = 0; n < KEY_TYPE_COUNT; n++) {
		if (!bytes_equal(name, key_type_name((enum key_type)n)))
			continue;
		*out = (enum key_type)n;
		return true;
	}
	return false;
}

// --- quotas -----------------------------------------------------------------------------------------

static bool is_over(const struct user_account *a)
{
	const u32 keys = atomic_u32_load(a->uid ? &key_limits.keys : &key_limits.root_keys);
	const u32 bytes = atomic_u32_load(a->uid ? &key_limits.bytes : &key_limits.root_bytes);
	return atomic_u64_load(&a->keys) > keys || atomic_u64_load(&a->key_bytes) > bytes;
}

err_t key_charge(struct key *k, s64 bytes)
{
	atomic_u64_add(&k->account->key_bytes, (u64)bytes);
	if (bytes > 0 && is_over(k->account)) {
		atomic_u64_sub(&k->account->key_bytes, (u64)bytes);
		return -EDQUOT;
	}
	k->charge += (u64)bytes;
	return OK;
}

// --- the table --------------------------------------------------------------------------------------

static bytes_t key_description(const struct key *k)
{
	return k->description ? buf_bytes(k->description) : bytes_empty();
}

static u64 name_hash(bytes_t name)
{
	return bytes_hash(name, atomic_u64_load_relaxed(&name_seed));
}

static bool table_try(struct key *k, s32 number)
{
	spin_guard(&table_lock);
	const struct key *there = key_tree_at_least(&table, (u64)number);
	if (there && there->number == number)
		return false;
	k->number = number;
	key_tree_insert(&table, k, (u64)number);
	if (k->type == KEY_TYPE_KEYRING)
		keyring_name_tree_insert(&names, k, name_hash(key_description(k)));
	return true;
}

static void table_add(struct key *k)
{
	s32 number;
	do
		number = (s32)(random_u64() & S32_MAX);
	while (number < 3 || !table_try(k, number));
}

struct key *key_after(s32 number)
{
	spin_guard(&table_lock);
	for (struct key *k = key_tree_at_least(&table, (u64)number + 1); k; k = key_tree_next(k)) {
		struct key *living object_auto(key) = key_try_get(k);
		if (living)
			return take(living);
	}
	return NULL;
}

struct key *key_of_number(s32 number)
{
	spin_guard(&table_lock);
	struct key *k = key_tree_at_least(&table, (u64)number);
	return k && k->number == number ? key_try_get(k) : NULL;
}

err_t key_create(enum key_type type, bytes_t description, u32 permission, struct buf *payload consumes,
	struct key **out borrowed)
{
	struct buf *content buf_auto = payload;
	struct key *k object_auto(key) = key_alloc();
	const struct cred *c = thread_cred();
	const s64 bytes = (s64)(bytes_len(description) + 1 +
		(type == KEY_TYPE_KEYRING ? KEYRING_BYTES : content ? buf_len(content) : 0));
	if (!k)
		return -ENOMEM;
	k->description = buf_from(description);
	if (!k->description && bytes_len(description))
		return -ENOMEM;
	k->type = type;
	k->uid = c->fsuid;
	k->gid = c->fsgid;
	k->permission = permission;
	k->namespace_number = c->user_ns->base.number;
	k->account = user_account_of(c->fsuid);
	if (!k->account)
		return -ENOMEM;
	atomic_u64_add(&k->account->keys, 1);
	const err_t e = key_charge(k, bytes);
	if (e)
		return e;
	k->payload = take(content);
	table_add(k);
	*out = take(k);
	return OK;
}

// --- state and permission ---------------------------------------------------------------------------

bool key_is(const struct key *k, enum key_type type, bytes_t description)
{
	return k->type == type && bytes_equal(key_description(k), description);
}

err_t key_check(const struct key *k)
{
	if (k->is_invalid)
		return -ENOKEY;
	if (k->is_revoked)
		return -EKEYREVOKED;
	return k->expiry_ns && k->expiry_ns <= clock_realtime_ns() ? -EKEYEXPIRED : OK;
}

bool key_permits(const struct key *k, enum key_possession possession, u32 wanted)
{
	const struct cred *c = thread_cred();
	u32 granted = k->permission;
	if (k->uid == c->fsuid)
		granted >>= 16;
	else if (k->gid != ID_INVALID && (k->permission & KEY_ALL << 8) && cred_in_group(c, k->gid))
		granted >>= 8;
	if (possession == KEY_POSSESSED)
		granted |= k->permission >> 24;
	return (granted & wanted) == wanted;
}

// The next living keyring whose name has that hash; `before` NULL: the first.
static struct key *named_after(struct key *before, u64 hash) owned;
static struct key *named_after(struct key *before, u64 hash)
{
	spin_guard(&table_lock);
	for (struct key *k = before ? keyring_name_tree_next(before) : keyring_name_tree_at_least(&names, hash);
		k && keyring_name_tree_key(k) == hash; k = keyring_name_tree_next(k)) {
		struct key *living object_auto(key) = key_try_get(k);
		if (living)
			return take(living);
	}
	return NULL;
}

static bool is_named(const struct key *k, bytes_t name, u32 wanted)
{
	const struct cred *c = thread_cred();
	return k->namespace_number == c->user_ns->base.number && key_is(k, KEY_TYPE_KEYRING, name) &&
		user_namespace_uid_out(c->user_ns, k->uid) != ID_INVALID && !key_check(k) &&
		key_permits(k, KEY_FOREIGN, wanted);
}

struct key *keyring_of_name(bytes_t name, u32 wanted)
{
	const u64 hash = name_hash(name);
	struct key *k object_auto(key) = named_after(NULL, hash);
	while (k && !is_named(k, name, wanted)) {
		struct key *next object_auto(key) = named_after(k, hash);
		key_put(take(k));
		k = take(next);
	}
	return take(k);
}
