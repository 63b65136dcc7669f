// SPDX-License-Identifier: MPL-2.0
// What a vfork parent sleeps on: done when the child has left the shared address space.
#pragma once
#include <core/atomic.h>
#include <core/object.h>
#include <core/wait.h>

struct vfork_completion {
	struct object object;
	struct atomic_u32 is_done;
	struct wait_queue event;
};
DECLARE_OBJECT(vfork_completion)
struct vfork_completion *vfork_completion_create(void) owned;
