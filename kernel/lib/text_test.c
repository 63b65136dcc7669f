// SPDX-License-Identifier: MPL-2.0
#include <core/text.h>
#include <lib/format.h>
#include <lib/test.h>

static bool prints(bytes_t expected, const char *format, ...)
{
	u8 out[64];
	struct text t = text_to(array_span(out));
	__builtin_va_list arguments;

	__builtin_va_start(arguments, format);
	text_vprintf(&t, format, arguments);
	__builtin_va_end(arguments);
	return bytes_equal(text_bytes(&t), expected);
}

TEST(text_formats)
{
	EXPECT(prints(STR("a-5b"), "a%db", -5));
	EXPECT(prints(STR("-2147483648"), "%d", -2147483647 - 1));
	EXPECT(prints(STR("-9223372036854775808"), "%ld", -S64_MAX - 1));
	EXPECT(prints(STR("ff FF 377 255"), "%x %X %o %u", 255, 255, 255, 255));
	EXPECT(prints(STR("[   7][7   ][0007][-007]"), "[%4d][%-4d][%04d][%04d]", 7, 7, 7, -7));
	EXPECT(prints(STR("ffffffffffffffff"), "%lx", U64_MAX));
	EXPECT(prints(STR("x%y"), "%c%%%c", 'x', 'y'));
	EXPECT(prints(STR("abc|ab|  abc|abc  |(null)"), "%s|%.2s|%5s|%-5s|%s", "abc", "abc", "abc", "abc",
		(const char *)NULL));
}

TEST(text_counts_what_does_not_fit)
{
	u8 out[4] = { 0 };
	struct text t = text_to(array_span(out));

	EXPECT(text_fits(&t) && text_needed(&t) == 0);
	text_put(&t, STR("abc"));
	text_printf(&t, "%u", 12345);
	EXPECT(!text_fits(&t) && text_needed(&t) == 8 && bytes_equal(text_bytes(&t), STR("abc1")));
	text_put(&t, STR("more"));
	EXPECT(text_needed(&t) == 12);
}

TEST(text_escapes)
{
	u8 out[32];
	struct text t = text_to(array_span(out));

	text_put_escaped(&t, STR("a b\\c\n"), STR(" \n"));
	EXPECT(bytes_equal(text_bytes(&t), STR("a\\040b\\134c\\012")));
}
