// SPDX-License-Identifier: MPL-2.0
// AF_UNIX sockets. source: unix(7)
#pragma once
#include <core/error.h>

// Registers the family; before net_namespace_init().
void unix_init(void);

// What /proc/net/unix says of an endpoint.
#define UNIX_NAME_MAX 108u
struct unix_description {
	u32 type, references, is_listening, is_connected;	// the list counts as a reference, as Linux has it
	u32 receive_queue, send_queue;	// bytes; of a listener: how many wait to be accepted, how many may
	u32 shutdown, uid;		// enum socket_shutdown; of who made it
	u64 inode;			// 0: not accepted yet, or closed
	u64 place_inode, place_device;	// of a path that it is bound to; 0: none
	u64 peer_inode;
	u32 has_peer;
	u32 name_length;		// 0: none
	u8 name[UNIX_NAME_MAX];		// a path with its end mark, or a zero byte and an abstract name
};
// The next endpoint of a namespace; *age is 0 at the beginning. False: no more.
struct net_namespace;
bool unix_describe_next(struct net_namespace *net, u64 *age borrowed, struct unix_description *out borrowed);
