// SPDX-License-Identifier: MPL-2.0
// devpts: the folder of a container's pseudo-terminals. Every mount is an instance of its own (as Linux
// since 4.7); its options are uid=, gid=, mode=, ptmxmode=, max=, newinstance. Opening /dev/ptmx (character
// device 5:2) uses the instance mounted at "pts" beside it.
#pragma once
#include <services/vfs/file.h>

err_t devpts_init(void);
// Opens the other side of a master, without a name: whatever is mounted or linked in the instance's place since, it is
// this pty's. -EIO: locked, or not in devpts; -ENXIO, -ENOMEM; as file_open_path(). source: ioctl_tty(2), TIOCGPTPEER
err_t devpts_open_peer(struct file *master, u32 flags, struct cred *cred, struct file **out borrowed);
