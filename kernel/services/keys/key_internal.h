// SPDX-License-Identifier: MPL-2.0
// Inside services/keys. What is not immutable is under keys_lock.
#pragma once
#include <services/keys/keys.h>

#define KEY_VIEW 0x01u
#define KEY_READ 0x02u
#define KEY_WRITE 0x04u
#define KEY_SEARCH 0x08u
#define KEY_LINK 0x10u
#define KEY_SET_ATTRIBUTE 0x20u
#define KEY_ALL 0x3fu
#define KEY_POSSESSOR(p) ((u32)(p) << 24)
#define KEY_OWNER(p) ((u32)(p) << 16)
#define KEYRING_DEPTH_MAX 6u
#define KEY_LINK_BYTES 4u

struct key;
struct key_link {
	struct object object;
	struct list_link link;
	struct key *key;	// reference; immutable
};
DECLARE_OBJECT(key_link)
DEFINE_LIST(key_link_list, key_link, link)

struct key {
	struct object object;
	struct tree_link table_link, name_link;	// the tables' lock
	s32 number;			// immutable
	enum key_type type;		// immutable
	struct buf *description;	// owned; immutable
	u32 uid, gid;			// kernel ids
	u64 namespace_number;		// of its maker's user namespace: where a keyring is found by name; immutable
	u32 permission;
	u32 is_revoked, is_invalid;
	u64 expiry_ns;			// of the real-time clock; 0: never
	struct buf *payload;		// owned, or NULL
	struct key_link_list links;	// of a keyring; with references
	struct user_account *account;	// reference: who is charged
	u64 charge;			// bytes
};
DECLARE_OBJECT(key)
extern struct mutex keys_lock;
struct key *key_from(struct object *o);

// A new key, charged to the current user.
err_t key_create(enum key_type type, bytes_t description, u32 permission, struct buf *payload consumes,
	struct key **out borrowed);
// Changes what a key is charged for by `bytes`. -EDQUOT
err_t key_charge(struct key *k, s64 bytes);
struct key *key_of_number(s32 number) owned;
struct key *key_after(s32 number) owned;	// the next higher one
bool key_is(const struct key *k, enum key_type type, bytes_t description);
// -EKEYREVOKED, -EKEYEXPIRED, -ENOKEY
err_t key_check(const struct key *k);
enum key_possession { KEY_FOREIGN, KEY_POSSESSED };
bool key_permits(const struct key *k, enum key_possession possession, u32 wanted);
// The oldest keyring of that name that was made in the caller's user namespace, whose user that knows, that lives and
// grants the caller what is wanted without being possessed; NULL. Under keys_lock.
struct key *keyring_of_name(bytes_t name, u32 wanted) owned;

// --- keyring.c ---
struct key *keyring_find(struct key *ring, enum key_type type, bytes_t description);	// borrowed
// displaces one of the same type and description; -ELOOP, -EDEADLK
err_t keyring_add(struct key *ring, struct key *k);
bool keyring_remove(struct key *ring, struct key *k);
void keyring_clear(struct key *ring);
// The first key below that the caller may find, in breadth; a reference. -ENOKEY and why it was not.
err_t keyring_search(struct key *ring, enum key_possession possession, enum key_type type, bytes_t description,
	struct key **out borrowed);
bool keyring_holds(struct key *ring, struct key *wanted);

// --- key_process.c ---
// The keyrings of the thread, the process and the session (or the user's), in the order of searches.
#define KEY_RINGS 3u
struct stack_only key_rings {
	struct key *thread, *process, *session;	// references, or NULL
};
void key_rings_find(struct key_rings *out borrowed);
void key_rings_end(struct key_rings *r borrowed);
#define key_rings_auto auto_release(key_rings_end)
struct key *key_ring_at(const struct key_rings *r borrowed, u32 n);	// borrowed
bool key_rings_hold(const struct key_rings *r borrowed, struct key *wanted);
// By number or special one, with the state and (unless 0) the permission checked.
struct stack_only key_found {
	struct key *key;	// reference
	enum key_possession possession;
};
void key_found_end(struct key_found *f borrowed);
#define key_found_auto auto_release(key_found_end)
err_t key_find(s32 id, enum key_make make, u32 wanted, struct key_found *out borrowed);
