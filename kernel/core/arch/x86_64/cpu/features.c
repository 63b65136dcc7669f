// SPDX-License-Identifier: MPL-2.0
// Processor features: what is there, and switching it on.
//
// Everything here is probed, never assumed: the test machines lack what clouds have and the other way
// round. State components beyond AVX-512 (MPX, protection keys, AMX) stay off: the kernel would have to
// carry them in signal frames and gains nothing.
#include "core/arch/x86_64/cpu/features.h"
#include "core/arch/x86_64/cpu/registers.h"
#include <core/arch/cpu.h>

enum {
	XSTATE_X87 = 1 << 0,
	XSTATE_SSE = 1 << 1,
	XSTATE_AVX = 1 << 2,
	XSTATE_AVX512 = 7 << 5,
	XSTATE_LEGACY_SIZE = 512,
};

// Write back, write combining, uncached-, uncached; then the same with write protect and write through.
#define PAT_VALUE 0x0407050600070106UL

struct cpu_features cpu_features __ATTR(section(".sealed"));

static bool bit(u32 word, u32 n)
{
	return word >> n & 1;
}

static void probe_xsave(struct cpu_features *f)
{
	struct cpuid d = cpuid(0xd, 0);
	u64 supported = (u64)d.edx << 32 | d.eax;
	f->xsave_mask = supported & (XSTATE_X87 | XSTATE_SSE | XSTATE_AVX);
	if ((supported & XSTATE_AVX512) == XSTATE_AVX512)
		f->xsave_mask |= XSTATE_AVX512;
	struct cpuid one = cpuid(0xd, 1);
	f->xsaveopt = bit(one.eax, 0);
	f->xsavec = bit(one.eax, 1);
	f->xsave_size = XSTATE_LEGACY_SIZE + 64;
	for (u32 i = 2; i < 63; i++) {
		if (!(f->xsave_mask >> i & 1))
			continue;
		struct cpuid component = cpuid(0xd, i);
		if (component.ebx + component.eax > f->xsave_size)
			f->xsave_size = component.ebx + component.eax;
	}
}

static void probe_extended(struct cpu_features *f)
{
	u32 highest = cpuid(0x80000000, 0).eax;
	struct cpuid one = cpuid(0x80000001, 0);
	f->huge_pages = bit(one.edx, 26);
	f->tsc_aux = bit(one.edx, 27);
	f->tsc_invariant = highest >= 0x80000007 && bit(cpuid(0x80000007, 0).edx, 8);
	f->physical_bits = highest >= 0x80000008 ? cpuid(0x80000008, 0).eax & 0xff : 36;
}

static void probe_hypervisor(struct cpu_features *f)
{
	struct cpuid id = cpuid(0x40000000, 0);
	bool kvm = id.ebx == 0x4b4d564b && id.ecx == 0x564b4d56 && id.edx == 0x4d;
	f->kvm_clock = kvm && bit(cpuid(0x40000001, 0).eax, 3);
}

void cpu_features_probe(void)
{
	struct cpu_features *f = &cpu_features;
	f->highest_leaf = cpuid(0, 0).eax;
	struct cpuid one = cpuid(1, 0);
	f->pcid = bit(one.ecx, 17);
	f->x2apic = bit(one.ecx, 21);
	f->tsc_deadline = bit(one.ecx, 24);
	f->xsave = bit(one.ecx, 26);
	f->rdrand = bit(one.ecx, 30);
	f->hypervisor = bit(one.ecx, 31);
	if (f->highest_leaf >= 7) {
		struct cpuid seven = cpuid(7, 0);
		f->fsgsbase = bit(seven.ebx, 0);
		f->smep = bit(seven.ebx, 7);
		f->erms = bit(seven.ebx, 9);
		f->rdseed = bit(seven.ebx, 18);
		f->smap = bit(seven.ebx, 20);
		f->umip = bit(seven.ecx, 2);
		f->fsrm = bit(seven.edx, 4);
	}
	probe_extended(f);
	if (f->hypervisor)
		probe_hypervisor(f);
	f->xsave_size = XSTATE_LEGACY_SIZE;
	if (f->xsave)
		probe_xsave(f);
}

void cpu_features_enable(void)
{
	const struct cpu_features *f = &cpu_features;
	u64 cr4 = CR4_DE | CR4_PAE | CR4_MCE | CR4_PGE | CR4_OSFXSR | CR4_OSXMMEXCPT;
	cr4 |= f->umip ? CR4_UMIP : 0;
	cr4 |= f->fsgsbase ? CR4_FSGSBASE : 0;
	cr4 |= f->xsave ? CR4_OSXSAVE : 0;
	cr4 |= f->smep ? CR4_SMEP : 0;
	cr4 |= f->smap ? CR4_SMAP : 0;
	cr4_write(cr4);
	cr0_write((cr0_read() & ~(CR0_EM | CR0_TS | CR0_AM)) | CR0_MP | CR0_NE | CR0_WP);
	if (f->xsave)
		xcr0_write(f->xsave_mask);
	msr_write(MSR_PAT, PAT_VALUE);
	msr_write(MSR_EFER, msr_read(MSR_EFER) | EFER_SYSCALL | EFER_NX);
	if (f->tsc_aux)
		msr_write(MSR_TSC_AUX, arch_cpu_index());
}

u64 arch_hardware_random(void)
{
	u64 value = 0;
	u8 ok = 0;
	for (u32 i = 0; i < 10 && !ok; i++) {
		if (cpu_features.rdseed)
			asm volatile("rdseed %0; setc %1" : "=r"(value), "=qm"(ok) :: "cc");
		else if (cpu_features.rdrand)
			asm volatile("rdrand %0; setc %1" : "=r"(value), "=qm"(ok) :: "cc");
		else
			return 0;
	}
	return ok ? value : 0;
}
