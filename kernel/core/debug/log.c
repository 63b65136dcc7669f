// SPDX-License-Identifier: MPL-2.0
// The kernel log.
//
// Theory: records have sequence numbers, which are the positions that readers keep. A record's header
// is in a table indexed by the number, its text in a ring of bytes; the oldest records give way. One
// lock, taken with interrupts off, guards both and orders what goes to the console. Once the machine
// panics the lock is no longer waited for: its holder may be stopped.
#include <core/arch/clock.h>
#include <core/arch/cpu.h>
#include <core/arch/serial.h>
#include <core/boot.h>
#include <core/lock.h>
#include <core/print.h>
#include <lib/format.h>
#include "debug_internal.h"

enum {
	RECORD_COUNT = 2048,
	TEXT_SIZE = 128 * 1024,
	LINE_MAX = 480,
	STAMPED_LINE_MAX = LINE_MAX + 48,
};

struct log_record {
	u64 time_ns;
	u64 text;	// position in the stream of all text ever logged
	u16 length;
	u8 level;
};

static struct spinlock log_lock = SPINLOCK_INIT(RANK_CONSOLE);
static struct log_record records[RECORD_COUNT];	// guarded by log_lock, as all below
static u8 text_ring[TEXT_SIZE];
static u64 first, end;				// sequence numbers
static u64 text_end;
static u32 console_level = LOG_INFO;		// atomic
static const struct console_ops *console;	// atomic
static bool in_panic;				// atomic

static bool log_acquire(u64 *saved) __GUARD_TSA
{
	if (__unlikely(__atomic_load_n(&in_panic, __ATOMIC_RELAXED))) {
		*saved = arch_interrupts_save();
		return false;
	}
	*saved = spin_lock_irq(&log_lock);
	return true;
}

static void log_release(bool locked, u64 saved) __GUARD_TSA
{
	if (locked)
		spin_unlock_irq(&log_lock, saved);
	else
		arch_interrupts_restore(saved);
}

static void record_store(enum log_level level, u64 now_ns, bytes_t text)
{
	usize n = bytes_len(text);

	while (first < end && (end - first == RECORD_COUNT ||
			       text_end + n - records[first % RECORD_COUNT].text > TEXT_SIZE))
		first++;
	for (usize i = 0; i < n; i++)
		text_ring[(text_end + i) % TEXT_SIZE] = byte_at(text, i);
	records[end % RECORD_COUNT] = (struct log_record){ now_ns, text_end, (u16)n, (u8)level };
	text_end += n;
	end++;
}

static void put_stamp(struct text *t, u64 time_ns)
{
	text_printf(t, "[%5lu.%06lu] ", time_ns / 1000000000ul, time_ns % 1000000000ul / 1000);
}

static void console_put(enum log_level level, u64 now_ns, bytes_t text)
{
	u8 line[STAMPED_LINE_MAX];
	struct text t = text_to(array_span(line));
	const struct console_ops *c = __atomic_load_n(&console, __ATOMIC_ACQUIRE);

	if ((u32)level > __atomic_load_n(&console_level, __ATOMIC_RELAXED) && !in_panic)
		return;
	put_stamp(&t, now_ns);
	text_put(&t, text);
	text_char(&t, '\n');
	bytes_t out = text_bytes(&t);

	if (c && !in_panic)
		c->write(out);
	else
		arch_serial_write((const char *)out.__p, out.__n);
}

static void log_line(enum log_level level, bytes_t text)
{
	u64 saved, now_ns = arch_clock_ns();
	usize n = bytes_len(text);

	if (n && byte_at(text, n - 1) == '\n')
		text = bytes_first(text, n - 1);
	bool locked = log_acquire(&saved);

	record_store(level, now_ns, text);
	console_put(level, now_ns, text);
	log_release(locked, saved);
}

void log_print(enum log_level level, const char *format, ...)
{
	u8 line[LINE_MAX];
	struct text t = text_to(array_span(line));
	__builtin_va_list arguments;

	__builtin_va_start(arguments, format);
	text_vprintf(&t, format, arguments);
	__builtin_va_end(arguments);
	log_line(level, text_bytes(&t));
}

void log_text(enum log_level level, const char *prefix, bytes_t text)
{
	u8 line[LINE_MAX];
	struct text t = text_to(array_span(line));

	text_printf(&t, "%s: ", prefix);
	text_put(&t, text);
	log_line(level, text_bytes(&t));
}

usize log_read(u64 *position borrowed, span_t out)
{
	struct text t = text_to(out);
	u64 saved;
	bool locked = log_acquire(&saved);
	u64 at = *position < first ? first : *position;

	if (at < end) {
		const struct log_record *r = &records[at % RECORD_COUNT];

		text_printf(&t, "<%u>", r->level);
		put_stamp(&t, r->time_ns);
		for (u32 i = 0; i < r->length; i++)
			text_char(&t, text_ring[(r->text + i) % TEXT_SIZE]);
		text_char(&t, '\n');
		*position = at + 1;
	}
	log_release(locked, saved);
	return bytes_len(text_bytes(&t));
}

u64 log_first_position(void)
{
	return __atomic_load_n(&first, __ATOMIC_RELAXED);
}

u64 log_end_position(void)
{
	return __atomic_load_n(&end, __ATOMIC_RELAXED);
}

void log_set_console_level(u32 level)
{
	__atomic_store_n(&console_level, level, __ATOMIC_RELAXED);
}

void console_register(const struct console_ops *ops)
{
	__atomic_store_n(&console, ops, __ATOMIC_RELEASE);
}

void log_start(void)
{
	bytes_t value;
	u64 level = 0;

	if (boot_option(STR("quiet"), &value))
		log_set_console_level(LOG_ERROR);
	// As Linux counts: messages below the given level are shown.
	if (boot_option(STR("loglevel"), &value) && bytes_parse_u64(value, 10, &level) && level && level <= 8)
		log_set_console_level((u32)level - 1);
}

void log_enter_panic(void)
{
	__atomic_store_n(&in_panic, true, __ATOMIC_SEQ_CST);
}
