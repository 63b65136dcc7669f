// SPDX-License-Identifier: MPL-2.0
// One send or receive, and what travels beside its data: open files and credentials.
#pragma once
#include <core/iobuf.h>
#include <services/cred/user_account.h>
#include <services/process/pid.h>
#include <services/vfs/file.h>

#define MESSAGE_OOB 1u
#define MESSAGE_PEEK 2u
#define MESSAGE_DONT_ROUTE 4u
#define MESSAGE_CONTROL_TRUNCATED 8u
#define MESSAGE_TRUNCATED 0x20u
#define MESSAGE_DONT_WAIT 0x40u
#define MESSAGE_END_OF_RECORD 0x80u
#define MESSAGE_WAIT_ALL 0x100u
#define MESSAGE_CONFIRM 0x800u
#define MESSAGE_ERROR_QUEUE 0x2000u
#define MESSAGE_NO_SIGNAL 0x4000u
#define MESSAGE_MORE 0x8000u
#define MESSAGE_WAIT_FOR_ONE 0x10000u
#define MESSAGE_CLOSE_ON_EXEC 0x40000000u

#define CONTROL_FILES_MAX 253u		// SCM_MAX_FD
#define SOCKET_CONTROL_EXTRA_MAX 256u
#define SOCKET_CONTROL_HEADER 12u
DEFINE_POINTER_TABLE(control_files, file)
// Immutable once it is sent; shared by those who peek.
struct socket_control {
	struct object object;
	struct control_files *files;	// owned, with references, or NULL
	u32 file_count;
	u32 has_credentials;
	struct pid *pid;		// reference or NULL
	u32 uid, gid;			// kernel ids
	u32 is_in_flight;		// its files are counted; the flight lock of services/net/unix, as are:
	struct user_account *account;	// reference: who is charged for its files, or NULL
	struct list_link link;		// of those that wait to be dropped
	// Of other levels than SOL_SOCKET: u32 level, type, length, then data filled up to a multiple of 4.
	u32 extra_length;
	u8 extra[SOCKET_CONTROL_EXTRA_MAX];
};
DECLARE_OBJECT(socket_control)
struct socket_control *socket_control_create(void) owned;
// -ENOMEM; -EINVAL above CONTROL_FILES_MAX.
err_t socket_control_reserve(struct socket_control *c, u32 count);
// One more of another level; false when there is no room. Before it is sent.
bool socket_control_add(struct socket_control *c, u32 level, u32 type, bytes_t data);
// A reference on file n.
struct file *socket_control_file(struct socket_control *c, u32 n) owned;

struct stack_only socket_message {
	struct iobuf *data lent_field;
	bytes_t address;		// send: the destination; empty: none
	span_t address_out;		// receive: room for the source's address
	usize address_length;		// receive: its length, may exceed the room
	u32 flags;			// MESSAGE_*
	u32 flags_out;			// receive
	struct socket_control *control;	// reference or NULL; send: taken over when it succeeds
	u64 timestamp_ns;		// receive: when it came, since 1970; 0: not told
};
