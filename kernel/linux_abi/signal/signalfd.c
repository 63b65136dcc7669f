// SPDX-License-Identifier: MPL-2.0
// Signals as a file: reading takes those of the reader that are pending, blocked and in the mask.
// source: signalfd(2)
#include <generated/syscall_prototypes.h>
#include <linux_abi/signal/siginfo.h>
#include <services/process/process_signal.h>
#include <services/vfs/file_table.h>

#define RECORD_SIZE 128u
#define UNBLOCKABLE (signal_bit(SIGKILL) | signal_bit(SIGSTOP))

// The process that made it lends its wait queue to pollers: kept, so that the queue outlives them.
struct signalfd {
	struct file base;
	struct process *process;	// reference; immutable
	struct atomic_u64 mask;
};
static void signalfd_release(struct signalfd *f) exclusive_access
{
	file_fini(&f->base);	// ends the watches on the queue of the process
	if (f->process)
		process_put(take(f->process));
}
DEFINE_DERIVED(signalfd, file, signalfd_release)

no_inline static void put_32(span_t out, usize at, u32 value)
{
	span_put_u32le(out, at, value);
}
no_inline static void put_64(span_t out, usize at, u64 value)
{
	span_put_u64le(out, at, value);
}

// struct signalfd_siginfo
static void encode(span_t out, const struct signal_info *info borrowed)
{
	put_32(out, 0, (u32)info->signal);
	put_32(out, 4, (u32)info->error);
	put_32(out, 8, (u32)info->code);
	put_32(out, 12, info->sender_pid);
	put_32(out, 16, user_namespace_uid_show(thread_cred()->user_ns, info->sender_uid));
	put_32(out, 20, info->band_fd);
	put_32(out, 24, info->timer_id);
	put_32(out, 28, (u32)info->band);
	put_32(out, 32, info->overrun);
	put_32(out, 40, (u32)info->status);
	put_32(out, 44, (u32)info->value);
	put_64(out, 48, info->value);
	put_64(out, 56, info->user_time);
	put_64(out, 64, info->system_time);
	put_64(out, 72, info->address);
	put_32(out, 84, info->syscall);
	put_32(out, 96, info->arch);
}

static struct signal_set mask_of(struct signalfd *f)
{
	return (struct signal_set){ atomic_u64_load(&f->mask) };
}

static ssize_r signalfd_read(struct file *f, struct iobuf *to borrowed, u64 *position borrowed)
{
	struct signalfd *self = signalfd_from_file(f);
	struct signal_info info;
	ssize_r done = (ssize_r)0;
	if (iobuf_remaining(to) < RECORD_SIZE)
		return (ssize_r)-EINVAL;
	while (iobuf_remaining(to) >= RECORD_SIZE) {
		u8 raw[RECORD_SIZE] = { 0 };
		if (!signal_take_pending(mask_of(self), &info)) {
			if (done)
				break;
			if (file_is_nonblocking(f))
				return (ssize_r)-EAGAIN;
			err_t err = wait_event(&process_current()->signal_event, WAIT_INTERRUPTIBLE, DEADLINE_NEVER,
					       signal_take_pending(mask_of(self), &info));
			if (err)
				return (ssize_r)err;
		}
		encode(array_span(raw), &info);
		if (iobuf_put(to, array_bytes(raw)) != RECORD_SIZE)
			return (ssize_r)(done ? done : -EFAULT);
		done = (ssize_r)(done + RECORD_SIZE);
	}
	return done;
}

static u32 signalfd_poll(struct file *f, struct poll_request *r)
{
	struct signalfd *self = signalfd_from_file(f);
	poll_add(r, &self->process->signal_event);
	struct signal_set pending = thread_current_or_null() ? signal_pending_set(thread_current())
							     : signal_shared_pending_set(self->process);
	return pending.bits & mask_of(self).bits ? POLL_IN | POLL_READ_NORMAL : 0;
}

static void signalfd_show(struct file *f, struct text *out borrowed)
{
	text_printf(out, "sigmask:\t%016lx\n", mask_of(signalfd_from_file(f)).bits);
}

static const struct file_ops signalfd_ops = {
	.read = signalfd_read, .poll = signalfd_poll, .show_info = signalfd_show
};

#define SFD_NONBLOCK 04000
#define SFD_CLOEXEC 02000000

static s64 create(u64 mask, s32 flags)
{
	struct signalfd *f object_auto(signalfd) = signalfd_alloc();
	if (!f)
		return -ENOMEM;
	f->process = process_get(process_current());
	atomic_u64_store(&f->mask, mask);
	err_t err = file_init_anonymous(&f->base, &signalfd_ops, STR("anon_inode:[signalfd]"),
		(u32)(flags & SFD_NONBLOCK) | 2, thread_cred(), 0);
	if (err)
		return err;
	return file_table_add(thread_files(), file_get(&f->base), process_rlimit(process_current(), RLIMIT_NOFILE),
			      flags & SFD_CLOEXEC ? OPEN_CLOSE_ON_EXEC : 0);
}

static s64 change(s32 fd, u64 mask)
{
	struct file *f object_auto(file) = file_table_find(thread_files(), (u32)fd);
	if (!f)
		return -EBADF;
	if (!file_is_signalfd(f))
		return -EINVAL;
	atomic_u64_store(&signalfd_from_file(f)->mask, mask);
	wait_queue_wake_all(&process_current()->signal_event, ~0u);
	return fd;
}

s64 sys_signalfd4(s32 fd, user_addr_t mask, u64 sigsetsize, s32 flags)
{
	u64 bits = 0;
	if (sigsetsize != 8 || (flags & ~(SFD_NONBLOCK | SFD_CLOEXEC)))
		return -EINVAL;
	err_t err = user_read_u64(mask, &bits);
	if (err)
		return err;
	bits &= ~UNBLOCKABLE;
	return fd == -1 ? create(bits, flags) : change(fd, bits);
}

s64 sys_signalfd(s32 fd, user_addr_t mask, u64 sigsetsize)
{
	return sys_signalfd4(fd, mask, sigsetsize, 0);
}
