// SPDX-License-Identifier: MPL-2.0
// Between the files of the hosted core.
#pragma once

#include "core/arch/hosted/hosted.h"

void hosted_memory_start(void);
#define HOSTED_STACK_SIZE (256ul << 10)
