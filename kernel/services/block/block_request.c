// SPDX-License-Identifier: MPL-2.0
// Requests: made by file systems and page caches, moved to the whole disk, checked, given to the driver.
#include <core/cpu.h>
#include <core/task.h>
#include <core/time.h>
#include <services/block/block_device.h>

static exclusive_access void block_request_release(struct block_request *r)
{
	for (u32 i = 0; i < r->page_count; i++)
		page_put(take(r->page[i]));
	cgroup_io_job_fini(&r->base);
}
DEFINE_DERIVED_SHARED(block_request, cgroup_io_job, block_request_release)

// Submits a disk's requests that waited for their turn: what was over when they could begin may have been so in an
// interrupt.
struct block_dispatch {
	struct work base;
	struct block_device *disk;		// borrowed: disks are never removed
};
static void block_dispatch_release(struct block_dispatch *w)
{
}
DEFINE_DERIVED(block_dispatch, work, block_dispatch_release)
struct block_dispatch_timer {
	struct timer base;
	struct block_device *disk;		// likewise
};
static void block_dispatch_timer_release(struct block_dispatch_timer *t)
{
}
DEFINE_DERIVED(block_dispatch_timer, timer, block_dispatch_timer_release)

struct block_request *block_request_create(enum block_operation operation, u64 sector)
{
	struct block_request *r object_auto(block_request) = block_request_alloc();

	if (!r)
		return NULL;
	r->operation = operation;
	r->sector = sector;
	wait_queue_init(&r->done_event);
	return take(r);
}

bool block_request_add_page(struct block_request *r borrowed, struct page *p, u32 offset, u32 length)
{
	if (r->page_count == BLOCK_REQUEST_PAGES)
		return false;
	if (r->page_count == 0)
		r->offset = offset;
	r->page[r->page_count] = page_get(p);
	r->page_count++;
	r->length += length;
	return true;
}

static err_t request_check(const struct block_device *d borrowed, const struct block_request *r borrowed)
{
	u64 sectors = r->length / BLOCK_SECTOR;

	if (r->operation == BLOCK_FLUSH)
		return OK;
	if (r->length == 0 || r->length % BLOCK_SECTOR || r->sector > d->sector_count ||
		sectors > d->sector_count - r->sector)
		return -EIO;
	if (r->operation == BLOCK_WRITE && (d->flags & BLOCK_DEVICE_READ_ONLY))
		return -EROFS;
	return OK;
}

static void request_count(struct block_device *d borrowed, const struct block_request *r borrowed)
{
	if (r->operation == BLOCK_READ) {
		atomic_u64_add(&d->sectors_read, r->length / BLOCK_SECTOR);
		atomic_u64_add(&d->requests_read, 1);
	} else if (r->operation == BLOCK_WRITE) {
		atomic_u64_add(&d->sectors_written, r->length / BLOCK_SECTOR);
		atomic_u64_add(&d->requests_written, 1);
	}
}

// Who pays: for a write the group whose page it is, wherever it is written from; else the current task's.
static struct cgroup *request_payer(const struct block_request *r borrowed) owned;
static struct cgroup *request_payer(const struct block_request *r borrowed)
{
	struct cgroup *of_page = r->operation == BLOCK_WRITE && r->page_count ? r->page[0]->cgroup : NULL;

	return of_page ? cgroup_get(of_page) : cgroup_current();
}

// A user's task waits until its group may go on; a kernel thread, which works for all, only leaves the debt.
static void request_throttle(struct block_device *disk, struct cgroup *payer, const struct block_request *r borrowed)
{
	u64 begin = cgroup_io_charge(
		payer, disk->number, r->operation == BLOCK_READ ? CGROUP_IO_READ : CGROUP_IO_WRITE, r->length);

	if (begin <= clock_monotonic_ns() || !cgroup_current_is_user() || cpu_is_atomic())
		return;
	task_begin_io_wait();
	(void)task_sleep_until(begin, WAIT_KILLABLE); // a killed task finishes what it has begun
	task_end_io_wait();
}

static void disk_dispatch(struct block_device *disk)
{
	for (;;) {
		u64 ask_again_ns = 0;
		struct cgroup_io_job *j object_auto(cgroup_io_job) = cgroup_io_queue_next(&disk->queue, &ask_again_ns);

		if (!j && ask_again_ns)
			timer_set(disk->dispatch_timer, ask_again_ns);
		if (!j)
			return;
		disk->ops->submit(disk, block_request_from_cgroup_io_job(j));
	}
}

static void dispatch_run(struct work *w)
{
	disk_dispatch(block_dispatch_from_work(w)->disk);
}

static void dispatch_fire(struct timer *t)
{
	work_schedule(block_dispatch_timer_from_timer(t)->disk->dispatch);
}

err_t block_dispatch_create(struct block_device *disk)
{
	struct block_dispatch *w object_auto(block_dispatch) = block_dispatch_alloc();
	struct block_dispatch_timer *t object_auto(block_dispatch_timer) = block_dispatch_timer_alloc();

	if (!w || !t)
		return -ENOMEM;
	w->base.run = dispatch_run;
	w->disk = disk;
	disk->dispatch = work_get(&w->base);
	t->base.fire = dispatch_fire;
	t->disk = disk;
	disk->dispatch_timer = timer_get(&t->base);
	return OK;
}

void block_submit(struct block_device *d, struct block_request *r)
{
	err_t err = request_check(d, r);

	if (err) {
		block_request_complete(r, err);
		return;
	}
	request_count(d, r);
	if (d->disk) {
		r->sector += d->start_sector;
		d = d->disk;
		request_count(d, r);
	}
	r->device = d;
	if (r->operation == BLOCK_FLUSH) {
		d->ops->submit(d, r);
		return;
	}
	struct cgroup *payer object_auto(cgroup) = request_payer(r);

	request_throttle(d, payer, r);
	if (cgroup_io_queue_enter(&d->queue, payer, d->number, &r->base, r->length))
		d->ops->submit(d, r);
	else
		disk_dispatch(d);
}

void block_request_complete(struct block_request *r, err_t result)
{
	struct block_device *disk = r->device;

	if (disk && cgroup_io_queue_leave(&disk->queue, &r->base))
		work_schedule(disk->dispatch);
	r->result = result;
	atomic_u32_store(&r->done, 1);
	wait_queue_wake_all(&r->done_event, U32_MAX);
}

err_t block_request_wait(struct block_request *r)
{
	task_begin_io_wait();
	err_t err = wait_event(&r->done_event, WAIT_UNINTERRUPTIBLE, DEADLINE_NEVER, atomic_u32_load(&r->done));

	task_end_io_wait();
	return err ? err : r->result;
}

err_t block_transfer(
	struct block_device *d, enum block_operation operation, u64 sector, struct page *p, u32 offset, u32 length)
{
	struct block_request *r object_auto(block_request) = block_request_create(operation, sector);

	if (!r)
		return -ENOMEM;
	if (!block_request_add_page(r, p, offset, length))
		return -EIO;
	block_submit(d, r);
	return block_request_wait(r);
}

err_t block_flush(struct block_device *d)
{
	struct block_device *disk = d->disk ? d->disk : d;

	if (!(disk->flags & BLOCK_DEVICE_VOLATILE_CACHE))
		return OK;
	struct block_request *r object_auto(block_request) = block_request_create(BLOCK_FLUSH, 0);
	if (!r)
		return -ENOMEM;
	block_submit(disk, r);
	return block_request_wait(r);
}
