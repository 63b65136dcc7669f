// SPDX-License-Identifier: MPL-2.0
// Writes JSON (RFC 8259) to a stream: commas and escapes are put in here, so that callers name only what
// they mean. A key of NULL writes an element of a list. Errors stay in the stream (ferror).
#pragma once

#include <stdint.h>
#include <stdio.h>

struct json_writer {
	FILE *out;
	int needs_comma;
};

void json_begin_object(struct json_writer *json, const char *key);
void json_end_object(struct json_writer *json);
void json_begin_list(struct json_writer *json, const char *key);
void json_end_list(struct json_writer *json);

// `text` is UTF-8 or any bytes; control characters are escaped.
void json_string(struct json_writer *json, const char *key, const char *text);
void json_number(struct json_writer *json, const char *key, int64_t number);
void json_true(struct json_writer *json, const char *key);
void json_false(struct json_writer *json, const char *key);

// A list of strings that ends with NULL.
void json_strings(struct json_writer *json, const char *key, const char *const *strings);
