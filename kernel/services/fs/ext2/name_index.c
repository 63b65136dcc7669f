// SPDX-License-Identifier: MPL-2.0
// Open addressing: a name's slot is the first free one from its hash on. A slot that was left stays in the way
// until the table is made again, at three quarters full, with twice the room of what is in use.
#include <services/fs/ext2/name_index.h>

#define SLOT_BYTES 8u
#define SLOTS_LEAST 256u
#define NAME_INDEX_LEFT U32_MAX

static exclusive_access void name_index_release(struct name_index *x)
{
	buf_free(take(x->slots));
	buf_free(take(x->rooms));
}
DEFINE_OBJECT(name_index, name_index_release)

struct name_index *name_index_create(u32 blocks, u64 seed)
{
	struct name_index *x object_auto(name_index) = name_index_alloc();
	if (!x)
		return NULL;
	x->slots = buf_alloc(SLOTS_LEAST * SLOT_BYTES);
	x->rooms = buf_alloc(2ul * blocks + 2);
	if (!x->slots || !x->rooms)
		return NULL;
	x->mask = SLOTS_LEAST - 1;
	x->blocks = blocks;
	x->seed = seed;
	return take(x);
}

static u32 slot_hash(bytes_t slots, u32 n)
{
	return bytes_get_u32le(slots, n * SLOT_BYTES);
}

static u32 slot_state(bytes_t slots, u32 n)
{
	return bytes_get_u32le(slots, n * SLOT_BYTES + 4);
}

static void slot_fill(span_t slots, u32 mask, u32 hash, u32 state)
{
	u32 n = hash & mask;

	while (slot_state(bytes_of(slots), n))
		n = (n + 1) & mask;
	span_put_u32le(slots, n * SLOT_BYTES, hash);
	span_put_u32le(slots, n * SLOT_BYTES + 4, state);
}

static err_t slots_renew(struct name_index *x borrowed)
{
	u32 count = SLOTS_LEAST;

	while (count < 2 * x->used)
		count *= 2;
	struct buf *fresh buf_auto = buf_alloc((usize)count * SLOT_BYTES);
	if (!fresh)
		return -ENOMEM;
	const bytes_t old = buf_bytes(x->slots);
	for (u32 n = 0; n <= x->mask; n++) {
		const u32 state = slot_state(old, n);

		if (state && state != NAME_INDEX_LEFT)
			slot_fill(buf_span(fresh), count - 1, slot_hash(old, n), state);
	}
	buf_free(take(x->slots));
	x->slots = take(fresh);
	x->mask = count - 1;
	x->filled = x->used;
	return OK;
}

err_t name_index_add(struct name_index *x borrowed, u32 hash, u32 block)
{
	if (4ul * x->filled >= 3ul * x->mask) {
		const err_t e = slots_renew(x);
		if (e)
			return e;
	}
	slot_fill(buf_span(x->slots), x->mask, hash, block + 1);
	x->filled++;
	x->used++;
	return OK;
}

u32 name_index_next(const struct name_index *x borrowed, u32 hash, u32 *cursor borrowed)
{
	const bytes_t slots = buf_bytes(x->slots);

	// There is always a slot that was never used, at which this ends.
	for (;;) {
		const u32 n = (hash + (*cursor)++) & x->mask, state = slot_state(slots, n);

		if (!state)
			return NAME_INDEX_NOWHERE;
		if (state != NAME_INDEX_LEFT && slot_hash(slots, n) == hash)
			return state - 1;
	}
}

void name_index_remove(struct name_index *x borrowed, u32 hash, u32 block)
{
	const span_t slots = buf_span(x->slots);

	for (u32 n = hash & x->mask; slot_state(bytes_of(slots), n); n = (n + 1) & x->mask) {
		if (slot_state(bytes_of(slots), n) != block + 1 || slot_hash(bytes_of(slots), n) != hash)
			continue;
		span_put_u32le(slots, n * SLOT_BYTES + 4, NAME_INDEX_LEFT);
		x->used--;
		return;
	}
}

err_t name_index_add_block(struct name_index *x borrowed)
{
	if (buf_len(x->rooms) < 2ul * x->blocks + 2) {
		struct buf *fresh buf_auto = buf_alloc(4ul * x->blocks + 2);
		if (!fresh)
			return -ENOMEM;
		span_copy(buf_span(fresh), buf_bytes(x->rooms));
		buf_free(take(x->rooms));
		x->rooms = take(fresh);
	}
	x->blocks++;
	return OK;
}

void name_index_set_room(struct name_index *x borrowed, u32 block, u32 bytes)
{
	span_put_u16le(buf_span(x->rooms), 2ul * block, (u16)bytes);
}

u32 name_index_find_room(const struct name_index *x borrowed, u32 bytes)
{
	const bytes_t rooms = bytes_first(buf_bytes(x->rooms), 2ul * x->blocks);

	for (u32 block = 0; block < x->blocks; block++) {
		if (bytes_get_u16le(rooms, 2ul * block) >= bytes)
			return block;
	}
	return NAME_INDEX_NOWHERE;
}
