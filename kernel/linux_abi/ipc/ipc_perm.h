// SPDX-License-Identifier: MPL-2.0
// What the controlling calls of the three kinds of System V objects share: their common commands, who owns an
// object as they show and take it. source: linux/ipc.h, asm-generic/ipcbuf.h
#pragma once
#include <services/ipc/ipc_table.h>

enum { IPC_RMID = 0, IPC_SET = 1, IPC_STAT = 2, IPC_INFO = 3 };
struct ipc_perm {
	s32 key;
	u32 uid, gid, cuid, cgid, mode;
	u16 seq, pad[3];
	u64 unused[2];
};
// Fills *out for a caller who has `wanted` of the object's rights (0444; 0: anybody). -EACCES
err_t ipc_perm_show(struct ipc_object *o, u32 wanted, struct ipc_perm *out borrowed);
// IPC_SET. -EPERM, -EINVAL for ids that the caller's user namespace does not have.
err_t ipc_perm_set(struct ipc_object *o, const struct ipc_perm *in borrowed);
// What a command returns that was to show an object and ended with e: an error, or the id where a slot was asked.
s64 ipc_shown(const struct ipc_object *o, s32 cmd, err_t e);
