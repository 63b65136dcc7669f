// SPDX-License-Identifier: MPL-2.0
// Write-back of what is not content: an inode's record changes in memory, and nothing but a sync would write it. A file
// system notes since when it has had such changes; a thread syncs the records and names of each that has had them for
// as long as a page may be dirty (vm.dirty_expire_centisecs), so that a power loss costs no more of the one than
// of the other. The thread says which one it uses from the moment when it finds it on the list of superblocks until it
// has given its reference back: an unmount waits for that, and for no other's.
#include <core/print.h>
#include <core/task.h>
#include <core/time.h>
#include <core/wait.h>
#include <services/pagecache/writeback.h>
#include <services/vfs/superblock.h>

#define NS_PER_CENTISECOND (NS_PER_SECOND / 100)
#define PERIOD_NORMAL_NS (5 * NS_PER_SECOND)

struct atomic_u64 superblock_flushed_device;
static struct wait_queue flushed_wait = WAIT_QUEUE_INIT;
static struct wait_queue flush_wait = WAIT_QUEUE_INIT;
static struct atomic_u32 changes;	// has any been noted since the thread looked?

void superblock_note_change(struct superblock *sb)
{
	if (!sb->block_device || atomic_u64_load_relaxed(&sb->changed_since_ns))
		return;
	atomic_u64_store(&sb->changed_since_ns, max(clock_monotonic_ns(), (u64)1));
	if (!atomic_u32_exchange(&changes, 1))
		wait_queue_wake_all(&flush_wait, ~0u);
}

void superblock_flush_wait(const struct superblock *sb borrowed)
{
	if (!sb->block_device)
		return;
	const err_t e = wait_event(&flushed_wait, WAIT_UNINTERRUPTIBLE, DEADLINE_NEVER,
		atomic_u64_load(&superblock_flushed_device) != sb->device);
	(void)e; // nothing ends it but the condition
}

static bool flush_one(u64 then_ns)
{
	struct superblock *sb object_auto(superblock) = superblock_take_changed(then_ns);
	if (!sb)
		return false;
	const err_t e = superblock_sync_records(sb);
	if (e) {
		// Nobody has asked: the next who does is told.
		atomic_u32_store(&sb->flush_error, (u32)-e);
		log_error("write-back: not every change could be written\n");
	}
	return true;
}

static bool flush_next(u64 then_ns)
{
	const bool was_there = flush_one(then_ns);
	atomic_u64_store(&superblock_flushed_device, 0);
	wait_queue_wake_all(&flushed_wait, ~0u);
	return was_there;
}

static u64 nanoseconds(const struct atomic_u32 *centiseconds borrowed)
{
	return atomic_u32_load(centiseconds) * NS_PER_CENTISECOND;
}

static void flush_thread(struct task *self)
{
	for (;;) {
		const u64 period_ns = nanoseconds(&writeback_settings.period_centiseconds);
		const bool is_idle = !superblock_is_any_changed();

		// A period of 0, which only syncs write by, may be another when this looks again.
		(void)wait_event(&flush_wait, WAIT_INTERRUPTIBLE, is_idle ? DEADLINE_NEVER :
				 clock_monotonic_ns() + (period_ns ? period_ns : PERIOD_NORMAL_NS),
				 is_idle && atomic_u32_exchange(&changes, 0));
		const u64 now_ns = clock_monotonic_ns();
		const u64 age_ns = nanoseconds(&writeback_settings.expire_centiseconds);
		while (period_ns && now_ns > age_ns && flush_next(now_ns - age_ns))
			;
	}
}

void superblock_flush_init(void)
{
	if (kernel_thread_start(STR("flush"), flush_thread))
		log_error("no flush thread: records are written by sync only\n");
}
