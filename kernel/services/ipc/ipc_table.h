// SPDX-License-Identifier: MPL-2.0
// What the kinds of System V objects have in common: an identifier, a key, an owner, a mode; and the tables that
// an IPC namespace keeps them in. source: sysvipc(7), ipc_namespaces(7)
#pragma once
#include <core/atomic.h>
#include <core/lock.h>
#include <services/cred/cred.h>

#define IPC_KEY_PRIVATE 0
#define IPC_CREATE 01000u
#define IPC_EXCLUSIVE 02000u
#define IPC_SLOTS_MAX 32768u	// an identifier is a slot and a sequence number above it

// Base type: shared memory segments, and whatever else is found by key.
struct ipc_object {
	struct object object;
	s32 id;				// set once by ipc_table_add(), under the table's lock
	u32 creator_uid, creator_gid;	// kernel ids; immutable
	struct spinlock lock;		// also of what derived types say
	s32 key GUARDED_BY(lock);
	u32 uid GUARDED_BY(lock);	// kernel ids
	u32 gid GUARDED_BY(lock);
	u32 mode GUARDED_BY(lock);	// 0777
	u64 change_time_s GUARDED_BY(lock);
};
DECLARE_OBJECT(ipc_object)
DEFINE_INDEX(ipc_index, ipc_object)

struct ipc_table {
	struct mutex lock;			// around look-up by key and change of what is in the table
	struct ipc_index slots GUARDED_BY(lock);	// each with one reference
	u32 sequence GUARDED_BY(lock);
};
enum ipc_kind { IPC_SHARED_MEMORY, IPC_SEMAPHORES, IPC_MESSAGES, IPC_KIND_COUNT };

// What a namespace allows: /proc/sys/kernel. source: proc(5), sysctl names
enum ipc_setting_name {
	IPC_MSGMAX, IPC_MSGMNB, IPC_MSGMNI,			// bytes of a message, of a queue; queues
	IPC_SEMMSL, IPC_SEMMNS, IPC_SEMOPM, IPC_SEMMNI,		// in a set, in all, operations, sets
	IPC_SHMMAX, IPC_SHMALL, IPC_SHMMNI,			// bytes of a segment, pages of all, segments
	IPC_SETTING_COUNT
};
#define IPC_MSGMNB_DEFAULT 16384
#define IPC_MSGMNI_DEFAULT 32000
struct ipc_tables {
	struct object object;
	struct ipc_table table[IPC_KIND_COUNT];
	struct spinlock lock;
	struct object *mqueues GUARDED_BY(lock);	// of services/fs/mqueue: reference, set once
	struct atomic_u64 shared_pages;		// of all segments
	struct atomic_u64 semaphores;		// of all sets
	struct atomic_u64 messages, message_bytes;	// in all queues
	struct atomic_u64 setting[IPC_SETTING_COUNT];
};
DECLARE_OBJECT(ipc_tables)
// Of the current thread's IPC namespace: a reference; NULL without memory.
struct ipc_tables *ipc_tables_current(void) owned;

static inline u64 ipc_setting(struct ipc_tables *t, enum ipc_setting_name which)
{
	return atomic_u64_load_relaxed(array_ptr(t->setting, which));
}
// Towards the owner of the current IPC namespace.
bool ipc_capable(const struct cred *cred borrowed, u32 capability);

void ipc_object_init(struct ipc_object *o, s32 key, u32 mode, const struct cred *cred borrowed);
// Gives it an identifier; the table takes a reference. -ENOSPC above `limit` objects, -ENOMEM
err_t ipc_table_add(struct ipc_table *t, struct ipc_object *o, u32 limit) REQUIRES(t->lock);
void ipc_table_remove(struct ipc_table *t, struct ipc_object *o) REQUIRES(t->lock);
// Is it still there?
bool ipc_table_has(struct ipc_table *t, struct ipc_object *o borrowed) REQUIRES(t->lock);
// A reference, or NULL.
struct ipc_object *ipc_table_find_key(struct ipc_table *t, s32 key) REQUIRES(t->lock) owned;
// By identifier, or by slot (SHM_STAT).
enum ipc_name { IPC_BY_ID, IPC_BY_SLOT };
struct ipc_object *ipc_table_find(struct ipc_table *t, s32 number, enum ipc_name name) owned;
u32 ipc_table_count(struct ipc_table *t);
// The highest slot in use; 0 when there is none.
u32 ipc_table_last(struct ipc_table *t);

// `wanted`: 0444 to read, 0222 to write, in the form of a mode. -EACCES
err_t ipc_permission(struct ipc_object *o, u32 wanted, const struct cred *cred borrowed);
// Owner, creator or CAP_SYS_ADMIN: may set and remove. -EPERM
err_t ipc_may_change(struct ipc_object *o, const struct cred *cred borrowed);
// IPC_SET; ids are kernel ids.
void ipc_set_owner(struct ipc_object *o, u32 uid, u32 gid, u32 mode);
struct ipc_owner {
	s32 key;
	u32 uid, gid, mode;
	u64 change_time_s;
};
struct ipc_owner ipc_owner_of(struct ipc_object *o);
