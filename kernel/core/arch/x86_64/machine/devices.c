// SPDX-License-Identifier: MPL-2.0
// The second half of the architecture's start, once the core has memory.
#include "core/arch/x86_64/acpi/acpi.h"
#include "core/arch/x86_64/apic/io.h"
#include "core/arch/x86_64/apic/local.h"
#include "core/arch/x86_64/cpu/local.h"
#include "core/arch/x86_64/fpu/fpu.h"
#include "core/arch/x86_64/machine/power.h"
#include "core/arch/x86_64/time/time.h"
#include "core/arch/x86_64/user/setup.h"
#include <core/arch/boot_info.h>
#include <core/print.h>

enum { IO_APIC_DEFAULT = 0xfec00000 };

void arch_devices_init(void)
{
	fpu_setup();
	user_copy_setup();
	legacy_pic_silence();
	if (!apic_setup())
		panic("this machine has no local APIC");
	apic_setup_cpu();
	cpu_local_setup(0, apic_id());
	acpi_setup();
	if (!acpi_info.is_present)
		(void)io_apic_add(IO_APIC_DEFAULT, 0);  // where every PC without tables has it
	time_setup();
	power_setup();
}
