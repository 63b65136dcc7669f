// SPDX-License-Identifier: MPL-2.0
// Volumes: folders with names that outlive the containers that use them, volumes/NAME/_data of the store. A file
// volumes/NAME/fresh is there until a container has used it.
#pragma once

#include <limits.h>

#include "../image/store.h"
#include "../lib/fault.h"
#include "../lib/unit/unit.h"

// "STORE/volumes/NAME/_data", whether it is there or not. `name` is one that unit_name_is_valid() takes.
void volume_path(char path[PATH_MAX], const char *name);
int volume_is_there(const char *name);

// Makes it. One that is there is fine. => a negative errno with a sentence
int volume_create(const char *name, struct fault *fault);

// Removes it with all it holds; who uses it is for the caller to know. => -ENOENT with a sentence
int volume_remove(const char *name, struct fault *fault);

// Puts the folders of the unit's volumes in the place of their names, making those that are not there. One that is
// used for the first time, and empty, is filled with what the container's root, at unit->rootfs, has in its place.
int volume_provide(struct unit *unit, struct fault *fault);
