// SPDX-License-Identifier: MPL-2.0
// File handles: a file known by number and generation, whatever its names. source: open_by_handle_at(2)
#pragma once
#include <services/vfs/path.h>

struct file_handle {
	u64 number;
	u32 generation, pad;
};
// -EOPNOTSUPP: the file system gives none.
err_t file_handle_of(const struct path *p borrowed, struct file_handle *out borrowed);
// The file as a place of the mount `at`, without a name: references in *out. -ESTALE: it is gone, or a folder other
// than the root (those are not found by handle yet). => may sleep
err_t file_handle_find(const struct path *at borrowed, const struct file_handle *h borrowed, struct path *out borrowed);
