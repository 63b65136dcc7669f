// SPDX-License-Identifier: MPL-2.0
// Counters of known frequency: HPET, the ACPI timer, and channel 2 of the PIT.
#include "core/arch/x86_64/acpi/acpi.h"
#include "core/arch/x86_64/cpu/port.h"
#include "core/arch/x86_64/paging/entry.h"
#include "core/arch/x86_64/paging/start.h"
#include "core/arch/x86_64/time/time.h"

enum {
	HPET_SIZE = 0x400,
	HPET_CAPABILITIES = 0,
	HPET_CONFIGURATION = 0x10 / 8,
	HPET_COUNTER = 0xf0 / 8,
	HPET_ENABLE = 1,
	PM_TIMER_FREQUENCY = 3579545,
	PIT_FREQUENCY = 1193182,
	PIT_CHANNEL_2 = 0x42,
	PIT_COMMAND = 0x43,
	PIT_GATE = 0x61,
	PIT_MODE_ONE_SHOT_2 = 0xb0,     // channel 2, both bytes, mode 0
	PIT_LATCH_2 = 0x80,
};

#define HPET_WIDE (1UL << 13)
#define FEMTOSECONDS 1000000000000000UL

static volatile u64 *hpet;              // immutable after reference_find()

static u64 hpet_read(void)
{
	return hpet[HPET_COUNTER];
}

static u64 pm_timer_read(void)
{
	return port_read_32((u16)acpi_info.pm_timer.address);
}

// Counts up, for the sake of the others: mode 0 counts down and goes on below zero.
static u64 pit_read(void)
{
	port_write_8(PIT_COMMAND, PIT_LATCH_2);
	u32 low = port_read_8(PIT_CHANNEL_2);
	return 0xffff - (low | (u32)port_read_8(PIT_CHANNEL_2) << 8);
}

static bool hpet_find(struct reference *r)
{
	if (!acpi_info.hpet)
		return false;
	hpet = paging_window_map(acpi_info.hpet, HPET_SIZE, ENTRY_CACHE_DEVICE);
	if (!hpet)
		return false;
	u64 capabilities = hpet[HPET_CAPABILITIES], period = capabilities >> 32;
	if (period == 0 || period > 100000000)
		return false;
	hpet[HPET_CONFIGURATION] |= HPET_ENABLE;
	*r = (struct reference){ "hpet", hpet_read, FEMTOSECONDS / period,
				 capabilities & HPET_WIDE ? U64_MAX : U32_MAX };
	return true;
}

bool reference_find(struct reference *r)
{
	if (hpet_find(r))
		return true;
	if (acpi_info.pm_timer.address) {
		*r = (struct reference){ "acpi_pm", pm_timer_read, PM_TIMER_FREQUENCY,
					 acpi_info.pm_timer_bits == 32 ? U32_MAX : 0xffffff };
		return true;
	}
	port_write_8(PIT_GATE, (port_read_8(PIT_GATE) & ~2) | 1);
	port_write_8(PIT_COMMAND, PIT_MODE_ONE_SHOT_2);
	port_write_8(PIT_CHANNEL_2, 0xff);
	port_write_8(PIT_CHANNEL_2, 0xff);
	u64 first = pit_read();
	for (u32 i = 0; i < 1000; i++) {
		if (pit_read() != first) {
			*r = (struct reference){ "pit", pit_read, PIT_FREQUENCY, 0xffff };
			return true;
		}
	}
	return false;
}

bool reference_is_steady(const struct reference *r)
{
	return r->read == hpet_read || r->read == pm_timer_read;
}
