// SPDX-License-Identifier: MPL-2.0
// Writes a unit as the YAML that unit_parse() reads: both see the same unit.
#pragma once

#include "unit.h"

// => the text, to be freed, or NULL without memory
char *unit_write(const struct unit *unit);
