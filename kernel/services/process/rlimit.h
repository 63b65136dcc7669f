// SPDX-License-Identifier: MPL-2.0
// Resource limits and times of a process. source: getrlimit(2)
#pragma once
#include <core/types.h>

#define RLIMIT_INFINITY U64_MAX
enum rlimit_kind {
	RLIMIT_CPU, RLIMIT_FSIZE, RLIMIT_DATA, RLIMIT_STACK, RLIMIT_CORE, RLIMIT_RSS, RLIMIT_NPROC, RLIMIT_NOFILE,
	RLIMIT_MEMLOCK, RLIMIT_AS, RLIMIT_LOCKS, RLIMIT_SIGPENDING, RLIMIT_MSGQUEUE, RLIMIT_NICE, RLIMIT_RTPRIO,
	RLIMIT_RTTIME, RLIMIT_COUNT
};
struct rlimit {
	u64 soft, hard;
};
struct rlimits {
	struct rlimit limit[RLIMIT_COUNT];
};
struct process_times {
	u64 user_ns, system_ns, minor_faults, major_faults, switches_voluntary, switches_involuntary;
	u64 peak_resident_pages;
};
