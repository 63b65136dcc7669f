// SPDX-License-Identifier: MPL-2.0
// source: membarrier(2)
#include <generated/syscall_prototypes.h>
#include <core/cpu.h>
#include <services/process/thread.h>
#include <services/vm/vm_space.h>

enum membarrier_command {
	COMMAND_QUERY = 0,
	COMMAND_GLOBAL = 1,
	COMMAND_GLOBAL_EXPEDITED = 2,
	COMMAND_REGISTER_GLOBAL_EXPEDITED = 4,
	COMMAND_PRIVATE_EXPEDITED = 8,
	COMMAND_REGISTER_PRIVATE_EXPEDITED = 16,
	COMMAND_SYNC_CORE = 32,
	COMMAND_REGISTER_SYNC_CORE = 64,
	COMMAND_RSEQ = 128,
	COMMAND_REGISTER_RSEQ = 256,
	COMMAND_ALL = 511
};
#define FLAG_CPU 1u

// A registration says itself which commands it allows: the bit below it.
static s64 enroll(u32 command)
{
	vm_space_barrier_register(thread_space(), command >> 1);
	return 0;
}

static bool is_enrolled(u32 command)
{
	return vm_space_barrier_registered(thread_space()) & command;
}

// Every thread of the process that is in a restartable sequence starts it again.
static void restart_sequences(struct process *p)
{
	irq_guard(&p->signal_lock);
	list_for_each(thread_list, t, &p->threads)
		if (!user_is_null(t->rseq))
			task_post_work(&t->base, TASK_WORK_SWITCHED);
}

static s64 expedite(u32 command, u32 flags)
{
	struct thread *self = thread_current();
	if (flags && command != COMMAND_RSEQ)
		return -EINVAL;
	if (!is_enrolled(command))
		return -EPERM;
	if (command == COMMAND_RSEQ)
		restart_sequences(self->process);
	vm_space_barrier(self->space);
	self->user.must_iret = 1;	// serialises this CPU too
	return 0;
}

s64 sys_membarrier(s32 cmd, u32 flags, s32 cpu_id)
{
	if (flags & ~FLAG_CPU || (flags && cmd != COMMAND_RSEQ))
		return -EINVAL;
	switch (cmd) {
	case COMMAND_QUERY:
		return COMMAND_ALL;
	case COMMAND_GLOBAL:
	case COMMAND_GLOBAL_EXPEDITED:
		vm_space_barrier(NULL);
		return 0;
	case COMMAND_REGISTER_GLOBAL_EXPEDITED:
	case COMMAND_REGISTER_PRIVATE_EXPEDITED:
	case COMMAND_REGISTER_SYNC_CORE:
	case COMMAND_REGISTER_RSEQ:
		return enroll((u32)cmd);
	case COMMAND_PRIVATE_EXPEDITED:
	case COMMAND_SYNC_CORE:
	case COMMAND_RSEQ:
		return expedite((u32)cmd, flags);
	default:
		return -EINVAL;
	}
}
