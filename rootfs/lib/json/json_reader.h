// SPDX-License-Identifier: MPL-2.0
// Reads JSON (RFC 8259) into a tree. The input may be any bytes at all: what is not JSON is refused with its
// line, and so are a text of more than JSON_BYTES_MAX bytes, JSON_DEPTH_MAX levels or JSON_NODES_MAX values, and
// strings with a zero character. A key twice: the first counts.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "../fault.h"

enum {
	JSON_BYTES_MAX = 4 * 1024 * 1024,
	JSON_NODES_MAX = 128 * 1024,
	JSON_DEPTH_MAX = 32,
};

enum json_kind { JSON_NULL, JSON_FALSE, JSON_TRUE, JSON_NUMBER, JSON_STRING, JSON_LIST, JSON_OBJECT };

struct json_node {
	enum json_kind kind;
	const char *key;		// inside an object: its name; else NULL
	const char *string;		// of a string
	uint64_t count;			// of a number where is_count says so
	int is_count;			// it is whole, has no sign and fits
	struct json_node *first;	// children, in the order of the text
	struct json_node *next;
};

struct json_document;

// => -EINVAL "line N: ...", -E2BIG past a limit, -ENOMEM
int json_parse(const char *text, size_t length, struct json_document **document, struct fault *fault);
void json_destroy(struct json_document *document);

// The value that the text is. It and everything below live as long as the document.
const struct json_node *json_root(const struct json_document *document);

// The child of an object with that key, or NULL (also where `object` is NULL or no object).
const struct json_node *json_find(const struct json_node *object, const char *key);

// The string under that key, or NULL where there is none or it is no string.
const char *json_find_string(const struct json_node *object, const char *key);

// The first element of the list under that key, or NULL.
const struct json_node *json_find_list(const struct json_node *object, const char *key);

// A number without sign, fraction and exponent. => -EINVAL
int json_count(const struct json_node *node, uint64_t *count);
