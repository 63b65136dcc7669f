// SPDX-License-Identifier: MPL-2.0
// Gives the initramfs's memory back once the real root is mounted.
#pragma once

// Deletes everything below the directory `root` that is on the same file system, without following
// links and without entering mounts. Refuses anything but a ramfs or tmpfs.
void initramfs_free(int root);
