// SPDX-License-Identifier: MPL-2.0
// Reads the part of YAML that unit files use into a tree.
//
// Understood: block maps and lists by indentation, [flow, lists], {flow: maps} (also over several
// lines), 'single' and "double" quotes, comments, one document. Everything is a map, a list or a
// string; what a string means is for the reader of the tree. Refused, each with the number of its line:
// tabs for indentation, anchors, aliases, tags, block scalars (| >), several documents, a key twice.
//
// Limits: 64 KiB, 1024 nodes, 16 levels. The input may be any bytes at all.
#pragma once

#include <stddef.h>

#include "fault.h"

enum {
	YAML_BYTES_MAX = 64 * 1024,
	YAML_NODES_MAX = 1024,
	YAML_DEPTH_MAX = 16,
};

enum yaml_kind { YAML_STRING, YAML_LIST, YAML_MAP };

struct yaml_node {
	enum yaml_kind kind;
	unsigned line;			// where it starts, 1-based
	char *key;			// inside a map: its name; else NULL
	char *string;			// of a YAML_STRING
	struct yaml_node *first;	// children, in the order of the file
	struct yaml_node *next;
};

struct yaml_document;

// Parses `text`. => -EINVAL and "line N: ..." for text that is not understood, -E2BIG past a limit.
int yaml_parse(const char *text, size_t length, struct yaml_document **document,
	       struct fault *fault);
void yaml_destroy(struct yaml_document *document);

// The root node, a map. It and everything below live as long as the document.
const struct yaml_node *yaml_root(const struct yaml_document *document);

// The child of a map with that key, or NULL.
const struct yaml_node *yaml_find(const struct yaml_node *map, const char *key);

// "string", "list" or "map", for messages.
const char *yaml_kind_name(enum yaml_kind kind);
