// SPDX-License-Identifier: MPL-2.0
// The seccomp filter of a container: what no program in it has a use for.
#pragma once

#include "../lib/json_writer.h"
#include "../lib/unit.h"

// Writes `linux.seccomp` of the OCI runtime specification. A unit that lists CAP_SYS_ADMIN gets no filter: it may do
// all of it anyway.
void filter_print(struct json_writer *json, const struct unit *unit);
