// SPDX-License-Identifier: MPL-2.0
// NETLINK_SOCK_DIAG: the sockets of a namespace, told to anybody who asks (ss). source: sock_diag(7)
#pragma once

// Registers the protocol; before net_namespace_init(), after netlink_init().
void net_diagnosis_init(void);
