// SPDX-License-Identifier: MPL-2.0
// NETLINK_KOBJECT_UEVENT: devices that come and go, as udev reads them. source: netlink(7), udev(7)
#pragma once

void netlink_uevent_init(void);
