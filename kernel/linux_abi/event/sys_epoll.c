// SPDX-License-Identifier: MPL-2.0
// source: epoll_create(2), epoll_ctl(2), epoll_wait(2). struct epoll_event is packed: u32 events, u64 data.
#include <generated/syscall_prototypes.h>
#include <linux_abi/event/event_arguments.h>
#include <linux_abi/file/file_arguments.h>
#include <services/event/epoll.h>

#define EVENT_SIZE 12u
#define EVENTS_MAX ((s32)(S32_MAX / EVENT_SIZE))
enum { EPOLL_CTL_ADD = 1, EPOLL_CTL_DEL, EPOLL_CTL_MOD };

static s64 create(u32 flags)
{
	struct file *f object_auto(file) = NULL;
	const err_t err = epoll_create(0, thread_cred(), &f);
	if (err)
		return err;
	return file_table_add(thread_files(), take(f), process_rlimit(process_current(), RLIMIT_NOFILE),
			      flags & OPEN_CLOSE_ON_EXEC ? OPEN_CLOSE_ON_EXEC : 0);
}

s64 sys_epoll_create1(s32 flags)
{
	return (u32)flags & ~OPEN_CLOSE_ON_EXEC ? -EINVAL : create((u32)flags);
}

s64 sys_epoll_create(s32 size)
{
	return size <= 0 ? -EINVAL : create(0);
}

static s64 control(struct file *epoll, s32 op, u32 fd, struct file *f, u32 events, u64 data)
{
	if (epoll == f || !file_is_epoll_instance(epoll))
		return -EINVAL;
	switch (op) {
	case EPOLL_CTL_ADD:
		return epoll_watch_add(epoll, fd, f, events, data);
	case EPOLL_CTL_MOD:
		return epoll_watch_change(epoll, fd, f, events, data);
	case EPOLL_CTL_DEL:
		return epoll_watch_remove(epoll, fd, f);
	default:
		return -EINVAL;
	}
}

s64 sys_epoll_ctl(s32 epfd, s32 op, s32 fd, user_addr_t event)
{
	u8 raw[EVENT_SIZE];
	if (op != EPOLL_CTL_DEL) {
		const err_t err = user_copy_in(array_span(raw), event);
		if (err)
			return err;
	}
	struct file *epoll object_auto(file) = file_table_find(thread_files(), (u32)epfd);
	struct file *f object_auto(file) = file_table_find(thread_files(), (u32)fd);
	if (!epoll || !f || (f->mode & FILE_MODE_PATH))
		return -EBADF;
	return control(
		epoll, op, (u32)fd, f, bytes_get_u32le(array_bytes(raw), 0), bytes_get_u64le(array_bytes(raw), 4));
}

static bool add_event(struct epoll_sink *s borrowed, u32 events, u64 data)
{
	u8 raw[EVENT_SIZE];
	span_put_u32le(array_span(raw), 0, events);
	span_put_u64le(array_span(raw), 4, data);
	if (user_copy_out(user_offset(s->to, (u64)s->count * EVENT_SIZE), array_bytes(raw))) {
		s->faulted = 1;
		return false;
	}
	s->count++;
	return true;
}

static s64 wait_until(s32 epfd, user_addr_t events, s32 maxevents, u64 deadline_ns)
{
	if (maxevents <= 0 || maxevents > EVENTS_MAX)
		return -EINVAL;
	struct file_borrow b file_borrow_auto = file_of(epfd);
	if (!b.file)
		return -EBADF;
	if (!file_is_epoll_instance(b.file))
		return -EINVAL;
	struct epoll_sink s = { .add = add_event, .to = events, .limit = (u32)maxevents };
	const err_t err = epoll_wait(b.file, &s, deadline_ns);
	if (err)
		return err == (err_t)-ERESTARTSYS ? -EINTR : err;
	return s.count || !s.faulted ? (s64)s.count : -EFAULT;
}

s64 sys_epoll_wait(s32 epfd, user_addr_t events, s32 maxevents, s32 timeout_ms)
{
	return wait_until(epfd, events, maxevents, deadline_of_ms(timeout_ms));
}

s64 sys_epoll_pwait(s32 epfd, user_addr_t events, s32 maxevents, s32 timeout_ms, user_addr_t sigmask, u64 sigsetsize)
{
	const err_t err = mask_apply(sigmask, sigsetsize);
	return err ? err : wait_until(epfd, events, maxevents, deadline_of_ms(timeout_ms));
}

s64 sys_epoll_pwait2(
	s32 epfd, user_addr_t events, s32 maxevents, user_addr_t timeout, user_addr_t sigmask, u64 sigsetsize)
{
	u64 deadline = 0;
	err_t err = deadline_read(timeout, &deadline);
	if (!err)
		err = mask_apply(sigmask, sigsetsize);
	return err ? err : wait_until(epfd, events, maxevents, deadline);
}
