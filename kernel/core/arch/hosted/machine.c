// SPDX-License-Identifier: MPL-2.0
// The rest of the hosted machine: its console is stderr, its ends end the test.
#include <stdio.h>
#include <unistd.h>
#undef NULL
#include <core/arch/cpu.h>
#include <core/arch/interrupts.h>
#include <core/arch/machine.h>
#include <core/arch/serial.h>
#include <core/boot.h>

enum { EXIT_TRAPPED = 77 };

bool arch_serial_present(void)
{
	return true;
}

void arch_serial_write(const char *bytes, usize length)
{
	fwrite(bytes, 1, length, stderr);
}

void arch_machine_debug_exit(u32 status)
{
	_exit(EXIT_TRAPPED);
}

void arch_machine_reboot(void)
{
	hosted_abort("reboot");
}

void arch_machine_power_off(void)
{
	hosted_abort("power-off");
}

void arch_trap_frame_print(const struct trap_frame *frame)
{
}

bytes_t boot_command_line(void)
{
	return bytes_empty();
}

bool boot_option(bytes_t key, bytes_t *value borrowed)
{
	return false;
}
