// SPDX-License-Identifier: MPL-2.0
// Copies a tree of files between two folders, of which either may be in the hands of somebody hostile who changes it
// meanwhile: every step is taken from an open folder, by calls that follow no link.
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "../lib/fault.h"

enum tree_owner {
	TREE_OWNER_KEPT,	// owners as they were, shifted from one user namespace into the other
	TREE_OWNER_ROOT,	// all belongs to the root of the target's; programs that change user lose that bit
};

struct tree_copy {
	enum tree_owner owner;
	uint32_t from_base, to_base;	// which id is root's on either side
	unsigned long left_out;		// devices, pipes and sockets, which are not copied
};

// Copies what `from_name` is, with all below it, as `to_name`. A folder goes into one that is there; anything else
// takes the place of what is no folder.
// Modes and times are kept; attributes are not. => a negative errno with a sentence
int tree_copy(struct tree_copy *copy, int from, const char *from_name, int to, const char *to_name,
	      struct fault *fault);

// Copies all that an open folder (O_RDONLY) holds into another one.
int tree_copy_contents(struct tree_copy *copy, int from, int to, struct fault *fault);

// Is there nothing in the folder? => 1, 0, or a negative errno
int tree_is_empty(int folder);
