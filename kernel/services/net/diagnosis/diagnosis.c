// SPDX-License-Identifier: MPL-2.0
#include <services/net/diagnosis/diagnosis_internal.h>
#include <services/net/socket/socket.h>

static err_t diagnosis_handle(struct netlink_request *r borrowed)
{
	if (r->type != DIAGNOSIS_BY_FAMILY)
		return -EINVAL;
	if (bytes_len(r->body) < 2)
		return -EINVAL;
	switch (byte_at(r->body, 0)) {
	case FAMILY_INET:
	case FAMILY_INET6: return diagnosis_inet(r);
	case FAMILY_UNIX: return diagnosis_unix(r);
	default: return byte_at(r->body, 0) < FAMILY_COUNT ? -ENOENT : -EINVAL;
	}
}

static const struct netlink_protocol_ops diagnosis_ops = { .handle = diagnosis_handle };

void net_diagnosis_init(void)
{
	netlink_protocol_register(NETLINK_SOCK_DIAG, &diagnosis_ops);
}
