// SPDX-License-Identifier: MPL-2.0
// `strace=1` prints every system call to the kernel log, `strace=PID` those of one process: its name and
// arguments from the table of calls, its result. A call that does not return is printed when it begins.
#include <core/boot.h>
#include <core/print.h>
#include <core/text.h>
#include <linux_abi/dispatch.h>
#include <linux_abi/syscall_table.h>

#define LINE_MAX 320u
#define CALL_EXIT 60u
#define CALL_EXIT_GROUP 231u
#define CALL_EXECVE 59u

static struct atomic_u32 wanted;	// 0: nobody, 1: everybody, else one process

void tracer_init(void)
{
	bytes_t value = bytes_empty();
	u64 number = 0;
	if (!boot_option(STR("strace"), &value))
		return;
	if (!bytes_parse_u64(value, 10, &number))
		number = 1;
	atomic_u32_store(&wanted, (u32)number);
}

bool tracer_wants(const struct thread *t borrowed)
{
	u32 pid = atomic_u32_load_relaxed(&wanted);
	return pid == 1 || pid == pid_number_global(t->process->pid);
}

static void put_name(struct text *out borrowed, struct syscall_text_range r)
{
	text_put(out, bytes_slice(array_bytes(syscall_text), r.offset, r.length));
}

static void put_argument(struct text *out borrowed, u8 kind, u64 value)
{
	switch (kind) {
	case SYSCALL_ARGUMENT_S32:
		text_printf(out, "%d", (s32)value);
		break;
	case SYSCALL_ARGUMENT_U32:
		text_printf(out, "0x%x", (u32)value);
		break;
	case SYSCALL_ARGUMENT_S64:
		text_printf(out, "%ld", (s64)value);
		break;
	default:
		text_printf(out, "0x%lx", value);
		break;
	}
	if (kind != SYSCALL_ARGUMENT_USER || !value)
		return;
	u8 room[48];
	ssize_r length = user_copy_string(array_span(room), user_addr(value));
	if (length <= 0 || byte_at(array_bytes(room), 0) < ' ' || byte_at(array_bytes(room), 0) > '~')
		return;
	text_put(out, STR(" \""));
	text_put_escaped(out, bytes_first(array_bytes(room), (usize)length), STR("\n\t\""));
	text_put(out, STR("\""));
}

static void put_call(struct text *out borrowed, u64 number, const struct user_context *u borrowed)
{
	u64 value[6] = { u->rdi, u->rsi, u->rdx, u->r10, u->r8, u->r9 };
	if (number >= SYSCALL_COUNT || !syscall_descriptions[number].name.length) {
		text_printf(out, "call_%lu(0x%lx, 0x%lx, 0x%lx)", number, value[0], value[1], value[2]);
		return;
	}
	const struct syscall_description *d = array_ptr(syscall_descriptions, number);
	put_name(out, d->name);
	text_char(out, '(');
	for (u32 i = 0; i < d->argument_count; i++) {
		if (i)
			text_put(out, STR(", "));
		put_name(out, d->argument_name[i]);
		text_char(out, '=');
		put_argument(out, d->argument_kind[i], value[i]);
	}
	text_char(out, ')');
}

static void print(struct thread *t, u64 number, bool returned, s64 result)
{
	u8 room[LINE_MAX];
	struct text out = text_to(array_span(room));
	text_printf(&out, "[%u] ", pid_number_global(t->pid));
	put_call(&out, number, &t->user);
	if (returned)
		text_printf(&out, " = %ld", result);
	log_text(LOG_INFO, "strace", text_bytes(&out));
}

void tracer_enter(struct thread *t)
{
	u64 number = t->user.orig_rax;
	if (tracer_wants(t) && (number == CALL_EXIT || number == CALL_EXIT_GROUP || number == CALL_EXECVE))
		print(t, number, false, 0);
}

void tracer_leave(struct thread *t, u64 number, s64 result)
{
	if (tracer_wants(t))
		print(t, number, true, result);
}
