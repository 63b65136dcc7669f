// SPDX-License-Identifier: MPL-2.0
// Names and sets of capabilities. A set is a mask with bit N for capability N.
#pragma once

#include <stdint.h>

enum { CAPABILITY_LAST = 40 };		// CAP_CHECKPOINT_RESTORE

typedef uint64_t capability_set;

// What a container gets when its unit says nothing: the eleven that podman gives.
capability_set capability_default_set(void);

// The number of "CAP_CHOWN", "chown" and the like, or -1.
int capability_parse(const char *name);

// "CAP_CHOWN", or NULL.
const char *capability_name(int number);
