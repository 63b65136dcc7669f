// SPDX-License-Identifier: MPL-2.0
// Theory: a recursive descent over characters, one function a construct. The position knows its line
// and column; the indentation of a block is the column of its first character. All nodes and strings
// lie in two arrays of the document, sized once from the input, so nothing needs freeing singly: a
// string is never longer than its source text.
#include "yaml.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct yaml_document {
	size_t nodes_used;
	size_t bytes_used;
	size_t bytes_size;
	char *bytes;
	struct yaml_node nodes[YAML_NODES_MAX];
};

struct reader {
	struct yaml_document *document;
	const char *at;
	const char *end;
	const char *line_start;
	unsigned line;
	unsigned depth;
	struct fault *fault;
};

static struct yaml_node *parse_block(struct reader *reader, long indent);
static struct yaml_node *parse_flow(struct reader *reader);

static void *fail(struct reader *reader, int error, const char *what)
{
	if (reader->fault->text[0] == '\0')
		fault_set(reader->fault, error, "line %u: %s", reader->line, what);
	return NULL;
}

static int at_end(const struct reader *reader)
{
	return reader->at >= reader->end;
}

// The character `ahead` of the position; 0 stands for the end, and is not otherwise in the input.
static char peek_at(const struct reader *reader, size_t ahead)
{
	return (size_t)(reader->end - reader->at) > ahead ? reader->at[ahead] : '\0';
}

static char peek(const struct reader *reader)
{
	return peek_at(reader, 0);
}

static int is_break(char c)
{
	return c == '\n' || c == '\r' || c == '\0';
}

static int is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static long column(const struct reader *reader)
{
	return reader->at - reader->line_start;
}

static void advance(struct reader *reader)
{
	if (*reader->at++ == '\n') {
		reader->line++;
		reader->line_start = reader->at;
	}
}

static void skip_blanks(struct reader *reader)
{
	while (is_blank(peek(reader)))
		advance(reader);
	if (peek(reader) == '#' &&
	    (reader->at == reader->line_start || is_blank(reader->at[-1]))) {
		while (!is_break(peek(reader)))
			advance(reader);
	}
}

// Goes to the next character that is neither blank, comment nor line break.
static void skip_lines(struct reader *reader)
{
	for (;;) {
		skip_blanks(reader);
		if (at_end(reader) || !is_break(peek(reader)))
			return;
		advance(reader);
	}
}

// Blanks before the first character of a line decide structure, so they may not be tabs.
static int indentation_is_clean(struct reader *reader)
{
	for (const char *c = reader->line_start; c < reader->at; c++) {
		if (*c == '\t') {
			fail(reader, -EINVAL, "a tab in the indentation, use spaces");
			return 0;
		}
	}
	return 1;
}

static struct yaml_node *node_create(struct reader *reader, enum yaml_kind kind)
{
	struct yaml_node *node;

	if (reader->document->nodes_used == YAML_NODES_MAX)
		return fail(reader, -E2BIG, "too many values in one file");
	node = &reader->document->nodes[reader->document->nodes_used++];
	node->kind = kind;
	node->line = reader->line;
	return node;
}

static void put_char(struct reader *reader, char c)
{
	reader->document->bytes[reader->document->bytes_used++] = c;
}

static char *string_begin(struct reader *reader)
{
	return reader->document->bytes + reader->document->bytes_used;
}

static char *string_end(struct reader *reader, char *start)
{
	put_char(reader, '\0');
	return start;
}

static char *parse_single_quoted(struct reader *reader)
{
	char *start = string_begin(reader);

	advance(reader);
	for (;;) {
		if (is_break(peek(reader)))
			return fail(reader, -EINVAL, "a ' is not closed on its line");
		if (peek(reader) == '\'') {
			if (peek_at(reader, 1) != '\'')
				break;
			advance(reader);
		}
		put_char(reader, peek(reader));
		advance(reader);
	}
	advance(reader);
	return string_end(reader, start);
}

static int escaped(char c)
{
	static const char names[] = "nrtabe0\\\"/ ";
	static const char values[] = "\n\r\t\a\b\033\0\\\"/ ";
	const char *found = c != '\0' ? strchr(names, c) : NULL;

	return found != NULL ? (unsigned char)values[found - names] : -1;
}

static char *parse_double_quoted(struct reader *reader)
{
	char *start = string_begin(reader);

	advance(reader);
	while (peek(reader) != '"') {
		char c = peek(reader);

		if (is_break(c))
			return fail(reader, -EINVAL, "a \" is not closed on its line");
		if (c == '\\') {
			int value;

			advance(reader);
			value = escaped(peek(reader));
			if (value <= 0)
				return fail(reader, -EINVAL, "unknown \\ escape in a string");
			c = (char)value;
		}
		put_char(reader, c);
		advance(reader);
	}
	advance(reader);
	return string_end(reader, start);
}

// Does a plain string end here? `stops` are the characters that end it inside [] and {}.
static int plain_ends(const struct reader *reader, const char *stops)
{
	char c = peek(reader);

	if (is_break(c) || strchr(stops, c) != NULL)
		return 1;
	if (c == ':' && (is_blank(peek_at(reader, 1)) || is_break(peek_at(reader, 1)) ||
			 (stops[0] != '\0' && strchr(stops, peek_at(reader, 1)) != NULL)))
		return 1;
	return c == '#' && is_blank(reader->at[-1]);
}

static char *parse_plain(struct reader *reader, const char *stops)
{
	char *start = string_begin(reader);

	while (!plain_ends(reader, stops)) {
		put_char(reader, peek(reader));
		advance(reader);
	}
	while (string_begin(reader) > start && is_blank(string_begin(reader)[-1]))
		reader->document->bytes_used--;
	return string_end(reader, start);
}

// A string in any of its three forms; `stops` as above, "" in block context.
static char *parse_string(struct reader *reader, const char *stops)
{
	char c = peek(reader);

	if (c == '"')
		return parse_double_quoted(reader);
	if (c == '\'')
		return parse_single_quoted(reader);
	if (c == '&' || c == '*')
		return fail(reader, -EINVAL, "anchors and aliases (& *) are not supported");
	if (c == '!')
		return fail(reader, -EINVAL, "tags (!) are not supported");
	if (c == '|' || c == '>')
		return fail(reader, -EINVAL, "block strings (| >) are not supported, use quotes");
	if (c == '%' || c == '@' || c == '`' || c == ']' || c == '}' || c == ',')
		return fail(reader, -EINVAL, "a string cannot start like this, use quotes");
	return parse_plain(reader, stops);
}

static void append(struct yaml_node ***tail, struct yaml_node *node)
{
	**tail = node;
	*tail = &node->next;
}

static struct yaml_node *parse_flow_list(struct reader *reader)
{
	struct yaml_node *list = node_create(reader, YAML_LIST);
	struct yaml_node **tail;

	if (list == NULL)
		return NULL;
	tail = &list->first;
	advance(reader);
	for (;;) {
		struct yaml_node *item;

		skip_lines(reader);
		if (peek(reader) == ']')
			break;
		item = parse_flow(reader);
		if (item == NULL)
			return NULL;
		append(&tail, item);
		skip_lines(reader);
		if (peek(reader) == ',')
			advance(reader);
		else if (peek(reader) != ']')
			return fail(reader, -EINVAL, "expected ',' or ']' in a list");
	}
	advance(reader);
	return list;
}

static int key_is_new(struct reader *reader, const struct yaml_node *map, const char *key)
{
	if (yaml_find(map, key) == NULL)
		return 1;
	if (reader->fault->text[0] == '\0')
		fault_set(reader->fault, -EINVAL, "line %u: '%.64s' is given twice", reader->line,
			  key);
	return 0;
}

static struct yaml_node *parse_flow_map(struct reader *reader)
{
	struct yaml_node *map = node_create(reader, YAML_MAP);
	struct yaml_node **tail;

	if (map == NULL)
		return NULL;
	tail = &map->first;
	advance(reader);
	for (;;) {
		struct yaml_node *item;
		char *key;

		skip_lines(reader);
		if (peek(reader) == '}')
			break;
		key = parse_string(reader, ",[]{}");
		if (key == NULL)
			return NULL;
		skip_lines(reader);
		if (peek(reader) != ':' || key[0] == '\0')
			return fail(reader, -EINVAL, "expected 'name: value' in a { map }");
		if (!key_is_new(reader, map, key))
			return NULL;
		advance(reader);
		skip_lines(reader);
		item = parse_flow(reader);
		if (item == NULL)
			return NULL;
		item->key = key;
		append(&tail, item);
		skip_lines(reader);
		if (peek(reader) == ',')
			advance(reader);
		else if (peek(reader) != '}')
			return fail(reader, -EINVAL, "expected ',' or '}' in a map");
	}
	advance(reader);
	return map;
}

static struct yaml_node *parse_flow(struct reader *reader)
{
	struct yaml_node *node;

	if (reader->depth == YAML_DEPTH_MAX)
		return fail(reader, -E2BIG, "values are nested too deeply");
	reader->depth++;
	if (peek(reader) == '[') {
		node = parse_flow_list(reader);
	} else if (peek(reader) == '{') {
		node = parse_flow_map(reader);
	} else if (at_end(reader)) {
		node = fail(reader, -EINVAL, "the file ends inside a [list] or {map}");
	} else {
		node = node_create(reader, YAML_STRING);
		if (node != NULL)
			node->string = parse_string(reader, ",[]{}");
		if (node != NULL && node->string == NULL)
			node = NULL;
	}
	reader->depth--;
	return node;
}

static int starts_item(const struct reader *reader)
{
	return peek(reader) == '-' && (is_blank(peek_at(reader, 1)) ||
				       is_break(peek_at(reader, 1)));
}

// Does the line, from here on, hold `key:`? Quoted keys count; quotes elsewhere do not matter.
static int starts_entry(const struct reader *reader)
{
	const char *c = reader->at;

	if (c < reader->end && (*c == '"' || *c == '\'')) {
		char quote = *c++;

		while (c < reader->end && *c != quote && !is_break(*c))
			c++;
		if (c < reader->end && *c == quote)
			c++;
		while (c < reader->end && is_blank(*c))
			c++;
		return c < reader->end && *c == ':';
	}
	if (c < reader->end && (*c == '[' || *c == '{'))
		return 0;
	for (; c < reader->end && !is_break(*c); c++) {
		if (*c == '#' && c > reader->at && is_blank(c[-1]))
			return 0;
		if (*c == ':' && (c + 1 == reader->end || is_blank(c[1]) || is_break(c[1])))
			return 1;
	}
	return 0;
}

// After a value on a line only a comment may follow.
static int line_is_done(struct reader *reader)
{
	skip_blanks(reader);
	if (is_break(peek(reader)))
		return 1;
	fail(reader, -EINVAL, "unexpected text after a value");
	return 0;
}

// A value that starts on the current line: a flow value or a string.
static struct yaml_node *parse_inline(struct reader *reader)
{
	struct yaml_node *node;

	if (peek(reader) == '[' || peek(reader) == '{') {
		node = parse_flow(reader);
	} else {
		node = node_create(reader, YAML_STRING);
		if (node != NULL)
			node->string = parse_string(reader, "");
		if (node != NULL && node->string == NULL)
			return NULL;
	}
	if (node == NULL || !line_is_done(reader))
		return NULL;
	return node;
}

// The value of `key:` or `-`, on the same line or as a block below that is indented more than `indent`.
// A list may stand at the very column of its key, as is usual.
static struct yaml_node *parse_value(struct reader *reader, long indent, int list_may_align)
{
	skip_blanks(reader);
	if (!is_break(peek(reader)))
		return parse_inline(reader);
	skip_lines(reader);
	if (!at_end(reader) && !indentation_is_clean(reader))
		return NULL;
	if (!at_end(reader) && (column(reader) > indent ||
				(list_may_align && column(reader) == indent &&
				 starts_item(reader))))
		return parse_block(reader, column(reader));
	return fail(reader, -EINVAL, "the value before this line is missing");
}

static struct yaml_node *parse_block_list(struct reader *reader, long indent)
{
	struct yaml_node *list = node_create(reader, YAML_LIST);
	struct yaml_node **tail;

	if (list == NULL)
		return NULL;
	tail = &list->first;
	while (!at_end(reader) && column(reader) == indent && starts_item(reader)) {
		struct yaml_node *item;

		advance(reader);
		skip_blanks(reader);
		// "- name: value" opens a map whose indentation is the column of `name`.
		if (!is_break(peek(reader)) && (starts_entry(reader) || starts_item(reader)))
			item = parse_block(reader, column(reader));
		else
			item = parse_value(reader, indent, 0);
		if (item == NULL)
			return NULL;
		append(&tail, item);
		skip_lines(reader);
	}
	return list;
}

static struct yaml_node *parse_block_map(struct reader *reader, long indent)
{
	struct yaml_node *map = node_create(reader, YAML_MAP);
	struct yaml_node **tail;

	if (map == NULL)
		return NULL;
	tail = &map->first;
	while (!at_end(reader) && column(reader) == indent) {
		struct yaml_node *item;
		char *key;

		if (!starts_entry(reader))
			return fail(reader, -EINVAL, "expected 'name: value'");
		key = parse_string(reader, "");
		if (key == NULL || !key_is_new(reader, map, key))
			return NULL;
		skip_blanks(reader);
		if (key[0] == '\0' || peek(reader) != ':')
			return fail(reader, -EINVAL, "expected 'name: value'");
		advance(reader);
		item = parse_value(reader, indent, 1);
		if (item == NULL)
			return NULL;
		item->key = key;
		append(&tail, item);
		skip_lines(reader);
		if (!at_end(reader) && !indentation_is_clean(reader))
			return NULL;
	}
	return map;
}

static struct yaml_node *parse_block(struct reader *reader, long indent)
{
	struct yaml_node *node;

	if (reader->depth == YAML_DEPTH_MAX)
		return fail(reader, -E2BIG, "values are nested too deeply");
	reader->depth++;
	if (starts_item(reader))
		node = parse_block_list(reader, indent);
	else if (starts_entry(reader))
		node = parse_block_map(reader, indent);
	else
		node = parse_inline(reader);
	reader->depth--;
	if (node != NULL && node->kind != YAML_STRING) {
		skip_lines(reader);
		if (!at_end(reader) && column(reader) > indent)
			return fail(reader, -EINVAL, "the indentation fits nothing above");
	}
	return node;
}

static struct yaml_node *parse_document(struct reader *reader)
{
	struct yaml_node *root;

	skip_lines(reader);
	if (strncmp(reader->at, "---", 3) == 0 && is_break(peek_at(reader, 3))) {
		reader->at += 3;
		skip_lines(reader);
	}
	if (at_end(reader))
		return fail(reader, -EINVAL, "the file is empty");
	if (!indentation_is_clean(reader))
		return NULL;
	root = parse_block(reader, column(reader));
	if (root == NULL)
		return NULL;
	skip_lines(reader);
	if (!at_end(reader))
		return fail(reader, -EINVAL, "the indentation fits nothing above");
	if (root->kind != YAML_MAP)
		return fail(reader, -EINVAL, "expected 'name: value' lines");
	return root;
}

int yaml_parse(const char *text, size_t length, struct yaml_document **document,
	       struct fault *fault)
{
	struct reader reader = {.line = 1, .fault = fault};

	if (length > YAML_BYTES_MAX)
		return fault_set(fault, -E2BIG, "longer than %d bytes", YAML_BYTES_MAX);
	if (memchr(text, '\0', length) != NULL)
		return fault_set(fault, -EINVAL, "a zero byte: this is not a text file");
	*document = calloc(1, sizeof(**document));
	if (*document == NULL)
		return fault_set(fault, -ENOMEM, "no memory");
	// Each string is at most its source plus a zero, and consumes at least one character.
	(*document)->bytes_size = 2 * length + 2;
	(*document)->bytes = malloc((*document)->bytes_size + length + 1);
	if ((*document)->bytes == NULL) {
		yaml_destroy(*document);
		return fault_set(fault, -ENOMEM, "no memory");
	}
	// A copy with a zero behind it, so that looking ahead never leaves the text.
	memcpy((*document)->bytes + (*document)->bytes_size, text, length);
	(*document)->bytes[(*document)->bytes_size + length] = '\0';
	reader.document = *document;
	reader.at = reader.line_start = (*document)->bytes + (*document)->bytes_size;
	reader.end = reader.at + length;
	fault->text[0] = '\0';
	if (parse_document(&reader) == NULL) {
		yaml_destroy(*document);
		*document = NULL;
		return -EINVAL;
	}
	return 0;
}

void yaml_destroy(struct yaml_document *document)
{
	if (document != NULL)
		free(document->bytes);
	free(document);
}

const struct yaml_node *yaml_root(const struct yaml_document *document)
{
	return &document->nodes[0];
}

const struct yaml_node *yaml_find(const struct yaml_node *map, const char *key)
{
	for (const struct yaml_node *node = map->first; node != NULL; node = node->next) {
		if (node->key != NULL && strcmp(node->key, key) == 0)
			return node;
	}
	return NULL;
}

const char *yaml_kind_name(enum yaml_kind kind)
{
	switch (kind) {
	case YAML_STRING:
		return "string";
	case YAML_LIST:
		return "list";
	case YAML_MAP:
		return "map";
	}
	return "value";
}
