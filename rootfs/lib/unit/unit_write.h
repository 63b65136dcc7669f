// SPDX-License-Identifier: MPL-2.0
// Writes a unit as the YAML that unit_parse() reads: both see the same unit.
#pragma once

#include <stdio.h>

#include "unit.h"

// => the text, to be freed, or NULL without memory
char *unit_write(const struct unit *unit);
// A double-quoted string, which stays one value whatever is in it.
void unit_write_quoted(FILE *out, const char *text);
