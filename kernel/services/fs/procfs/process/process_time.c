// SPDX-License-Identifier: MPL-2.0
// /proc/PID/timens_offsets: what the clocks of a process's children are ahead. source: time_namespaces(7)
#include <core/time.h>
#include <services/fs/procfs/procfs_internal.h>
#include <services/namespace/time_namespace.h>

u64 proc_boot_offset_ns(void)
{
	struct time_namespace *n = time_namespace_from(thread_namespace(NAMESPACE_TIME));

	return (u64)atomic_s64_load(&n->boot_offset_ns);
}

static struct time_namespace *for_children(struct pseudo_inode *n) owned;
static struct time_namespace *for_children(struct pseudo_inode *n)
{
	struct thread *t object_auto(thread) = proc_thread(n);
	struct namespace_set *set object_auto(namespace_set) = t ? thread_namespaces_of(t) : NULL;

	return set ? time_namespace_get(time_namespace_from(set->time_for_children)) : NULL;
}

static void put_clock(struct text *out borrowed, bytes_t name, s64 offset_ns)
{
	const s64 second = (s64)NS_PER_SECOND;
	s64 seconds = offset_ns / second, ns = offset_ns % second;

	if (ns < 0) {
		ns += second;
		seconds--;
	}
	text_put(out, name);
	text_printf(out, " %10ld %9ld\n", seconds, ns);
}

static err_t offsets_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	struct time_namespace *ns object_auto(time_namespace) = for_children(n);

	if (!ns)
		return -ESRCH;
	put_clock(out, STR("monotonic "), atomic_s64_load(&ns->monotonic_offset_ns));
	put_clock(out, STR("boottime  "), atomic_s64_load(&ns->boot_offset_ns));
	return OK;
}

// --- writing: lines of "clock seconds nanoseconds" --------------------------------------------------------

struct offset_line {
	enum time_clock clock;
	s64 seconds;
	u32 nanoseconds;
};

static bytes_t next_word(bytes_t line, usize *at borrowed)
{
	while (*at < bytes_len(line) && byte_at(line, *at) == ' ')
		++*at;
	const bytes_t rest = bytes_from(line, *at);
	const bytes_t word = bytes_first(rest, bytes_find(rest, ' '));

	*at += bytes_len(word);
	return word;
}

static bool parse_signed(bytes_t word, s64 *out borrowed)
{
	const bool is_negative = bytes_len(word) && byte_at(word, 0) == '-';
	u64 size = 0;

	if (!bytes_parse_u64(is_negative ? bytes_from(word, 1) : word, 10, &size) || size > S64_MAX)
		return false;
	*out = is_negative ? -(s64)size : (s64)size;
	return true;
}

static bool parse_line(bytes_t line, struct offset_line *out borrowed)
{
	usize at = 0;
	u64 ns = 0;
	const bytes_t clock = next_word(line, &at);

	if (bytes_equal(clock, STR("monotonic")) || bytes_equal(clock, STR("1")))
		out->clock = TIME_CLOCK_MONOTONIC;
	else if (bytes_equal(clock, STR("boottime")) || bytes_equal(clock, STR("7")))
		out->clock = TIME_CLOCK_BOOT;
	else
		return false;
	if (!parse_signed(next_word(line, &at), &out->seconds))
		return false;
	if (!bytes_parse_u64(next_word(line, &at), 10, &ns) || ns >= NS_PER_SECOND)
		return false;
	out->nanoseconds = (u32)ns;
	return bytes_len(next_word(line, &at)) == 0;
}

// All lines are read before any counts.
static ssize_r parse_lines(bytes_t data, struct offset_line *first borrowed, struct offset_line *second borrowed)
{
	s64 count = 0;

	for (usize at = 0; at < bytes_len(data);) {
		const bytes_t rest = bytes_from(data, at);
		const bytes_t line = bytes_first(rest, bytes_find(rest, '\n'));

		at += bytes_len(line) + 1;
		if (count == 2 || !parse_line(line, count ? second : first))
			return -EINVAL;
		count++;
	}
	return count ? (ssize_r)count : -EINVAL;
}

static ssize_r offsets_store(struct pseudo_inode *n, struct file *f, bytes_t data)
{
	struct time_namespace *ns object_auto(time_namespace) = for_children(n);
	struct offset_line first = {}, second = {};

	if (!ns)
		return -ESRCH;
	const ssize_r count = parse_lines(data, &first, &second);

	if (count < 0)
		return count;
	if (!cred_has_capability(f->cred, ns->base.owner ? ns->base.owner : user_namespace_initial(), CAP_SYS_TIME))
		return -EPERM;
	err_t e = time_namespace_set_offset(ns, first.clock, first.seconds, first.nanoseconds);

	if (!e && count == 2)
		e = time_namespace_set_offset(ns, second.clock, second.seconds, second.nanoseconds);
	return e ? (ssize_r)e : (ssize_r)bytes_len(data);
}
const struct pseudo_kind proc_timens_kind = { .show = offsets_show, .store = offsets_store };
