// SPDX-License-Identifier: MPL-2.0
// source: select(2). The sets are arrays of 64-bit words, one bit a descriptor.
#include <core/time.h>
#include <generated/syscall_prototypes.h>
#include <linux_abi/event/event_arguments.h>
#include <linux_abi/file/file_arguments.h>
#include <services/event/poll_set.h>

#define READ_MASK (POLL_READ_NORMAL | POLL_READ_BAND | POLL_IN | POLL_HANGUP | POLL_ERROR)
#define WRITE_MASK (POLL_WRITE_NORMAL | POLL_WRITE_BAND | POLL_OUT | POLL_ERROR)
#define EXCEPT_MASK POLL_PRIORITY
#define SET_INLINE 32u			// bytes of one set kept on the stack: 256 descriptors
#define DESCRIPTORS_MAX (1u << 20)

enum { SET_READ, SET_WRITE, SET_EXCEPT, SETS };

// Wished sets and results, each of `words` words, in `bits`: three wishes, then three results.
struct stack_only selection {
	span_t bits;
	usize bytes;
	user_addr_t user[SETS];
};

static u64 wish_word(const struct selection *s borrowed, u32 set, usize word)
{
	return bytes_get_u64le(bytes_of(s->bits), set * s->bytes + word * 8);
}

// One word of each set.
struct words {
	u64 of[SETS];
};

static u64 look(u32 fd, const struct words *wish borrowed, u64 bit, struct poll_set *set, struct words *result borrowed,
	err_t *err borrowed)
{
	static const u32 masks[SETS] = { READ_MASK, WRITE_MASK, EXCEPT_MASK };
	u64 found = 0;
	struct file_borrow b file_borrow_auto = file_of(fd);
	if (!b.file || (b.file->mode & FILE_MODE_PATH)) {
		*err = -EBADF;
		return 0;
	}
	const u32 ready = set ? poll_set_ask(set, b.file, err) : file_poll(b.file, NULL);
	for (u32 n = 0; n < SETS; n++) {
		if ((wish->of[n] & bit) && (ready & masks[n])) {
			result->of[n] |= bit;
			found++;
		}
	}
	return found;
}

static ssize_r look_at_word(struct selection *s borrowed, usize word, struct poll_set *set)
{
	const struct words wish = { { wish_word(s, SET_READ, word), wish_word(s, SET_WRITE, word),
		wish_word(s, SET_EXCEPT, word) } };
	struct words result = {};
	u64 all = wish.of[SET_READ] | wish.of[SET_WRITE] | wish.of[SET_EXCEPT], found = 0;
	for (; all; all &= all - 1) {
		const u32 n = (u32)__builtin_ctzl(all);
		err_t err = OK;
		found += look((u32)word * 64 + n, &wish, 1ul << n, set, &result, &err);
		if (err)
			return (ssize_r)err;
	}
	for (u32 n = 0; n < SETS; n++)
		span_put_u64le(s->bits, (SETS + n) * s->bytes + word * 8, result.of[n]);
	return (ssize_r)found;
}

static ssize_r look_at_all(struct selection *s borrowed, struct poll_set *set)
{
	s64 found = 0;
	for (usize word = 0; word < s->bytes / 8; word++) {
		const ssize_r n = look_at_word(s, word, set);
		if (n < 0)
			return n;
		found += n;
	}
	return (ssize_r)found;
}

static ssize_r wait_for_any(struct selection *s borrowed, u64 deadline_ns)
{
	ssize_r n = look_at_all(s, NULL);
	if (n || deadline_ns == 0)
		return n;
	struct poll_set *set object_auto(poll_set) = poll_set_create();
	if (!set)
		return -ENOMEM;
	n = look_at_all(s, set);
	while (!n) {
		const err_t err = poll_set_sleep(set, deadline_ns);
		n = look_at_all(s, NULL);
		if (n || err == (err_t)-ETIMEDOUT)
			return n;
		if (err)
			return (ssize_r)err;
	}
	return n;
}

// Bits at and above nfds are no wishes.
static err_t read_sets(struct selection *s borrowed, u32 nfds)
{
	for (u32 n = 0; n < SETS; n++) {
		span_t to = span_slice(s->bits, n * s->bytes, s->bytes);
		if (user_is_null(s->user[n]) || !s->bytes)
			continue;
		const err_t err = user_copy_in(to, s->user[n]);
		if (err)
			return err;
		if (nfds % 64)
			span_put_u64le(to, s->bytes - 8,
				bytes_get_u64le(bytes_of(to), s->bytes - 8) & ((1ul << nfds % 64) - 1));
	}
	return OK;
}

static err_t write_sets(const struct selection *s borrowed)
{
	for (u32 n = 0; n < SETS; n++) {
		if (user_is_null(s->user[n]))
			continue;
		const err_t err =
			user_copy_out(s->user[n], bytes_slice(bytes_of(s->bits), (SETS + n) * s->bytes, s->bytes));
		if (err)
			return err;
	}
	return OK;
}

static ssize_r select_with(struct selection *s borrowed, u32 nfds, u64 deadline_ns)
{
	err_t err = read_sets(s, nfds);
	if (err)
		return (ssize_r)err;
	const ssize_r n = wait_for_any(s, deadline_ns);
	if (n < 0)
		return n;
	err = write_sets(s);
	return err ? (ssize_r)err : n;
}

static ssize_r select_until(s32 nfds, user_addr_t read, user_addr_t write, user_addr_t except, u64 deadline_ns)
{
	u8 few[2 * SETS * SET_INLINE];
	if (nfds < 0)
		return -EINVAL;
	// Descriptors that the table cannot hold are not looked at.
	const u32 count = min((u32)nfds, (file_table_end(thread_files()) + 63) / 64 * 64);
	struct selection s = { .bytes = (usize)(count + 63) / 64 * 8, .user = { read, write, except } };
	if (s.bytes <= SET_INLINE) {
		s.bits = array_span(few);
		return select_with(&s, count, deadline_ns);
	}
	struct buf *many buf_auto = buf_alloc(2 * SETS * s.bytes);
	if (!many)
		return -ENOMEM;
	s.bits = buf_span(many);
	return select_with(&s, count, deadline_ns);
}

s64 sys_select(s32 nfds, user_addr_t readfds, user_addr_t writefds, user_addr_t exceptfds, user_addr_t timeout)
{
	u64 raw[2] = {}, deadline = DEADLINE_NEVER;
	err_t err = user_is_null(timeout) ? OK : user_copy_in_object(&raw, timeout);
	if (err)
		return err;
	if (!user_is_null(timeout)) {
		const u64 seconds = raw[0] + raw[1] / 1000000, ns = raw[1] % 1000000 * NS_PER_US;
		if (raw[0] > S64_MAX || raw[1] > S64_MAX)
			return -EINVAL;
		deadline = deadline_after(seconds, ns);
	}
	const ssize_r n = select_until(nfds, readfds, writefds, exceptfds, deadline);
	if (!user_is_null(timeout) && deadline != DEADLINE_NEVER) {
		const u64 rest = deadline_rest(deadline);
		raw[0] = rest / NS_PER_SECOND;
		raw[1] = rest % NS_PER_SECOND / NS_PER_US;
		err = user_copy_out_object(timeout, &raw);
	}
	if (n != -ERESTARTSYS)
		return n;
	return err ? -EINTR : -ERESTARTNOHAND;
}

s64 sys_pselect6(s32 nfds, user_addr_t readfds, user_addr_t writefds, user_addr_t exceptfds, user_addr_t timeout,
	user_addr_t sigmask)
{
	u64 deadline = 0, mask[2] = {};
	err_t err = deadline_read(timeout, &deadline);
	if (!err && !user_is_null(sigmask))
		err = user_copy_in_object(&mask, sigmask);
	if (!err)
		err = mask_apply(user_addr(mask[0]), mask[1]);
	if (err)
		return err;
	const ssize_r n = select_until(nfds, readfds, writefds, exceptfds, deadline);
	err = deadline_write_rest(timeout, deadline);
	if (n != -ERESTARTSYS)
		return n;
	return err ? -EINTR : -ERESTARTNOHAND;
}
