// SPDX-License-Identifier: MPL-2.0
#include <services/process/process_internal.h>
#include <services/process/vfork.h>

static void vfork_completion_release(struct vfork_completion *v) exclusive_access
{
	(void)v;
}
DEFINE_OBJECT(vfork_completion, vfork_completion_release)

struct vfork_completion *vfork_completion_create(void)
{
	struct vfork_completion *v object_auto(vfork_completion) = vfork_completion_alloc();
	if (v)
		wait_queue_init(&v->event);
	return take(v);
}

void vfork_complete(struct thread *t)
{
	struct vfork_completion *v object_auto(vfork_completion) = take(t->vfork);
	if (!v)
		return;
	atomic_u32_store(&v->is_done, 1);
	wait_queue_wake_all(&v->event, ~0u);
}
