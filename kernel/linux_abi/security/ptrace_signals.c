// SPDX-License-Identifier: MPL-2.0
// source: ptrace(2), PTRACE_PEEKSIGINFO
#include <linux_abi/security/ptrace_request.h>
#include <linux_abi/signal/siginfo.h>

#define PEEK_SHARED 1u

struct peek_layout {
	u64 offset;
	u32 flags;
	s32 count;
};

// The record at `index` of the queue.
static bool record_at(struct thread *t, u32 flags, u64 index, struct signal_info *out borrowed)
{
	struct process *const p = t->process;
	irq_guard(&p->signal_lock);
	const struct signal_record *r = flags & PEEK_SHARED ? signal_record_list_first(&p->shared_pending.records)
							     : signal_record_list_first(&t->pending.records);
	while (r && index--)
		r = signal_record_list_next(r);
	if (r)
		*out = r->info;
	return r;
}

s64 ptrace_peek_signals(struct thread *t, user_addr_t arguments, user_addr_t to)
{
	struct peek_layout a;
	const err_t e = user_copy_in_object(&a, arguments);
	if (e)
		return e;
	if ((a.flags & ~PEEK_SHARED) || a.count < 0)
		return -EINVAL;
	for (s64 n = 0; n < a.count; n++) {
		struct signal_info info = {};
		u8 raw[SIGINFO_SIZE] = { 0 };
		if (!record_at(t, a.flags, a.offset + (u64)n, &info))
			return n;
		siginfo_encode(array_span(raw), &info, thread_cred()->user_ns);
		if (user_copy_out(user_offset(to, (u64)n * SIGINFO_SIZE), array_bytes(raw)))
			return n ? n : -EFAULT;
	}
	return a.count;
}
