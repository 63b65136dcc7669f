// SPDX-License-Identifier: MPL-2.0
// Hosted tests of the line discipline: bytes in, lines, echo and signals out.
#include <lib/test.h>
#include <services/signal/signal.h>
#include <services/tty/line_discipline.h>

struct terminal {
	struct line_discipline line;
	u8 screen[256];
	usize shown;
	u32 signal;
};

static void type(struct terminal *t, bytes_t keys)
{
	for (usize i = 0; i < bytes_len(keys); i++) {
		struct line_effect effect = { .echo = text_to(span_from(array_span(t->screen), t->shown)) };

		line_receive(&t->line, byte_at(keys, i), &effect);
		t->shown += text_needed(&effect.echo);
		if (effect.signal)
			t->signal = effect.signal;
	}
}

static bool screen_is(struct terminal *t, bytes_t expected)
{
	return bytes_equal(bytes_first(array_bytes(t->screen), t->shown), expected);
}

static bool reads(struct terminal *t, bytes_t expected)
{
	u8 out[64] = { };
	bool eof = false;
	usize n = line_take(&t->line, array_span(out), &eof);

	return !eof && bytes_equal(bytes_first(array_bytes(out), n), expected);
}

TEST(line_is_readable_only_when_finished)
{
	struct terminal t = { };

	EXPECT(line_init(&t.line) == OK);
	type(&t, STR("ab"));
	EXPECT(!line_has_input(&t.line, 1));
	type(&t, STR("\r"));
	EXPECT(line_has_input(&t.line, 1));
	EXPECT(screen_is(&t, STR("ab\r\n")));
	EXPECT(reads(&t, STR("ab\n")));
	line_fini(&t.line);
}

TEST(line_erase_takes_characters_words_and_lines_off_the_screen)
{
	struct terminal t = { };

	EXPECT(line_init(&t.line) == OK);
	type(&t, STR("a\x7f"));
	EXPECT(screen_is(&t, STR("a\b \b")));
	type(&t, STR("one two\x17x\n"));
	EXPECT(reads(&t, STR("one x\n")));
	type(&t, STR("gone\x15kept\n"));
	EXPECT(reads(&t, STR("kept\n")));
	line_fini(&t.line);
}

TEST(line_signal_flushes_what_was_typed)
{
	struct terminal t = { };

	EXPECT(line_init(&t.line) == OK);
	type(&t, STR("abc\x03"));
	EXPECT(t.signal == SIGINT);
	EXPECT(screen_is(&t, STR("abc^C")));
	type(&t, STR("d\n"));
	EXPECT(reads(&t, STR("d\n")));
	line_fini(&t.line);
}

TEST(line_end_of_file_is_reported_once_and_only_on_an_empty_line)
{
	struct terminal t = { };
	u8 out[8] = { };
	bool eof = false;

	EXPECT(line_init(&t.line) == OK);
	type(&t, STR("ab\x04"));
	EXPECT(reads(&t, STR("ab")));
	type(&t, STR("\x04"));
	EXPECT(line_has_input(&t.line, 1));
	EXPECT(line_take(&t.line, array_span(out), &eof) == 0 && eof);
	EXPECT(!line_has_input(&t.line, 1));
	line_fini(&t.line);
}

TEST(line_literal_next_takes_control_characters_as_they_are)
{
	struct terminal t = { };

	EXPECT(line_init(&t.line) == OK);
	type(&t, STR("\x16\x03\n"));
	EXPECT(t.signal == 0);
	EXPECT(reads(&t, STR("\x03\n")));
	line_fini(&t.line);
}

TEST(line_raw_mode_gives_bytes_at_once)
{
	struct terminal t = { };
	struct termios raw = { };

	EXPECT(line_init(&t.line) == OK);
	raw = t.line.termios;
	raw.local &= ~(u32)(ICANON | ECHO | ISIG);
	line_set_termios(&t.line, &raw);
	type(&t, STR("\x03q"));
	EXPECT(t.signal == 0 && t.shown == 0);
	EXPECT(line_has_input(&t.line, 2) && !line_has_input(&t.line, 3));
	EXPECT(reads(&t, STR("\x03q")));
	line_fini(&t.line);
}

TEST(line_full_buffer_still_takes_the_newline)
{
	struct terminal t = { };
	u32 lost = 0;

	EXPECT(line_init(&t.line) == OK);
	for (u32 i = 0; i < LINE_BUFFER + 100; i++) {
		struct line_effect effect = { .echo = text_to(array_span(t.screen)) };

		line_receive(&t.line, 'x', &effect);
		lost += line_room(&t.line) == 1;
	}
	EXPECT(lost > 0);
	type(&t, STR("\n"));
	EXPECT(line_readable(&t.line) == LINE_BUFFER);
	line_fini(&t.line);
}

// Any keys, any settings: no trap, no byte outside, and what is read was typed or is a mark.
TEST(random_keys_and_settings)
{
	struct terminal t = { };
	u32 seed = 3;
	u8 out[64] = { };
	bool eof = false;

	EXPECT(line_init(&t.line) == OK);
	for (u32 round = 0; round < test_rounds() * 50; round++) {
		u8 key[1] = { (u8)test_random(&seed) };

		t.shown = 0;
		type(&t, array_bytes(key));
		EXPECT(line_readable(&t.line) <= LINE_BUFFER && line_room(&t.line) <= LINE_BUFFER);
		if (test_random(&seed) % 16 == 0)
			EXPECT(line_take(&t.line, span_first(array_span(out), test_random(&seed) % 64), &eof) <= 64);
		if (test_random(&seed) % 200 == 0) {
			struct termios s = t.line.termios;

			s.input = test_random(&seed);
			s.output = test_random(&seed);
			s.local = test_random(&seed);
			s.cc[test_random(&seed) % 19] = (u8)test_random(&seed);
			line_set_termios(&t.line, &s);
		}
	}
	line_fini(&t.line);
}
