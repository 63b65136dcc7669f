// SPDX-License-Identifier: MPL-2.0
// The kernel log: a ring of records (dmesg) and the console. Formats as in text.h, plus
// log_text() for bytes. Usable everywhere, interrupts included.
#pragma once
#include <core/span.h>

enum log_level { LOG_EMERGENCY, LOG_ALERT, LOG_CRITICAL, LOG_ERROR, LOG_WARNING, LOG_NOTICE, LOG_INFO, LOG_DEBUG };
void log_print(enum log_level level, const char *format, ...) printf_like(2, 3);
// "prefix: text"
void log_text(enum log_level level, const char *prefix, bytes_t text);
#define log_error(...) log_print(LOG_ERROR, __VA_ARGS__)
#define log_warning(...) log_print(LOG_WARNING, __VA_ARGS__)
#define log_info(...) log_print(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_print(LOG_DEBUG, __VA_ARGS__)

// Reads formatted records from *position on ("<6>[  1.234567] text\n"); advances it. 0 at the end.
usize log_read(u64 *position borrowed, span_t out);
u64 log_first_position(void);
u64 log_end_position(void);
// Messages above this level do not reach the console (`loglevel=`, `quiet`).
void log_set_console_level(u32 level);

// Where the console's output goes besides early serial; called with interrupts off.
struct console_ops {
	void (*write)(bytes_t text);
};
void console_register(const struct console_ops *ops);
// Stops the machine with a back trace (reboots if `panic=` says so).
no_return void panic(const char *format, ...) printf_like(1, 2);
