// SPDX-License-Identifier: MPL-2.0
// User copies: the range check, then the assembly of copy.S. The range test is written so that no sum
// can wrap.
#include "core/arch/x86_64/cpu/features.h"
#include "core/arch/x86_64/user/setup.h"
#include <core/arch/cpu.h>
#include <core/arch/layout.h>
#include <core/user.h>

usize user_copy_raw(void *to, const void *from, usize n);
usize user_zero_raw(void *to, usize n);
s64 user_string_raw(u8 *to, const u8 *from, usize n);
s32 user_load_32(const u32 *from, u32 *to);
s32 user_load_64(const u64 *from, u64 *to);
s32 user_store_32(u32 *to, u32 value);
s32 user_store_64(u64 *to, u64 value);
s32 user_exchange_32(u32 *at, u32 expected, u32 desired, u32 *old);

extern u8 user_copy_bytewise;
u8 user_copy_bytewise;                  // immutable after boot: `rep movsb` is always fast

void user_copy_setup(void)
{
	user_copy_bytewise = cpu_features.fsrm && cpu_features.erms;
}

static inline bool range_is_below(u64 end, u64 address, usize length)
{
	return address <= end && length <= end - address;
}

// A task without an address space runs on somebody else's: it has no user memory at all.
static inline bool range_is_user(u64 address, usize length)
{
	return __likely(arch_current_task()->__page_table != NULL) && range_is_below(LAYOUT_USER_END, address, length);
}

usize user_copy_in_some(span_t to, user_addr_t from)
{
	if (__unlikely(!range_is_user(from.value, to.__n)))
		return to.__n;
	return user_copy_raw(to.__p, (const void *)from.value, to.__n);
}

usize user_copy_out_some(user_addr_t to, bytes_t from)
{
	if (__unlikely(!range_is_user(to.value, from.__n)))
		return from.__n;
	return user_copy_raw((void *)to.value, from.__p, from.__n);
}

err_t user_copy_in(span_t to, user_addr_t from)
{
	return user_copy_in_some(to, from) ? -EFAULT : OK;
}

err_t user_copy_out(user_addr_t to, bytes_t from)
{
	return user_copy_out_some(to, from) ? -EFAULT : OK;
}

err_t user_zero(user_addr_t to, usize length)
{
	if (!range_is_user(to.value, length))
		return -EFAULT;
	return user_zero_raw((void *)to.value, length) ? -EFAULT : OK;
}

ssize_r user_copy_string(span_t to, user_addr_t from)
{
	usize limit = to.__n;
	if (!range_is_user(from.value, 1))
		return -EFAULT;
	bool cut = limit > LAYOUT_USER_END - from.value;
	if (cut)
		limit = LAYOUT_USER_END - from.value;
	s64 length = user_string_raw(to.__p, (const u8 *)from.value, limit);
	if (length < 0)
		return -EFAULT;
	if ((usize)length == limit)
		return cut ? -EFAULT : -ENAMETOOLONG;
	return (ssize_r)length;
}

err_t user_read_u32(user_addr_t from, u32 *out)
{
	if (!range_is_user(from.value, sizeof(u32)))
		return -EFAULT;
	return (err_t)user_load_32((const u32 *)from.value, out);
}

err_t user_read_u64(user_addr_t from, u64 *out)
{
	if (!range_is_user(from.value, sizeof(u64)))
		return -EFAULT;
	return (err_t)user_load_64((const u64 *)from.value, out);
}

err_t user_write_u32(user_addr_t to, u32 value)
{
	if (!range_is_user(to.value, sizeof(u32)))
		return -EFAULT;
	return (err_t)user_store_32((u32 *)to.value, value);
}

err_t user_write_u64(user_addr_t to, u64 value)
{
	if (!range_is_user(to.value, sizeof(u64)))
		return -EFAULT;
	return (err_t)user_store_64((u64 *)to.value, value);
}

// Unaligned atomics would lock the bus, or trap where the machine forbids that.
static bool word_is_user(user_addr_t at)
{
	return range_is_user(at.value, sizeof(u32)) && (at.value & 3) == 0;
}

err_t user_compare_exchange_u32(user_addr_t at, u32 expected, u32 desired, u32 *old)
{
	if (!word_is_user(at))
		return -EFAULT;
	return (err_t)user_exchange_32((u32 *)at.value, expected, desired, old);
}

static u32 atomic_result(enum user_atomic_op op, u32 value, u32 operand)
{
	switch (op) {
	case USER_ATOMIC_ADD: return value + operand;
	case USER_ATOMIC_OR: return value | operand;
	case USER_ATOMIC_ANDN: return value & ~operand;
	case USER_ATOMIC_XOR: return value ^ operand;
	case USER_ATOMIC_SET: break;
	}
	return operand;
}

err_t user_atomic_u32(user_addr_t at, enum user_atomic_op op, u32 operand, u32 *old)
{
	u32 seen, found;
	if (!word_is_user(at))
		return -EFAULT;
	err_t e = (err_t)user_load_32((const u32 *)at.value, &found);
	do {
		if (e)
			return e;
		seen = found;
		e = (err_t)user_exchange_32((u32 *)at.value, seen, atomic_result(op, seen, operand), &found);
	} while (e || found != seen);
	*old = found;
	return OK;
}
