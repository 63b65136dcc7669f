// SPDX-License-Identifier: MPL-2.0
// The first files and the first program.
#pragma once

struct thread;
// Makes /dev and /dev/console in the root and unpacks the initramfs over it.
void first_files(void);
// In the first process: opens the console, then runs rdinit=, /init, init=, /sbin/init, /etc/init, /bin/init
// or /bin/sh, whichever is there first. Does not return without a program.
void first_program(struct thread *self);
