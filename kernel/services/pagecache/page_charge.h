// SPDX-License-Identifier: MPL-2.0
// Who pays for a data page: the cgroup of the task that brought it in, until the page is freed.
#pragma once
#include <core/page.h>

// AT_ONCE: beyond the limit rather than wait for write-back, which may need a lock that the caller holds.
enum page_charge_mode { PAGE_CHARGE_LIMITED, PAGE_CHARGE_AT_ONCE };
// Charges p, which nobody else sees yet, to the current cgroup. Its kind follows from its flags
// (PAGE_ANONYMOUS, PAGE_SHARED_MEMORY), which are set before. -ENOMEM at the limit. => may sleep
err_t page_charge(struct page *p, enum page_charge_mode mode);
void page_charge_init(void);
