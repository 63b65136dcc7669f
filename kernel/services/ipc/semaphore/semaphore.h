// SPDX-License-Identifier: MPL-2.0
// System V semaphores. source: semget(2), semop(2), semctl(2)
#pragma once
#include <core/buf.h>
#include <services/ipc/ipc_table.h>

#define SEMAPHORE_VALUE_MAX 32767
#define SEMAPHORE_OPERATION_SIZE 6u	// {u16 number, s16 change, s16 flags}, as users give it
#define SEMAPHORE_NO_WAIT 04000u
#define SEMAPHORE_UNDO 0x1000u

struct semaphore_set;
DECLARE_OBJECT(semaphore_set)
err_t semaphore_open(struct ipc_tables *t, s32 key, s32 count, u32 flags, s32 *id borrowed);
struct semaphore_set *semaphore_find(struct ipc_tables *t, s32 number, enum ipc_name name) owned;
struct ipc_object *semaphore_base(struct semaphore_set *s);	// borrowed
u32 semaphore_count(const struct semaphore_set *s borrowed);
// Wakes all who wait with -EIDRM.
void semaphore_remove(struct ipc_tables *t, struct semaphore_set *s);
// All operations or none. -EAGAIN also at the deadline, -EINTR, -EIDRM, -EFBIG, -ERANGE, -ENOMEM. => may sleep
err_t semaphore_operate(struct semaphore_set *s, bytes_t operations, u64 deadline_ns);
struct semaphore_state {
	u32 value, last_pid, waiting_more, waiting_zero;
};
// -EIDRM
err_t semaphore_state(struct semaphore_set *s, u32 number, struct semaphore_state *out borrowed);
// Values as u16 from `first` on; pending undo of them is forgotten. -ERANGE, -EIDRM
err_t semaphore_set_values(struct semaphore_set *s, u32 first, bytes_t values);
u64 semaphore_operation_time_s(struct semaphore_set *s);
