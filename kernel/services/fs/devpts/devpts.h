// SPDX-License-Identifier: MPL-2.0
// devpts: the folder of a container's pseudo-terminals. Every mount is an instance of its own (as Linux
// since 4.7); its options are uid=, gid=, mode=, ptmxmode=, max=, newinstance. Opening /dev/ptmx (character
// device 5:2) uses the instance mounted at "pts" beside it.
#pragma once
#include <core/error.h>

err_t devpts_init(void);
