// SPDX-License-Identifier: MPL-2.0
// The calls about one's own memory. source: mmap(2), mprotect(2), mremap(2), madvise(2), msync(2), mlock(2),
// mincore(2), brk(2)
#include <generated/syscall_prototypes.h>
#include <services/process/process.h>
#include <services/process/thread.h>
#include <services/vfs/file_table.h>
#include <services/vm/vm_space.h>

enum {
	PROT_READ = 1,
	PROT_WRITE = 2,
	PROT_EXEC = 4,
	PROT_SEM = 8,
	PROT_GROWSDOWN = 0x01000000,
	PROT_GROWSUP = 0x02000000,
	MAP_SHARED = 1,
	MAP_PRIVATE = 2,
	MAP_SHARED_VALIDATE = 3,
	MAP_TYPE = 0xf,
	MAP_FIXED = 0x10,
	MAP_ANONYMOUS = 0x20,
	MAP_32BIT = 0x40,
	MAP_GROWSDOWN = 0x100,
	MAP_DENYWRITE = 0x800,
	MAP_EXECUTABLE = 0x1000,
	MAP_LOCKED = 0x2000,
	MAP_NORESERVE = 0x4000,
	MAP_POPULATE = 0x8000,
	MAP_NONBLOCK = 0x10000,
	MAP_STACK = 0x20000,
	MAP_HUGETLB = 0x40000,
	MAP_FIXED_NOREPLACE = 0x100000,
	MCL_CURRENT = 1,
	MCL_FUTURE = 2,
	MCL_ONFAULT = 4,
	MLOCK_ONFAULT = 1,
};
#define MAP_KNOWN \
	(MAP_TYPE | MAP_FIXED | MAP_ANONYMOUS | MAP_32BIT | MAP_GROWSDOWN | MAP_DENYWRITE | MAP_EXECUTABLE | \
		MAP_LOCKED | MAP_NORESERVE | MAP_POPULATE | MAP_NONBLOCK | MAP_STACK | MAP_HUGETLB | \
		MAP_FIXED_NOREPLACE)
#define MINCORE_CHUNK 512u

static u32 protection_decode(u64 prot)
{
	return (prot & PROT_READ ? PAGE_READ : 0) | (prot & PROT_WRITE ? PAGE_WRITE : 0) |
		(prot & PROT_EXEC ? PAGE_EXECUTE : 0);
}

static u32 map_flags_decode(u64 flags)
{
	return ((flags & MAP_TYPE) != MAP_PRIVATE ? VM_MAP_SHARED : 0) | (flags & MAP_FIXED ? VM_MAP_FIXED : 0) |
		(flags & MAP_FIXED_NOREPLACE ? VM_MAP_FIXED_NOREPLACE : 0) |
		(flags & MAP_GROWSDOWN ? VM_MAP_GROWSDOWN : 0) |
		((flags & (MAP_POPULATE | MAP_NONBLOCK)) == MAP_POPULATE ? VM_MAP_POPULATE : 0) |
		(flags & MAP_LOCKED ? VM_MAP_LOCKED : 0) | (flags & MAP_NORESERVE ? VM_MAP_NORESERVE : 0) |
		(flags & MAP_STACK ? VM_MAP_STACK : 0) | (flags & MAP_32BIT ? VM_MAP_LOW_2G : 0);
}

static err_t map_flags_check(u64 flags)
{
	u64 type = flags & MAP_TYPE;

	if (type != MAP_SHARED && type != MAP_PRIVATE && type != MAP_SHARED_VALIDATE)
		return -EINVAL;
	if (type == MAP_SHARED_VALIDATE && flags & ~(u64)MAP_KNOWN)
		return -EOPNOTSUPP;
	if (flags & MAP_GROWSDOWN && type != MAP_PRIVATE)
		return -EINVAL;
	// The pool of huge pages is empty.
	return flags & MAP_HUGETLB ? -ENOMEM : OK;
}

static s64 map_request(struct vm_map_request *r borrowed, struct file *f)
{
	u64 address = 0;

	r->file = f;
	err_t e = vm_space_map(thread_space(), r, &address);

	return e ? (s64)e : (s64)address;
}

s64 sys_mmap(u64 addr, u64 length, u64 prot, u64 flags, s32 fd, u64 offset)
{
	struct vm_map_request r = { .address = addr, .length = length, .offset = offset,
		.protection = protection_decode(prot), .flags = map_flags_decode(flags) };
	err_t e = map_flags_check(flags);

	if (page_offset(offset))
		return -EINVAL;
	if (e)
		return e;
	if (flags & MAP_ANONYMOUS) {
		r.offset = 0;
		return map_request(&r, NULL);
	}
	struct file *f object_auto(file) = file_table_find(thread_files(), (u32)fd);

	if (!f || f->mode & FILE_MODE_PATH)
		return -EBADF;
	return map_request(&r, f);
}

s64 sys_munmap(u64 addr, u64 length)
{
	return vm_space_unmap(thread_space(), addr, length);
}

// PROT_GROWSDOWN: from the beginning of the stack area that holds addr.
static err_t protect_grows_down(u64 *addr borrowed, u64 *length borrowed)
{
	struct vm_area_info info;
	struct file *f object_auto(file) = NULL;

	if (!vm_space_area_at(thread_space(), *addr, &info, &f) || info.start > *addr)
		return -ENOMEM;
	if (!(info.flags & VM_MAP_GROWSDOWN))
		return -EINVAL;
	*length += *addr - info.start;
	*addr = info.start;
	return OK;
}

s64 sys_mprotect(u64 addr, u64 length, u64 prot)
{
	if (prot & ~(u64)(PROT_READ | PROT_WRITE | PROT_EXEC | PROT_SEM | PROT_GROWSDOWN) || page_offset(addr))
		return -EINVAL;
	if (prot & PROT_GROWSDOWN) {
		err_t e = protect_grows_down(&addr, &length);

		if (e)
			return e;
	}
	return vm_space_protect(thread_space(), addr, length, protection_decode(prot));
}

s64 sys_brk(u64 addr)
{
	return (s64)vm_space_set_break(thread_space(), addr);
}

s64 sys_mremap(u64 old_addr, u64 old_size, u64 new_size, u64 flags, u64 new_addr)
{
	u64 result = 0;

	if (flags >> 32)
		return -EINVAL;
	err_t e = vm_space_remap(thread_space(), old_addr, old_size, new_size, (u32)flags, new_addr, &result);

	return e ? (s64)e : (s64)result;
}

s64 sys_msync(u64 addr, u64 length, s32 flags)
{
	if (flags & ~(VM_SYNC_ASYNC | VM_SYNC_INVALIDATE | VM_SYNC_SYNC) ||
		(flags & VM_SYNC_ASYNC && flags & VM_SYNC_SYNC))
		return -EINVAL;
	return vm_space_sync(thread_space(), addr, length, (u32)flags);
}

s64 sys_mincore(u64 addr, u64 length, user_addr_t vec)
{
	u8 chunk[MINCORE_CHUNK] = {};

	if (page_offset(addr))
		return -EINVAL;
	if (length > USER_TOP || addr > USER_TOP - length)
		return -ENOMEM;
	u64 pages = page_round_up(length) >> PAGE_SHIFT;

	for (u64 done = 0; done < pages;) {
		u64 n = min(pages - done, (u64)MINCORE_CHUNK);
		span_t out = span_first(array_span(chunk), n);
		err_t e = vm_space_resident(thread_space(), addr + (done << PAGE_SHIFT), n << PAGE_SHIFT, out);

		if (!e)
			e = user_copy_out(user_offset(vec, done), bytes_of(out));
		if (e)
			return e;
		done += n;
	}
	return 0;
}

// Another part of the file under the same addresses, as a mapping of its own. Shared memory without a file is refused:
// its size is known to nobody. source: remap_file_pages(2)
s64 sys_remap_file_pages(u64 addr, u64 size, u64 prot, u64 pgoff, u64 flags)
{
	struct vm_area_info info;
	struct file *f object_auto(file) = NULL;
	u64 start = page_round_down(addr), length = page_round_down(size);

	if (prot || !length || length > USER_TOP || start > USER_TOP - length || pgoff > U64_MAX >> PAGE_SHIFT ||
		pgoff << PAGE_SHIFT > U64_MAX - length)
		return -EINVAL;
	if (!vm_space_area_at(thread_space(), start, &info, &f) || info.start > start || info.end < start + length ||
		!(info.flags & VM_MAP_SHARED) || !f)
		return -EINVAL;
	struct vm_map_request r = { .address = start, .length = length, .offset = pgoff << PAGE_SHIFT,
		.protection = info.protection & (PAGE_READ | PAGE_WRITE | PAGE_EXECUTE),
		.flags = VM_MAP_SHARED | VM_MAP_FIXED | (flags & MAP_NONBLOCK ? 0 : VM_MAP_POPULATE) |
			(info.flags & VM_MAP_LOCKED) };
	const s64 result = map_request(&r, f);

	return result < 0 ? result : 0;
}

s64 sys_madvise(u64 addr, u64 length, s32 advice)
{
	return vm_space_advise(thread_space(), addr, length, (u32)advice);
}

// --- protection keys: the processor's are off, so there is none to give out (source: pkeys(7)) -------------

#define PKEY_ACCESS_MASK 3ul

s64 sys_pkey_alloc(u64 flags, u64 access_rights)
{
	return flags || (access_rights & ~PKEY_ACCESS_MASK) ? -EINVAL : -ENOSPC;
}

s64 sys_pkey_free(s32 pkey)
{
	return -EINVAL;
}

s64 sys_pkey_mprotect(u64 addr, u64 length, u64 prot, s32 pkey)
{
	return pkey == -1 ? sys_mprotect(addr, length, prot) : -EINVAL;
}

// --- locking in memory ---------------------------------------------------------------------

static u32 lock_privilege(void)
{
	return thread_capable_over_machine(CAP_IPC_LOCK) ? VM_LOCK_NO_LIMIT : 0;
}

s64 sys_mlock(u64 addr, u64 length)
{
	return vm_space_lock_range(thread_space(), addr, length, VM_LOCK_SET | lock_privilege());
}

s64 sys_mlock2(u64 addr, u64 length, s32 flags)
{
	if (flags & ~MLOCK_ONFAULT)
		return -EINVAL;
	return vm_space_lock_range(thread_space(), addr, length,
				   VM_LOCK_SET | lock_privilege() | (flags & MLOCK_ONFAULT ? VM_LOCK_ON_FAULT : 0));
}

s64 sys_munlock(u64 addr, u64 length)
{
	return vm_space_lock_range(thread_space(), addr, length, 0);
}

s64 sys_mlockall(s32 flags)
{
	if (!(flags & (MCL_CURRENT | MCL_FUTURE)) || flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT))
		return -EINVAL;
	if (!lock_privilege() && !process_rlimit(process_current(), RLIMIT_MEMLOCK))
		return -EPERM;
	return vm_space_lock_all(thread_space(), (u32)flags & (MCL_CURRENT | MCL_FUTURE),
				 lock_privilege() | (flags & MCL_ONFAULT ? VM_LOCK_ON_FAULT : 0));
}

s64 sys_munlockall(void)
{
	return vm_space_lock_all(thread_space(), 0, 0);
}
