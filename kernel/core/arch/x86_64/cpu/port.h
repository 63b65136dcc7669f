// SPDX-License-Identifier: MPL-2.0
// Port input and output.
#pragma once

#include <core/types.h>

static inline u8 port_read_8(u16 port)
{
	u8 value;
	asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static inline u16 port_read_16(u16 port)
{
	u16 value;
	asm volatile("inw %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static inline u32 port_read_32(u16 port)
{
	u32 value;
	asm volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static inline void port_write_8(u16 port, u8 value)
{
	asm volatile("outb %0, %1" :: "a"(value), "Nd"(port));
}

static inline void port_write_16(u16 port, u16 value)
{
	asm volatile("outw %0, %1" :: "a"(value), "Nd"(port));
}

static inline void port_write_32(u16 port, u32 value)
{
	asm volatile("outl %0, %1" :: "a"(value), "Nd"(port));
}
