// SPDX-License-Identifier: MPL-2.0
// Local APIC (Intel SDM volume 3, chapter 11).
#include "core/arch/x86_64/apic/local.h"
#include "core/arch/x86_64/cpu/features.h"
#include "core/arch/x86_64/cpu/registers.h"
#include "core/arch/x86_64/paging/entry.h"
#include "core/arch/x86_64/paging/start.h"
#include "core/arch/x86_64/trap/frame.h"
#include <core/arch/cpu.h>
#include <core/arch/layout.h>

enum {
	REGISTER_ID = 0x20,
	REGISTER_TASK_PRIORITY = 0x80,
	REGISTER_END = 0xb0,
	REGISTER_LOGICAL = 0xd0,
	REGISTER_FORMAT = 0xe0,
	REGISTER_SPURIOUS = 0xf0,
	REGISTER_ERROR = 0x280,
	REGISTER_COMMAND = 0x300,
	REGISTER_COMMAND_HIGH = 0x310,
	REGISTER_TIMER = 0x320,
	REGISTER_LINT0 = 0x350,
	REGISTER_LINT1 = 0x360,
	REGISTER_ERROR_VECTOR = 0x370,
	REGISTER_TIMER_INITIAL = 0x380,
	REGISTER_TIMER_CURRENT = 0x390,
	REGISTER_TIMER_DIVIDE = 0x3e0,

	BASE_X2APIC = 1 << 10,
	BASE_ENABLE = 1 << 11,
	SPURIOUS_ENABLE = 1 << 8,
	MASKED = 1 << 16,
	DELIVER_NMI = 4 << 8,
	DELIVER_INIT = 5 << 8,
	DELIVER_STARTUP = 6 << 8,
	LEVEL_ASSERT = 1 << 14,
	COMMAND_BUSY = 1 << 12,
	TIMER_DEADLINE = 2 << 17,
	DIVIDE_BY_1 = 0xb,
	COMMAND_SPIN_MAX = 1000000,
};

static volatile u32 *registers;         // immutable after apic_setup(); NULL in x2APIC mode
static bool present, x2apic, use_deadline;

static u32 apic_read(u32 at)
{
	return x2apic ? (u32)msr_read(MSR_X2APIC + at / 16) : registers[at / 4];
}

static void apic_write(u32 at, u32 value)
{
	if (x2apic)
		msr_write(MSR_X2APIC + at / 16, value);
	else
		registers[at / 4] = value;
}

bool apic_setup(void)
{
	if (!(cpuid(1, 0).edx & 1 << 9))
		return false;
	u64 base = msr_read(MSR_APIC_BASE);
	x2apic = cpu_features.x2apic;
	if (!x2apic) {
		registers = paging_window_map(base & 0xffffff000, LAYOUT_PAGE_SIZE, ENTRY_CACHE_DEVICE);
		if (!registers)
			return false;
	}
	present = true;
	return true;
}

bool apic_is_present(void)
{
	return present;
}

void apic_setup_cpu(void)
{
	u64 base = msr_read(MSR_APIC_BASE) | BASE_ENABLE;
	msr_write(MSR_APIC_BASE, base);
	if (x2apic)
		msr_write(MSR_APIC_BASE, base | BASE_X2APIC);
	apic_write(REGISTER_TASK_PRIORITY, 0);
	if (!x2apic) {
		apic_write(REGISTER_FORMAT, U32_MAX);
		apic_write(REGISTER_LOGICAL, 0);
	}
	apic_write(REGISTER_SPURIOUS, SPURIOUS_ENABLE | VECTOR_SPURIOUS);
	apic_write(REGISTER_LINT0, MASKED);
	apic_write(REGISTER_LINT1, DELIVER_NMI);
	apic_write(REGISTER_ERROR_VECTOR, VECTOR_APIC_ERROR);
	apic_write(REGISTER_ERROR, 0);
	apic_write(REGISTER_TIMER_DIVIDE, DIVIDE_BY_1);
	apic_write(REGISTER_TIMER_INITIAL, 0);
	apic_write(REGISTER_TIMER, VECTOR_TIMER | (use_deadline ? TIMER_DEADLINE : 0));
	// The mode must be seen before the first deadline is written.
	asm volatile("mfence" ::: "memory");
	apic_end_of_interrupt();
}

u32 apic_id(void)
{
	return x2apic ? apic_read(REGISTER_ID) : apic_read(REGISTER_ID) >> 24;
}

void apic_end_of_interrupt(void)
{
	apic_write(REGISTER_END, 0);
}

static void command(u32 target, u32 low)
{
	if (x2apic) {
		asm volatile("mfence; lfence" ::: "memory");    // MSR writes do not order earlier stores
		msr_write(MSR_X2APIC + REGISTER_COMMAND / 16, (u64)target << 32 | low);
		return;
	}
	apic_write(REGISTER_COMMAND_HIGH, target << 24);
	apic_write(REGISTER_COMMAND, low);
	for (u32 i = 0; i < COMMAND_SPIN_MAX && (apic_read(REGISTER_COMMAND) & COMMAND_BUSY); i++)
		arch_cpu_relax();
}

void apic_send(u32 target, u32 vector)
{
	command(target, vector | LEVEL_ASSERT);
}

void apic_send_nmi(u32 target)
{
	command(target, DELIVER_NMI | LEVEL_ASSERT);
}

void apic_send_init(u32 target)
{
	command(target, DELIVER_INIT | LEVEL_ASSERT);
}

void apic_send_startup(u32 target, u32 page)
{
	command(target, DELIVER_STARTUP | LEVEL_ASSERT | page);
}

void apic_timer_start(u32 count)
{
	apic_write(REGISTER_TIMER_INITIAL, count);
}

u32 apic_timer_read(void)
{
	return apic_read(REGISTER_TIMER_CURRENT);
}

void apic_timer_use_deadline(void)
{
	use_deadline = true;
	apic_write(REGISTER_TIMER, VECTOR_TIMER | TIMER_DEADLINE);
	asm volatile("mfence" ::: "memory");
}
