// SPDX-License-Identifier: MPL-2.0
// Keys and keyrings. source: keyrings(7), keyctl(2), add_key(2), request_key(2)
// Every call works for the current thread; ids are serial numbers or the negative KEY_SPEC_ ones. All may sleep.
// Common errors: -ENOKEY (no such key), -EKEYREVOKED, -EKEYEXPIRED, -EACCES, -EDQUOT, -ENOMEM.
#pragma once
#include <core/atomic.h>
#include <core/buf.h>
#include <core/text.h>
#include <services/cred/cred.h>

enum key_type { KEY_TYPE_USER, KEY_TYPE_LOGON, KEY_TYPE_KEYRING, KEY_TYPE_COUNT };
enum key_special {
	KEY_THREAD = -1, KEY_PROCESS = -2, KEY_SESSION = -3, KEY_USER = -4, KEY_USER_SESSION = -5,
	KEY_REQUEST_AUTHORITY = -7, KEY_REQUESTOR = -8
};
#define KEY_PAYLOAD_MAX 32767u
#define KEY_DESCRIPTION_MAX 4095u

// /proc/sys/kernel/keys
struct synchronised key_limits {
	struct atomic_u32 keys, bytes, root_keys, root_bytes;
};
extern struct key_limits key_limits;
void keys_init(void);

bool key_type_find(bytes_t name, enum key_type *out borrowed);
bytes_t key_type_name(enum key_type type);
// Makes or updates a key and links it: its number. payload NULL: empty.
ssize_r key_add(enum key_type type, bytes_t description, struct buf *payload consumes, s32 ring);
// Searches the caller's keyrings; there is nobody to ask for a key that is not found (-ENOKEY).
ssize_r key_request(enum key_type type, bytes_t description, s32 destination);
ssize_r key_search(s32 ring, enum key_type type, bytes_t description, s32 destination);
enum key_make { KEY_FIND, KEY_MAKE };	// for special ids: of a keyring that is not there yet
ssize_r key_number(s32 id, enum key_make make);
// A session keyring for `c`, which is being made: a new one without a name, or the one of that name. Its number.
ssize_r key_session_join(struct cred *c, bytes_t name);
// Where request_key() links what an upcall makes (there are none): remembered, inherited; the setting before.
ssize_r key_set_request_ring(s32 setting);
err_t key_update(s32 id, struct buf *payload consumes);
err_t key_revoke(s32 id);
err_t key_invalidate(s32 id);
err_t key_set_owner(s32 id, u32 uid, u32 gid);	// kernel ids; ID_INVALID: unchanged
err_t key_set_permission(s32 id, u32 permission);
err_t key_set_timeout(s32 id, u32 seconds);	// 0: none
err_t key_clear(s32 ring);
err_t key_link(s32 id, s32 ring);
err_t key_unlink(s32 id, s32 ring);
err_t key_check_view(s32 id);
err_t key_describe(s32 id, struct text *out borrowed);
// The payload; of a keyring the numbers of its keys. -EOPNOTSUPP for types that cannot be read.
err_t key_read(s32 id, struct buf **out borrowed, usize *length borrowed);
// /proc/keys and /proc/key-users.
void key_show_all(struct text *out borrowed);
void key_show_users(struct text *out borrowed);
