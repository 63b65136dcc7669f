// SPDX-License-Identifier: MPL-2.0
// Tests of spaces and of the page cache inside the kernel (word `ktest`), before there is any process.
#pragma once

void vm_ktest_run(void);
