// SPDX-License-Identifier: MPL-2.0
// arch_prctl(2): the bases of the fs and gs segments.
#include <generated/syscall_prototypes.h>
#include <core/page_table.h>
#include <services/process/thread.h>

enum { ARCH_SET_GS = 0x1001, ARCH_SET_FS = 0x1002, ARCH_GET_FS = 0x1003, ARCH_GET_GS = 0x1004 };

s64 sys_arch_prctl(s32 code, u64 addr)
{
	struct user_context *c = &thread_current()->user;

	user_bases_sync(c);
	switch (code) {
	case ARCH_SET_FS:
	case ARCH_SET_GS:
		if (addr >= USER_TOP)
			return -EPERM;
		if (code == ARCH_SET_FS)
			c->fs_base = addr;
		else
			c->gs_base = addr;
		return 0;
	case ARCH_GET_FS:
		return user_write_u64(user_addr(addr), c->fs_base);
	case ARCH_GET_GS:
		return user_write_u64(user_addr(addr), c->gs_base);
	default:
		return -EINVAL;
	}
}
