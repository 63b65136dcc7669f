// SPDX-License-Identifier: MPL-2.0
// How many descriptors init may have open: one for each container and one for each keel that waits.
#pragma once

enum { LIMITS_FILES = 16384 };

// Raises init's own limit.
void limits_raise(void);

// Gives a child the limit that init was started with.
void limits_restore(void);
