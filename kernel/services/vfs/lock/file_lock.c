// SPDX-License-Identifier: MPL-2.0
// The last user of an inode or an open file, as far as locks are concerned.
#include <services/vfs/file/file_internal.h>
#include <services/vfs/file_lock.h>
#include <services/vfs/inode_internal.h>

void file_drop_locks(struct file *f)
{
}
void inode_drop_attachments(struct inode *i)
{
}
void file_lock_close(struct file *f, struct file_table *table)
{
}
