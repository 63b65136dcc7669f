// SPDX-License-Identifier: MPL-2.0
// What the kernel takes from ACPI: static tables, plus two things scanned out of the DSDT's byte code
// without interpreting it (the power-off state's value, virtio-MMIO devices).
#pragma once

#include <core/types.h>

enum {
	ACPI_PROCESSORS_MAX = 64,
	ACPI_ECAM_MAX = 8,
	ACPI_VIRTIO_MAX = 32,
};

struct acpi_register {
	u8 space;                       // 0 memory, 1 ports
	u8 width_bits;
	u64 address;                    // 0: there is none
};

struct acpi_ecam {
	u64 base;
	u16 segment;
	u8 first_bus, last_bus;
};

struct interrupt_source {
	u32 line;                       // global interrupt number
	bool is_level, is_low_active;
};

struct acpi_virtio {
	u64 base;
	u32 size;
	struct interrupt_source source;
};

// Immutable after acpi_setup().
struct acpi_info {
	bool is_present;
	bool is_reduced;                // no fixed hardware
	u32 processor_count;
	u32 processor_ids[ACPI_PROCESSORS_MAX];
	u64 hpet;                       // physical, 0: none
	u32 ecam_count;
	struct acpi_ecam ecam[ACPI_ECAM_MAX];
	u32 virtio_count;
	struct acpi_virtio virtio[ACPI_VIRTIO_MAX];
	struct acpi_register pm_timer;
	u32 pm_timer_bits;
	u32 power_line;                 // SCI, an ISA interrupt
	u16 smi_command;
	u8 enable_value;
	u16 event_a, event_b;           // ports; 0: none
	u8 event_size;
	u16 control_a, control_b;
	struct acpi_register reset;
	u8 reset_value;
	struct acpi_register sleep_control;
	s32 off_type_a, off_type_b;     // -1: not found
};

extern struct acpi_info acpi_info;

// Reads the tables; adds I/O APICs. Everything missing is simply absent afterwards.
void acpi_setup(void);
// How a line (ISA below 16, else global) is wired.
struct interrupt_source acpi_interrupt_source(u32 line);
void acpi_register_write(const struct acpi_register *r, u32 value);
// Turns the fixed hardware over to us, so that the power button reports here.
void acpi_enable(void);
