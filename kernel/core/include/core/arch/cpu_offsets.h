// SPDX-License-Identifier: MPL-2.0
// Offsets in struct cpu_local, for GS-relative access from C and assembly. Checked in smp/cpu.c.
#pragma once

#define ARCH_CPU_MAX                    16

#define CPU_LOCAL_SELF                  0x00
#define CPU_LOCAL_CURRENT               0x08
#define CPU_LOCAL_PREEMPT_COUNT         0x10
#define CPU_LOCAL_RESCHEDULE            0x14
#define CPU_LOCAL_INDEX                 0x18
#define CPU_LOCAL_INTERRUPT_DEPTH       0x1c
#define CPU_LOCAL_USER_STACK            0x20
#define CPU_LOCAL_CANARY                0x28
#define CPU_LOCAL_FPU_OWNER             0x30
#define CPU_LOCAL_APIC_ID               0x38
#define CPU_LOCAL_USER                  0x40
#define CPU_LOCAL_PAGE_TABLE            0x48
#define CPU_LOCAL_USER_FS               0x50
#define CPU_LOCAL_USER_GS               0x58
#define CPU_LOCAL_INTERRUPTED_USER      0x60
#define CPU_LOCAL_TASK_STATE            0x84
#define CPU_LOCAL_KERNEL_STACK          0x88    // the task state segment's ring 0 stack
#define CPU_LOCAL_SIZE                  0x100
