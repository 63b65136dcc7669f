// SPDX-License-Identifier: MPL-2.0
// Selectors of the descriptor tables; shared with assembly. The order is fixed by SYSCALL and SYSRET:
// kernel data follows kernel code; user data, then 64-bit user code, follow the 32-bit base. User
// selectors have Linux's values, because signal frames and debuggers show them.
#pragma once

#define SEGMENT_KERNEL_CODE   0x10
#define SEGMENT_KERNEL_DATA   0x18
#define SEGMENT_USER_BASE     0x23
#define SEGMENT_USER_DATA     0x2b
#define SEGMENT_USER_CODE     0x33
#define SEGMENT_TASK          0x40
#define SEGMENT_COUNT         10

// Interrupt stack table slots.
#define STACK_SLOT_NMI        1
#define STACK_SLOT_DOUBLE     2
#define STACK_SLOT_MACHINE    3
#define STACK_SLOT_DEBUG      4
#define STACK_SLOT_COUNT      4
#define STACK_SLOT_SIZE       0x1000
