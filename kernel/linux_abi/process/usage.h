// SPDX-License-Identifier: MPL-2.0
// struct rusage, for getrusage, wait4 and waitid. source: getrusage(2)
#pragma once
#include <core/user.h>
#include <services/process/rlimit.h>

err_t usage_write(user_addr_t to, const struct process_times *times borrowed);
