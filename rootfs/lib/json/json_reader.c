// SPDX-License-Identifier: MPL-2.0
// Theory: a recursive descent, one function a construct, over a copy of the text. Strings are unescaped where they
// stand, which never makes them longer, and nodes come from blocks that belong to the document.
#include "json_reader.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_NODES = 256 };

struct node_block {
	struct node_block *next;
	size_t used;
	struct json_node nodes[BLOCK_NODES];
};

struct json_document {
	char *text;
	struct node_block *blocks;	// the newest first
	size_t nodes_count;
	struct json_node *root;
};

struct reader {
	struct json_document *document;
	char *at, *end;
	unsigned line;
	unsigned depth;
	struct fault *fault;
	int error;
};

static struct json_node *read_value(struct reader *reader);

static void *fail(struct reader *reader, int error, const char *what)
{
	if (reader->error == 0)
		reader->error = fault_set(reader->fault, error, "line %u: %s", reader->line, what);
	return NULL;
}

static struct json_node *make_node(struct reader *reader, enum json_kind kind)
{
	struct json_document *document = reader->document;
	struct node_block *block = document->blocks;
	struct json_node *node;

	if (document->nodes_count == JSON_NODES_MAX)
		return fail(reader, -E2BIG, "too many values");
	if (block == NULL || block->used == BLOCK_NODES) {
		block = calloc(1, sizeof(*block));
		if (block == NULL)
			return fail(reader, -ENOMEM, "no memory");
		block->next = document->blocks;
		document->blocks = block;
	}
	document->nodes_count++;
	node = &block->nodes[block->used++];
	node->kind = kind;
	return node;
}

static void skip_blanks(struct reader *reader)
{
	while (reader->at < reader->end && *reader->at != '\0' && strchr(" \t\r\n", *reader->at) != NULL) {
		if (*reader->at == '\n')
			reader->line++;
		reader->at++;
	}
}

// The text ends with a zero byte that is not part of it.
static int take_char(struct reader *reader, char wanted)
{
	skip_blanks(reader);
	if (reader->at >= reader->end || *reader->at != wanted)
		return 0;
	reader->at++;
	return 1;
}

static int read_hex(struct reader *reader, unsigned *value)
{
	*value = 0;
	for (int i = 0; i < 4; i++, reader->at++) {
		unsigned char c = (unsigned char)*reader->at;

		if (reader->at >= reader->end || !isxdigit(c))
			return -EINVAL;
		*value = *value << 4 | (unsigned)(isdigit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
	}
	return 0;
}

// Behind "\u": one character, or two halves of one. => its code, or 0 where there is none that may stand here
static unsigned read_code(struct reader *reader)
{
	unsigned high, low;

	if (read_hex(reader, &high) != 0)
		return 0;
	if (high < 0xd800 || high > 0xdfff)
		return high;
	if (high > 0xdbff || reader->end - reader->at < 6 || reader->at[0] != '\\' || reader->at[1] != 'u')
		return 0;
	reader->at += 2;
	if (read_hex(reader, &low) != 0 || low < 0xdc00 || low > 0xdfff)
		return 0;
	return 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
}

static char *put_code(char *to, unsigned code)
{
	if (code < 0x80) {
		*to++ = (char)code;
		return to;
	}
	if (code < 0x800) {
		*to++ = (char)(0xc0 | code >> 6);
	} else {
		if (code < 0x10000) {
			*to++ = (char)(0xe0 | code >> 12);
		} else {
			*to++ = (char)(0xf0 | code >> 18);
			*to++ = (char)(0x80 | (code >> 12 & 0x3f));
		}
		*to++ = (char)(0x80 | (code >> 6 & 0x3f));
	}
	*to++ = (char)(0x80 | (code & 0x3f));
	return to;
}

static char *read_escape(struct reader *reader, char *to)
{
	static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
	const char *name;
	unsigned code;

	if (reader->at >= reader->end)
		return fail(reader, -EINVAL, "the text ends inside a string");
	if (*reader->at == 'u') {
		reader->at++;
		code = read_code(reader);
		return code != 0 ? put_code(to, code) : fail(reader, -EINVAL, "no character that may stand here");
	}
	name = *reader->at != '\0' ? strchr(names, *reader->at) : NULL;
	if (name == NULL)
		return fail(reader, -EINVAL, "an unknown escape");
	reader->at++;
	*to++ = values[name - names];
	return to;
}

static const char *read_string(struct reader *reader)
{
	char *start, *to;

	if (!take_char(reader, '"'))
		return fail(reader, -EINVAL, "expected a string");
	start = to = reader->at;
	while (reader->at < reader->end && *reader->at != '"') {
		char c = *reader->at++;

		if ((unsigned char)c < 0x20)
			return fail(reader, -EINVAL, "a control character in a string");
		if (c != '\\') {
			*to++ = c;
			continue;
		}
		to = read_escape(reader, to);
		if (to == NULL)
			return NULL;
	}
	if (reader->at >= reader->end)
		return fail(reader, -EINVAL, "the text ends inside a string");
	reader->at++;
	*to = '\0';
	return start;
}

// One member of a list or an object, with its key.
static struct json_node *read_member(struct reader *reader, enum json_kind kind)
{
	const char *key = NULL;
	struct json_node *node;

	if (kind == JSON_OBJECT) {
		key = read_string(reader);
		if (key == NULL)
			return NULL;
		if (!take_char(reader, ':'))
			return fail(reader, -EINVAL, "expected ':'");
	}
	node = read_value(reader);
	if (node != NULL)
		node->key = key;
	return node;
}

static struct json_node *read_members(struct reader *reader, enum json_kind kind, char close)
{
	struct json_node *parent = make_node(reader, kind);
	struct json_node **last = parent != NULL ? &parent->first : NULL;

	if (parent == NULL || take_char(reader, close))
		return parent;
	if (reader->depth == JSON_DEPTH_MAX)
		return fail(reader, -E2BIG, "too many levels");
	reader->depth++;
	do {
		*last = read_member(reader, kind);
		if (*last == NULL)
			return NULL;
		last = &(*last)->next;
	} while (take_char(reader, ','));
	reader->depth--;
	return take_char(reader, close) ? parent : fail(reader, -EINVAL, "expected ',' or the end of a list or object");
}

// What is a whole number without a sign is kept; of others it is enough to know that they are numbers.
static struct json_node *read_number(struct reader *reader)
{
	size_t length = strspn(reader->at, "+-.0123456789eE");
	size_t digits = strspn(reader->at, "0123456789");
	struct json_node *node;

	if (digits == 0 && (length < 2 || reader->at[0] != '-'))
		return fail(reader, -EINVAL, "expected a value");
	node = make_node(reader, JSON_NUMBER);
	if (node == NULL)
		return NULL;
	if (digits == length) {
		errno = 0;
		node->count = strtoull(reader->at, NULL, 10);
		node->is_count = errno == 0;
	}
	reader->at += length;
	return node;
}

static struct json_node *read_word(struct reader *reader)
{
	static const struct {
		const char *text;
		enum json_kind kind;
	} words[] = {{"null", JSON_NULL}, {"false", JSON_FALSE}, {"true", JSON_TRUE}};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t length = strlen(words[i].text);

		if ((size_t)(reader->end - reader->at) >= length && memcmp(reader->at, words[i].text, length) == 0) {
			reader->at += length;
			return make_node(reader, words[i].kind);
		}
	}
	return read_number(reader);
}

static struct json_node *read_value(struct reader *reader)
{
	struct json_node *node;

	skip_blanks(reader);
	if (reader->at >= reader->end)
		return fail(reader, -EINVAL, "the text ends where a value is expected");
	if (*reader->at == '{') {
		reader->at++;
		return read_members(reader, JSON_OBJECT, '}');
	}
	if (*reader->at == '[') {
		reader->at++;
		return read_members(reader, JSON_LIST, ']');
	}
	if (*reader->at != '"')
		return read_word(reader);
	node = make_node(reader, JSON_STRING);
	if (node != NULL)
		node->string = read_string(reader);
	return node != NULL && node->string != NULL ? node : NULL;
}

int json_parse(const char *text, size_t length, struct json_document **document, struct fault *fault)
{
	struct json_document *fresh;
	struct reader reader = {.line = 1, .fault = fault};

	if (length > JSON_BYTES_MAX)
		return fault_set(fault, -E2BIG, "more than %d bytes of JSON", JSON_BYTES_MAX);
	fresh = calloc(1, sizeof(*fresh));
	if (fresh == NULL)
		return fault_set(fault, -ENOMEM, "no memory");
	fresh->text = malloc(length + 1);
	if (fresh->text == NULL) {
		free(fresh);
		return fault_set(fault, -ENOMEM, "no memory");
	}
	memcpy(fresh->text, text, length);
	fresh->text[length] = '\0';
	reader.document = fresh;
	reader.at = fresh->text;
	reader.end = fresh->text + length;
	fresh->root = read_value(&reader);
	skip_blanks(&reader);
	if (fresh->root != NULL && reader.at < reader.end)
		fail(&reader, -EINVAL, "more text behind the value");
	if (reader.error != 0) {
		json_destroy(fresh);
		return reader.error;
	}
	*document = fresh;
	return 0;
}

void json_destroy(struct json_document *document)
{
	if (document == NULL)
		return;
	while (document->blocks != NULL) {
		struct node_block *block = document->blocks;

		document->blocks = block->next;
		free(block);
	}
	free(document->text);
	free(document);
}

const struct json_node *json_root(const struct json_document *document)
{
	return document->root;
}

const struct json_node *json_find(const struct json_node *object, const char *key)
{
	if (object == NULL || object->kind != JSON_OBJECT)
		return NULL;
	for (const struct json_node *child = object->first; child != NULL; child = child->next) {
		if (strcmp(child->key, key) == 0)
			return child;
	}
	return NULL;
}

const char *json_find_string(const struct json_node *object, const char *key)
{
	const struct json_node *node = json_find(object, key);

	return node != NULL && node->kind == JSON_STRING ? node->string : NULL;
}

const struct json_node *json_find_list(const struct json_node *object, const char *key)
{
	const struct json_node *node = json_find(object, key);

	return node != NULL && node->kind == JSON_LIST ? node->first : NULL;
}

int json_count(const struct json_node *node, uint64_t *count)
{
	if (node == NULL || node->kind != JSON_NUMBER || !node->is_count)
		return -EINVAL;
	*count = node->count;
	return 0;
}
