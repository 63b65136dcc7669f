// SPDX-License-Identifier: MPL-2.0
// The YAML subset: what is understood, what is refused and with which sentence, and any bytes at all.
#include "../lib/yaml.h"

#include <errno.h>

#include "check.h"

static struct yaml_document *parse(const char *text)
{
	struct yaml_document *document = NULL;
	struct fault fault = {0};

	if (yaml_parse(text, strlen(text), &document, &fault) != 0)
		fprintf(stderr, "refused: %s\n", fault.text);
	CHECK(document != NULL);
	return document;
}

static const char *string_at(const struct yaml_document *document, const char *key)
{
	const struct yaml_node *node = yaml_find(yaml_root(document), key);

	return node != NULL && node->kind == YAML_STRING ? node->string : NULL;
}

static void check_refused(const char *text, const char *sentence)
{
	struct yaml_document *document = NULL;
	struct fault fault = {0};

	CHECK(yaml_parse(text, strlen(text), &document, &fault) < 0);
	CHECK(document == NULL);
	CHECK_TEXT(fault.text, sentence);
}

static void test_strings(void)
{
	struct yaml_document *document =
		parse("---\n# a comment\na: plain words # and a comment\nb: 'it''s'\n"
		      "c: \"tab\\tquote\\\" \\\\\"\nd: http://x:80/#y\n\"e f\": -1\ng: a:b\n");

	CHECK_TEXT(string_at(document, "a"), "plain words");
	CHECK_TEXT(string_at(document, "b"), "it's");
	CHECK_TEXT(string_at(document, "c"), "tab\tquote\" \\");
	CHECK_TEXT(string_at(document, "d"), "http://x:80/#y");
	CHECK_TEXT(string_at(document, "e f"), "-1");
	CHECK_TEXT(string_at(document, "g"), "a:b");
	yaml_destroy(document);
}

static void test_blocks(void)
{
	struct yaml_document *document =
		parse("list:\n- one\n- - nested\n  - twice\n-\n  key: value\n"
		      "map:\n  inner:\n    deep: x\n  other: y\n"
		      "maps:\n  - a: 1\n    b: 2\n  - a: 3\n");
	const struct yaml_node *list = yaml_find(yaml_root(document), "list");
	const struct yaml_node *map = yaml_find(yaml_root(document), "map");
	const struct yaml_node *maps = yaml_find(yaml_root(document), "maps");

	CHECK(list->kind == YAML_LIST && list->line == 2);
	CHECK_TEXT(list->first->string, "one");
	CHECK(list->first->next->kind == YAML_LIST);
	CHECK_TEXT(list->first->next->first->next->string, "twice");
	CHECK_TEXT(yaml_find(list->first->next->next, "key")->string, "value");
	CHECK(list->first->next->next->next == NULL);
	CHECK_TEXT(yaml_find(yaml_find(map, "inner"), "deep")->string, "x");
	CHECK_TEXT(yaml_find(map, "other")->string, "y");
	CHECK_TEXT(yaml_find(maps->first, "b")->string, "2");
	CHECK_TEXT(yaml_find(maps->first->next, "a")->string, "3");
	yaml_destroy(document);
}

static void test_flow(void)
{
	struct yaml_document *document =
		parse("a: [x, \"y, z\", {k: v, l: [1, 2]}, []]\nb: [one,\n  two,\n]\nc: {}\r\n");
	const struct yaml_node *a = yaml_find(yaml_root(document), "a");

	CHECK_TEXT(a->first->next->string, "y, z");
	CHECK_TEXT(yaml_find(a->first->next->next, "l")->first->next->string, "2");
	CHECK(a->first->next->next->next->kind == YAML_LIST);
	CHECK_TEXT(yaml_find(yaml_root(document), "b")->first->next->string, "two");
	CHECK(yaml_find(yaml_root(document), "c")->kind == YAML_MAP);
	yaml_destroy(document);
}

static void test_refused(void)
{
	static char deep[200];

	check_refused("", "line 1: the file is empty");
	check_refused("- a\n", "line 2: expected 'name: value' lines");
	check_refused("a: 1\n\tb: 2\n", "line 2: a tab in the indentation, use spaces");
	check_refused("a: 1\na: 2\n", "line 2: 'a' is given twice");
	check_refused("a: 1\n  b: 2\n", "line 2: the indentation fits nothing above");
	check_refused("a: &x 1\n", "line 1: anchors and aliases (& *) are not supported");
	check_refused("a: !!str 1\n", "line 1: tags (!) are not supported");
	check_refused("a: |\n  text\n",
		      "line 1: block strings (| >) are not supported, use quotes");
	check_refused("a: [1, 2\n", "line 2: expected ',' or ']' in a list");
	check_refused("a: [1,\n", "line 2: the file ends inside a [list] or {map}");
	check_refused("a: 'open\n", "line 1: a ' is not closed on its line");
	check_refused("a: \"\\q\"\n", "line 1: unknown \\ escape in a string");
	check_refused("a: b\nplain\n", "line 2: expected 'name: value'");
	check_refused("a: 'b' c\n", "line 1: unexpected text after a value");
	check_refused("a:\nb: 1\n", "line 2: the value before this line is missing");
	memset(deep, '[', sizeof(deep) - 1);
	memcpy(deep, "a: ", 3);
	check_refused(deep, "line 1: values are nested too deeply");
}

static void test_limits(void)
{
	size_t length = YAML_BYTES_MAX + 1;
	char *text = malloc(length);
	struct yaml_document *document = NULL;
	struct fault fault = {0};

	memset(text, 'a', length);
	CHECK(yaml_parse(text, length, &document, &fault) == -E2BIG);
	CHECK(yaml_parse("a: \0b", 5, &document, &fault) == -EINVAL);
	for (size_t i = 0; i + 2 < length - 1; i += 2)
		memcpy(text + i, "x,", 2);
	memcpy(text, "a: [", 4);
	CHECK(yaml_parse(text, length - 1, &document, &fault) < 0);
	CHECK_TEXT(fault.text, "line 1: too many values in one file");
	free(text);
}

// Any bytes: the parser ends, and AddressSanitizer has nothing to say.
static void test_garbage(void)
{
	static const char seed[] = "name: web\nimage: rootfs:/x\ncommand: [a, \"b c\", 'd']\n"
				   "mounts: [{type: tmpfs, destination: /tmp}]\n"
				   "resources:\n  memory: 1m\nenv:\n- A=b\n- C=d # e\n";
	static const char alphabet[] = "\n :-[]{}'\"#,&*!|>%@ab\t\\\r\x80";
	uint32_t state = 12345;

	for (int round = 0; round < 50000; round++) {
		char text[sizeof(seed)];
		size_t length = 1 + check_random(&state) % (sizeof(seed) - 1);
		struct yaml_document *document = NULL;
		struct fault fault = {0};

		memcpy(text, seed, sizeof(seed));
		for (uint32_t change = check_random(&state) % 6; change > 0; change--)
			text[check_random(&state) % length] =
				alphabet[check_random(&state) % (sizeof(alphabet) - 1)];
		if (yaml_parse(text, length, &document, &fault) == 0)
			yaml_destroy(document);
		else
			CHECK(fault.text[0] != '\0');
	}
}

int main(void)
{
	test_strings();
	test_blocks();
	test_flow();
	test_refused();
	test_limits();
	test_garbage();
	return check_result("yaml_test");
}
