// SPDX-License-Identifier: MPL-2.0
// A request grows as long as the next piece goes on where the last one ended, on the disk and in memory: pages of a
// request are whole, but for the beginning of the first and the end of the last. What is written is charged to the
// group of a request's first page, so pages of different groups do not share a request.
#include <services/block/block_stream.h>

enum { STREAM_REQUESTS_MAX = 32 };

struct block_stream {
	struct object object;
	struct block_device *device;		// reference; immutable
	enum block_operation operation;		// immutable
	u64 next_sector;			// behind the request that grows; owner task only, as all that follows
	u32 last_end;				// where its last page's piece ends
	err_t result;
	struct block_request *growing;		// reference or NULL
	struct block_request_list in_flight;	// a reference each
};

static exclusive_access void block_stream_release(struct block_stream *s)
{
	if (s->growing)
		block_request_put(take(s->growing));
	block_device_put(take(s->device));
}
DEFINE_OBJECT(block_stream, block_stream_release)

struct block_stream *block_stream_create(struct block_device *d, enum block_operation operation)
{
	struct block_stream *s object_auto(block_stream) = block_stream_alloc();

	if (!s)
		return NULL;
	s->device = block_device_get(d);
	s->operation = operation;
	return take(s);
}

static void stream_wait_first(struct block_stream *s borrowed)
{
	struct block_request *r object_auto(block_request) = block_request_list_pop(&s->in_flight);
	s->result = block_error_join(s->result, block_request_wait(r));
}

static void stream_submit(struct block_stream *s borrowed)
{
	struct block_request *r object_auto(block_request) = take(s->growing);

	if (!r)
		return;
	while (block_request_list_count(&s->in_flight) >= STREAM_REQUESTS_MAX)
		stream_wait_first(s);
	block_submit(s->device, r);
	block_request_list_append(&s->in_flight, block_request_get(r));
}

// Can the growing request take this piece, as more of its last page or as its next page?
static bool stream_goes_on(const struct block_stream *s borrowed, u64 sector, struct page *p, u32 offset)
{
	const struct block_request *r = s->growing;

	if (!r || s->next_sector != sector || offset != s->last_end % PAGE_SIZE)
		return false;
	if (r->page[r->page_count - 1] == p)
		return offset != 0;
	return offset == 0 && r->page_count < BLOCK_REQUEST_PAGES &&
		(s->operation == BLOCK_READ || r->page[0]->cgroup == p->cgroup);
}

err_t block_stream_add(struct block_stream *s borrowed, u64 sector, struct page *p, u32 offset, u32 length)
{
	const bool goes_on = stream_goes_on(s, sector, p, offset);

	if (!goes_on) {
		stream_submit(s);
		s->growing = block_request_create(s->operation, sector);
		if (!s->growing)
			return -ENOMEM;
	}
	if (goes_on && s->growing->page[s->growing->page_count - 1] == p)
		s->growing->length += length;
	else if (!block_request_add_page(s->growing, p, offset, length))
		return -EIO;
	s->next_sector = sector + length / BLOCK_SECTOR;
	s->last_end = offset + length;
	return OK;
}

err_t block_stream_finish(struct block_stream *s borrowed)
{
	stream_submit(s);
	while (!block_request_list_is_empty(&s->in_flight))
		stream_wait_first(s);
	return s->result;
}
