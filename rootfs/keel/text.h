// SPDX-License-Identifier: MPL-2.0
// How keel writes ages and sizes, as people who come from podman know them.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <time.h>

enum { TEXT_AGE_SIZE = 40, TEXT_SIZE_SIZE = 24, TEXT_TIME_SIZE = 64 };

// "5 seconds", "About a minute", "3 weeks"
void text_format_duration(char text[TEXT_AGE_SIZE], long seconds);

// The same with " ago".
void text_format_age(char text[TEXT_AGE_SIZE], long seconds);

// "5.54 MB", in powers of 1000.
void text_format_size(char text[TEXT_SIZE_SIZE], uint64_t bytes);

// "5.54MB", the same without the blank.
void text_format_amount(char text[TEXT_SIZE_SIZE], uint64_t bytes);

// "2026-11-21T08:00:00.123456789Z"
void text_format_time(char text[TEXT_TIME_SIZE], int64_t time_ns);

// A time of RFC 3339, to the second; 0 where it is none.
time_t text_parse_time(const char *text);

// Cuts a row at its tabs, in place. => 1 if it has exactly so many columns or more
int text_split_row(char *row, char **columns, size_t count);
