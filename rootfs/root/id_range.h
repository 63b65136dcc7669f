// SPDX-License-Identifier: MPL-2.0
// Ranges of user and group ids for containers with a user namespace of their own: 65536 ids each, from ID_RANGE_SIZE
// times a number from 1 up. A container keeps its range until it is removed, because its files belong to it: the
// number stands in the file "range" of its folder in the store, and taken numbers are names in the folder "ids".
#pragma once

#include <stdint.h>

#include "../image/store.h"
#include "../lib/fault.h"

enum { ID_RANGE_SIZE = 65536, ID_RANGE_LAST = 65000 };

// The first id of the container's range, which is taken where it has none yet. `id` is the container's.
int id_range_provide(const struct store *store, const char *id, uint32_t *base, struct fault *fault);

// Takes the range of a container that an earlier boot has left once more, if it has one.
void id_range_keep(int store_folder_fd, const char *id);

// Gives the range back. A container without one is fine.
void id_range_release(int store_folder_fd, const char *id);
