// SPDX-License-Identifier: MPL-2.0
// Inside overlayfs: copying, what a copy was made from, and the copies of files with several names. Included by
// overlay_internal.h.
#pragma once

// --- copy_up.c --------------------------------------------------------------------------------------
// Afterwards the file has an upper, with its content. -EROFS, -ENOSPC, ...
err_t overlay_copy_up(struct overlay_inode *i);
// The same where the content may still be missing.
err_t overlay_copy_up_attributes(struct overlay_inode *i);
// The upper folder gets a copy of a lower file: its numbers are not those that are seen.
void overlay_mark_impure(struct overlay_superblock *s, struct overlay_inode *dir, const struct overlay_inode *child);

// --- origin.c ---------------------------------------------------------------------------------------
// A copy remembers what it was made from by a file handle, so that its number lasts: written at copy-up,
err_t overlay_set_origin(struct overlay_superblock *s, struct inode *copy, struct inode *lower);
// and looked up for a file that is found in the upper layer. Nothing is found where handles do not tell.
err_t overlay_find_origin(struct overlay_superblock *s, struct dentry *upper, struct overlay_found *out borrowed);

// A real file's handle as it is written. False: the file system gives none.
#define OVERLAY_ORIGIN_BYTES 29u
bool overlay_origin_encode(struct overlay_superblock *s, struct inode *lower, span_t out);
bool overlay_upper_encode(struct overlay_superblock *s, struct inode *upper, span_t out);
// Is `lower` what the copy was made from, as far as it says?
bool overlay_origin_matches(struct overlay_superblock *s, struct inode *copy, struct inode *lower);
// The file of a handle: its layer is lent. -ESTALE: not (any more) in a layer of these.
err_t overlay_handle_find(struct overlay_superblock *s, bytes_t handle, struct overlay_layer **layer borrowed,
	struct inode **out borrowed);
// Can all lower layers' files be told by handle?
bool overlay_has_origins(struct overlay_superblock *s);
// The upper layer belongs to these lower ones: noted the first time, -ESTALE for others.
err_t overlay_check_origin(struct overlay_superblock *s);

// --- index.c ----------------------------------------------------------------------------------------
// Is this a lower file whose copy belongs in the index?
bool overlay_index_wants(const struct overlay_superblock *s borrowed, struct inode *lower);
// Of what was found under a name: its copy, if that was made under another one, and whether the index knows it.
err_t overlay_index_find(struct overlay_superblock *s, struct overlay_found *f borrowed);
// What the index has for a lower file, in *out; NULL: nothing.
err_t overlay_index_look(struct overlay_superblock *s, struct inode *lower, struct dentry **out borrowed);
// The upper folder that an entry of the index stands for. -ESTALE
err_t overlay_index_folder(struct overlay_superblock *s, struct dentry *entry, struct inode **out borrowed);
// Enters the copy of a folder.
err_t overlay_index_enter_folder(struct overlay_superblock *s, struct inode *lower, struct inode *copy);
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

// --- handle.c: superblock_ops of the same names -------------------------------------------------------
err_t overlay_make_handle(struct inode *base, struct file_handle *out borrowed);
err_t overlay_find_handle(struct superblock *base, const struct file_handle *h borrowed, struct dentry **out borrowed);
