// SPDX-License-Identifier: MPL-2.0
// Puts the vDSO (folder vdso/, built apart) into each new program.
#pragma once

// Copies the image into pages and registers with services/exec.
void vdso_map_init(void);
