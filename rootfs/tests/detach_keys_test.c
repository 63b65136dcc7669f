// SPDX-License-Identifier: MPL-2.0
// Keys that detach: how they are written, and what of the typing goes through.
#include "../container/detach_keys.h"

#include <errno.h>

#include "check.h"

static void test_parse(void)
{
	static const char *const wrong[] = {"ctrl-", "ctrl-pp", "ab", ",", "a,", ",a", "ctrl-1", "Ctrl-p",
					    "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q"};
	struct detach_keys keys;

	CHECK(detach_keys_parse(&keys, DETACH_KEYS_DEFAULT) == 0 && keys.count == 2);
	CHECK(keys.keys[0] == 16 && keys.keys[1] == 17);
	CHECK(detach_keys_parse(&keys, "") == 0 && keys.count == 0);
	CHECK(detach_keys_parse(&keys, "x,ctrl-]") == 0 && keys.keys[0] == 'x' && keys.keys[1] == 29);
	CHECK(detach_keys_parse(&keys, "ctrl-@,ctrl-_") == 0 && keys.keys[0] == 0 && keys.keys[1] == 31);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		CHECK(detach_keys_parse(&keys, wrong[i]) == -EINVAL);
}

// Types `typed` in pieces of `piece` bytes; `expected` must go through, and the keys be met or not.
static void check_typing(const char *text, const char *typed, size_t piece, const char *expected, int met)
{
	struct detach_keys keys;
	char through[256] = "", out[64 + DETACH_KEYS_MAX];
	size_t length = strlen(typed), put = 0;
	int pressed = 0;

	CHECK(detach_keys_parse(&keys, text) == 0);
	for (size_t at = 0; at < length && !pressed; at += piece) {
		size_t got = detach_keys_filter(&keys, typed + at, length - at < piece ? length - at : piece, out,
						&pressed);

		memcpy(through + put, out, got);
		put += got;
	}
	through[put] = '\0';
	CHECK(pressed == met);
	CHECK_TEXT(through, expected);
}

static void test_filter(void)
{
	static const struct {
		const char *keys, *typed, *expected;
		int met;
	} cases[] = {
		{"ctrl-p,ctrl-q", "plain text", "plain text", 0},
		{"ctrl-p,ctrl-q", "a\x10\x11z", "a", 1},
		{"ctrl-p,ctrl-q", "a\x10z\x11", "a\x10z\x11", 0},
		{"ctrl-p,ctrl-q", "\x10\x10\x10\x11", "\x10\x10", 1},
		{"ctrl-p,ctrl-q", "\x11\x10", "\x11", 0},
		{"a,a,b", "aaab", "a", 1},
		{"a,b,a,b,c", "ababababc", "abab", 1},
		{"a,b,a,c", "abab-", "abab-", 0},
		{"x", "ax", "a", 1},
		{"", "\x10\x11", "\x10\x11", 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (size_t piece = 1; piece <= 4; piece++)
			check_typing(cases[i].keys, cases[i].typed, piece, cases[i].expected, cases[i].met);
	}
}

int main(void)
{
	test_parse();
	test_filter();
	return check_result("detach_keys_test");
}
