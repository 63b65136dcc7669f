// SPDX-License-Identifier: MPL-2.0
// The boot processor's way from the loader to the core; called once by entry.S.
//
// The order matters: nothing can be said before the serial port is set up, nothing can be mapped
// before the memory map is known, and no fault is readable before the trap table stands.
#include "core/arch/x86_64/boot/boot.h"
#include "core/arch/x86_64/boot/protocol.h"
#include "core/arch/x86_64/boot/serial_setup.h"
#include "core/arch/x86_64/cpu/features.h"
#include "core/arch/x86_64/cpu/local.h"
#include "core/arch/x86_64/paging/start.h"
#include "core/arch/x86_64/trap/setup.h"

// Declared here alone: entry.S is its only caller.
no_return void boot_start(u32 protocol, u32 info);

void boot_start(u32 protocol, u32 info)
{
	serial_setup();
	cpu_local_setup(0, 0);
	cpu_features_probe();
	const char *wrong = protocol == BOOT_PROTOCOL_PVH ? boot_parse_pvh(info) : boot_parse_multiboot2(info);
	if (wrong)
		boot_fail(wrong);
	boot_ranges_finish();
	trap_setup_table();
	trap_setup_cpu(0);
	cpu_features_enable();
	paging_start();
	core_start();
}
