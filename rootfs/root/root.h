// SPDX-License-Identifier: MPL-2.0
// The root of a container that is made of an image: its layers, and above them a folder of its own for what it changes,
// containers/ID/upper of the store. It stays there until root_remove().
#pragma once

#include <limits.h>

#include "../lib/fault.h"
#include "../lib/unit/unit.h"

// Mounts it at `path`, in a mount namespace of the calling process alone: no other process has to carry the mounts of
// all containers, and it goes with the process. With a user namespace the unit's `id_base` is set.
// => a negative errno with a sentence
int root_mount(struct unit *unit, const char *id, const char *path, struct fault *fault);

// Removes what the container has changed. It may take long.
void root_remove(const char *id);

// Is there anything to remove?
int root_is_there(const char *id);

// Removes the changes of all containers but those that are kept: after a boot nobody knows them any more. They are out
// of the way at once, and a process of its own, a child of the caller, does the rest.
typedef int root_is_kept(const char *id);
void root_remove_others(root_is_kept *is_kept);
