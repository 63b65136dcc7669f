// SPDX-License-Identifier: MPL-2.0
// What the processor can do, as far as the kernel cares: probed once on the boot processor.
#pragma once

#include <core/types.h>

// Immutable after cpu_features_probe().
struct cpu_features {
	bool huge_pages;                // 1 GiB
	bool pcid;
	bool smep, smap, umip;
	bool fsgsbase;
	bool erms, fsrm;
	bool xsave, xsaveopt, xsavec;
	bool x2apic;
	bool tsc_deadline, tsc_invariant, tsc_aux;
	bool rdrand, rdseed;
	bool hypervisor, kvm_clock;
	u32 highest_leaf;
	u32 physical_bits;
	u64 xsave_mask;                 // state components that we enable
	u32 xsave_size;                 // bytes of the standard format with them
};

extern struct cpu_features cpu_features;

void cpu_features_probe(void);
// Sets this processor's control registers and system call registers; each processor once.
void cpu_features_enable(void);
