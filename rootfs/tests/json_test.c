// SPDX-License-Identifier: MPL-2.0
// json_reader: what is JSON is read, what is not is refused, and no bytes whatever lead it astray.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/json/json_reader.h"
#include "check.h"

static int parse(const char *text, struct json_document **document)
{
	struct fault fault = {0};

	return json_parse(text, strlen(text), document, &fault);
}

static void test_values(void)
{
	struct json_document *document;
	const struct json_node *root;
	uint64_t count = 0;

	CHECK(parse(" {\"a\": [1, \"two\", null, true], \"b\": {\"c\": \"d\"}, \"n\": 18446744073709551615,\n"
		    "\"e\": \"\\u00e9\\ud83d\\ude00\\n\\\"\\/\", \"minus\": -1, \"part\": 1.5} ", &document) == 0);
	root = json_root(document);
	CHECK(json_find_list(root, "a") != NULL && json_find_list(root, "a")->kind == JSON_NUMBER);
	CHECK_TEXT(json_find_list(root, "a")->next->string, "two");
	CHECK_TEXT(json_find_string(json_find(root, "b"), "c"), "d");
	CHECK_TEXT(json_find_string(root, "e"), "\xc3\xa9\xf0\x9f\x98\x80\n\"/");
	CHECK(json_count(json_find(root, "n"), &count) == 0 && count == UINT64_MAX);
	CHECK(json_count(json_find(root, "minus"), &count) == -EINVAL);
	CHECK(json_count(json_find(root, "part"), &count) == -EINVAL);
	CHECK(json_find(root, "none") == NULL && json_find(NULL, "x") == NULL && json_find_string(root, "a") == NULL);
	json_destroy(document);
}

static void test_refused(void)
{
	static const char *const bad[] = {
		"", " ", "{", "[1,", "[1 2]", "{\"a\"}", "{\"a\":}", "{a:1}", "\"open", "\"\\x\"", "\"\\u12\"", "nul",
		"[1],", "\"\\ud800\"", "\"\\u0000\"", "\"\n\"", "-", "{\"a\":1,}", "99999999999999999999 x",
	};
	struct json_document *document;
	char deep[200];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(parse(bad[i], &document) == -EINVAL);
	memset(deep, '[', sizeof(deep) - 1);
	deep[sizeof(deep) - 1] = '\0';
	CHECK(parse(deep, &document) == -E2BIG);
}

// Every start of a text, and the text with each byte changed, is either read or refused.
static void test_any_bytes(void)
{
	static const char text[] = "{\"a\":[1,{\"b\":\"\\u00e9x\\\\\"}],\"c\":null,\"d\":\"e\"}";
	char changed[sizeof(text)];

	for (size_t i = 0; i < sizeof(text) - 1; i++) {
		for (unsigned byte = 0; byte < 256; byte += 3) {
			struct json_document *document;
			struct fault fault = {0};

			memcpy(changed, text, sizeof(text));
			changed[i] = (char)byte;
			if (json_parse(changed, sizeof(text) - 1, &document, &fault) == 0)
				json_destroy(document);
			if (json_parse(changed, i, &document, &fault) == 0)
				json_destroy(document);
		}
	}
}

int main(void)
{
	test_values();
	test_refused();
	test_any_bytes();
	return check_result("json_test");
}
