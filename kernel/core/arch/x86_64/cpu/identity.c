// SPDX-License-Identifier: MPL-2.0
// core/cpu.h: what /proc/cpuinfo and the auxiliary vector say. Flags carry Linux's names, because
// programs read them; a feature that the kernel keeps off is not listed.
#include "core/arch/x86_64/cpu/features.h"
#include "core/arch/x86_64/cpu/registers.h"
#include <core/arch/clock.h>
#include <core/arch/cpu.h>
#include <core/cpu.h>

enum {
	LEAF_BRAND = 0x80000002,
	LEAF_CACHE = 4,
	CACHE_LEAVES_MAX = 8,
	LEAF_CACHE_AMD = 0x80000006,
};

enum flag_word { WORD_1_EDX, WORD_1_ECX, WORD_7_EBX, WORD_7_ECX, WORD_7_EDX, WORD_EXT_EDX, WORD_EXT_ECX, WORD_COUNT };

struct flag_name {
	u8 word, bit;
	char name[14];
};

static const struct flag_name flag_names[] = {
	{ WORD_1_EDX, 0, "fpu" }, { WORD_1_EDX, 2, "de" }, { WORD_1_EDX, 3, "pse" }, { WORD_1_EDX, 4, "tsc" },
	{ WORD_1_EDX, 5, "msr" }, { WORD_1_EDX, 6, "pae" }, { WORD_1_EDX, 7, "mce" }, { WORD_1_EDX, 8, "cx8" },
	{ WORD_1_EDX, 9, "apic" }, { WORD_1_EDX, 11, "sep" }, { WORD_1_EDX, 13, "pge" }, { WORD_1_EDX, 15, "cmov" },
	{ WORD_1_EDX, 16, "pat" }, { WORD_1_EDX, 17, "pse36" }, { WORD_1_EDX, 19, "clflush" },
	{ WORD_1_EDX, 23, "mmx" }, { WORD_1_EDX, 24, "fxsr" }, { WORD_1_EDX, 25, "sse" }, { WORD_1_EDX, 26, "sse2" },
	{ WORD_1_EDX, 28, "ht" }, { WORD_EXT_EDX, 11, "syscall" }, { WORD_EXT_EDX, 20, "nx" },
	{ WORD_EXT_EDX, 26, "pdpe1gb" }, { WORD_EXT_EDX, 27, "rdtscp" }, { WORD_EXT_EDX, 29, "lm" },
	{ WORD_1_ECX, 0, "pni" }, { WORD_1_ECX, 1, "pclmulqdq" }, { WORD_1_ECX, 9, "ssse3" },
	{ WORD_1_ECX, 12, "fma" }, { WORD_1_ECX, 13, "cx16" }, { WORD_1_ECX, 19, "sse4_1" },
	{ WORD_1_ECX, 20, "sse4_2" }, { WORD_1_ECX, 21, "x2apic" }, { WORD_1_ECX, 22, "movbe" },
	{ WORD_1_ECX, 23, "popcnt" }, { WORD_1_ECX, 24, "tsc_deadline" }, { WORD_1_ECX, 25, "aes" },
	{ WORD_1_ECX, 26, "xsave" }, { WORD_1_ECX, 28, "avx" }, { WORD_1_ECX, 29, "f16c" },
	{ WORD_1_ECX, 30, "rdrand" }, { WORD_1_ECX, 31, "hypervisor" }, { WORD_EXT_ECX, 0, "lahf_lm" },
	{ WORD_EXT_ECX, 5, "abm" }, { WORD_EXT_ECX, 6, "sse4a" }, { WORD_EXT_ECX, 8, "3dnowprefetch" },
	{ WORD_7_EBX, 3, "bmi1" }, { WORD_7_EBX, 5, "avx2" }, { WORD_7_EBX, 7, "smep" }, { WORD_7_EBX, 8, "bmi2" },
	{ WORD_7_EBX, 9, "erms" }, { WORD_7_EBX, 16, "avx512f" }, { WORD_7_EBX, 17, "avx512dq" },
	{ WORD_7_EBX, 18, "rdseed" }, { WORD_7_EBX, 19, "adx" }, { WORD_7_EBX, 20, "smap" },
	{ WORD_7_EBX, 23, "clflushopt" }, { WORD_7_EBX, 24, "clwb" }, { WORD_7_EBX, 28, "avx512cd" },
	{ WORD_7_EBX, 29, "sha_ni" }, { WORD_7_EBX, 30, "avx512bw" }, { WORD_7_EBX, 31, "avx512vl" },
	{ WORD_7_ECX, 1, "avx512vbmi" }, { WORD_7_ECX, 2, "umip" }, { WORD_7_ECX, 8, "gfni" },
	{ WORD_7_ECX, 9, "vaes" }, { WORD_7_ECX, 10, "vpclmulqdq" }, { WORD_7_ECX, 22, "rdpid" },
	{ WORD_7_EDX, 4, "fsrm" },
};

static void words_read(u32 *words)
{
	struct cpuid one = cpuid(1, 0), extended = cpuid(0x80000001, 0), seven = { 0 };
	if (cpu_features.highest_leaf >= 7)
		seven = cpuid(7, 0);
	words[WORD_1_EDX] = one.edx;
	words[WORD_1_ECX] = one.ecx;
	words[WORD_7_EBX] = seven.ebx;
	words[WORD_7_ECX] = seven.ecx;
	words[WORD_7_EDX] = seven.edx;
	words[WORD_EXT_EDX] = extended.edx;
	words[WORD_EXT_ECX] = extended.ecx;
}

// Appends a word and a blank; false when there is no room for more.
static bool flag_append(u8 *to, usize size, usize *at, const char *name)
{
	usize n = 0;
	while (name[n])
		n++;
	if (*at + n + 2 > size)
		return false;
	__builtin_memcpy(to + *at, name, n);
	to[*at + n] = ' ';
	*at += n + 1;
	return true;
}

static void flags_write(u8 *to, usize size)
{
	u32 words[WORD_COUNT];
	usize at = 0;
	words_read(words);
	for (usize i = 0; i < array_len(flag_names); i++)
		if (words[flag_names[i].word] >> flag_names[i].bit & 1)
			(void)flag_append(to, size, &at, flag_names[i].name);
	if (cpu_features.tsc_invariant)
		(void)(flag_append(to, size, &at, "constant_tsc") && flag_append(to, size, &at, "nonstop_tsc"));
	if (cpu_features.xsaveopt)
		(void)flag_append(to, size, &at, "xsaveopt");
	if (cpu_features.xsavec)
		(void)flag_append(to, size, &at, "xsavec");
	if (at)
		to[at - 1] = 0;
}

static void brand_write(u8 *to)
{
	if (cpuid(0x80000000, 0).eax < LEAF_BRAND + 2)
		return;
	for (u32 i = 0; i < 3; i++) {
		struct cpuid part = cpuid(LEAF_BRAND + i, 0);
		__builtin_memcpy(to + i * sizeof(part), &part, sizeof(part));
	}
}

// The largest cache, in KiB.
static u32 cache_size(void)
{
	u64 largest = 0;
	for (u32 i = 0; cpu_features.highest_leaf >= LEAF_CACHE && i < CACHE_LEAVES_MAX; i++) {
		struct cpuid c = cpuid(LEAF_CACHE, i);
		if ((c.eax & 31) == 0)
			break;
		u64 size = (u64)((c.ebx >> 22) + 1) * ((c.ebx >> 12 & 0x3ff) + 1) * ((c.ebx & 0xfff) + 1) *
			((u64)c.ecx + 1);
		largest = max(largest, size);
	}
	if (largest == 0 && cpuid(0x80000000, 0).eax >= LEAF_CACHE_AMD)
		largest = (u64)(cpuid(LEAF_CACHE_AMD, 0).ecx >> 16) << 10;
	return (u32)(largest >> 10);
}

void cpu_read_identity(u32 cpu, struct cpu_identity *out)
{
	struct cpuid zero = cpuid(0, 0), one = cpuid(1, 0);
	u32 family = one.eax >> 8 & 15, model = one.eax >> 4 & 15;
	*out = (struct cpu_identity){ 0 };
	if (cpu >= arch_cpu_count())
		return;
	__builtin_memcpy(out->vendor, &zero.ebx, 4);
	__builtin_memcpy(out->vendor + 4, &zero.edx, 4);
	__builtin_memcpy(out->vendor + 8, &zero.ecx, 4);
	brand_write(out->model_name);
	flags_write(out->flags, sizeof(out->flags));
	if (family == 6 || family == 15)
		model |= one.eax >> 12 & 0xf0;
	out->family = family == 15 ? family + (one.eax >> 20 & 0xff) : family;
	out->model = model;
	out->stepping = one.eax & 15;
	out->cache_kib = cache_size();
	out->apic_id = (u32)arch_cpu_local(cpu)->apic_id;
	out->physical_bits = cpu_features.physical_bits;
	out->virtual_bits = 48;
	out->tsc_khz = arch_clock_tsc_khz();
}

u64 cpu_hwcap(void)
{
	return cpuid(1, 0).edx;
}

// Bit 1: RDFSBASE and its relatives work in user mode. No ring 3 MWAIT.
u64 cpu_hwcap2(void)
{
	return cpu_features.fsgsbase ? 2 : 0;
}
