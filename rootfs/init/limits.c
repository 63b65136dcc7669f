// SPDX-License-Identifier: MPL-2.0
#include "limits.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>

#include "message.h"

static struct rlimit original;

void limits_raise(void)
{
	struct rlimit wanted;

	if (getrlimit(RLIMIT_NOFILE, &original) < 0)
		return;
	wanted = original;
	if (wanted.rlim_cur < LIMITS_FILES)
		wanted.rlim_cur = LIMITS_FILES;
	if (wanted.rlim_max < LIMITS_FILES)
		wanted.rlim_max = LIMITS_FILES;
	if (setrlimit(RLIMIT_NOFILE, &wanted) < 0)
		message("cannot open more than %lu files: %s", (unsigned long)original.rlim_cur, strerror(errno));
}

void limits_restore(void)
{
	if (original.rlim_max != 0)
		setrlimit(RLIMIT_NOFILE, &original);
}
