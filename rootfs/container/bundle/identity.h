// SPDX-License-Identifier: MPL-2.0
// Who a container's command is: user, groups, home.
#pragma once

#include <sys/types.h>

#include "../../lib/fault.h"
#include "../../lib/unit/unit.h"

enum { IDENTITY_GROUPS_MAX = 64, IDENTITY_HOME_SIZE = 256 };

struct identity {
	uid_t uid;
	gid_t gid;
	size_t groups_count;
	gid_t groups[IDENTITY_GROUPS_MAX];
	char home[IDENTITY_HOME_SIZE];
};

// Looks `user` (NULL: root) up in /etc/passwd and /etc/group below `root`, an open directory. The files are
// the container's: they may be anything, and no link leads out of the root.
int identity_resolve(int root, const char *user, struct identity *identity, struct fault *fault);
