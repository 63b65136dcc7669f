// SPDX-License-Identifier: MPL-2.0
// Requests: made by file systems and page caches, moved to the whole disk, checked, given to the driver.
#include <core/cpu.h>
#include <core/task.h>
#include <core/time.h>
#include <services/block/block_device.h>
#include <services/cgroup/cgroup_io.h>

static exclusive_access void block_request_release(struct block_request *r)
{
	for (u32 i = 0; i < r->page_count; i++)
		page_put(take(r->page[i]));
}
DEFINE_OBJECT(block_request, block_request_release)

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
static void request_throttle(struct block_device *disk, const struct block_request *r borrowed)
{
	struct cgroup *g object_auto(cgroup) = request_payer(r);
	u64 begin = cgroup_io_charge(
		g, disk->number, r->operation == BLOCK_READ ? CGROUP_IO_READ : CGROUP_IO_WRITE, r->length);

	if (begin <= clock_monotonic_ns() || !cgroup_current_is_user() || cpu_is_atomic())
		return;
	task_begin_io_wait();
	(void)task_sleep_until(begin, WAIT_KILLABLE); // a killed task finishes what it has begun
	task_end_io_wait();
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
	if (r->operation != BLOCK_FLUSH)
		request_throttle(d, r);
	d->ops->submit(d, r);
}

void block_request_complete(struct block_request *r, err_t result)
{
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
