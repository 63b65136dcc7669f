// SPDX-License-Identifier: MPL-2.0
// source: poll(2). struct pollfd: s32 fd, u16 events, u16 revents.
#include <generated/syscall_prototypes.h>
#include <linux_abi/event/event_arguments.h>
#include <linux_abi/file/file_arguments.h>
#include <services/event/poll_set.h>

#define ENTRY_SIZE 8u
#define INLINE_ENTRIES 48u

// One look at one descriptor; set NULL: without subscribing.
static u32 look(struct file_table *t, s32 fd, u32 wish, struct poll_set *set, err_t *err borrowed)
{
	if (fd < 0)
		return 0;
	struct file_borrow b file_borrow_auto = file_table_borrow(t, (u32)fd);
	if (!b.file || (b.file->mode & FILE_MODE_PATH))
		return POLL_INVALID;
	const u32 ready = set ? poll_set_ask(set, b.file, err) : file_poll(b.file, NULL);
	return ready & (wish | POLL_ERROR | POLL_HANGUP);
}

// Looks at all; the number of entries with events.
static ssize_r look_at_all(span_t entries, struct poll_set *set)
{
	struct file_table *t = thread_files();
	s64 count = 0;
	for (usize at = 0; at < span_len(entries); at += ENTRY_SIZE) {
		err_t err = OK;
		const u64 entry = bytes_get_u64le(bytes_of(entries), at);
		const u32 ready = look(t, (s32)(u32)entry, (u32)(entry >> 32) & 0xffff, set, &err);
		if (err)
			return (ssize_r)err;
		span_put_u16le(entries, at + 6, (u16)ready);
		count += ready ? 1 : 0;
	}
	return (ssize_r)count;
}

static ssize_r wait_for_any(span_t entries, u64 deadline_ns)
{
	ssize_r n = look_at_all(entries, NULL);
	if (n || deadline_ns == 0)
		return n;
	struct poll_set *set object_auto(poll_set) = poll_set_create();
	if (!set)
		return -ENOMEM;
	n = look_at_all(entries, set);
	while (!n) {
		const err_t err = poll_set_sleep(set, deadline_ns);
		n = look_at_all(entries, NULL);
		if (n || err == (err_t)-ETIMEDOUT)
			return n;
		if (err)
			return (ssize_r)err;
	}
	return n;
}

static ssize_r poll_entries(span_t entries, user_addr_t fds, u64 deadline_ns)
{
	err_t err = user_copy_in(entries, fds);
	if (err)
		return (ssize_r)err;
	const ssize_r n = wait_for_any(entries, deadline_ns);
	if (n < 0)
		return n;
	err = user_copy_out(fds, bytes_of(entries));
	return err ? (ssize_r)err : n;
}

static ssize_r poll_until(user_addr_t fds, u32 nfds, u64 deadline_ns)
{
	u8 few[INLINE_ENTRIES * ENTRY_SIZE];
	if (nfds <= INLINE_ENTRIES)
		return poll_entries(span_first(array_span(few), nfds * ENTRY_SIZE), fds, deadline_ns);
	if (nfds > process_rlimit(process_current(), RLIMIT_NOFILE))
		return -EINVAL;
	struct buf *many buf_auto = buf_alloc((usize)nfds * ENTRY_SIZE);
	return many ? poll_entries(buf_span(many), fds, deadline_ns) : (ssize_r)-ENOMEM;
}

static s64 poll_restartable(user_addr_t fds, u32 nfds, u64 deadline_ns);
static ssize_r resume_poll(struct restart_block *r borrowed)
{
	return (ssize_r)poll_restartable(r->address, (u32)r->argument[0], r->deadline_ns);
}

static s64 poll_restartable(user_addr_t fds, u32 nfds, u64 deadline_ns)
{
	const ssize_r n = poll_until(fds, nfds, deadline_ns);
	if (n != -ERESTARTSYS)
		return n;
	thread_current()->restart = (struct restart_block){
		.resume = resume_poll, .deadline_ns = deadline_ns, .address = fds, .argument = { nfds }
	};
	return -ERESTART_RESTARTBLOCK;
}

s64 sys_poll(user_addr_t fds, u32 nfds, s32 timeout_ms)
{
	return poll_restartable(fds, nfds, deadline_of_ms(timeout_ms));
}

s64 sys_ppoll(user_addr_t fds, u32 nfds, user_addr_t timeout, user_addr_t sigmask, u64 sigsetsize)
{
	u64 deadline = 0;
	err_t err = deadline_read(timeout, &deadline);
	if (!err)
		err = mask_apply(sigmask, sigsetsize);
	if (err)
		return err;
	const ssize_r n = poll_until(fds, nfds, deadline);
	// The rest of the time is a courtesy: a read-only timeout is no error.
	err = deadline_write_rest(timeout, deadline);
	if (n != -ERESTARTSYS)
		return n;
	return err ? -EINTR : -ERESTARTNOHAND;
}
