// SPDX-License-Identifier: MPL-2.0
// The `mounts:` list of a unit.
#pragma once

#include "../fault.h"

struct unit;
struct yaml_node;

// Fills unit->mounts. => as unit_parse().
int unit_mounts_take(struct unit *unit, const struct yaml_node *node, struct fault *fault);
