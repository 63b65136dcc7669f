// SPDX-License-Identifier: MPL-2.0
// The formatter under text_printf() and log_print(), for the core (checked code has no va_list).
// Besides the formats of core/text.h it takes %s (a C string, NULL prints as "(null)"), with a width, minus flag and
// precision.
#pragma once
#include <core/text.h>

void text_vprintf(struct text *t borrowed, const char *format, __builtin_va_list arguments);
