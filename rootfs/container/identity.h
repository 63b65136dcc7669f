// SPDX-License-Identifier: MPL-2.0
// Who a container's command is: user, groups and capabilities.
#pragma once

#include <sys/types.h>

#include "../lib/fault.h"
#include "../lib/unit.h"

enum { IDENTITY_GROUPS_MAX = 64, IDENTITY_HOME_SIZE = 256 };

struct identity {
	uid_t uid;
	gid_t gid;
	size_t groups_count;
	gid_t groups[IDENTITY_GROUPS_MAX];
	char home[IDENTITY_HOME_SIZE];
};

// Looks `user` (NULL: root) up in /etc/passwd and /etc/group of the current root.
int identity_resolve(const char *user, struct identity *identity, struct fault *fault);

// Becomes that user with the unit's capabilities and without any others, for good.
// As root the capabilities are those of the process. As another user they are kept only where the unit
// lists them (they are then ambient): a mere default gives an ordinary user nothing.
int identity_assume(const struct unit *unit, const struct identity *identity,
		    struct fault *fault);
