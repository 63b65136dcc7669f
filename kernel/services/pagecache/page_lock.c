// SPDX-License-Identifier: MPL-2.0
// The lock bit of a page, and sleeping for it. Sleepers of all pages share a small table of wait queues.
#include <services/pagecache/page_mapping_internal.h>

enum { PAGE_WAIT_QUEUES = 64 };

static struct wait_queue page_wait_queues[PAGE_WAIT_QUEUES];

static struct wait_queue *page_wait_queue(const struct page *p borrowed)
{
	return array_ptr(page_wait_queues, page_frame_number(p) % PAGE_WAIT_QUEUES);
}

bool page_try_lock(struct page *p)
{
	return !(atomic_u32_or(&p->flags, PAGE_LOCKED) & PAGE_LOCKED);
}

void page_lock(struct page *p)
{
	if (page_try_lock(p))
		return;
	// Not to be ended by a signal: the holder is doing I/O that ends by itself.
	task_begin_io_wait(); // who has it locked reads or writes it
	(void)wait_event(page_wait_queue(p), WAIT_UNINTERRUPTIBLE, DEADLINE_NEVER, page_try_lock(p));
	task_end_io_wait();
}

void page_unlock(struct page *p)
{
	struct wait_queue *q = page_wait_queue(p);

	atomic_u32_and(&p->flags, ~(u32)PAGE_LOCKED);
	// The atomic above orders this look after the release; a sleeper enters the queue before its last try.
	if (!wait_queue_is_empty(q))
		wait_queue_wake_all(q, ~0u);
}

void page_lock_init(void)
{
	for (u32 i = 0; i < PAGE_WAIT_QUEUES; i++)
		wait_queue_init(array_ptr(page_wait_queues, i));
}
