// SPDX-License-Identifier: MPL-2.0
// Who owns a System V object, as the calls show and take it. source: asm-generic/ipcbuf.h
#pragma once
#include <services/ipc/ipc_table.h>

struct ipc_perm {
	s32 key;
	u32 uid, gid, cuid, cgid, mode;
	u16 seq, pad[3];
	u64 unused[2];
};
void ipc_perm_fill(struct ipc_object *o, struct ipc_perm *out borrowed);
// IPC_SET. -EPERM, -EINVAL for ids that the caller's user namespace does not have.
err_t ipc_perm_set(struct ipc_object *o, const struct ipc_perm *in borrowed);
