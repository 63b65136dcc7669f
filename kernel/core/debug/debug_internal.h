// SPDX-License-Identifier: MPL-2.0
// Inside the core: the log's start, symbols.
#pragma once

#include <core/text.h>

// Reads `quiet` and `loglevel=` from the command line.
void log_start(void);
// From now on messages go straight to the serial port, too, and take no lock that may be held for ever.
void log_enter_panic(void);

// "name+0x12/0x40" of a kernel text address, or the bare number without a symbol table.
void symbol_print(struct text *t borrowed, u64 address);
void back_trace_print(u64 frame_pointer);
