// SPDX-License-Identifier: MPL-2.0
// The user's struct rseq: cpu_id_start, cpu_id (32 bits each), rseq_cs (a pointer), flags; 32 bytes, so aligned. A
// sequence's descriptor, struct rseq_cs: version, flags (32 bits each), start_ip, post_commit_offset, abort_ip; the
// four bytes before abort_ip hold the signature that was registered.
#include <linux_abi/signal/rseq.h>
#include <core/cpu.h>
#include <core/page_table.h>
#include <generated/syscall_prototypes.h>
#include <services/process/process_signal.h>

#define RSEQ_BYTES 32u
#define RSEQ_CS_AT 8u
#define RSEQ_FLAG_UNREGISTER 1
#define CPU_ID_UNINITIALIZED U32_MAX

struct sequence {
	u32 version, flags;
	u64 start_ip, length, abort_ip;
};

static err_t read_sequence(const struct thread *t, u64 at, struct sequence *out borrowed)
{
	u32 signature = 0;
	err_t err = user_copy_in_object(out, user_addr(at));
	if (err)
		return err;
	if (out->version || out->flags || out->start_ip >= USER_TOP || out->abort_ip >= USER_TOP ||
	    out->length > USER_TOP - out->start_ip || out->abort_ip - out->start_ip < out->length)
		return -EINVAL;
	err = user_read_u32(user_addr(out->abort_ip - 4), &signature);
	return err ? err : signature == t->rseq_signature ? OK : -EINVAL;
}

err_t rseq_abort(struct thread *t)
{
	struct sequence s = { 0 };
	u64 at = 0;
	if (user_is_null(t->rseq))
		return OK;
	user_addr_t pointer = user_offset(t->rseq, RSEQ_CS_AT);
	err_t err = user_read_u64(pointer, &at);
	if (err || !at)
		return err;
	err = read_sequence(t, at, &s);
	if (!err)
		err = user_write_u64(pointer, 0);
	if (err || t->user.rip - s.start_ip >= s.length)
		return err;
	t->user.rip = s.abort_ip;
	t->user.must_iret = 1;
	return OK;
}

// Both numbers in one store: the structure is aligned.
static err_t write_cpu(const struct thread *t, u32 start, u32 id)
{
	return user_write_u64(t->rseq, (u64)id << 32 | start);
}

void rseq_switched(struct thread *t)
{
	if (user_is_null(t->rseq))
		return;
	// A move after the look posts the work again.
	u32 cpu = task_cpu(&t->base);
	err_t err = rseq_abort(t);
	if (!err)
		err = write_cpu(t, cpu, cpu);
	if (!err)
		return;
	struct signal_info info = signal_info_kernel(SIGSEGV);
	signal_force_current(&info);
}

static s64 unregister(struct thread *t, user_addr_t at, u32 length, u32 signature)
{
	if (at.value != t->rseq.value || user_is_null(at) || length != RSEQ_BYTES)
		return -EINVAL;
	if (signature != t->rseq_signature)
		return -EPERM;
	err_t err = write_cpu(t, 0, CPU_ID_UNINITIALIZED);
	if (err)
		return err;
	t->rseq = user_addr(0);
	task_unwatch_switches(&t->base);
	return 0;
}

s64 sys_rseq(user_addr_t rseq, u32 rseq_len, s32 flags, u32 sig)
{
	struct thread *t = thread_current();
	u64 probe = 0;
	if (flags & RSEQ_FLAG_UNREGISTER)
		return flags & ~RSEQ_FLAG_UNREGISTER ? -EINVAL : unregister(t, rseq, rseq_len, sig);
	if (flags)
		return -EINVAL;
	if (!user_is_null(t->rseq)) {
		if (rseq.value != t->rseq.value || rseq_len != RSEQ_BYTES)
			return -EINVAL;
		return sig == t->rseq_signature ? -EBUSY : -EPERM;
	}
	if (rseq_len != RSEQ_BYTES || rseq.value % RSEQ_BYTES)
		return -EINVAL;
	if (user_read_u64(rseq, &probe))
		return -EFAULT;
	t->rseq = rseq;
	t->rseq_signature = sig;
	task_watch_switches(&t->base);
	return 0;
}
