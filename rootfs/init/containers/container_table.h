// SPDX-License-Identifier: MPL-2.0
// Finds containers by name, id and supervisor at a cost that does not grow with their number.
#pragma once

#include <sys/types.h>

struct container;

enum container_key { CONTAINER_KEY_NAME, CONTAINER_KEY_ID, CONTAINER_KEY_SUPERVISOR, CONTAINER_KEYS };

// A container's place in the table; the table's own.
struct container_links {
	struct container *next, *previous;		// in the order of their adding
	struct container *next_in[CONTAINER_KEYS];	// in the chain of each key
};

// Adds a container with its name and id, and removes it again.
void container_table_add(struct container *container);
void container_table_remove(struct container *container);

// Its supervisor, while it has one: container->supervisor must be set before the one, and still be after the other.
void container_table_add_supervisor(struct container *container);
void container_table_remove_supervisor(struct container *container);

struct container *container_table_find(enum container_key key, const char *text);
struct container *container_table_find_supervisor(pid_t pid);
struct container *container_table_first(void);
struct container *container_table_last(void);
