// SPDX-License-Identifier: MPL-2.0
/* Random numbers from a seed, and the memory that a thread of random calls plays with. */
#ifndef KEELSON_TESTS_STRESS_DICE_H
#define KEELSON_TESTS_STRESS_DICE_H
#include "support.h"

#include <stdint.h>

enum {
	ARENA_PAGES = 32,	/* a thread's own: arguments are built here; an unmapped page follows */
	GROUND_PAGES = 256,	/* what is mapped, unmapped and protected at random */
	THREADS_MAX = 4,
};
#define ARENA_BASE 0x10000000ul
#define ARENA_STRIDE ((ARENA_PAGES + 2ul) * PAGE)
#define GROUND_BASE 0x20000000ul

struct dice {
	uint64_t state;
	uint64_t arena;		/* address of this thread's arena */
	uint32_t depth;		/* of structures that point to structures */
};

static inline uint64_t roll(struct dice *d)
{
	d->state ^= d->state >> 12;
	d->state ^= d->state << 25;
	d->state ^= d->state >> 27;
	return d->state * 0x2545f4914f6cdd1dul;
}

static inline uint64_t below(struct dice *d, uint64_t n)
{
	return (roll(d) >> 11) % n;
}

static inline int one_in(struct dice *d, uint64_t n)
{
	return below(d, n) == 0;
}

static inline void dice_start(struct dice *d, uint64_t seed, unsigned thread)
{
	d->state = (seed + 1) * 0x9e3779b97f4a7c15ul + thread * 0xd1b54a32d192ed03ul + 1;
	d->arena = ARENA_BASE + thread * ARENA_STRIDE;
	d->depth = 0;
	for (int i = 0; i < 8; i++)
		(void)roll(d);
}

#define PICK(d, list) ((list)[below((d), sizeof(list) / sizeof((list)[0]))])

/* Room for `size` bytes in the arena; one time in eight at its very end, before the unmapped page. */
static inline void *room(struct dice *d, size_t size)
{
	size_t whole = ARENA_PAGES * (size_t)PAGE;
	if (size > whole)
		size = whole;
	size_t at = one_in(d, 8) ? whole - size : below(d, whole - size + 1) & ~7ul;
	return (void *)(d->arena + at);
}
#endif
