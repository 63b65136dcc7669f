// SPDX-License-Identifier: MPL-2.0
// The seccomp filter of a container: a list of what its programs may call.
#pragma once

#include "../lib/json_writer.h"
#include "../lib/unit.h"

// Writes `linux.seccomp` of the OCI runtime specification, by the unit's capabilities. A unit that asks for no filter
// gets none.
void filter_print(struct json_writer *json, const struct unit *unit);
