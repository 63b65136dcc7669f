// SPDX-License-Identifier: MPL-2.0
// Writes tar archives (ustar) of plain files, as archives of images are. Source: POSIX pax, "ustar Interchange Format".
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "../lib/fault.h"

enum { TAR_WRITER_NAME_MAX = 100, TAR_WRITER_CHUNK = 64 * 1024 };

// Begins a file of so many bytes, which are to follow. => -EFBIG from 8 GiB on, or what the output says
int tar_write_head(int fd, const char *name, uint64_t size_bytes, struct fault *fault);

// Fills the last block of a file of so many bytes.
int tar_write_padding(int fd, uint64_t size_bytes, struct fault *fault);

// A whole file in one.
int tar_write_text(int fd, const char *name, const char *text, size_t length, struct fault *fault);

// Copies what is left of `from` to its end, which must be `size_bytes`, and pads it. => -EIO: it was not
int tar_write_data(int fd, int from, uint64_t size_bytes, struct fault *fault);

// The two empty blocks at the end.
int tar_write_end(int fd, struct fault *fault);
