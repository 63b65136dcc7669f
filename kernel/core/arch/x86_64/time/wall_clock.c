// SPDX-License-Identifier: MPL-2.0
// The battery-backed clock, read once at boot. Registers may change while they are read: two equal
// readings outside an update are taken.
#include "core/arch/x86_64/cpu/port.h"
#include <core/arch/clock.h>

enum {
	INDEX = 0x70,
	DATA = 0x71,
	STATUS_A = 0x0a,
	STATUS_B = 0x0b,
	UPDATING = 0x80,
	BINARY = 0x04,
	HOURS_24 = 0x02,
	AFTERNOON = 0x80,
	FIELDS = 6,
	TRIES = 1000,
};

static u8 cmos_read(u8 at)
{
	port_write_8(INDEX, at);
	return port_read_8(DATA);
}

static void fields_read(u8 *fields)
{
	static const u8 at[FIELDS] = { 0x00, 0x02, 0x04, 0x07, 0x08, 0x09 };
	for (u32 i = 0; i < 10000 && (cmos_read(STATUS_A) & UPDATING); i++)
		;
	for (u32 i = 0; i < FIELDS; i++)
		fields[i] = cmos_read(at[i]);
}

static u32 decode(u8 value, u8 mode)
{
	return mode & BINARY ? value : (value >> 4) * 10u + (value & 15);
}

static u64 days_since_1970(u32 year, u32 month, u32 day)
{
	// Years begin in March, so that the leap day is the last; 719468 days lie before 1970.
	u32 y = month <= 2 ? year - 1 : year, m = month <= 2 ? month + 9 : month - 3;
	return 365UL * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
}

u64 arch_wall_clock_seconds(void)
{
	u8 a[FIELDS], b[FIELDS];
	bool same = false;
	fields_read(a);
	for (u32 i = 0; i < TRIES && !same; i++) {
		fields_read(b);
		same = __builtin_memcmp(a, b, sizeof(a)) == 0;
		__builtin_memcpy(a, b, sizeof(a));
	}
	u8 mode = cmos_read(STATUS_B);
	u32 hour = decode(a[2] & ~AFTERNOON, mode);
	if (!(mode & HOURS_24))
		hour = hour % 12 + (a[2] & AFTERNOON ? 12 : 0);
	u32 year = 2000 + decode(a[5], mode), month = decode(a[4], mode), day = decode(a[3], mode);
	if (!same || month < 1 || month > 12 || day < 1 || day > 31)
		return 0;
	return days_since_1970(year, month, day) * 86400 + hour * 3600 + decode(a[1], mode) * 60 + decode(a[0], mode);
}
