// SPDX-License-Identifier: MPL-2.0
// Block devices: whole disks (drivers derive from struct block_device) and their partitions, and the
// requests that move pages between memory and disk. Sectors are 512 bytes everywhere in this interface.
// A device has a page cache of its own (`pages`): file systems keep their metadata there, and
// /dev/vda reads and writes go through it, so all see one copy.
#pragma once
#include <core/atomic.h>
#include <core/object.h>
#include <core/time.h>
#include <core/wait.h>
#include <core/work.h>
#include <services/cgroup/cgroup_io.h>
#include <services/pagecache/page_mapping.h>

#define BLOCK_SECTOR 512u
#define BLOCK_REQUEST_PAGES 32u
enum block_operation { BLOCK_READ, BLOCK_WRITE, BLOCK_FLUSH };

struct block_device;
struct block_request {
	struct cgroup_io_job base;
	struct block_device *device;		// the whole disk, borrowed while in flight
	enum block_operation operation;
	u64 sector;				// on the whole disk once submitted
	u32 page_count;
	u32 offset, length;			// first byte in page[0]; bytes in all, a multiple of 512
	struct page *page[BLOCK_REQUEST_PAGES];	// references, dropped with the request
	struct list_link link;			// the driver's queue
	u32 driver_tag;				// the driver's
	err_t result;				// valid once done
	struct atomic_u32 done;
	struct wait_queue done_event;
};
DECLARE_OBJECT(block_request)
DEFINE_LIST(block_request_list, block_request, link)

struct block_device_ops {
	// Starts the request (checked, on the whole disk); calls block_request_complete() when it is over,
	// possibly from an interrupt. The driver holds a reference meanwhile. May sleep for room.
	void (*submit)(struct block_device *d, struct block_request *r);
};
// One who mounts a file system has a device: while it sets up, while it is mounted, until it has let go.
enum block_claim { BLOCK_CLAIM_FREE, BLOCK_CLAIM_BEGINS, BLOCK_CLAIM_MOUNTED, BLOCK_CLAIM_ENDS };
enum block_device_flag { BLOCK_DEVICE_READ_ONLY = 1, BLOCK_DEVICE_VOLATILE_CACHE = 2 /* flush means something */ };
struct block_device {
	struct object object;
	const struct block_device_ops *ops;	// NULL for a partition; immutable
	struct block_device *disk;		// a partition's disk (reference), NULL for a disk; immutable
	u64 number;				// device number; immutable
	u64 start_sector, sector_count;		// immutable
	u32 flags;				// immutable
	u32 partition;				// 1.. or 0; immutable
	u32 name_length;			// immutable
	u8 name[24];				// "vda", "vda1"; immutable
	u8 partition_uuid[16];			// GPT; zero if none; immutable
	u32 partition_name_length;		// immutable
	u8 partition_name[72];			// GPT name as ASCII; immutable
	struct page_mapping *pages;		// owned; immutable
	struct atomic_u32 claim;		// enum block_claim
	struct atomic_u32 claim_holder;		// what the claim was taken with
	struct wait_queue claim_event;		// the claim has changed
	struct cgroup_io_queue queue;		// a disk's: requests that wait for their group's turn
	struct work *dispatch;			// a disk's, reference: submits them; immutable
	struct timer *dispatch_timer;		// likewise: schedules it
	struct atomic_u64 sectors_read, sectors_written, requests_read, requests_written;
	struct list_link link;			// registry
};
DECLARE_OBJECT(block_device)

// Fills the base of a driver's disk; name "vda" and number by the driver. -ENOMEM
err_t block_device_init(struct block_device *d borrowed, const struct block_device_ops *ops, bytes_t name, u64 number,
			u64 sector_count, u32 flags);
void block_device_fini(struct block_device *d borrowed);
// Inside block: what submits the requests of a disk that waited. -ENOMEM
err_t block_dispatch_create(struct block_device *disk);
// Makes the disk known and reads its partition table (bad tables are reported and ignored). => may sleep
err_t block_device_register(struct block_device *d);
// Who makes nodes for devices: told of every device, those already registered included. Once. => may sleep
void block_device_listen(void (*added)(struct block_device *d));
// References or NULL.
struct block_device *block_device_find(u64 number) owned;
struct block_device *block_device_find_name(bytes_t name) owned;
// In order of registration; NULL at the end.
struct block_device *block_device_at(u32 index) owned;
// Marks a part of a locked page of d->pages as changed: write-back writes only the marked sectors of a page,
// because its other sectors may be file data that is written without going through this cache. A page that is
// dirty without marks is written whole.
void block_device_mark_dirty(struct page *p, u32 offset, u32 length);
// What the cache holds of these bytes will not be written any more: they belong to somebody else from now on, who
// writes without going through this cache. => may sleep
void block_device_forget(struct block_device *d, u64 offset, u32 length);
// What was written to the devices themselves, not to files of file systems on them, is on stable storage. => may sleep
void block_device_sync_all(void);
u64 block_device_bytes(const struct block_device *d borrowed);
// One file system at a time; `holder` says of what kind. One that begins or ends is waited for (-ERESTARTSYS: killed).
// -EAGAIN: one of the same kind is mounted; -EBUSY: one of another kind has the device. The device's cache holds
// nothing that the disk does not when it begins (-EIO, -ENOMEM), and nothing at all when it ends: files of file systems
// are read and written past it. => may sleep
err_t block_device_claim(struct block_device *d borrowed, u32 holder);
void block_device_release_claim(struct block_device *d borrowed);
// BLOCK_CLAIM_MOUNTED or BLOCK_CLAIM_ENDS, by who has it.
void block_device_move_claim(struct block_device *d borrowed, enum block_claim to);

// --- requests --------------------------------------------------------------------------------------
struct block_request *block_request_create(enum block_operation operation, u64 sector) owned;
// Adds a page (takes a reference); all but the first begin at 0, all but the last are whole. False when full.
bool block_request_add_page(struct block_request *r borrowed, struct page *p, u32 offset, u32 length);
// Submits; out of range or read-only completes with -EIO / -EROFS. => may sleep
void block_submit(struct block_device *d, struct block_request *r);
void block_request_complete(struct block_request *r, err_t result);
err_t block_request_wait(struct block_request *r);
// One piece of one page, and wait. => may sleep
err_t block_transfer(
	struct block_device *d, enum block_operation operation, u64 sector, struct page *p, u32 offset, u32 length);
// Everything written before is on stable storage. OK at once where there is no volatile cache.
err_t block_flush(struct block_device *d);
