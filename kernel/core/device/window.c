// SPDX-License-Identifier: MPL-2.0
// Register windows: the only way by which checked drivers reach hardware.
//
// A window's mapping is made once for a physical range and kept: addresses in the kernel areas are
// never given back, so a driver that asks again gets the same mapping. RAM never becomes a window.
#include "core/device/window.h"
#include "core/arch/x86_64/cpu/port.h"
#include <core/arch/core_memory.h>
#include <core/arch/paging.h>
#include <core/boot.h>
#include <core/lock.h>

enum {
	MAPPINGS_MAX = 256,
	BOOT_USABLE = 1,
	PORT_END = 0x10000,
};

#define WINDOW_SIZE_MAX (1UL << 30)

struct register_window {
	struct object object;
	volatile u8 *memory;            // NULL: ports
	u32 port;
	u64 size;                       // all immutable after creation
};

exclusive_access static void register_window_release(struct register_window *w)
{
	(void)w;                        // the mapping stays for the next one
}
DEFINE_OBJECT(register_window, register_window_release)

struct mapping {
	u64 physical, size, address;
};

static struct mutex mappings_lock = MUTEX_INIT(RANK_SLEEPING_LEAF);
static struct mapping mappings[MAPPINGS_MAX];   // guarded by mappings_lock
static u32 mapping_count;

bool range_is_memory(u64 start, u64 size)
{
	struct memory_range r;
	if (size == 0 || start + size < start)
		return true;
	for (u32 i = 0; boot_memory_range(i, &r); i++)
		if (r.kind == BOOT_USABLE && start < r.end && r.start < start + size)
			return true;
	return false;
}

// The address of a page-aligned range; 0 without memory.
static u64 mapping_find(u64 physical, u64 size)
{
	mutex_guard(&mappings_lock);
	for (u32 i = 0; i < mapping_count; i++)
		if (mappings[i].physical == physical && mappings[i].size >= size)
			return mappings[i].address;
	if (mapping_count == MAPPINGS_MAX)
		return 0;
	u64 address = kernel_area_reserve(size);
	if (address == 0 || arch_kernel_map(address, physical, size, KERNEL_MAP_WRITE | KERNEL_MAP_DEVICE) != OK)
		return 0;
	mappings[mapping_count++] = (struct mapping){ physical, size, address };
	return address;
}

struct register_window *window_from_memory(u64 physical, u64 size)
{
	if (size > WINDOW_SIZE_MAX || range_is_memory(physical, size))
		return NULL;
	u64 start = page_round_down(physical);
	u64 address = mapping_find(start, page_round_up(physical + size) - start);
	if (address == 0)
		return NULL;
	struct register_window *w = register_window_alloc();
	if (!w)
		return NULL;
	w->memory = (volatile u8 *)(address + page_offset(physical));
	w->size = size;
	return w;
}

struct register_window *window_from_ports(u32 port, u32 size)
{
	if (size == 0 || port >= PORT_END || size > PORT_END - port)
		return NULL;
	struct register_window *w = register_window_alloc();
	if (!w)
		return NULL;
	w->port = port;
	w->size = size;
	return w;
}

u64 register_window_size(const struct register_window *w)
{
	return w->size;
}

// A register of `width` bytes, a power of two, lies inside and is aligned.
static inline bool access_is_inside(u64 size, u64 offset, u64 width)
{
	return offset < size && width <= size - offset && !(offset & (width - 1));
}

static inline void bounds_check(const struct register_window *w, u64 offset, u64 width)
{
	if (__unlikely(!access_is_inside(w->size, offset, width)))
		core_trap();
}

#define ACCESS(bits)                                                                            \
	u##bits register_read_u##bits(struct register_window *w, u64 offset)                    \
	{                                                                                       \
		bounds_check(w, offset, bits / 8);                                              \
		if (w->memory)                                                                  \
			return *(volatile u##bits *)(w->memory + offset);                       \
		return port_read_##bits((u16)(w->port + offset));                               \
	}                                                                                       \
	void register_write_u##bits(struct register_window *w, u64 offset, u##bits value)       \
	{                                                                                       \
		bounds_check(w, offset, bits / 8);                                              \
		if (w->memory)                                                                  \
			*(volatile u##bits *)(w->memory + offset) = value;                      \
		else                                                                            \
			port_write_##bits((u16)(w->port + offset), value);                      \
	}
ACCESS(8)
ACCESS(16)
ACCESS(32)

// Ports have no 64-bit accesses.
u64 register_read_u64(struct register_window *w, u64 offset)
{
	bounds_check(w, offset, sizeof(u64));
	if (!w->memory)
		core_trap();
	return *(volatile u64 *)(w->memory + offset);
}

void register_write_u64(struct register_window *w, u64 offset, u64 value)
{
	bounds_check(w, offset, sizeof(u64));
	if (!w->memory)
		core_trap();
	*(volatile u64 *)(w->memory + offset) = value;
}
