// SPDX-License-Identifier: MPL-2.0
// Templates of --format: what they print, and what is refused.
#include "../keel/template.h"

#include "../keel/commands.h"
#include "check.h"

static const struct template_field fields[] = {
	{"ID", "IDENTITY", "1"}, {"A.B", "BOTH", "two words"}, {"No", "NONE", ""}, {0}};

// One row, as text; NULL where the format is refused.
static const char *print(const char *format)
{
	static char text[256];
	struct template template;
	int status = template_begin(&template, "test", format);
	FILE *out = fmemopen(text, sizeof(text), "w");

	CHECK(status == 0 && !template.is_table && out != NULL);
	template.out = out;
	status = template_row(&template, template_field_value, fields);
	fclose(out);
	template_end(&template);
	return status == 0 ? text : NULL;
}

static void test_text(void)
{
	CHECK_TEXT(print("{{.ID}}"), "1\n");
	CHECK_TEXT(print("a {{ .A.B }}\\t{{.ID}}{{.No}}}"), "a two words\t1}\n");
	CHECK_TEXT(print(""), "\n");
	CHECK_TEXT(print("plain { text \\x"), "plain { text \\x\n");
}

static void test_refused(void)
{
	static const char *const wrong[] = {"{{", "{{}}", "{{ }}", "{{.}}", "{{.Other}}", "{{ID}}", "{{.ID .No}}",
					    "{{json .ID}}", "{{range .ID}}", "{{json }}", "{{.ID}} {{"};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		CHECK(print(wrong[i]) == NULL);
}

// Any bytes: printed or refused.
static void test_any_bytes(void)
{
	static const char pieces[] = "{{}}..json  ID\\\t\n%sA.BNo";
	uint32_t state = 11;

	for (int round = 0; round < 20000; round++) {
		char format[24];
		size_t length = check_random(&state) % (sizeof(format) - 1);

		for (size_t i = 0; i < length; i++)
			format[i] = pieces[check_random(&state) % (sizeof(pieces) - 1)];
		format[length] = '\0';
		if (strncmp(format, "table ", 6) != 0)
			print(format);
	}
}

int main(void)
{
	test_text();
	test_refused();
	if (freopen("/dev/null", "w", stderr) == NULL)
		return 1;
	test_any_bytes();
	return check_result("template_test");
}
