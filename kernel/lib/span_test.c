// SPDX-License-Identifier: MPL-2.0
#include <core/span.h>
#include <lib/test.h>

TEST(numbers_parse_completely_or_not_at_all)
{
	u64 u = 0;
	s64 s = 0;

	EXPECT(bytes_parse_u64(STR("18446744073709551615"), 10, &u) && u == U64_MAX);
	EXPECT(!bytes_parse_u64(STR("18446744073709551616"), 10, &u));
	EXPECT(bytes_parse_u64(STR("0x1F"), 0, &u) && u == 31);
	EXPECT(bytes_parse_u64(STR("017"), 0, &u) && u == 15);
	EXPECT(bytes_parse_u64(STR("0"), 0, &u) && u == 0);
	EXPECT(!bytes_parse_u64(STR(""), 10, &u) && !bytes_parse_u64(STR("12 "), 10, &u) &&
		!bytes_parse_u64(STR("0x"), 0, &u));
	EXPECT(!bytes_parse_u64(STR("8"), 8, &u) && !bytes_parse_u64(STR("1"), 1, &u) &&
		!bytes_parse_u64(STR("1"), 37, &u));
	EXPECT(bytes_parse_s64(STR("-9223372036854775808"), 10, &s) && s == -S64_MAX - 1);
	EXPECT(!bytes_parse_s64(STR("-9223372036854775809"), 10, &s) && !bytes_parse_s64(STR("-"), 10, &s));
	EXPECT(bytes_parse_s64(STR("+5"), 10, &s) && s == 5);
}

TEST(bytes_compare_and_find)
{
	EXPECT(bytes_equal(STR("abc"), STR("abc")) && !bytes_equal(STR("abc"), STR("abd")) &&
		!bytes_equal(STR("ab"), STR("abc")));
	EXPECT(bytes_compare(STR("ab"), STR("abc")) < 0 && bytes_compare(STR("b"), STR("abc")) > 0);
	EXPECT(bytes_compare(STR("\xff"), STR("a")) > 0 && bytes_compare(STR(""), STR("")) == 0);
	EXPECT(bytes_start_with(STR("abc"), STR("ab")) && bytes_start_with(STR("abc"), STR("")) &&
		!bytes_start_with(STR("a"), STR("ab")));
	EXPECT(bytes_find(STR("abc"), 'c') == 2 && bytes_find(STR("abc"), 'x') == 3);
	EXPECT(bytes_string_len(STR("ab\0cd")) == 2 && bytes_string_len(STR("ab")) == 2);
	EXPECT(bytes_hash(STR("abcdefghi"), 1) != bytes_hash(STR("abcdefghj"), 1) &&
		bytes_hash(STR("a"), 1) != bytes_hash(STR("a"), 2));
}

TEST(copies_may_overlap)
{
	u8 a[] = "0123456789";
	span_t s = array_span(a);

	span_copy(span_slice(s, 2, 5), bytes_slice(bytes_of(s), 0, 5));
	EXPECT(bytes_equal(bytes_of(s), bytes_slice(STR("0101234789\0"), 0, 11)));
	EXPECT(span_copy_some(span_first(s, 3), STR("abcdef")) == 3 && a[3] == '1');
}

static u8 four[4];

static void slice_beyond(void)
{
	span_slice(array_span(four), 2, 3);
}

static void slice_wrapped(void)
{
	span_slice(array_span(four), 2, ~0ul);
}

static void copy_too_much(void)
{
	span_copy(array_span(four), STR("12345"));
}

static void at_the_end(void)
{
	span_at(array_span(four), 4) = 1;
}

TEST(bounds_are_kept)
{
	EXPECT_TRAP(slice_beyond);
	EXPECT_TRAP(slice_wrapped);
	EXPECT_TRAP(copy_too_much);
	EXPECT_TRAP(at_the_end);
	EXPECT(span_len(span_from(array_span(four), 4)) == 0);
}

TEST(integers_in_both_orders)
{
	u8 a[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };

	EXPECT(bytes_get_u16le(array_bytes(a), 0) == 0x0201 && bytes_get_u32be(array_bytes(a), 1) == 0x02030405);
	span_put_u64be(array_span(a), 0, 0x1122334455667788ul);
	EXPECT(bytes_get_u64be(array_bytes(a), 0) == 0x1122334455667788ul && a[0] == 0x11);
}
