// SPDX-License-Identifier: MPL-2.0
// procfs: processes and the state of the system as text. Each mount shows one pid namespace, that of the
// mounter. Content follows proc(5); a file that we cannot fill truthfully does not exist.
#pragma once
#include <core/error.h>

void procfs_init(void);
