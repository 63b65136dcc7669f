// SPDX-License-Identifier: MPL-2.0
#include "container_table.h"

#include <stdint.h>
#include <string.h>

#include "container.h"

enum { BUCKETS = 1024 };

static struct container *chains[CONTAINER_KEYS][BUCKETS];
static struct container *first, *last;

static size_t text_bucket(const char *text)
{
	uint32_t hash = 2166136261u;	// FNV-1a

	for (; *text != '\0'; text++)
		hash = (hash ^ (unsigned char)*text) * 16777619u;
	return (hash ^ hash >> 16) % BUCKETS;
}

static size_t bucket(const struct container *container, enum container_key key)
{
	switch (key) {
	case CONTAINER_KEY_NAME:
		return text_bucket(container->unit->name);
	case CONTAINER_KEY_ID:
		return text_bucket(container->id);
	default:
		return (size_t)container->supervisor % BUCKETS;
	}
}

static void link_in(struct container *container, enum container_key key)
{
	struct container **chain = &chains[key][bucket(container, key)];

	container->links.next_in[key] = *chain;
	*chain = container;
}

static void unlink_from(struct container *container, enum container_key key)
{
	struct container **at = &chains[key][bucket(container, key)];

	while (*at != container)
		at = &(*at)->links.next_in[key];
	*at = container->links.next_in[key];
}

void container_table_add(struct container *container)
{
	link_in(container, CONTAINER_KEY_NAME);
	link_in(container, CONTAINER_KEY_ID);
	container->links.next = NULL;
	container->links.previous = last;
	if (last != NULL)
		last->links.next = container;
	else
		first = container;
	last = container;
}

void container_table_remove(struct container *container)
{
	struct container_links *links = &container->links;

	unlink_from(container, CONTAINER_KEY_NAME);
	unlink_from(container, CONTAINER_KEY_ID);
	if (links->previous != NULL)
		links->previous->links.next = links->next;
	else
		first = links->next;
	if (links->next != NULL)
		links->next->links.previous = links->previous;
	else
		last = links->previous;
}

void container_table_add_supervisor(struct container *container)
{
	link_in(container, CONTAINER_KEY_SUPERVISOR);
}

void container_table_remove_supervisor(struct container *container)
{
	unlink_from(container, CONTAINER_KEY_SUPERVISOR);
}

struct container *container_table_find(enum container_key key, const char *text)
{
	struct container *at = chains[key][text_bucket(text)];

	while (at != NULL && strcmp(key == CONTAINER_KEY_NAME ? at->unit->name : at->id, text) != 0)
		at = at->links.next_in[key];
	return at;
}

struct container *container_table_find_supervisor(pid_t pid)
{
	struct container *at = chains[CONTAINER_KEY_SUPERVISOR][(size_t)pid % BUCKETS];

	while (at != NULL && at->supervisor != pid)
		at = at->links.next_in[CONTAINER_KEY_SUPERVISOR];
	return at;
}

struct container *container_table_first(void)
{
	return first;
}

struct container *container_table_last(void)
{
	return last;
}
