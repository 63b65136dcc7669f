// SPDX-License-Identifier: MPL-2.0
// The machine's clock and the one-shot timers (core/arch/clock.h).
//
// Theory: the clock is the time stamp counter wherever it can be trusted: invariant, or presented by a
// hypervisor, and in step on all processors as tested when each starts. Otherwise the HPET or the ACPI
// timer, extended to 64 bits under a lock. A counter becomes nanoseconds by one 128-bit
// multiplication, without ever being rebased, so that user space can do the same from a constant page.
//
// The frequency comes from the processor's own statement, else from a measurement against the
// reference; the APIC timer is measured in the same window.
#include "core/arch/x86_64/apic/local.h"
#include "core/arch/x86_64/cpu/features.h"
#include "core/arch/x86_64/cpu/registers.h"
#include "core/arch/x86_64/time/check.h"
#include "core/arch/x86_64/time/time.h"
#include <core/arch/clock.h>
#include <core/arch/cpu.h>
#include <core/arch/interrupts.h>
#include <core/arch/layout.h>
#include <core/lock.h>
#include <core/print.h>
#include <core/time.h>

typedef unsigned __int128 u128;

#define FIXED_ONE (1UL << 32)

enum {
	MEASURE_MS = 10,
	EDGE_TRIES = 8,                 // reads of both counters, of which the closest pair counts
	DEFAULT_TSC_HZ = 1000000000,
	TIMER_LONGEST_SECONDS = 10,
	WRAP_SHARE = 4,                 // of the time until a reference wraps, after which it is read
};

// Immutable after time_setup(), except which counter to use: that changes only while processors start.
static u64 tsc_hz, apic_hz;
static u64 tsc_multiplier, apic_multiplier;     // fixed point, 32 bits after the point
static u64 tsc_base;
static bool use_tsc = true, use_latest, use_deadline;
static struct reference reference;
static u64 reference_multiplier;

static struct spinlock reference_lock = SPINLOCK_INIT(RANK_IRQ_LEAF);
static u64 reference_last, reference_total;     // guarded by reference_lock
static u64 reference_base_ns;
static u64 latest;                      // atomic
static u64 longest_ns = TIMER_LONGEST_SECONDS * NS_PER_SECOND;  // immutable after time_setup()
static bool is_armed[ARCH_CPU_MAX];     // each: that CPU only

static u64 scale(u64 value, u64 multiplier)
{
	return (u64)((u128)value * multiplier >> 32);
}

// a * b / c, whose result must fit.
static u64 multiply_divide(u64 a, u64 b, u64 c)
{
	u64 low, high;
	asm("mulq %3" : "=a"(low), "=d"(high) : "0"(a), "rm"(b) : "cc");
	asm("divq %2" : "+a"(low), "+d"(high) : "rm"(c) : "cc");
	return low;
}

static u64 reference_ns(void)
{
	irq_guard(&reference_lock);
	u64 now = reference.read();
	reference_total += (now - reference_last) & reference.mask;
	reference_last = now;
	return reference_base_ns + scale(reference_total, reference_multiplier);
}

// For counters that disagree on a machine without another clock: nobody sees less than was seen before.
static u64 latest_ns(u64 now)
{
	u64 seen = __atomic_load_n(&latest, __ATOMIC_RELAXED);
	while (seen < now)
		if (__atomic_compare_exchange_n(&latest, &seen, now, 1, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
			return now;
	return seen;
}

u64 arch_clock_ns(void)
{
	u64 now = scale(arch_timestamp() - tsc_base, tsc_multiplier);
	if (__likely(use_tsc))
		return now;
	return use_latest ? latest_ns(now) : reference_ns();
}

const char *arch_clock_name(void)
{
	return use_tsc || use_latest ? "tsc" : reference.name;
}

u64 arch_clock_tsc_khz(void)
{
	return tsc_hz / 1000;
}

void arch_clock_user(struct arch_clock_user *clock)
{
	*clock = (struct arch_clock_user){
		.base_tsc = tsc_base,
		.base_ns = 0,
		.multiplier = tsc_multiplier,
		.usable = use_tsc,
	};
}

void arch_delay_ns(u64 ns)
{
	u64 end = arch_clock_ns() + ns;
	while (arch_clock_ns() < end)
		arch_cpu_relax();
}

static void timer_start(u64 delta)
{
	if (use_deadline) {
		msr_write(MSR_TSC_DEADLINE, arch_timestamp() + multiply_divide(delta, tsc_hz, NS_PER_SECOND) + 1);
		return;
	}
	u64 count = scale(delta, apic_multiplier) + 1;
	apic_timer_start(count > U32_MAX ? U32_MAX : (u32)count);
}

void arch_timer_set(u64 deadline_ns)
{
	if (deadline_ns == U64_MAX) {
		if (use_deadline)
			msr_write(MSR_TSC_DEADLINE, 0);
		else
			apic_timer_start(0);
		return;
	}
	u64 now = arch_clock_ns();
	u64 delta = deadline_ns > now ? deadline_ns - now : 0;
	timer_start(min(delta, longest_ns));
	is_armed[arch_cpu_index()] = true;
}

void time_interrupt(void)
{
	u32 cpu = arch_cpu_index();
	is_armed[cpu] = false;
	core_timer_interrupt();
	// A counter that wraps must be read in time, even while nobody waits for anything.
	if (!use_tsc && !is_armed[cpu])
		timer_start(longest_ns);
}

struct sample {
	u64 tsc, reference;
	u32 apic;
};

// All counters at one moment, as closely as a few tries allow: on a shared host any of them may be
// read long after the one before.
static struct sample sample_take(void)
{
	struct sample s = { 0 };
	u64 best = U64_MAX;
	for (u32 i = 0; i < EDGE_TRIES; i++) {
		u64 before = arch_timestamp(), value = reference.read();
		u32 apic = apic_timer_read();
		u64 after = arch_timestamp();
		if (after - before >= best)
			continue;
		best = after - before;
		s = (struct sample){ before + best / 2, value, apic };
	}
	return s;
}

static void measure(void)
{
	u64 span = reference.frequency * MEASURE_MS / 1000;
	apic_timer_start(U32_MAX);
	struct sample start = sample_take();
	while (((reference.read() - start.reference) & reference.mask) < span)
		arch_cpu_relax();
	struct sample end = sample_take();
	apic_timer_start(0);
	u64 ticks = (end.reference - start.reference) & reference.mask;
	tsc_hz = multiply_divide(end.tsc - start.tsc, reference.frequency, ticks);
	apic_hz = multiply_divide(start.apic - end.apic, reference.frequency, ticks);
}

// What KVM's clock structure says about the counter (Linux: Documentation/virt/kvm/x86/msr.rst).
static u64 kvm_hz(void)
{
	static struct kvm_time {
		u32 version, pad;
		u64 tsc, system_ns;
		u32 multiplier;
		s8 shift;
		u8 flags, pad2[2];
	} volatile page __ATTR(aligned(64));

	msr_write(MSR_KVM_SYSTEM_TIME, ((u64)&page - LAYOUT_IMAGE_BASE) | 1);
	u32 multiplier = page.multiplier;
	s8 shift = page.shift;
	msr_write(MSR_KVM_SYSTEM_TIME, 0);
	if (multiplier == 0 || shift < -31 || shift > 31)
		return 0;
	// ns = ((ticks << shift) * multiplier) >> 32
	u64 hz = (NS_PER_SECOND << 32) / multiplier;
	return shift < 0 ? hz << -shift : hz >> shift;
}

static u64 stated_hz(void)
{
	if (cpu_features.highest_leaf >= 0x15) {
		struct cpuid r = cpuid(0x15, 0);
		if (r.eax && r.ebx && r.ecx)
			return (u64)r.ecx * r.ebx / r.eax;
	}
	if (cpu_features.kvm_clock && kvm_hz())
		return kvm_hz();
	if (cpu_features.hypervisor && cpuid(0x40000000, 0).eax >= 0x40000010)
		return (u64)cpuid(0x40000010, 0).eax * 1000;
	return 0;
}

// Without any reference: the processor's word for the counter, and the timer measured against it.
static void measure_without_reference(u64 stated)
{
	tsc_hz = stated ? stated : DEFAULT_TSC_HZ;
	apic_timer_start(U32_MAX);
	u64 end = arch_timestamp() + tsc_hz * MEASURE_MS / 1000;
	while (arch_timestamp() < end)
		arch_cpu_relax();
	apic_hz = (u64)(U32_MAX - apic_timer_read()) * 1000 / MEASURE_MS;
	apic_timer_start(0);
	if (!stated)
		log_warning("time: no clock to measure with, %u MHz assumed", DEFAULT_TSC_HZ / 1000000);
}

void time_setup(void)
{
	u64 stated = stated_hz();
	bool has_reference = reference_find(&reference);
	if (has_reference)
		measure();
	else
		measure_without_reference(stated);
	if (stated)
		tsc_hz = stated;
	tsc_multiplier = multiply_divide(NS_PER_SECOND, FIXED_ONE, tsc_hz);
	apic_multiplier = multiply_divide(apic_hz, FIXED_ONE, NS_PER_SECOND);
	if (has_reference)
		reference_multiplier = multiply_divide(NS_PER_SECOND, FIXED_ONE, reference.frequency);
	tsc_base = arch_timestamp();
	use_tsc = cpu_features.tsc_invariant || cpu_features.hypervisor || !has_reference ||
		  !reference_is_steady(&reference);
	use_deadline = cpu_features.tsc_deadline && use_tsc;
	if (has_reference) {
		reference_last = reference.read();
		u64 share = reference.mask / WRAP_SHARE / reference.frequency;
		longest_ns = max(min((u64)TIMER_LONGEST_SECONDS, share), 1ul) * NS_PER_SECOND;
	}
	time_setup_cpu();
	log_info("time: %s, tsc %lu kHz, timer %s %lu kHz, measured by %s", arch_clock_name(), tsc_hz / 1000,
		 use_deadline ? "tsc-deadline" : "apic", apic_hz / 1000, has_reference ? reference.name : "nothing");
}

void time_setup_cpu(void)
{
	if (use_deadline)
		apic_timer_use_deadline();
	if (!use_tsc)
		timer_start(longest_ns);
}

void time_drop_tsc(void)
{
	if (!use_tsc)
		return;
	u64 flags = arch_interrupts_save();
	if (reference.read && reference_is_steady(&reference)) {
		reference_base_ns = arch_clock_ns();
		reference_last = reference.read();
		reference_total = 0;
	} else {
		use_latest = true;
	}
	use_tsc = false;
	arch_interrupts_restore(flags);
	log_warning("time: time stamp counters disagree, using %s", use_latest ? "the latest" : reference.name);
}
