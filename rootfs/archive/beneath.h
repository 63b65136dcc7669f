// SPDX-License-Identifier: MPL-2.0
// Opens names inside a folder that somebody else may have filled. Source: openat2(2).
#pragma once

#include <stdint.h>
#include <sys/types.h>

enum beneath_links {
	BENEATH_NO_LINKS,	// a symbolic link anywhere in the name is -ELOOP
	BENEATH_LINKS_INSIDE,	// links are followed, as long as they stay inside (-EXDEV)
	BENEATH_LINKS_ROOTED,	// links are followed, and the folder is the root to them: what a container sees
};

// open(2) of a relative name: it cannot leave the folder. => a descriptor or a negative errno
int beneath_open(int folder, const char *path, int flags, mode_t mode, enum beneath_links links);

// Removes what the name in the folder is, with all that is below it; links are not followed. A name that is not there
// is fine. => 0 or a negative errno
int beneath_remove(int folder, const char *name);
