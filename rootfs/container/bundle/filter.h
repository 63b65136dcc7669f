// SPDX-License-Identifier: MPL-2.0
// The seccomp filter of a container: what its programs may call.
#pragma once

#include <stdint.h>

#include "../../lib/capability.h"

enum { FILTER_NUMBERS = 512 };		// system calls that a filter tells apart; the rest is unknown

enum filter_decision {
	FILTER_UNKNOWN,		// ENOSYS
	FILTER_ALLOW,
	FILTER_REFUSE,		// EPERM
	FILTER_CLONE,		// without new namespaces; else EPERM
	FILTER_PERSONALITY,	// the ordinary ones, and the question which it is; else ENOSYS
	FILTER_SOCKET,		// all but the one that writes the audit log, which is EINVAL
	FILTER_FOREIGN,		// of another machine's calls: ends the thread
};

// What is decided about each number for a container with these capabilities.
void filter_decide(capability_set capabilities, uint8_t decisions[FILTER_NUMBERS]);
