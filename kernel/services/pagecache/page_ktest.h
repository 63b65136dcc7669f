// SPDX-License-Identifier: MPL-2.0
// Tests of the page cache inside the kernel (word `ktest`).
#pragma once

void page_ktest_run(void);
