// SPDX-License-Identifier: MPL-2.0
// PCI configuration space and base address registers.
//
// Configuration space is memory-mapped where ACPI's MCFG says so (one bus is mapped when it is first
// used), else behind two ports. Base addresses are the firmware's: drivers may not move them, because
// a register window over RAM would undo the whole boundary.
#include "core/arch/x86_64/acpi/acpi.h"
#include "core/arch/x86_64/cpu/port.h"
#include "core/device/window.h"
#include <core/arch/core_memory.h>
#include <core/arch/paging.h>
#include <core/lock.h>

enum {
	PORT_ADDRESS = 0xcf8,
	PORT_DATA = 0xcfc,
	ADDRESS_ENABLE = 1u << 31,
	CLASSIC_SIZE = 256,
	EXTENDED_SIZE = 4096,
	BUS_SHIFT = 20,
	BUS_COUNT = 256,
	CONFIG_COMMAND = 0x04,
	CONFIG_HEADER = 0x0e,
	CONFIG_BARS = 0x10,
	CONFIG_ROM = 0x30,
	CONFIG_BRIDGE_ROM = 0x38,
	HEADER_MASK = 0x7f,
	HEADER_BRIDGE = 1,
	COMMAND_PORTS = 1,
	COMMAND_MEMORY = 2,
	BAR_PORTS = 1,
	BAR_TYPE_MASK = 6,
	BAR_TYPE_64 = 4,
};

static struct spinlock config_lock = SPINLOCK_INIT(RANK_IRQ_LEAF);
static struct mutex bus_lock = MUTEX_INIT(RANK_DRIVER);
static volatile u8 *buses[BUS_COUNT];   // written once, under bus_lock; read atomically

static u64 bus_base(struct pci_address a)
{
	for (u32 i = 0; i < acpi_info.ecam_count; i++) {
		const struct acpi_ecam *e = &acpi_info.ecam[i];
		if (e->segment == a.segment && a.bus >= e->first_bus && a.bus <= e->last_bus)
			return e->base + ((u64)(a.bus - e->first_bus) << BUS_SHIFT);
	}
	return 0;
}

// The bus's mapped space; NULL where there is none (other segments, no MCFG, no memory).
static volatile u8 *bus_map(struct pci_address a)
{
	volatile u8 *mapped = __atomic_load_n(&buses[a.bus], __ATOMIC_ACQUIRE);
	if (a.segment != 0 || mapped)
		return a.segment ? NULL : mapped;
	u64 base = bus_base(a);
	if (base == 0 || range_is_memory(base, 1UL << BUS_SHIFT))
		return NULL;
	mutex_guard(&bus_lock);
	if (buses[a.bus])
		return buses[a.bus];
	u64 address = kernel_area_reserve(1UL << BUS_SHIFT);
	if (address == 0 ||
	    arch_kernel_map(address, base, 1UL << BUS_SHIFT, KERNEL_MAP_WRITE | KERNEL_MAP_DEVICE) != OK)
		return NULL;
	__atomic_store_n(&buses[a.bus], (volatile u8 *)address, __ATOMIC_RELEASE);
	return (volatile u8 *)address;
}

static bool access_is_valid(struct pci_address a, u32 offset, u32 width)
{
	return (width == 1 || width == 2 || width == 4) && (offset & (width - 1)) == 0 && a.device < 32 &&
	       a.function < 8 && offset < EXTENDED_SIZE;
}

static void port_select(struct pci_address a, u32 offset)
{
	port_write_32(PORT_ADDRESS, ADDRESS_ENABLE | (u32)a.bus << 16 | (u32)a.device << 11 |
		      (u32)a.function << 8 | (offset & 0xfc));
}

u32 pci_config_read(struct pci_address a, u32 offset, u32 width)
{
	if (!access_is_valid(a, offset, width))
		return U32_MAX;
	volatile u8 *bus = bus_map(a);
	if (bus) {
		volatile u8 *at = bus + ((u32)a.device << 15 | (u32)a.function << 12 | offset);
		return width == 1 ? *at : width == 2 ? *(volatile u16 *)at : *(volatile u32 *)at;
	}
	if (a.segment != 0 || offset >= CLASSIC_SIZE)
		return U32_MAX;
	irq_guard(&config_lock);
	port_select(a, offset);
	u16 port = (u16)(PORT_DATA + (offset & 3));
	return width == 1 ? port_read_8(port) : width == 2 ? port_read_16(port) : port_read_32(port);
}

static void config_write(struct pci_address a, u32 offset, u32 width, u32 value)
{
	volatile u8 *bus = bus_map(a);
	if (bus) {
		volatile u8 *at = bus + ((u32)a.device << 15 | (u32)a.function << 12 | offset);
		if (width == 1)
			*at = (u8)value;
		else if (width == 2)
			*(volatile u16 *)at = (u16)value;
		else
			*(volatile u32 *)at = value;
		return;
	}
	if (a.segment != 0 || offset >= CLASSIC_SIZE)
		return;
	irq_guard(&config_lock);
	port_select(a, offset);
	u16 port = (u16)(PORT_DATA + (offset & 3));
	if (width == 1)
		port_write_8(port, (u8)value);
	else if (width == 2)
		port_write_16(port, (u16)value);
	else
		port_write_32(port, value);
}

static bool is_bridge(struct pci_address a)
{
	return (pci_config_read(a, CONFIG_HEADER, 1) & HEADER_MASK) == HEADER_BRIDGE;
}

static bool is_base_address(struct pci_address a, u32 offset)
{
	u32 bars = is_bridge(a) ? 2 : 6, rom = is_bridge(a) ? CONFIG_BRIDGE_ROM : CONFIG_ROM;
	return (offset >= CONFIG_BARS && offset < CONFIG_BARS + 4 * bars) || (offset >= rom && offset < rom + 4);
}

err_t pci_config_write(struct pci_address a, u32 offset, u32 width, u32 value)
{
	if (!access_is_valid(a, offset, width))
		return -EINVAL;
	if (is_base_address(a, offset))
		return pci_config_read(a, offset, width) == value ? OK : -EPERM;
	config_write(a, offset, width, value);
	return OK;
}

// Address and size of a base address register, by writing ones with decoding off. False: not usable.
static bool bar_measure(struct pci_address a, u32 index, u64 *base, u64 *size, bool *ports)
{
	u32 at = CONFIG_BARS + 4 * index;
	u32 command = pci_config_read(a, CONFIG_COMMAND, 2), low = pci_config_read(a, at, 4);
	bool wide = !(low & BAR_PORTS) && (low & BAR_TYPE_MASK) == BAR_TYPE_64;
	if (low == 0 || low == U32_MAX || (wide && index == 5))
		return false;
	u32 high = wide ? pci_config_read(a, at + 4, 4) : 0;
	config_write(a, CONFIG_COMMAND, 2, command & ~(u32)(COMMAND_PORTS | COMMAND_MEMORY));
	config_write(a, at, 4, U32_MAX);
	u64 mask = pci_config_read(a, at, 4);
	config_write(a, at, 4, low);
	if (wide) {
		config_write(a, at + 4, 4, U32_MAX);
		mask |= (u64)pci_config_read(a, at + 4, 4) << 32;
		config_write(a, at + 4, 4, high);
	}
	*ports = low & BAR_PORTS;
	mask &= *ports ? ~3UL : ~15UL;
	*base = ((u64)high << 32 | low) & (*ports ? ~3UL : ~15UL);
	// The lowest writable bit is the size: upper bits may be hard-wired to zero.
	*size = mask & -mask;
	if (*base == 0 || *size == 0) {
		config_write(a, CONFIG_COMMAND, 2, command);
		return false;
	}
	config_write(a, CONFIG_COMMAND, 2, command | (*ports ? COMMAND_PORTS : COMMAND_MEMORY));
	return true;
}

struct register_window *pci_bar_window(struct pci_address a, u32 index)
{
	u64 base = 0, size = 0;
	bool ports = false;
	if (index >= (is_bridge(a) ? 2u : 6u) || pci_config_read(a, 0, 4) == U32_MAX)
		return NULL;
	if (!bar_measure(a, index, &base, &size, &ports))
		return NULL;
	return ports ? window_from_ports((u32)base, (u32)size) : window_from_memory(base, size);
}
