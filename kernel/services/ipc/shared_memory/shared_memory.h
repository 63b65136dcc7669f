// SPDX-License-Identifier: MPL-2.0
// System V shared memory. source: shmget(2), shmop(2), shmctl(2)
#pragma once
#include <services/ipc/ipc_table.h>
#include <services/process/pid.h>

#define SHARED_MEMORY_DESTROY 01000u	// in the mode: removed when nobody is attached any more
#define SHARED_MEMORY_LOCKED 02000u

struct shared_memory;
DECLARE_OBJECT(shared_memory)
// `flags`: IPC_CREATE, IPC_EXCLUSIVE and a mode. -EINVAL, -ENOENT, -EEXIST, -EACCES, -ENOSPC, -ENOMEM
err_t shared_memory_open(struct ipc_tables *t, s32 key, u64 size, u32 flags, s32 *id borrowed);
struct shared_memory *shared_memory_find(struct ipc_tables *t, s32 number, enum ipc_name name) owned;
struct ipc_object *shared_memory_base(struct shared_memory *s);	// borrowed
enum shared_memory_access { SHARED_MEMORY_READ_ONLY = 1, SHARED_MEMORY_EXECUTE = 2, SHARED_MEMORY_REMAP = 4 };
// Maps it into the current space; address 0: anywhere.
err_t shared_memory_attach(struct ipc_tables *t, s32 id, u64 address, u32 access, u64 *result borrowed);
// -EINVAL when no segment is attached there.
err_t shared_memory_detach(u64 address);
void shared_memory_remove(struct ipc_tables *t, struct shared_memory *s);
void shared_memory_set_locked(struct shared_memory *s, u32 flag);	// SHARED_MEMORY_LOCKED or 0
struct shared_memory_status {
	u64 size, attach_time_s, detach_time_s, attached, resident_pages;
	u32 creator_pid, last_pid;	// in the caller's pid namespace
};
struct shared_memory_status shared_memory_status(struct shared_memory *s);
// Pages of all segments that are in memory.
u64 shared_memory_resident(struct ipc_tables *t);
