// SPDX-License-Identifier: MPL-2.0
// Bulk data between kernel memory and its other end, which is user memory in one piece or in segments,
// or kernel memory. One loop steps through the pieces; what is done with a piece is a small function.
#include <core/iobuf.h>

enum iobuf_kind { IOBUF_USER, IOBUF_VECTOR, IOBUF_KERNEL_DESTINATION, IOBUF_KERNEL_SOURCE };
#define IOBUF_FAULTED 0x100u
#define IOBUF_KIND(b) ((b)->__kind & 0xff)
enum { SEGMENT_BYTES = 16 };

struct iobuf iobuf_user(user_addr_t address, usize length)
{
	return (struct iobuf){ .__user = address.value, .__remaining = length, .__kind = IOBUF_USER };
}

struct iobuf iobuf_to_kernel(span_t destination)
{
	usize length = span_len(destination);

	return (struct iobuf){ .__kernel = destination, .__remaining = length, .__kind = IOBUF_KERNEL_DESTINATION };
}

struct iobuf iobuf_from_kernel(bytes_t source)
{
	usize length = bytes_len(source);

	return (struct iobuf){ .__kernel_source = source, .__remaining = length, .__kind = IOBUF_KERNEL_SOURCE };
}

struct iobuf iobuf_user_vector(bytes_t segments, usize total)
{
	return (struct iobuf){ .__segments = segments, .__remaining = total, .__kind = IOBUF_VECTOR };
}

void iobuf_truncate(struct iobuf *b borrowed, usize length)
{
	b->__remaining = min(b->__remaining, length);
}

bool iobuf_fault(const struct iobuf *b borrowed)
{
	return b->__kind & IOBUF_FAULTED;
}

// A piece of user memory at position `__done`, of at most `length` bytes. For a vector, __user counts
// the segments before the one at hand, __segment_offset the bytes used of it.
struct user_piece {
	user_addr_t at;
	usize length;
};

static struct user_piece piece_at(struct iobuf *b, usize length)
{
	if (IOBUF_KIND(b) == IOBUF_USER)
		return (struct user_piece){ user_addr(b->__user + b->__done), length };
	for (;;) {
		usize at = b->__user * SEGMENT_BYTES;

		if (at >= bytes_len(b->__segments))
			return (struct user_piece){ user_addr(0), 0 };
		u64 base = bytes_get_u64le(b->__segments, at), size = bytes_get_u64le(b->__segments, at + 8);

		if (b->__segment_offset < size) {
			usize left = size - b->__segment_offset;

			return (struct user_piece){ user_addr(base + b->__segment_offset), min(left, length) };
		}
		b->__user++;
		b->__segment_offset = 0;
	}
}

static void advance(struct iobuf *b, usize n)
{
	b->__done += n;
	b->__remaining -= n;
	if (IOBUF_KIND(b) == IOBUF_VECTOR)
		b->__segment_offset += n;
}

void iobuf_revert(struct iobuf *b borrowed, usize length)
{
	length = min(length, b->__done);
	b->__done -= length;
	b->__remaining += length;
	if (IOBUF_KIND(b) != IOBUF_VECTOR)
		return;
	while (length > b->__segment_offset) {
		length -= b->__segment_offset;
		if (__unlikely(!b->__user))
			core_trap();
		b->__user--;
		b->__segment_offset = bytes_get_u64le(b->__segments, b->__user * SEGMENT_BYTES + 8);
	}
	b->__segment_offset -= length;
}

usize iobuf_put(struct iobuf *b borrowed, bytes_t from)
{
	usize length = min(bytes_len(from), b->__remaining), done = 0;

	if (IOBUF_KIND(b) == IOBUF_KERNEL_DESTINATION) {
		span_copy(span_slice(b->__kernel, b->__done, length), bytes_first(from, length));
		advance(b, length);
		return length;
	}
	if (__unlikely(IOBUF_KIND(b) == IOBUF_KERNEL_SOURCE))
		core_trap();
	while (done < length) {
		struct user_piece p = piece_at(b, length - done);
		usize missing = p.length ? user_copy_out_some(p.at, bytes_slice(from, done, p.length)) : 1;

		advance(b, p.length ? p.length - missing : 0);
		done += p.length ? p.length - missing : 0;
		if (missing) {
			b->__kind |= IOBUF_FAULTED;
			break;
		}
	}
	return done;
}

usize iobuf_get(struct iobuf *b borrowed, span_t to)
{
	usize length = min(span_len(to), b->__remaining), done = 0;

	if (IOBUF_KIND(b) == IOBUF_KERNEL_SOURCE) {
		span_copy(to, bytes_slice(b->__kernel_source, b->__done, length));
		advance(b, length);
		return length;
	}
	if (__unlikely(IOBUF_KIND(b) == IOBUF_KERNEL_DESTINATION))
		core_trap();
	while (done < length) {
		struct user_piece p = piece_at(b, length - done);
		usize missing = p.length ? user_copy_in_some(span_slice(to, done, p.length), p.at) : 1;

		advance(b, p.length ? p.length - missing : 0);
		done += p.length ? p.length - missing : 0;
		if (missing) {
			b->__kind |= IOBUF_FAULTED;
			break;
		}
	}
	return done;
}

usize iobuf_put_zeros(struct iobuf *b borrowed, usize length)
{
	static const u8 zeros[512];
	usize done = 0;

	length = min(length, b->__remaining);
	while (done < length) {
		usize n = iobuf_put(b, bytes_first(array_bytes(zeros), min(length - done, sizeof(zeros))));

		done += n;
		if (iobuf_fault(b))
			break;
	}
	return done;
}

// One byte of each page is touched: read, and for a destination written back by an atomic OR with 0.
static err_t touch(user_addr_t at, u32 access)
{
	u32 old = 0;

	at = user_addr(at.value & ~3ul);
	return access & USER_FAULT_WRITE ? user_atomic_u32(at, USER_ATOMIC_OR, 0, &old) : user_read_u32(at, &old);
}

err_t iobuf_prefault(struct iobuf *b borrowed, usize length, u32 access)
{
	struct iobuf walk = *b;
	err_t e = OK;

	if (IOBUF_KIND(b) >= IOBUF_KERNEL_DESTINATION)
		return OK;
	length = min(length, walk.__remaining);
	while (length && e == OK) {
		struct user_piece p = piece_at(&walk, length);

		if (!p.length)
			return (err_t)-EFAULT;
		p.length = min(p.length, PAGE_SIZE - page_offset(p.at.value));
		e = touch(p.at, access);
		advance(&walk, p.length);
		length -= p.length;
	}
	return e;
}
