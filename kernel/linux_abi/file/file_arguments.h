// SPDX-License-Identifier: MPL-2.0
// Arguments that the calls about files share: descriptors, path names, data of read and write.
#pragma once
#include <core/buf.h>
#include <core/iobuf.h>
#include <services/process/process.h>
#include <services/process/thread.h>
#include <services/vfs/file_table.h>
#include <services/vfs/fs_context.h>
#include <services/vfs/path.h>

#define AT_CURRENT_FOLDER (-100)	// AT_FDCWD
#define AT_SYMLINK_NOFOLLOW 0x100u
#define AT_EACCESS 0x200u
#define AT_REMOVEDIR 0x200u
#define AT_SYMLINK_FOLLOW 0x400u
#define AT_NO_AUTOMOUNT 0x800u
#define AT_EMPTY_PATH 0x1000u
#define AT_STATX_SYNC_TYPE 0x6000u

// A path name and where it starts. Lives on the stack of the call.
#define PLACE_INLINE 160u
#define PATH_MAX 4096u
struct stack_only place_argument {
	struct lookup_context context;
	struct file_borrow dir;
	struct buf *longer;		// the name when it does not fit in `text`
	usize length;
	u8 text[PLACE_INLINE];
};
void place_end(struct place_argument *p borrowed);
#define place_auto auto_release(place_end)
// Copies the name in and sets the context up: credentials, root, dirfd. -EBADF, -EFAULT, -ENAMETOOLONG.
err_t place_read(struct place_argument *p borrowed, s32 dirfd, user_addr_t name, u32 lookup_flags);
#define place_name(p)                                                                          \
	((p)->longer ? bytes_first(buf_bytes((p)->longer), (p)->length)                        \
		     : bytes_first(array_bytes((p)->text), (p)->length))
// read + path_lookup.
err_t place_lookup(s32 dirfd, user_addr_t name, u32 lookup_flags, struct path *out borrowed);
// *at(2) calls with AT_EMPTY_PATH and AT_SYMLINK_NOFOLLOW in `flags`.
u32 lookup_flags_of_at(u32 flags);
// The place of a descriptor (O_PATH ones too); borrowed from it: no references. -EBADF
err_t descriptor_path(const struct file_borrow *b borrowed, struct path *out borrowed);

// A string of at most span_len(to) bytes; its length.
#define file_of(fd) file_table_borrow(thread_files(), (u32)(fd))

// -EFAULT for a buffer that cannot lie in user memory, however much of it would be used.
err_t data_check(user_addr_t at, u64 length);
// readv's array: *total is the sum, at most 0x7ffff000. -EINVAL (count, lengths), -EFAULT.
#define IO_LENGTH_MAX 0x7ffff000ul
err_t vector_read(user_addr_t vector, u64 count, struct buf **out borrowed, usize *total borrowed);
// RLIMIT_FSIZE: cuts `from` at the limit; at it: SIGXFSZ and -EFBIG.
err_t write_limit(struct file *f, struct iobuf *from borrowed, u64 position);
// RLIMIT_FSIZE for a file that is to grow to `length` without a write: above it SIGXFSZ and -EFBIG.
err_t length_limit(const struct inode *i borrowed, u64 length);
// A finished write: -EPIPE becomes SIGPIPE too.
s64 write_result(ssize_r n);
// Owners and signals of files (sys_file_owner.c): the commands of fcntl(2), -EINVAL for others; FIOASYNC; what sockets
// alone have.
s64 file_owner_command(struct file *f, u32 command, u64 argument);
s64 file_async_switch(struct file *f, s32 fd, u32 on);
s64 file_async_ioctl(struct file *f, s32 fd, u64 argument);
bool file_owner_ioctl_is(struct file *f, u32 request);
s64 file_owner_ioctl(struct file *f, u32 request, u64 argument);
