// SPDX-License-Identifier: MPL-2.0
// Sweeps the store: removes the blobs and layers that no image of the index has.
#pragma once

#include "store.h"

// Of a store that is opened for STORE_CHANGE. => a negative errno with a sentence; then nothing or not all was removed
int collect_garbage(struct store *store, struct fault *fault);
