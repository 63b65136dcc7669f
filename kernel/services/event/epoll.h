// SPDX-License-Identifier: MPL-2.0
// epoll(7): a set of files that are watched, and the list of those that may be ready.
#pragma once
#include <services/vfs/file.h>

// Beside the POLL_* bits that are wished for.
#define EPOLL_EXCLUSIVE (1u << 28)
#define EPOLL_WAKE_UP (1u << 29)
#define EPOLL_ONE_SHOT (1u << 30)
#define EPOLL_EDGE (1u << 31)
#define EPOLL_NESTING_MAX 4u		// instances that watch instances

err_t epoll_create(u32 flags, struct cred *cred, struct file **out borrowed);
bool file_is_epoll_instance(struct file *f);
// epoll_ctl(2). -EEXIST, -ENOENT, -ELOOP, -EINVAL, -EPERM (cannot be polled), -ENOMEM. => may sleep
err_t epoll_watch_add(struct file *epoll, u32 fd, struct file *f, u32 events, u64 data);
err_t epoll_watch_change(struct file *epoll, u32 fd, struct file *f, u32 events, u64 data);
err_t epoll_watch_remove(struct file *epoll, u32 fd, struct file *f);

// Receives events: false when it cannot take this one (the event stays).
struct stack_only epoll_sink {
	bool (*add)(struct epoll_sink *s borrowed, u32 events, u64 data);
	user_addr_t to;
	u32 count, limit;
	u32 faulted;	// the sink's own
};
// Sleeps until at least one event is there: OK with s->count, 0 at the deadline. -ERESTARTSYS
err_t epoll_wait(struct file *epoll, struct epoll_sink *s borrowed, u64 deadline_ns);
void epoll_init(void);
