// SPDX-License-Identifier: MPL-2.0
// AF_UNIX sockets. source: unix(7)
#pragma once
#include <core/error.h>

// Registers the family; before net_namespace_init().
void unix_init(void);
