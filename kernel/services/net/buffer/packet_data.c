// SPDX-License-Identifier: MPL-2.0
// Pages as one range of bytes.
#include <services/net/buffer/packet.h>

static exclusive_access void packet_data_release(struct packet_data *d)
{
	for (u32 i = 0; i < d->page_count; i++) {
		if (d->pages[i])
			page_put(take(d->pages[i]));
	}
}
DEFINE_OBJECT(packet_data, packet_data_release)

struct packet_data *packet_data_create(u32 room)
{
	struct packet_data *d object_auto(packet_data) = packet_data_alloc();

	if (!d || room > PACKET_DATA_MAX)
		return NULL;
	d->page_count = (room + (u32)PAGE_SIZE - 1) >> PAGE_SHIFT;
	d->room = d->page_count << PAGE_SHIFT;
	for (u32 i = 0; i < d->page_count; i++) {
		d->pages[i] = page_alloc(PAGE_ALLOC_CHARGE_SOCKET);
		if (!d->pages[i])
			return NULL;
	}
	return take(d);
}

// The rest of a page from byte `at`, at most `length` bytes.
static span_t piece_at(struct packet_data *d borrowed, u32 at, u32 length)
{
	struct page *p = *array_ptr(d->pages, at >> PAGE_SHIFT);
	const u32 inside = page_offset(at);

	if (!p)
		core_trap();
	return span_slice(page_span(p), inside, min((u32)PAGE_SIZE - inside, length));
}

void packet_data_write(struct packet_data *d borrowed, u32 at, bytes_t from)
{
	for (usize done = 0; done < bytes_len(from);) {
		span_t to = piece_at(d, at + (u32)done, (u32)(bytes_len(from) - done));
		span_copy(to, bytes_slice(from, done, span_len(to)));
		done += span_len(to);
	}
}

void packet_data_read(struct packet_data *d borrowed, u32 at, span_t to)
{
	for (usize done = 0; done < span_len(to);) {
		bytes_t from = bytes_of(piece_at(d, at + (u32)done, (u32)(span_len(to) - done)));
		span_copy(span_from(to, done), from);
		done += bytes_len(from);
	}
}

void packet_data_copy(struct packet_data *to borrowed, u32 at, struct packet_data *from borrowed, u32 from_at,
	u32 length)
{
	for (u32 done = 0; done < length;) {
		bytes_t b = bytes_of(piece_at(from, from_at + done, length - done));
		packet_data_write(to, at + done, b);
		done += (u32)bytes_len(b);
	}
}

u32 packet_data_fill(struct packet_data *d borrowed, u32 at, struct iobuf *from borrowed, u32 length)
{
	for (u32 done = 0; done < length;) {
		span_t to = piece_at(d, at + done, length - done);
		const u32 n = (u32)iobuf_get(from, to);
		done += n;
		if (n < span_len(to))
			return done;
	}
	return length;
}

u32 packet_data_drain(struct packet_data *d borrowed, u32 at, struct iobuf *to borrowed, u32 length)
{
	for (u32 done = 0; done < length;) {
		bytes_t from = bytes_of(piece_at(d, at + done, length - done));
		const u32 n = (u32)iobuf_put(to, from);
		done += n;
		if (n < bytes_len(from))
			return done;
	}
	return length;
}

// Pages begin at even places of the range only when `at` is even; a piece at an odd distance counts with its bytes
// swapped.
u32 packet_data_checksum(struct packet_data *d borrowed, u32 at, u32 length)
{
	u32 sum = 0;

	for (u32 done = 0; done < length;) {
		bytes_t b = bytes_of(piece_at(d, at + done, length - done));
		const u32 part = checksum_add(0, b);
		sum = checksum_join(sum, done & 1 ? (part & 0xff) << 8 | part >> 8 : part);
		done += (u32)bytes_len(b);
	}
	return sum;
}
