// SPDX-License-Identifier: MPL-2.0
// What the boot loader handed over; and the machine as a whole.
#pragma once
#include <core/error.h>
#include <core/span.h>

bytes_t boot_command_line(void);
// The initramfs as loaded; empty if none. boot_initrd_free() gives its memory back.
bytes_t boot_initrd(void);
void boot_initrd_free(void);
// Value of the word `key=` on the command line ("root" -> "/dev/vda3"); the last one wins. False if
// absent. A bare word gives an empty value. Quotes as Linux's.
bool boot_option(bytes_t key, bytes_t *value borrowed);

no_return void machine_power_off(void);
no_return void machine_reboot(void);
no_return void machine_halt(void);
// isa-debug-exit with a code, then power-off; for kernel tests.
no_return void machine_test_exit(u32 code);
// The power button: called in interrupt context.
void machine_set_power_button(void (*pressed)(void));
// Physical memory map entries for /proc/iomem; false after the last.
struct memory_range {
	u64 start, end;
	u32 kind; // E820: 1 usable, 2 reserved, 3 ACPI, 4 NVS
};
bool boot_memory_range(u32 index, struct memory_range *out borrowed);
