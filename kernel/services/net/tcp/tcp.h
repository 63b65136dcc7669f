// SPDX-License-Identifier: MPL-2.0
// TCP (RFC 9293) over IPv4 and IPv6. source: tcp(7)
#pragma once
#include <core/error.h>

// Registers the protocol; before the first network namespace, after inet_init() and ip_init(). -ENOMEM
err_t tcp_init(void);
