// SPDX-License-Identifier: MPL-2.0
#include <core/text.h>
#include <services/exec/exec_strings.h>

static void exec_strings_release(struct exec_strings *s) exclusive_access
{
	// They were filled in order.
	for (u32 i = 0; s->chunks && i < buf_table_count(s->chunks) && s->chunks->slot[i]; i++)
		buf_free(take(s->chunks->slot[i]));
	buf_table_free(take(s->chunks));
	buf_free(take(s->prefix));
}
DEFINE_OBJECT(exec_strings, exec_strings_release)

struct exec_strings *exec_strings_create(u64 limit)
{
	struct exec_strings *s object_auto(exec_strings) = exec_strings_alloc();
	if (!s)
		return NULL;
	s->chunks = buf_table_alloc(EXEC_STRINGS_CHUNKS_MAX);
	if (!s->chunks)
		return NULL;
	s->limit = min(limit, (u64)EXEC_STRINGS_CHUNK * EXEC_STRINGS_CHUNKS_MAX);
	return take(s);
}

// Makes sure that the byte at s->length has a place.
static err_t room(struct exec_strings *s)
{
	if (s->length >= s->limit)
		return -E2BIG;
	u64 i = s->length / EXEC_STRINGS_CHUNK;
	if (i >= EXEC_STRINGS_CHUNKS_MAX)
		return -E2BIG;
	if (!s->chunks->slot[i])
		s->chunks->slot[i] = buf_alloc(EXEC_STRINGS_CHUNK);
	return s->chunks->slot[i] ? OK : -ENOMEM;
}

// Each string costs its pointer, too.
static err_t count_string(struct exec_strings *s, enum exec_string_kind kind)
{
	if (s->limit < sizeof(u64))
		return -E2BIG;
	s->limit -= sizeof(u64);
	if (kind == EXEC_ARGUMENT)
		s->argument_count++;
	else
		s->environment_count++;
	return OK;
}

static err_t append(struct exec_strings *s, bytes_t text)
{
	for (usize done = 0; done < bytes_len(text);) {
		err_t err = room(s);
		if (err)
			return err;
		usize at = s->length % EXEC_STRINGS_CHUNK;
		span_t to = span_from(buf_span(s->chunks->slot[s->length / EXEC_STRINGS_CHUNK]), at);
		usize copied = span_copy_some(to, bytes_from(text, done));
		s->length += copied;
		done += copied;
	}
	return OK;
}

err_t exec_strings_add(struct exec_strings *s, enum exec_string_kind kind, bytes_t text)
{
	u8 end[1] = { 0 };
	if (bytes_len(text) >= EXEC_STRING_MAX)
		return -E2BIG;
	err_t err = count_string(s, kind);
	if (!err)
		err = append(s, text);
	return err ? err : append(s, array_bytes(end));
}

err_t exec_strings_add_user(struct exec_strings *s, enum exec_string_kind kind, user_addr_t text)
{
	u64 length = 0;
	err_t err = count_string(s, kind);
	while (!err) {
		err = room(s);
		if (err)
			break;
		usize at = s->length % EXEC_STRINGS_CHUNK;
		span_t to = span_from(buf_span(s->chunks->slot[s->length / EXEC_STRINGS_CHUNK]), at);
		ssize_r copied = user_copy_string(to, user_offset(text, length));
		if (copied >= 0) {
			span_at(to, (usize)copied) = 0;
			s->length += (u64)copied + 1;
			length += (u64)copied;
			return length < EXEC_STRING_MAX ? OK : -E2BIG;
		}
		if (copied != (ssize_r)-ENAMETOOLONG)
			return (err_t)copied;
		// No end in this chunk: the string goes on in the next one.
		s->length += span_len(to);
		length += span_len(to);
		if (length >= EXEC_STRING_MAX)
			return -E2BIG;
	}
	return err;
}

// --- scripts ----------------------------------------------------------------------------------

err_t exec_strings_drop_first(struct exec_strings *s)
{
	if (!s->argument_count)
		return OK;
	s->argument_count--;
	if (s->prefix_length) {
		// The first one is among those put in front.
		usize gone = bytes_find(bytes_first(buf_bytes(s->prefix), s->prefix_length), 0) + 1;
		span_t all = buf_span(s->prefix);
		span_copy(all, bytes_slice(bytes_of(all), gone, s->prefix_length - gone));
		s->prefix_length -= gone;
		return OK;
	}
	s->skipped += exec_strings_length_at(s, 0);
	return OK;
}

#define PREFIX_MAX 16384u

err_t exec_strings_push_front(struct exec_strings *s, bytes_t text)
{
	if (!s->prefix)
		s->prefix = buf_alloc(PREFIX_MAX);
	if (!s->prefix)
		return -ENOMEM;
	usize length = bytes_len(text);
	if (length >= PREFIX_MAX - s->prefix_length)
		return -E2BIG;
	err_t err = count_string(s, EXEC_ARGUMENT);
	if (err)
		return err;
	span_t all = buf_span(s->prefix);
	span_copy(span_from(all, length + 1), bytes_first(bytes_of(all), s->prefix_length));
	span_copy(all, text);
	span_at(all, length) = 0;
	s->prefix_length += length + 1;
	return OK;
}

// --- reading ------------------------------------------------------------------------------------

u64 exec_strings_size(const struct exec_strings *s borrowed)
{
	return s->prefix_length + s->length - s->skipped;
}

static err_t write_chunk(struct exec_strings *s, u64 from, u64 *done borrowed, user_addr_t to)
{
	u64 at = from + *done;
	usize offset = at % EXEC_STRINGS_CHUNK;
	usize length = min((u64)EXEC_STRINGS_CHUNK - offset, s->length - at);
	err_t err = user_copy_out(user_offset(to, *done),
		bytes_slice(buf_bytes(s->chunks->slot[at / EXEC_STRINGS_CHUNK]), offset, length));
	*done += length;
	return err;
}

err_t exec_strings_write(struct exec_strings *s, user_addr_t to)
{
	err_t err = OK;
	if (s->prefix_length)
		err = user_copy_out(to, bytes_first(buf_bytes(s->prefix), s->prefix_length));
	user_addr_t rest = user_offset(to, s->prefix_length);
	for (u64 done = 0; !err && s->skipped + done < s->length;)
		err = write_chunk(s, s->skipped, &done, rest);
	return err;
}

static u64 length_in_chunks(struct exec_strings *s, u64 position)
{
	u64 length = 0;
	while (position + length < s->length) {
		u64 at = position + length;
		bytes_t rest = bytes_from(buf_bytes(s->chunks->slot[at / EXEC_STRINGS_CHUNK]), at % EXEC_STRINGS_CHUNK);
		usize found = bytes_find(rest, 0);
		length += found;
		if (found < bytes_len(rest))
			return length + 1;
	}
	return length;
}

u64 exec_strings_length_at(struct exec_strings *s, u64 position)
{
	if (position < s->prefix_length)
		return bytes_find(bytes_slice(buf_bytes(s->prefix), position, s->prefix_length - position), 0) + 1;
	return length_in_chunks(s, s->skipped + position - s->prefix_length);
}
