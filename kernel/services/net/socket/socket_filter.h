// SPDX-License-Identifier: MPL-2.0
// SO_ATTACH_FILTER: a classic BPF program that a socket's user gives it says of each message how much of it comes in.
// source: socket(7), bpf(4) of BSD, <linux/filter.h>
#pragma once
#include <core/buf.h>
#include <core/object.h>

#define SOCKET_FILTER_INSTRUCTION_BYTES 8u
#define SOCKET_FILTER_INSTRUCTIONS_MAX 4096u

struct socket_filter {
	struct object object;
	struct buf *program;	// owned; well-formed; immutable
};
DECLARE_OBJECT(socket_filter)
// -EINVAL: not well-formed, or it loads what only Linux's extensions have (negative offsets); -ENOMEM
err_t socket_filter_create(bytes_t program, struct socket_filter **out borrowed);
// How many bytes of the message are wanted; 0: it is to be dropped. f may be NULL: all of it. => any context
u32 socket_filter_run(const struct socket_filter *f borrowed, bytes_t message);
