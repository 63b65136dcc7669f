// SPDX-License-Identifier: MPL-2.0
// Assembly only: opening and closing the kernel's access to user memory. Each use is recorded, so that
// it can be taken out on processors without SMAP. This and user/copy.S are the only places that open.
#pragma once

#include <core/arch/layout.h>

.macro smap_site
	.pushsection .smap_sites, "a"
	.long 9f - LAYOUT_IMAGE_BASE
	.popsection
9:
.endm

.macro smap_open
	smap_site
	stac
.endm

.macro smap_close
	smap_site
	clac
.endm
