// SPDX-License-Identifier: MPL-2.0
// A system call meets the thread's filters.
#include <core/print.h>
#include <core/time.h>
#include <services/process/exit.h>
#include <services/process/process_signal.h>
#include <services/security/seccomp/seccomp_internal.h>

#define ERRNO_MAX 4095u
#define CODE_SECCOMP 1	// SYS_SECCOMP

// --- names of actions, and which are logged ---------------------------------------------------------

struct action_name {
	u32 action;
	u8 name[16];
};
static const struct action_name action_names[] = {
	{ SECCOMP_KILL_PROCESS, "kill_process" }, { SECCOMP_KILL_THREAD, "kill_thread" }, { SECCOMP_TRAP, "trap" },
	{ SECCOMP_ERRNO, "errno" }, { SECCOMP_USER_NOTIFY, "user_notif" }, { SECCOMP_TRACE, "trace" },
	{ SECCOMP_LOG, "log" }, { SECCOMP_ALLOW, "allow" },
};
#define ALLOW_INDEX 7u
static struct atomic_u32 logged = ATOMIC_INIT((1u << ALLOW_INDEX) - 1);	// a bit for each row

static u32 index_of(u32 action)
{
	u32 n = 0;

	while (n < array_len(action_names) && action_names[n].action != action)
		n++;
	return n;
}

bool seccomp_action_is_known(u32 action)
{
	return index_of(action) < array_len(action_names);
}

static bytes_t name_at(u32 index)
{
	const bytes_t name = array_bytes(action_names[index].name);

	return bytes_first(name, bytes_string_len(name));
}

void seccomp_show_actions(enum seccomp_action_list which, struct text *out borrowed)
{
	const u32 shown = which == SECCOMP_ACTIONS_LOGGED ? atomic_u32_load(&logged) : U32_MAX;
	bool is_first = true;

	for (u32 n = 0; n < array_len(action_names); n++) {
		if (!(shown >> n & 1))
			continue;
		if (!is_first)
			text_char(out, ' ');
		is_first = false;
		text_put(out, name_at(n));
	}
	text_char(out, '\n');
}

static u32 index_of_name(bytes_t name)
{
	u32 n = 0;

	while (n < array_len(action_names) && !bytes_equal(name_at(n), name))
		n++;
	return n;
}

err_t seccomp_set_logged(bytes_t names)
{
	u32 wanted = 0;

	for (usize at = 0; at < bytes_len(names);) {
		const bytes_t rest = bytes_from(names, at);
		const usize length = min(bytes_find(rest, ' '), bytes_find(rest, '\n'));

		if (length) {
			const u32 n = index_of_name(bytes_first(rest, length));

			if (n >= ALLOW_INDEX)
				return -EINVAL;
			wanted |= 1u << n;
		}
		at += length + 1;
	}
	atomic_u32_store(&logged, wanted);
	return OK;
}

// Killing and "log" are logged whenever the setting says so, the rest only if the filter asked for it too.
static bool is_logged(u32 action, u32 flags)
{
	const u32 n = index_of(action);

	if (n >= ALLOW_INDEX || !(atomic_u32_load(&logged) >> n & 1))
		return false;
	return action == SECCOMP_LOG || action == SECCOMP_KILL_PROCESS || action == SECCOMP_KILL_THREAD ||
		(flags & SECCOMP_LOGGED);
}

// A program cannot flood the log: so many lines a second for all.
#define LINES_A_SECOND 20u
static struct atomic_u64 log_second;
static struct atomic_u32 log_lines;

static void log_call(struct thread *t, u32 action, u32 flags, const struct seccomp_call *call borrowed)
{
	if (!is_logged(action, flags))
		return;
	const u64 now = clock_monotonic_ns() / NS_PER_SECOND;
	if (atomic_u64_exchange(&log_second, now) != now)
		atomic_u32_store(&log_lines, 0);
	if (atomic_u32_add(&log_lines, 1) >= LINES_A_SECOND)
		return;
	log_print(LOG_NOTICE, "seccomp: pid=%u uid=%u arch=%x syscall=%u ip=0x%lx code=0x%x", pid_number_global(t->pid),
		t->cred->uid, call->word[1], call->word[0], (u64)call->word[3] << 32 | call->word[2], action);
}

// --- judging ------------------------------------------------------------------------------------------

static void put_64(struct seccomp_call *c borrowed, u32 word, u64 value)
{
	c->word[word] = (u32)value;
	c->word[word + 1] = (u32)(value >> 32);
}

static void describe(const struct thread *t, struct seccomp_call *out borrowed)
{
	const struct user_context *u = &t->user;

	out->word[0] = (u32)u->orig_rax;
	out->word[1] = SECCOMP_ARCHITECTURE;
	put_64(out, 2, u->rip);
	put_64(out, 4, u->rdi);
	put_64(out, 6, u->rsi);
	put_64(out, 8, u->rdx);
	put_64(out, 10, u->r10);
	put_64(out, 12, u->r8);
	put_64(out, 14, u->r9);
}

static void send_trap(struct thread *t, u32 data, const struct seccomp_call *call borrowed)
{
	struct signal_info info = {
		.signal = SIGSYS, .code = CODE_SECCOMP, .error = (s32)data, .kind = SIGNAL_INFO_SYSCALL,
		.address = t->user.rip, .syscall = call->word[0], .arch = SECCOMP_ARCHITECTURE,
	};

	signal_force_current(&info);
}

static bool is_alone(struct process *p)
{
	irq_guard(&p->signal_lock);
	return p->thread_count == 1;
}

static enum seccomp_answer kill(struct thread *t, u32 action, u32 *signal borrowed)
{
	*signal = SIGSYS;
	if (action == SECCOMP_KILL_THREAD && !is_alone(t->process))
		return SECCOMP_END_THREAD;
	process_exit_group(SIGSYS);
	return SECCOMP_SKIP;
}

static enum seccomp_answer ask(struct thread *t, const struct seccomp_filter *f,
	const struct seccomp_call *call borrowed)
{
	struct seccomp_reply reply = {};

	if (!f->listener) {
		t->user.rax = (u64)-ENOSYS;
		return SECCOMP_SKIP;
	}
	const err_t e = seccomp_ask(f->listener, call, f->flags, &reply);
	if (!e && reply.must_go_on)
		return SECCOMP_GO_ON;
	t->user.rax = e ? (u64)(s64)e : (u64)reply.value;
	return SECCOMP_SKIP;
}

static enum seccomp_answer act(struct thread *t, const struct seccomp_filter *f, u32 result,
	const struct seccomp_call *call borrowed, u32 *data borrowed)
{
	const u32 action = result & SECCOMP_ACTION_MASK;

	*data = result & SECCOMP_DATA_MASK;
	log_call(t, action, f->flags, call);
	switch (action) {
	case SECCOMP_ALLOW:
	case SECCOMP_LOG:
		return SECCOMP_GO_ON;
	case SECCOMP_ERRNO:
		t->user.rax = 0 - (u64)min(*data, ERRNO_MAX);
		return SECCOMP_SKIP;
	case SECCOMP_TRAP:
		t->user.rax = t->user.orig_rax;
		send_trap(t, *data, call);
		return SECCOMP_SKIP;
	case SECCOMP_TRACE:
		t->user.rax = (u64)-ENOSYS;
		return SECCOMP_ASK_TRACER;
	case SECCOMP_USER_NOTIFY:
		return ask(t, f, call);
	default:
		return kill(t, action, data);
	}
}

static enum seccomp_answer judge_by_filters(struct thread *t, struct seccomp_filter *newest, u32 *data borrowed)
{
	struct seccomp_call call;
	const struct seccomp_filter *decisive = newest;
	u32 result = SECCOMP_ALLOW;

	describe(t, &call);
	for (struct seccomp_filter *f = newest; f; f = f->previous) {
		const u32 one = seccomp_run(buf_bytes(f->program), &call);

		if ((s32)(one & SECCOMP_ACTION_MASK) < (s32)(result & SECCOMP_ACTION_MASK)) {
			result = one;
			decisive = f;
		}
	}
	return act(t, decisive, result, &call, data);
}

#define CALL_READ 0u
#define CALL_WRITE 1u
#define CALL_SIGRETURN 15u
#define CALL_EXIT 60u
static enum seccomp_answer judge_strictly(const struct thread *t, u32 *signal borrowed)
{
	switch ((u32)t->user.orig_rax) {
	case CALL_READ:
	case CALL_WRITE:
	case CALL_SIGRETURN:
	case CALL_EXIT:
		return SECCOMP_GO_ON;
	default:
		*signal = SIGKILL;
		return SECCOMP_END_THREAD;
	}
}

enum seccomp_answer seccomp_judge(struct thread *t, u32 *data borrowed)
{
	const u32 number = (u32)t->user.orig_rax;

	if (t->seccomp_mode == SECCOMP_STRICT)
		return judge_strictly(t, data);
	struct seccomp_filter *f = seccomp_filter_of(t);
	if (!f || (number < SECCOMP_ALLOW_WORDS * 64 && f->allow[number / 64] >> (number & 63) & 1))
		return SECCOMP_GO_ON;
	return judge_by_filters(t, f, data);
}
