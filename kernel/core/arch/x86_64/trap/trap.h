// SPDX-License-Identifier: MPL-2.0
#pragma once

#include <core/types.h>

// English name of an exception.
const char *trap_name(u64 vector);
