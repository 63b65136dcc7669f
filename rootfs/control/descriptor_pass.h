// SPDX-License-Identifier: MPL-2.0
// Sends and receives one packet (or the first bytes of a stream) together with descriptors.
#pragma once

#include <stddef.h>
#include <sys/types.h>

enum { DESCRIPTORS_MAX = 4 };

// Sends with one descriptor, or with none if it is -1. => 0 or a negative errno
int descriptor_send(int socket, const void *bytes, size_t length, int descriptor);

// Receives with at most one descriptor (-1 if none came). => the length, or a negative errno
ssize_t descriptor_receive(int socket, void *bytes, size_t size, int *descriptor);

// The same for several. `count` is how many there are; on return of the second, how many came.
int descriptors_send(int socket, const void *bytes, size_t length, const int *descriptors,
		     size_t count);
ssize_t descriptors_receive(int socket, void *bytes, size_t size,
			    int descriptors[DESCRIPTORS_MAX], size_t *count);
