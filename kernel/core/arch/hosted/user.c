// SPDX-License-Identifier: MPL-2.0
// User memory of host tests: a window of 16 MiB whose pages a test allows or forbids. There is no user
// mode.
#include <stdlib.h>
#include <string.h>
#undef NULL
#include <core/user.h>
#include "core/arch/hosted/hosted.h"

static u8 window[HOSTED_USER_SIZE];
static u8 allowed[HOSTED_USER_SIZE]; // by byte: limits need not be page aligned
static err_t (*fault_handler)(u64 address, u32 access);

void user_set_fault_handler(err_t (*handler)(u64 address, u32 access))
{
	fault_handler = handler;
}

static void allow(user_addr_t start, usize length, u8 value)
{
	u64 at = start.value - HOSTED_USER_START;

	if (at > HOSTED_USER_SIZE || length > HOSTED_USER_SIZE - at)
		abort();
	memset(allowed + at, value, length);
}

void hosted_user_allow(user_addr_t start, usize length)
{
	allow(start, length, 1);
}

void hosted_user_forbid(user_addr_t start, usize length)
{
	allow(start, length, 0);
}

// The byte at an address, or NULL where it may not be touched.
static u8 *user_byte(u64 address, u32 access)
{
	u64 at = address - HOSTED_USER_START;

	if (at >= HOSTED_USER_SIZE)
		return NULL;
	if (!allowed[at] && (!fault_handler || fault_handler(address, access) != OK || !allowed[at]))
		return NULL;
	return window + at;
}

usize user_copy_in_some(span_t to, user_addr_t from)
{
	for (usize i = 0; i < to.__n; i++) {
		u8 *p = user_byte(from.value + i, 0);

		if (!p)
			return to.__n - i;
		to.__p[i] = *p;
	}
	return 0;
}

usize user_copy_out_some(user_addr_t to, bytes_t from)
{
	for (usize i = 0; i < from.__n; i++) {
		u8 *p = user_byte(to.value + i, USER_FAULT_WRITE);

		if (!p)
			return from.__n - i;
		*p = from.__p[i];
	}
	return 0;
}

err_t user_copy_in(span_t to, user_addr_t from)
{
	return user_copy_in_some(to, from) ? (err_t)-EFAULT : OK;
}

err_t user_copy_out(user_addr_t to, bytes_t from)
{
	return user_copy_out_some(to, from) ? (err_t)-EFAULT : OK;
}

err_t user_zero(user_addr_t to, usize length)
{
	for (usize i = 0; i < length; i++) {
		u8 *p = user_byte(to.value + i, USER_FAULT_WRITE);

		if (!p)
			return (err_t)-EFAULT;
		*p = 0;
	}
	return OK;
}

ssize_r user_copy_string(span_t to, user_addr_t from)
{
	for (usize i = 0; i < to.__n; i++) {
		u8 *p = user_byte(from.value + i, 0);

		if (!p)
			return (ssize_r)-EFAULT;
		if (!*p)
			return (ssize_r)i;
		to.__p[i] = *p;
	}
	return (ssize_r)-ENAMETOOLONG;
}

err_t user_read_u32(user_addr_t from, u32 *out borrowed)
{
	return user_copy_in((span_t){ (u8 *)out, sizeof(*out) }, from);
}

err_t user_read_u64(user_addr_t from, u64 *out borrowed)
{
	return user_copy_in((span_t){ (u8 *)out, sizeof(*out) }, from);
}

err_t user_write_u32(user_addr_t to, u32 value)
{
	return user_copy_out(to, (bytes_t){ (const u8 *)&value, sizeof(value) });
}

err_t user_write_u64(user_addr_t to, u64 value)
{
	return user_copy_out(to, (bytes_t){ (const u8 *)&value, sizeof(value) });
}

err_t user_compare_exchange_u32(user_addr_t at, u32 expected, u32 desired, u32 *old borrowed)
{
	err_t e = user_read_u32(at, old);

	return e == OK && *old == expected ? user_write_u32(at, desired) : e;
}

err_t user_atomic_u32(user_addr_t at, enum user_atomic_op op, u32 operand, u32 *old borrowed)
{
	err_t e = user_read_u32(at, old);
	u32 v = *old;

	switch (op) {
	case USER_ATOMIC_SET:
		v = operand;
		break;
	case USER_ATOMIC_ADD:
		v += operand;
		break;
	case USER_ATOMIC_OR:
		v |= operand;
		break;
	case USER_ATOMIC_ANDN:
		v &= ~operand;
		break;
	case USER_ATOMIC_XOR:
		v ^= operand;
		break;
	}
	return e == OK ? user_write_u32(at, v) : e;
}
