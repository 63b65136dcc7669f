// SPDX-License-Identifier: MPL-2.0
// Extents are kept in a byte buffer, 16 bytes each: inside, outside in the parent, kernel, count.
#include <core/buf.h>
#include <services/cred/id_map.h>

#define EXTENT_SIZE 16u

struct id_map {
	struct object object;
	u32 count;		// immutable after creation
	struct buf *extents;	// owned
};
static void id_map_release(struct id_map *m) exclusive_access
{
	buf_free(take(m->extents));
}
DEFINE_OBJECT(id_map, id_map_release)

static struct id_extent extent_at(const struct id_map *m borrowed, u32 i)
{
	bytes_t at = bytes_slice(buf_bytes(m->extents), (usize)i * EXTENT_SIZE, EXTENT_SIZE);
	return (struct id_extent){
		.inside = bytes_get_u32le(at, 0),
		.outside_parent = bytes_get_u32le(at, 4),
		.kernel = bytes_get_u32le(at, 8),
		.count = bytes_get_u32le(at, 12),
	};
}

static void extent_put(span_t all, u32 i, struct id_extent e)
{
	span_t at = span_slice(all, (usize)i * EXTENT_SIZE, EXTENT_SIZE);
	span_put_u32le(at, 0, e.inside);
	span_put_u32le(at, 4, e.outside_parent);
	span_put_u32le(at, 8, e.kernel);
	span_put_u32le(at, 12, e.count);
}

static struct id_map *id_map_create(bytes_t extents) owned;
static struct id_map *id_map_create(bytes_t extents)
{
	struct id_map *m object_auto(id_map) = id_map_alloc();
	struct buf *copy buf_auto = buf_from(extents);
	if (!m || !copy)
		return NULL;
	m->count = (u32)(bytes_len(extents) / EXTENT_SIZE);
	m->extents = take(copy);
	return take(m);
}

struct id_map *id_map_identity(void)
{
	u8 room[EXTENT_SIZE];
	// All numbers but ID_INVALID.
	extent_put(array_span(room), 0, (struct id_extent){ 0, 0, 0, U32_MAX });
	return id_map_create(array_bytes(room));
}

u32 id_map_in(const struct id_map *m borrowed, u32 inside)
{
	for (u32 i = 0; m && i < m->count; i++) {
		struct id_extent e = extent_at(m, i);
		if (inside >= e.inside && inside - e.inside < e.count)
			return e.kernel + (inside - e.inside);
	}
	return ID_INVALID;
}

u32 id_map_out(const struct id_map *m borrowed, u32 kernel)
{
	for (u32 i = 0; m && i < m->count; i++) {
		struct id_extent e = extent_at(m, i);
		if (kernel >= e.kernel && kernel - e.kernel < e.count)
			return e.inside + (kernel - e.kernel);
	}
	return ID_INVALID;
}

bool id_map_outside_has(const struct id_map *m borrowed, u32 outside)
{
	for (u32 i = 0; m && i < m->count; i++) {
		struct id_extent e = extent_at(m, i);
		if (outside >= e.outside_parent && outside - e.outside_parent < e.count)
			return true;
	}
	return false;
}

bool id_map_is_single(const struct id_map *m borrowed)
{
	return m->count == 1 && extent_at(m, 0).count == 1;
}

u32 id_map_first_kernel(const struct id_map *m borrowed)
{
	return extent_at(m, 0).kernel;
}

// The next word of the line, `most` at most; false when there is none. *position advances.
static bool next_number(bytes_t line, usize *position borrowed, u32 most, u32 *out borrowed)
{
	usize i = *position;
	while (i < bytes_len(line) && (byte_at(line, i) == ' ' || byte_at(line, i) == '\t'))
		i++;
	usize start = i;
	while (i < bytes_len(line) && byte_at(line, i) >= '0' && byte_at(line, i) <= '9')
		i++;
	u64 value = 0;
	if (i == start || !bytes_parse_u64(bytes_slice(line, start, i - start), 10, &value) || value > most)
		return false;
	*position = i;
	*out = (u32)value;
	return true;
}

static err_t parse_line(bytes_t line, struct id_extent *e borrowed)
{
	usize at = 0;
	// ID_INVALID is nobody's number, but so many numbers there are.
	if (!next_number(line, &at, ID_INVALID - 1, &e->inside) ||
		!next_number(line, &at, ID_INVALID - 1, &e->outside_parent) ||
		!next_number(line, &at, U32_MAX, &e->count))
		return -EINVAL;
	for (; at < bytes_len(line); at++)
		if (byte_at(line, at) != ' ' && byte_at(line, at) != '\t')
			return -EINVAL;
	if (!e->count || e->inside + e->count < e->inside || e->outside_parent + e->count < e->outside_parent)
		return -EINVAL;
	return OK;
}

static bool overlap(u32 a, u32 b, u32 a_count, u32 b_count)
{
	return a < b + b_count && b < a + a_count;
}

// The kernel numbers of the extent's outside range: the parent must map all of it in one extent.
static err_t resolve(struct id_extent *e borrowed, const struct id_map *parent borrowed)
{
	for (u32 i = 0; parent && i < parent->count; i++) {
		struct id_extent p = extent_at(parent, i);
		if (e->outside_parent < p.inside || e->outside_parent - p.inside >= p.count)
			continue;
		if (e->count > p.count - (e->outside_parent - p.inside))
			return -EPERM;
		e->kernel = p.kernel + (e->outside_parent - p.inside);
		return OK;
	}
	return -EPERM;
}

static err_t add_extent(span_t all, u32 count, struct id_extent e)
{
	if (count >= ID_MAP_EXTENTS_MAX)
		return -EINVAL;
	for (u32 i = 0; i < count; i++) {
		bytes_t at = bytes_slice(bytes_of(all), (usize)i * EXTENT_SIZE, EXTENT_SIZE);
		u32 other = bytes_get_u32le(at, 12);
		if (overlap(bytes_get_u32le(at, 0), e.inside, other, e.count) ||
			overlap(bytes_get_u32le(at, 4), e.outside_parent, other, e.count))
			return -EINVAL;
	}
	extent_put(all, count, e);
	return OK;
}

err_t id_map_parse(bytes_t text, const struct id_map *parent borrowed, struct id_map **out borrowed)
{
	struct buf *all buf_auto = buf_alloc(ID_MAP_EXTENTS_MAX * EXTENT_SIZE);
	if (!all)
		return -ENOMEM;
	u32 count = 0;
	err_t unmapped = OK;
	for (usize at = 0; at < bytes_len(text);) {
		bytes_t rest = bytes_from(text, at);
		usize length = bytes_find(rest, '\n');
		struct id_extent e = { 0 };
		err_t err = parse_line(bytes_first(rest, length), &e);
		if (err)
			return err;
		err = resolve(&e, parent);
		if (err)
			unmapped = err;
		err = add_extent(buf_span(all), count, e);
		if (err)
			return err;
		count++;
		at += length + 1;
	}
	if (!count)
		return -EINVAL;
	if (unmapped)
		return unmapped;
	struct id_map *m object_auto(id_map) = id_map_create(bytes_first(buf_bytes(all), (usize)count * EXTENT_SIZE));
	if (!m)
		return -ENOMEM;
	*out = take(m);
	return OK;
}

void id_map_show(const struct id_map *m borrowed, const struct id_map *viewer borrowed, struct text *out borrowed)
{
	for (u32 i = 0; m && i < m->count; i++) {
		struct id_extent e = extent_at(m, i);
		text_printf(out, "%10u %10u %10u\n", e.inside, id_map_out(viewer, e.kernel), e.count);
	}
}
