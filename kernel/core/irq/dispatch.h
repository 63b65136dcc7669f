// SPDX-License-Identifier: MPL-2.0
#pragma once

#include <core/debug.h>

// Runs the handlers of a device vector. False: nobody felt responsible.
bool vector_dispatch(u32 vector);
