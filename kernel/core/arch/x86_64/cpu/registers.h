// SPDX-License-Identifier: MPL-2.0
// Control, model-specific and extended control registers, and the identification instruction.
#pragma once

#include <core/types.h>

#define MSR_TSC                 0x10
#define MSR_APIC_BASE           0x1b
#define MSR_PAT                 0x277
#define MSR_TSC_DEADLINE        0x6e0
#define MSR_X2APIC              0x800
#define MSR_EFER                0xc0000080
#define MSR_STAR                0xc0000081
#define MSR_LSTAR               0xc0000082
#define MSR_CSTAR               0xc0000083
#define MSR_SYSCALL_MASK        0xc0000084
#define MSR_FS_BASE             0xc0000100
#define MSR_GS_BASE             0xc0000101
#define MSR_KERNEL_GS_BASE      0xc0000102
#define MSR_TSC_AUX             0xc0000103
#define MSR_KVM_SYSTEM_TIME     0x4b564d01

#define EFER_SYSCALL            (1UL << 0)
#define EFER_NX                 (1UL << 11)

#define CR0_MP                  (1UL << 1)
#define CR0_EM                  (1UL << 2)
#define CR0_TS                  (1UL << 3)
#define CR0_NE                  (1UL << 5)
#define CR0_WP                  (1UL << 16)
#define CR0_AM                  (1UL << 18)

#define CR4_TSD                 (1UL << 2)
#define CR4_DE                  (1UL << 3)
#define CR4_PAE                 (1UL << 5)
#define CR4_MCE                 (1UL << 6)
#define CR4_PGE                 (1UL << 7)
#define CR4_OSFXSR              (1UL << 9)
#define CR4_OSXMMEXCPT          (1UL << 10)
#define CR4_UMIP                (1UL << 11)
#define CR4_FSGSBASE            (1UL << 16)
#define CR4_PCIDE               (1UL << 17)
#define CR4_OSXSAVE             (1UL << 18)
#define CR4_SMEP                (1UL << 20)
#define CR4_SMAP                (1UL << 21)

#define RFLAGS_FIXED            0x2UL
#define RFLAGS_TRAP             0x100UL
#define RFLAGS_INTERRUPT        0x200UL
#define RFLAGS_DIRECTION        0x400UL
#define RFLAGS_IOPL             0x3000UL
#define RFLAGS_NESTED           0x4000UL
#define RFLAGS_RESUME           0x10000UL
#define RFLAGS_ALIGNMENT        0x40000UL

struct cpuid {
	u32 eax, ebx, ecx, edx;
};

static inline struct cpuid cpuid(u32 leaf, u32 subleaf)
{
	struct cpuid r;
	asm volatile("cpuid" : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx) : "a"(leaf), "c"(subleaf));
	return r;
}

static inline u64 msr_read(u32 msr)
{
	u32 low, high;
	asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr) : "memory");
	return (u64)high << 32 | low;
}

static inline void msr_write(u32 msr, u64 value)
{
	asm volatile("wrmsr" :: "c"(msr), "a"((u32)value), "d"((u32)(value >> 32)) : "memory");
}

#define CONTROL_REGISTER(n)                                                     \
	static inline u64 cr##n##_read(void)                                    \
	{                                                                       \
		u64 value;                                                      \
		asm volatile("movq %%cr" #n ", %0" : "=r"(value) :: "memory");  \
		return value;                                                   \
	}                                                                       \
	static inline void cr##n##_write(u64 value)                             \
	{                                                                       \
		asm volatile("movq %0, %%cr" #n :: "r"(value) : "memory");      \
	}

CONTROL_REGISTER(0)
CONTROL_REGISTER(3)
CONTROL_REGISTER(4)

static inline u64 cr2_read(void)
{
	u64 value;
	asm volatile("movq %%cr2, %0" : "=r"(value));
	return value;
}

static inline void xcr0_write(u64 value)
{
	asm volatile("xsetbv" :: "c"(0), "a"((u32)value), "d"((u32)(value >> 32)));
}

static inline void page_invalidate(u64 address)
{
	asm volatile("invlpg (%0)" :: "r"(address) : "memory");
}
