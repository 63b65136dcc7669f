// SPDX-License-Identifier: MPL-2.0
// Layers as a container sees them whose ids are shifted: each mounted once more with a map of ids, so that what belongs
// to root in the layer belongs to the container's root. Nothing is copied. Source: mount_setattr(2).
#pragma once

#include <stdint.h>

#include "../lib/fault.h"

// Mounts the folder `name` of the open folder `from`, mapped by the namespace, on the path `to`, which is made.
int mapped_layer_mount(int from, const char *name, int namespace, const char *to, struct fault *fault);

// A user namespace whose ids 0 to ID_RANGE_SIZE - 1 are those from `base` on. => its descriptor, or a negative errno
int mapped_namespace_open(uint32_t base, struct fault *fault);
