// SPDX-License-Identifier: MPL-2.0
// Whole-file helpers. All return 0 or a length, or a negative errno; none prints.
#pragma once

#include <stddef.h>
#include <sys/types.h>

// Reads a whole file into a fresh, zero-terminated buffer that the caller frees. Files longer than
// `limit` bytes give -EFBIG. Works for /proc files, whose size reads as 0.
int file_read_all(const char *path, size_t limit, char **text, size_t *length);

// Reads a short file into a fixed buffer, zero-terminated, trailing newline removed.
int file_read_line(const char *path, char *line, size_t size);

// Writes `text` in one write(2) to an existing file (a /proc or cgroup knob).
int file_write_text(const char *path, const char *text);

// Creates or replaces a file with `text`.
int file_replace(const char *path, const char *text, mode_t mode);

// mkdir -p; an existing directory is fine, anything else in the way is -ENOTDIR.
int file_make_directories(const char *path, mode_t mode);

// Writes all of `bytes`, continuing after short writes and EINTR.
int file_write_all(int fd, const void *bytes, size_t length);

// Reads exactly `length` bytes at `offset`; a shorter file gives -ENODATA.
int file_read_exactly_at(int fd, void *bytes, size_t length, off_t offset);
