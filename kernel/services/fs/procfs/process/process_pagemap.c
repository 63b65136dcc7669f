// SPDX-License-Identifier: MPL-2.0
// /proc/PID/pagemap: 8 bytes a page of the address space. Frame numbers are shown to who opened it with CAP_SYS_ADMIN
// over the machine. Bit 55 (soft-dirty) is not kept: 0. source: proc(5)
#include <services/cred/user_namespace.h>
#include <services/fs/procfs/process/process_folder.h>
#include <services/process/process_signal.h>
#include <services/vm/vm_space.h>

#define ENTRY_BYTES 8u
#define ENTRY_PRESENT (1ul << 63)
#define ENTRY_OF_FILE (1ul << 61)
#define ENTRY_EXCLUSIVE (1ul << 56)
#define ENTRY_FRAME ((1ul << 55) - 1)

static u64 entry_of(u32 flags, u64 frame)
{
	return (flags & VM_PAGE_PRESENT ? ENTRY_PRESENT : 0) | (flags & VM_PAGE_OF_FILE ? ENTRY_OF_FILE : 0) |
		(flags & VM_PAGE_EXCLUSIVE ? ENTRY_EXCLUSIVE : 0) | (frame & ENTRY_FRAME);
}

static no_inline void entries_put(struct vm_space *s, u64 page, u32 count, bool shows_frames, struct iobuf *to borrowed)
{
	struct vm_page_states states;

	vm_space_page_states(s, page * PAGE_SIZE, count, &states);
	for (u32 i = 0; i < count; i++) {
		u8 raw[ENTRY_BYTES];
		span_put_u64le(array_span(raw), 0, entry_of(states.flags[i], shows_frames ? states.frame[i] : 0));
		(void)iobuf_put(to, array_bytes(raw)); // a fault is seen by the caller
	}
}

static ssize_r pagemap_read(struct file *f, struct iobuf *to borrowed, u64 *position borrowed)
{
	struct vm_space *space object_auto(vm_space) = proc_space_of_file(f);
	const u64 end = USER_TOP / PAGE_SIZE, wanted = iobuf_remaining(to) / ENTRY_BYTES;
	const bool shows_frames = cred_has_capability(f->cred, user_namespace_initial(), CAP_SYS_ADMIN);
	u64 page = *position / ENTRY_BYTES, done = 0;

	if (!space)
		return 0;
	if (*position % ENTRY_BYTES || iobuf_remaining(to) % ENTRY_BYTES)
		return -EINVAL;
	for (; done < wanted && page < end && !iobuf_fault(to) && !signal_is_pending();) {
		const u32 count = (u32)min(min(wanted - done, end - page), (u64)VM_PAGE_STATES);
		entries_put(space, page, count, shows_frames, to);
		page += count;
		done += count;
	}
	if (iobuf_fault(to))
		return -EFAULT;
	*position += done * ENTRY_BYTES;
	return done || !wanted || page >= end ? (ssize_r)(done * ENTRY_BYTES) : (ssize_r)-ERESTARTSYS;
}

static ssize_r pagemap_seek(struct file *f, s64 offset, u32 whence)
{
	return file_seek_generic(f, offset, whence, 0);
}

static const struct file_ops pagemap_ops = { .read = pagemap_read, .seek = pagemap_seek };
const struct pseudo_kind proc_pagemap_kind = { .ops = &pagemap_ops, .open = proc_space_open };
