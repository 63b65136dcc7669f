// SPDX-License-Identifier: MPL-2.0
// sysfs: processors, devices by class, disks (source: sysfs(5)). Read-only: nothing here is a setting yet.
#pragma once

void sysfs_init(void);
