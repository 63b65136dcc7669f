// SPDX-License-Identifier: MPL-2.0
#include "events.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { BATCH = 32 };

static int set = -1;
static struct epoll_event batch[BATCH];
static int batch_count;			// how many of `batch` are not yet called

int events_open(void)
{
	set = epoll_create1(EPOLL_CLOEXEC);
	return set < 0 ? -errno : 0;
}

int events_add(struct event_source *source)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = source};

	return epoll_ctl(set, EPOLL_CTL_ADD, source->fd, &event) < 0 ? -errno : 0;
}

void events_want(struct event_source *source, enum events_wanted wanted)
{
	struct epoll_event event = {.events = wanted == EVENTS_WRITE ? EPOLLOUT : EPOLLIN,
				    .data.ptr = source};

	epoll_ctl(set, EPOLL_CTL_MOD, source->fd, &event);
}

void events_close(struct event_source *source)
{
	if (source->fd < 0)
		return;
	epoll_ctl(set, EPOLL_CTL_DEL, source->fd, NULL);
	close(source->fd);
	source->fd = -1;
	for (int i = 0; i < batch_count; i++) {
		if (batch[i].data.ptr == source)
			batch[i].data.ptr = NULL;
	}
}

void events_wait(int64_t timeout_ms, const sigset_t *asleep)
{
	int timeout = timeout_ms > INT_MAX ? INT_MAX : (int)timeout_ms;

	batch_count = epoll_pwait(set, batch, BATCH, timeout, asleep);
	while (batch_count > 0) {
		struct event_source *source = batch[--batch_count].data.ptr;

		if (source != NULL)
			source->heard(source);
	}
	batch_count = 0;
}
