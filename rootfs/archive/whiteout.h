// SPDX-License-Identifier: MPL-2.0
// White-outs: how a layer says that something of the layers below it is gone. In an archive by names that begin with
// ".wh." (image-spec, layer.md), in a folder of overlayfs by a character device 0:0 and by trusted.overlay.opaque.
#pragma once

#include <sys/stat.h>

int whiteout_is_marked(const char *name);
int whiteout_is_one(const struct stat *status);

// Does to the open folder what the marked name says. => -EINVAL where it names nothing, or another negative errno
int whiteout_apply(int folder, const char *name);

// Hides what the layers below have in the folder of that name. => 0 or a negative errno, also in errno
int whiteout_make_opaque(int folder, const char *name);
