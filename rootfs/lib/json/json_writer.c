// SPDX-License-Identifier: MPL-2.0
#include "json_writer.h"

#include <inttypes.h>

static void put_quoted(FILE *out, const char *text)
{
	putc('"', out);
	for (; *text != '\0'; text++) {
		unsigned char byte = (unsigned char)*text;

		if (byte == '"' || byte == '\\')
			fprintf(out, "\\%c", byte);
		else if (byte < 0x20)
			fprintf(out, "\\u%04x", byte);
		else
			putc(byte, out);
	}
	putc('"', out);
}

static void put_key(struct json_writer *json, const char *key)
{
	if (json->needs_comma)
		putc(',', json->out);
	json->needs_comma = 1;
	if (key != NULL) {
		put_quoted(json->out, key);
		putc(':', json->out);
	}
}

static void begin(struct json_writer *json, const char *key, char bracket)
{
	put_key(json, key);
	putc(bracket, json->out);
	json->needs_comma = 0;
}

static void end(struct json_writer *json, char bracket)
{
	putc(bracket, json->out);
	json->needs_comma = 1;
}

void json_begin_object(struct json_writer *json, const char *key)
{
	begin(json, key, '{');
}

void json_end_object(struct json_writer *json)
{
	end(json, '}');
}

void json_begin_list(struct json_writer *json, const char *key)
{
	begin(json, key, '[');
}

void json_end_list(struct json_writer *json)
{
	end(json, ']');
}

void json_string(struct json_writer *json, const char *key, const char *text)
{
	put_key(json, key);
	put_quoted(json->out, text);
}

void json_number(struct json_writer *json, const char *key, int64_t number)
{
	put_key(json, key);
	fprintf(json->out, "%" PRId64, number);
}

void json_true(struct json_writer *json, const char *key)
{
	put_key(json, key);
	fputs("true", json->out);
}

void json_false(struct json_writer *json, const char *key)
{
	put_key(json, key);
	fputs("false", json->out);
}

void json_strings(struct json_writer *json, const char *key, const char *const *strings)
{
	json_begin_list(json, key);
	for (; *strings != NULL; strings++)
		json_string(json, NULL, *strings);
	json_end_list(json);
}
