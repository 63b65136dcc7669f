// SPDX-License-Identifier: MPL-2.0
#include <linux_abi/signal/siginfo.h>
#include <services/cred/user_namespace.h>

// Out of line: each inlined view of a span costs room in the frame.
no_inline static void put_32(span_t out, usize at, u32 value)
{
	span_put_u32le(out, at, value);
}
no_inline static void put_64(span_t out, usize at, u64 value)
{
	span_put_u64le(out, at, value);
}

static void put_sender(span_t out, const struct signal_info *info borrowed, struct user_namespace *viewer)
{
	put_32(out, 16, info->sender_pid);
	put_32(out, 20, user_namespace_uid_show(viewer, info->sender_uid));
}

void siginfo_encode(span_t out, const struct signal_info *info borrowed, struct user_namespace *viewer)
{
	put_32(out, 0, (u32)info->signal);
	put_32(out, 4, (u32)info->error);
	put_32(out, 8, (u32)info->code);
	switch (info->kind) {
	case SIGNAL_INFO_KILL:
		put_sender(out, info, viewer);
		break;
	case SIGNAL_INFO_QUEUE:
		put_sender(out, info, viewer);
		put_64(out, 24, info->value);
		break;
	case SIGNAL_INFO_TIMER:
		put_32(out, 16, info->timer_id);
		put_32(out, 20, info->overrun);
		put_64(out, 24, info->value);
		break;
	case SIGNAL_INFO_CHILD:
		put_sender(out, info, viewer);
		put_32(out, 24, (u32)info->status);
		put_64(out, 32, info->user_time);
		put_64(out, 40, info->system_time);
		break;
	case SIGNAL_INFO_FAULT:
		put_64(out, 16, info->address);
		break;
	case SIGNAL_INFO_POLL:
		put_64(out, 16, info->band);
		put_32(out, 24, info->band_fd);
		break;
	case SIGNAL_INFO_SYSCALL:
		put_64(out, 16, info->address);
		put_32(out, 24, info->syscall);
		put_32(out, 28, info->arch);
		break;
	}
}

void siginfo_decode(bytes_t in, u32 signal, struct signal_info *out borrowed)
{
	*out = (struct signal_info){
		.signal = (s32)signal,
		.error = (s32)bytes_get_u32le(in, 4),
		.code = (s32)bytes_get_u32le(in, 8),
		.kind = SIGNAL_INFO_QUEUE,
		.sender_pid = bytes_get_u32le(in, 16),
		.sender_uid = bytes_get_u32le(in, 20),
		.value = bytes_get_u64le(in, 24),
	};
}
