// SPDX-License-Identifier: MPL-2.0
// Extended attributes: name spaces and who may use them. source: xattr(7)
#pragma once
#include <services/vfs/path.h>

#define XATTR_NAME_MAX 255u
#define XATTR_SIZE_MAX 65536u
#define XATTR_LIST_MAX 65536u
// Size 0 of `out` asks for the length. -ENODATA, -ERANGE, -EOPNOTSUPP, -EPERM.
ssize_r xattr_get(const struct path *p borrowed, bytes_t name, span_t out, const struct cred *cred borrowed);
err_t xattr_set(const struct path *p borrowed, bytes_t name, bytes_t value, u32 flags,
	const struct cred *cred borrowed);
// Names with their end marks; trusted ones only for those who may see them.
ssize_r xattr_list(const struct path *p borrowed, span_t out, const struct cred *cred borrowed);
err_t xattr_remove(const struct path *p borrowed, bytes_t name, const struct cred *cred borrowed);
