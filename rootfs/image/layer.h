// SPDX-License-Identifier: MPL-2.0
// Layers, unpacked: layers/HEX24, by the first digits of the sum of the plain archive (its "diff id"), so that the
// names of many layers fit the options of one mount; and beside it the file layers/HEX24.id with the whole sum and the
// size, written last. Two layers whose sums begin alike are refused, never mixed up.
#pragma once

#include "store.h"

enum { LAYER_NAME_SIZE = 25, LAYERS_MAX = 127 };

// "HEX24" of a valid digest.
void layer_name(char name[LAYER_NAME_SIZE], const char *diff_id);

// Makes sure that the layer of that blob is there, unpacking it where it is not. => a negative errno with a sentence
int layer_provide(struct store *store, const char *blob, const char *diff_id, struct fault *fault);

// => 1 and the size of its files, 0 where it is not there, -EEXIST where another layer has its name
int layer_is_there(const struct store *store, const char *diff_id, uint64_t *size_bytes);
