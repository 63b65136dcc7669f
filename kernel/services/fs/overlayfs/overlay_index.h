// SPDX-License-Identifier: MPL-2.0
// Inside overlayfs: what a copy was made from, and the copies of files with several names. Included by
// overlay_internal.h.
#pragma once

// --- origin.c ---------------------------------------------------------------------------------------
// A copy remembers what it was made from by a file handle, so that its number lasts: written at copy-up,
err_t overlay_set_origin(struct overlay_superblock *s, struct inode *copy, struct inode *lower);
// and looked up for a file that is found in the upper layer. Nothing is found where handles do not tell.
err_t overlay_find_origin(struct overlay_superblock *s, struct dentry *upper, struct overlay_found *out borrowed);

// A lower file's handle as it is written. False: the file system gives none.
#define OVERLAY_ORIGIN_BYTES 29u
bool overlay_origin_encode(struct overlay_superblock *s, struct inode *lower, span_t out);
// Can all lower layers' files be told by handle?
bool overlay_has_origins(struct overlay_superblock *s);
// The upper layer belongs to these lower ones: noted the first time, -ESTALE for others.
err_t overlay_check_origin(struct overlay_superblock *s);

// --- index.c ----------------------------------------------------------------------------------------
// Is this a lower file whose copy belongs in the index?
bool overlay_index_wants(const struct overlay_superblock *s borrowed, struct inode *lower);
// A lower file that was found under a name: its copy, if it was made under another one.
err_t overlay_index_find(struct overlay_superblock *s, struct overlay_found *f borrowed);
// The copy moves into the index.
err_t overlay_index_enter(struct overlay_superblock *s, struct inode *lower,
	const struct overlay_temporary *copy borrowed);
bool overlay_is_indexed(const struct overlay_inode *i borrowed);
void overlay_index_load(struct overlay_superblock *s, struct overlay_inode *i);
// Changes how many names there are besides the copy's own.
void overlay_index_count(struct overlay_inode *i, s64 delta);
// The copy of an indexed file, which may have been found by the index alone, gets this name in the upper layer.
err_t overlay_index_link(struct overlay_inode *i, struct overlay_inode *dir, bytes_t name);
// A name of it has gone, which the upper layer had or not.
void overlay_index_lost(struct overlay_inode *i, bool was_upper);
