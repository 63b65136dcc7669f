// SPDX-License-Identifier: MPL-2.0
// Arguments that the calls about sockets share: descriptors and addresses.
#pragma once
#include <linux_abi/file/file_arguments.h>
#include <services/net/socket/socket.h>

#define SOCK_TYPE_MASK 0xfu

// A descriptor's socket: -EBADF, -ENOTSOCK. `b` keeps it alive.
err_t socket_of(s32 fd, struct file_borrow *b borrowed, struct socket **out borrowed);
// An address of `length` bytes into room (SOCKET_ADDRESS_MAX bytes). -EINVAL, -EFAULT
err_t address_read(span_t room, user_addr_t from, s64 length);
// Writes what fits of an address and its whole length where the room's length stood. NULL to: nothing.
err_t address_write(user_addr_t to, user_addr_t length_at, bytes_t address);
// A new descriptor for f: flags are SOCK_CLOEXEC.
s64 descriptor_add(struct file *f consumes, u32 flags);

// --- control messages (cmsg(3)) ---
// A copy of the user's control buffer becomes what travels: NULL in *out when there is nothing.
err_t control_read(user_addr_t from, u64 length, struct socket_control **out borrowed);
struct stack_only control_room {
	user_addr_t at;
	u64 room, used;
	u32 flags;	// of the call: MESSAGE_CLOSE_ON_EXEC
	u32 flags_out;	// MESSAGE_CONTROL_TRUNCATED
};
// Time, credentials and files of a message into the user's buffer; files become descriptors of the caller.
err_t control_write(struct control_room *r borrowed, struct socket *s, struct socket_message *m borrowed);
