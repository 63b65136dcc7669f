// SPDX-License-Identifier: MPL-2.0
// Inside the diagnosis folder. Requests begin with the family of the sockets asked for.
#pragma once
#include <services/net/diagnosis/diagnosis.h>
#include <services/net/netlink/netlink.h>
#include <services/net/tcp/tcp.h>

#define DIAGNOSIS_BY_FAMILY 20u			// SOCK_DIAG_BY_FAMILY
enum diagnosis_state { SHOWN_ESTABLISHED = 1, SHOWN_CLOSED = 7, SHOWN_LISTENING = 10 };

// One kind of socket each: OK, an error, or NETLINK_DUMPING.
err_t diagnosis_inet(struct netlink_request *r borrowed);
err_t diagnosis_unix(struct netlink_request *r borrowed);

// A program of conditions. -EINVAL: it is none; -EOPNOTSUPP: marks and control groups
err_t diagnosis_filter_check(bytes_t program);
// Of a program that has been checked.
bool diagnosis_filter_takes(bytes_t program, const struct tcp_description *d borrowed);

static inline bool diagnosis_is_dump(const struct netlink_request *r borrowed)
{
	return (r->flags & NETLINK_F_DUMP) == NETLINK_F_DUMP;
}
// A file's number is as unique as a cookie has to be.
static inline void diagnosis_put_cookie(span_t out, usize at, u64 inode)
{
	span_put_u32le(out, at, (u32)inode);
	span_put_u32le(out, at + 4, (u32)(inode >> 32));
}
// Is it the one that is asked for? All bits set: whichever.
static inline bool diagnosis_has_cookie(u32 low, u32 high, u64 inode)
{
	return (low == U32_MAX && high == U32_MAX) || ((u64)high << 32 | low) == inode;
}
