// SPDX-License-Identifier: MPL-2.0
// NETLINK_GENERIC: one protocol for many families; here only "nlctrl", which names them. source: <linux/genetlink.h>
#pragma once

void netlink_generic_init(void);
