// SPDX-License-Identifier: MPL-2.0
// A polled 16550 at the first port's classic address. The tty driver takes the port over later; this
// stays the output of panic messages.
#include <core/arch/serial.h>
#include "core/arch/x86_64/boot/serial_setup.h"
#include "core/arch/x86_64/cpu/port.h"

enum {
	PORT = 0x3f8,
	REGISTER_DATA = PORT,
	REGISTER_INTERRUPT = PORT + 1,
	REGISTER_FIFO = PORT + 2,
	REGISTER_LINE = PORT + 3,
	REGISTER_MODEM = PORT + 4,
	REGISTER_STATUS = PORT + 5,
	REGISTER_SCRATCH = PORT + 7,
	LINE_DIVISOR = 0x80,
	LINE_8N1 = 0x03,
	STATUS_SEND_EMPTY = 0x20,
	SPIN_MAX = 1000000,             // a port that never drains must not hang the machine
};

static bool present;

void serial_setup(void)
{
	port_write_8(REGISTER_SCRATCH, 0x5a);
	if (port_read_8(REGISTER_SCRATCH) != 0x5a)
		return;
	port_write_8(REGISTER_INTERRUPT, 0);
	port_write_8(REGISTER_LINE, LINE_DIVISOR);
	port_write_8(REGISTER_DATA, 1);         // 115200 baud
	port_write_8(REGISTER_INTERRUPT, 0);
	port_write_8(REGISTER_LINE, LINE_8N1);
	port_write_8(REGISTER_FIFO, 0x07);
	port_write_8(REGISTER_MODEM, 0x0b);     // DTR, RTS, interrupt line
	present = true;
}

bool arch_serial_present(void)
{
	return present;
}

static void put(char c)
{
	u32 spins = 0;
	while (!(port_read_8(REGISTER_STATUS) & STATUS_SEND_EMPTY))
		if (++spins == SPIN_MAX)
			return;
	port_write_8(REGISTER_DATA, (u8)c);
}

void arch_serial_write(const char *bytes, usize length)
{
	if (!present)
		return;
	for (usize i = 0; i < length; i++) {
		if (bytes[i] == '\n')
			put('\r');
		put(bytes[i]);
	}
}
