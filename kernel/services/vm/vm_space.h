// SPDX-License-Identifier: MPL-2.0
// A user address space: areas (struct vm_area, vm_area.h) over a page_table. Shared by the threads of a
// process and by CLONE_VM children. Demand paging, copy on write, file and anonymous mappings.
// Locks: `lock` (rank VM_SPACE) is held for reading by page faults, for writing by changes of areas.
#pragma once
#include <core/lock.h>
#include <core/page_table.h>
#include <core/time.h>
#include <core/user.h>
#include <services/cred/user_namespace.h>
#include <services/vfs/file.h>

struct vm_space;
DECLARE_OBJECT(vm_space)

enum vm_map_flag {
	VM_MAP_SHARED = 1,
	VM_MAP_FIXED = 2,
	VM_MAP_FIXED_NOREPLACE = 4,
	VM_MAP_GROWSDOWN = 8,
	VM_MAP_POPULATE = 16,
	VM_MAP_LOCKED = 32,
	VM_MAP_NORESERVE = 64,
	VM_MAP_STACK = 128,
	VM_MAP_LOW_2G = 256 /* MAP_32BIT */
};
struct vm_map_request {
	u64 address;		// hint or fixed
	u64 length;
	u64 offset;		// in the file, bytes, page aligned
	u32 protection;		// PAGE_READ | PAGE_WRITE | PAGE_EXECUTE
	u32 flags;		// enum vm_map_flag
	// borrowed; NULL: anonymous. A file whose map operation names no mapping is, too (/dev/zero)
	struct file *file;
};
// Limits that come from the process (RLIMIT_AS, DATA, STACK, MEMLOCK); U64_MAX: none.
struct vm_limits {
	u64 address_space_bytes, data_bytes, stack_bytes, locked_bytes;
};
// Of a program that begins in `ns`; NULL without memory.
struct vm_space *vm_space_create(struct user_namespace *ns) owned;
// The user namespace in which its program began: whose privilege looks into it when it is not dumpable. Borrowed.
struct user_namespace *vm_space_user_namespace(const struct vm_space *s borrowed);
// A number that no other space has had or will have: who may look into one may not into the next of its process.
u64 vm_space_serial(const struct vm_space *s borrowed);
// fork: copy on write. NULL in *out on error. => may sleep
err_t vm_space_fork(struct vm_space *from, struct vm_space **out borrowed);
// The current task uses it from now on (execve, thread start).
void vm_space_activate(struct vm_space *s);
struct vm_space *vm_space_current(void);	// borrowed; NULL for kernel threads
// Registered by services/process: the current thread's space, borrowed; NULL for kernel threads.
void vm_set_current_hook(struct vm_space *(*current)(void));
void vm_space_set_limits(struct vm_space *s, const struct vm_limits *limits borrowed);

// mmap(2) and relatives; addresses and lengths as the user gave them, checked here.
err_t vm_space_map(struct vm_space *s, const struct vm_map_request *r borrowed, u64 *address borrowed);
err_t vm_space_unmap(struct vm_space *s, u64 address, u64 length);
err_t vm_space_protect(struct vm_space *s, u64 address, u64 length, u32 protection);
err_t vm_space_remap(struct vm_space *s, u64 old_address, u64 old_length, u64 new_length, u32 flags, u64 new_address,
	u64 *result borrowed);
err_t vm_space_advise(struct vm_space *s, u64 address, u64 length, u32 advice);
err_t vm_space_sync(struct vm_space *s, u64 address, u64 length, u32 flags);
// brk(2): returns the break after the call.
u64 vm_space_set_break(struct vm_space *s, u64 address);
enum vm_lock_flag { VM_LOCK_SET = 1, VM_LOCK_NO_LIMIT = 2 /* CAP_IPC_LOCK */, VM_LOCK_ON_FAULT = 4 };
err_t vm_space_lock_range(struct vm_space *s, u64 address, u64 length, u32 flags);
err_t vm_space_resident(struct vm_space *s, u64 address, u64 length, span_t out);	// mincore
// What is mapped at `count` pages from a page's address below USER_TOP on; at most VM_PAGE_STATES.
#define VM_PAGE_STATES 32u
enum vm_page_flag { VM_PAGE_PRESENT = 1, VM_PAGE_OF_FILE = 2 /* or shared */, VM_PAGE_EXCLUSIVE = 4 /* mapped once */ };
struct vm_page_states {
	u32 flags[VM_PAGE_STATES];	// 0: nothing
	u64 frame[VM_PAGE_STATES];
};
void vm_space_page_states(struct vm_space *s, u64 address, u32 count, struct vm_page_states *out borrowed);
// Fixed pages of the kernel (vDSO) as a special area named "[vdso]".
// address 0: a place of the space's choice. => may sleep
err_t vm_space_map_special(struct vm_space *s, u64 address, const struct page_batch *pages borrowed, u32 protection,
	bytes_t name, u64 *result borrowed);

// A page fault of user mode or of a user copy. access: USER_FAULT_*. OK: try again.
// -EFAULT: no such mapping (SEGV_MAPERR), -EACCES: not allowed (SEGV_ACCERR), -ENXIO: beyond the
// file (SIGBUS BUS_ADRERR), -EIO (SIGBUS), -ENOMEM: the task is being killed.
err_t vm_space_fault(struct vm_space *s, u64 address, u32 access);
// Reads or writes another process's memory (process_vm_readv, /proc/PID/mem, ptrace).
// access: USER_FAULT_WRITE, VM_ACCESS_FORCE (a tracer may pass read-only protection of private areas).
#define VM_ACCESS_FORCE 0x100u
// Moves min(length, what the buffer has left) bytes. The count, or -EFAULT when there is nothing.
ssize_r vm_space_access(struct vm_space *s, u64 address, u64 length, struct iobuf *buffer borrowed, u32 access);

// membarrier(2): every CPU that uses s (NULL: every CPU) has passed a barrier and serialised when this returns. Which
// commands the program has asked for (bits of linux_abi's choice) is kept with the space, inherited by fork.
void vm_space_barrier(struct vm_space *s);
void vm_space_barrier_register(struct vm_space *s, u32 commands);
u32 vm_space_barrier_registered(struct vm_space *s);

// Layout set by execve, read by /proc/PID/stat and prctl(PR_SET_MM).
struct vm_layout {
	u64 start_code, end_code, start_data, end_data, start_brk, brk, start_stack;
	u64 arg_start, arg_end, env_start, env_end, vdso;
	u64 mmap_base;
};
struct vm_layout vm_space_layout(struct vm_space *s borrowed);
void vm_space_set_layout(struct vm_space *s, const struct vm_layout *layout borrowed);
// The program file (/proc/PID/exe): a reference, or NULL.
struct file *vm_space_executable(struct vm_space *s) owned;
void vm_space_set_executable(struct vm_space *s, struct file *f consumes);
struct vm_statistics {	// in pages
	u64 total, resident, resident_anonymous, resident_file, resident_shared, data, stack, text, locked,
		page_tables, peak_total, peak_resident, swap;
	u64 minor_faults, major_faults;
};
struct vm_statistics vm_space_statistics(struct vm_space *s borrowed);
// /proc/PID/maps: the area at or after `address`; false at the end. The file, if any, with a reference.
struct vm_area_info {
	u64 start, end, offset;
	u32 protection, max_protection;	// PAGE_READ | PAGE_WRITE | PAGE_EXECUTE
	u32 flags;		// enum vm_map_flag and enum vm_area_flag
	u32 kind;		// enum vm_area_kind
	u32 name_length;
	u8 name[32];		// "[heap]", "[stack]", "[vdso]" or empty
};
enum vm_area_flag { VM_AREA_DONT_FORK = 1 << 16, VM_AREA_WIPE_ON_FORK = 1 << 17, VM_AREA_DONT_DUMP = 1 << 18 };
enum vm_area_kind { VM_AREA_ANONYMOUS, VM_AREA_FILE, VM_AREA_SHARED_MEMORY, VM_AREA_SPECIAL };
bool vm_space_area_at(struct vm_space *s, u64 address, struct vm_area_info *out borrowed, struct file **file borrowed);
// The pages that are mapped in a range (/proc/PID/smaps), in pages; `shared` by two mappings at least. Shares: each
// page divided by how often it is mapped, in units of 1 / VM_SHARE_UNIT bytes.
#define VM_SHARE_UNIT 4096u
enum vm_share { VM_SHARE_ANONYMOUS, VM_SHARE_FILE, VM_SHARE_SHARED_MEMORY, VM_SHARES };
struct vm_usage {
	u64 resident, shared_clean, shared_dirty, private_clean, private_dirty, referenced, anonymous;
	u64 share[VM_SHARES], share_dirty, share_locked;
};
// Adds what the areas of [start, end) have to `usage`. => may sleep
void vm_space_add_usage(struct vm_space *s, u64 start, u64 end, struct vm_usage *usage borrowed);
// What a word of a shared mapping is to every space that maps it (futex): the mapping and the offset in it.
// NULL: private memory, or nothing there.
struct page_mapping *vm_space_shared_word(struct vm_space *s, u64 address, u64 *offset borrowed) owned;
// Advice of vm_space_advise: the numbers of madvise(2). Flags of vm_space_remap and vm_space_sync likewise.
enum vm_advice {
	VM_ADVICE_NORMAL = 0,
	VM_ADVICE_RANDOM = 1,
	VM_ADVICE_SEQUENTIAL = 2,
	VM_ADVICE_WILLNEED = 3,
	VM_ADVICE_DONTNEED = 4,
	VM_ADVICE_FREE = 8,
	VM_ADVICE_REMOVE = 9,
	VM_ADVICE_DONTFORK = 10,
	VM_ADVICE_DOFORK = 11,
	VM_ADVICE_DONTDUMP = 16,
	VM_ADVICE_DODUMP = 17,
	VM_ADVICE_WIPEONFORK = 18,
	VM_ADVICE_KEEPONFORK = 19,
	VM_ADVICE_COLD = 20,
	VM_ADVICE_PAGEOUT = 21,
	VM_ADVICE_POPULATE_READ = 22,
	VM_ADVICE_POPULATE_WRITE = 23
};
enum vm_remap_flag { VM_REMAP_MAY_MOVE = 1, VM_REMAP_FIXED = 2, VM_REMAP_DONT_UNMAP = 4 };
enum vm_sync_flag { VM_SYNC_ASYNC = 1, VM_SYNC_INVALIDATE = 2, VM_SYNC_SYNC = 4 };
// mlockall(2): what is mapped now (1), what will be (2); 0 unlocks all and ends the latter. lock_flags: vm_lock_flag.
err_t vm_space_lock_all(struct vm_space *s, u32 flags, u32 lock_flags);

// Random places for a new program (28 bits of entropy for mappings, 30 for the stack, 25 for the break), page
// aligned; the fixed ones when `norandmaps` was given at boot or the personality says so (is_random 0).
u64 vm_random_stack_top(u32 is_random);
u64 vm_random_mmap_base(u32 is_random, u64 stack_limit_bytes, u64 stack_top);
u64 vm_random_break(u32 is_random, u64 end_of_program);

// Out of memory: registered by services/process. Kills the process with the highest score (badness as
// proc(5) oom_score: resident pages and page tables, plus oom_score_adj thousandths of all memory) of the cgroup
// `within` and below, or of all (NULL). True when one was killed or is dying. Must not allocate.
struct cgroup;
void vm_set_out_of_memory_hook(bool (*kill)(struct cgroup *within));
u64 vm_space_badness(struct vm_space *s borrowed, s32 score_adjust);
// /proc/sys/vm/drop_caches: clean file pages, unused names. => may sleep
enum vm_drop { VM_DROP_PAGES = 1, VM_DROP_NAMES = 2 };
void vm_drop_caches(u32 what);
void vm_init(void);
