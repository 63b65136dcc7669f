// SPDX-License-Identifier: MPL-2.0
// Between inode.c and the rooms of the VFS that keep something with an inode.
#pragma once
#include <services/vfs/inode.h>

// Takes i out of the table by number and wakes those who wait for its end.
void inode_cache_remove(struct inode *i);
// Drops file locks and the set of watches. => last user
void inode_drop_attachments(struct inode *i);
// The (empty) set of watches goes with the inode (notify/).
void notify_drop_set(struct inode *i);
