// SPDX-License-Identifier: MPL-2.0
// What host tests may ask of the hosted core besides the contract.
#pragma once

#include <core/user.h>

// Makes [start, start + length) of the tests' user space readable and writable; the rest faults. The
// addresses are those of a window of 16 MiB from HOSTED_USER_START on.
#define HOSTED_USER_START 0x100000ul
#define HOSTED_USER_SIZE 0x1000000ul
void hosted_user_allow(user_addr_t start, usize length);
void hosted_user_forbid(user_addr_t start, usize length);
// Lets the clock go on by that much, running the timers that become due.
void hosted_clock_advance(u64 ns);
