// SPDX-License-Identifier: MPL-2.0
// The ends of the machine's life (core/boot.h), and the power button.
#include "core/arch/x86_64/acpi/acpi.h"
#include "core/arch/x86_64/cpu/port.h"
#include "core/arch/x86_64/machine/power.h"
#include <core/arch/clock.h>
#include <core/arch/cpu.h>
#include <core/arch/interrupts.h>
#include <core/arch/machine.h>
#include <core/boot.h>
#include <core/device_memory.h>
#include <core/print.h>
#include <core/time.h>

enum {
	SLEEP_ENABLE = 1 << 13,
	SLEEP_TYPE_SHIFT = 10,
	SLEEP_TYPE_MASK = 7 << SLEEP_TYPE_SHIFT,
	REDUCED_SLEEP_ENABLE = 1 << 5,
	REDUCED_TYPE_SHIFT = 2,
	EVENT_POWER_BUTTON = 1 << 8,
	RESET_CONTROL = 0xcf9,
	RESET_PREPARE = 0x02,
	RESET_FULL = 0x06,
	KEYBOARD_COMMAND = 0x64,
	KEYBOARD_RESET = 0xfe,
	KEYBOARD_BUSY = 0x02,
	DEBUG_EXIT = 0xf4,
};

static void (*power_button)(void);      // immutable once set

struct power_action {
	struct irq_action base;
};
exclusive_access static void power_action_release(struct power_action *action)
{
	(void)action;
}
DEFINE_DERIVED(power_action, irq_action, power_action_release)

void machine_set_power_button(void (*pressed)(void))
{
	power_button = pressed;
}

static bool event_take(u16 port)
{
	if (!port || !(port_read_16(port) & EVENT_POWER_BUTTON))
		return false;
	port_write_16(port, EVENT_POWER_BUTTON);        // writing a one clears it
	return true;
}

static bool power_interrupt(struct irq_action *action)
{
	bool a = event_take(acpi_info.event_a), b = event_take(acpi_info.event_b);
	if ((a || b) && power_button)
		power_button();
	return a || b;
}

void power_setup(void)
{
	u16 half = acpi_info.event_size / 2;
	acpi_enable();
	if (acpi_info.is_reduced || !acpi_info.event_a)
		return;
	struct power_action *action = power_action_alloc();
	if (!action)
		return;
	action->base.handle = power_interrupt;
	port_write_16((u16)(acpi_info.event_a + half), EVENT_POWER_BUTTON);
	if (acpi_info.event_b)
		port_write_16((u16)(acpi_info.event_b + half), EVENT_POWER_BUTTON);
	if (irq_attach_line(&action->base, acpi_info.power_line) != OK)
		log_warning("power: no interrupt for the power button");
	irq_action_put(&action->base);
}

static void control_write(u16 port, s32 type)
{
	if (!port || type < 0)
		return;
	u16 value = (u16)((port_read_16(port) & ~SLEEP_TYPE_MASK) | type << SLEEP_TYPE_SHIFT | SLEEP_ENABLE);
	port_write_16(port, value);
}

void arch_machine_power_off(void)
{
	arch_interrupts_disable();
	arch_stop_other_cpus();
	if (acpi_info.off_type_a >= 0) {
		if (acpi_info.is_reduced && acpi_info.sleep_control.address)
			acpi_register_write(&acpi_info.sleep_control, REDUCED_SLEEP_ENABLE |
					    (u32)acpi_info.off_type_a << REDUCED_TYPE_SHIFT);
		control_write(acpi_info.control_a, acpi_info.off_type_a);
		control_write(acpi_info.control_b, acpi_info.off_type_b);
	}
	arch_delay_ns(3 * NS_PER_SECOND);       // it may take its time
	log_error("power: the machine did not go off; halted");
	arch_cpu_halt();
}

static void reset_by_keyboard(void)
{
	for (u32 i = 0; i < 100000 && (port_read_8(KEYBOARD_COMMAND) & KEYBOARD_BUSY); i++)
		;
	port_write_8(KEYBOARD_COMMAND, KEYBOARD_RESET);
	for (u32 i = 0; i < 1000000; i++)
		arch_cpu_relax();
}

no_return static void reset_by_triple_fault(void)
{
	static const struct __ATTR(packed) {
		u16 limit;
		u64 address;
	} empty = { 0, 0 };
	asm volatile("lidt %0; int3" :: "m"(empty));
	arch_cpu_halt();
}

void arch_machine_reboot(void)
{
	arch_interrupts_disable();
	arch_stop_other_cpus();
	if (acpi_info.reset.address)
		acpi_register_write(&acpi_info.reset, acpi_info.reset_value);
	port_write_8(RESET_CONTROL, RESET_PREPARE);
	port_write_8(RESET_CONTROL, RESET_FULL);
	reset_by_keyboard();
	reset_by_triple_fault();
}

void arch_machine_debug_exit(u32 status)
{
	port_write_32(DEBUG_EXIT, status);
}

void machine_power_off(void)
{
	arch_machine_power_off();
}

void machine_reboot(void)
{
	arch_machine_reboot();
}

void machine_halt(void)
{
	arch_interrupts_disable();
	arch_stop_other_cpus();
	arch_cpu_halt();
}

void machine_test_exit(u32 code)
{
	arch_machine_debug_exit(code);
	arch_machine_power_off();
}
