// SPDX-License-Identifier: MPL-2.0
// A packet on its way: what devices, IP and the transports hand to each other.
//
// Theory. The content is two pieces, one behind the other: a part of `head`, which is in the packet itself and holds
// the headers (a small packet entirely), and a part of `data`, pages that several packets may share and that nobody
// changes while they are shared. So a retransmission shares what it sends with the first copy, every copy has headers
// of its own, and a header is always contiguous: packet_require() brings it into the head.
// Functions here sleep only if their caller may; under a spinlock an allocation fails instead of waiting.
#pragma once
#include <core/iobuf.h>
#include <core/list.h>
#include <core/object.h>
#include <core/page.h>

#define PACKET_HEAD_BYTES 256u
#define PACKET_HEADROOM 144u		// link, IP and transport header with room to spare
#define PACKET_DATA_PAGES 16u
#define PACKET_DATA_MAX (PACKET_DATA_PAGES * 4096u)
#define PACKET_INLINE_MAX (PACKET_HEAD_BYTES - PACKET_HEADROOM)

// Bytes in pages, as one range from 0 to `room`. Bytes once handed out in a packet do not change.
struct packet_data {
	struct object object;
	u32 room;				// bytes; immutable
	u32 page_count;				// immutable
	struct page *pages[PACKET_DATA_PAGES];	// references; immutable after creation
};
DECLARE_OBJECT(packet_data)
// Room for at least `room` bytes, at most PACKET_DATA_MAX. NULL without memory.
struct packet_data *packet_data_create(u32 room) owned;
void packet_data_write(struct packet_data *d borrowed, u32 at, bytes_t from);
// Copies from a caller's buffer: the number copied, short at a fault. => may sleep
u32 packet_data_fill(struct packet_data *d borrowed, u32 at, struct iobuf *from borrowed, u32 length);
u32 packet_data_drain(struct packet_data *d borrowed, u32 at, struct iobuf *to borrowed, u32 length);
void packet_data_read(struct packet_data *d borrowed, u32 at, span_t to);
void packet_data_copy(
	struct packet_data *to borrowed, u32 at, struct packet_data *from borrowed, u32 from_at, u32 length);
u32 packet_data_checksum(struct packet_data *d borrowed, u32 at, u32 length);	// folded to 16 bits

enum packet_flag {
	PACKET_CHECKSUM_GOOD = 1,	// received: the transport's checksum was verified or the data never left memory
	PACKET_CHECKSUM_PARTIAL = 2,	// to be sent: see checksum_start; the field holds the pseudo-header's sum
	PACKET_BROADCAST = 4,		// received by a broadcast address (link or IP)
	PACKET_MULTICAST = 8,
	PACKET_OTHER_HOST = 16,		// received promiscuously
	PACKET_LOOPBACK = 32		// came by the loopback interface
};
// One owner at a time, who may change every field; immutable while it is shared (packet_get).
struct packet {
	struct object object;
	struct list_link link;			// of the queue it is in
	struct packet_data *data;		// reference or NULL
	u32 data_start, data_length;
	u16 head_start, head_end;		// of head[]
	u16 network, transport;			// places in head[] of the IP and transport headers, once known
	u32 flags;				// enum packet_flag
	// PACKET_CHECKSUM_PARTIAL: the sum covers the content from head[checksum_start] to the end and belongs into
	// head[checksum_start + checksum_offset].
	u16 checksum_start, checksum_offset;
	u16 ethertype;				// of the content behind the link header; host order
	u16 link_start;				// place in head[] of the link header, when there is one
	u32 interface;				// index of the device it came in by; 0: made here
	u32 mark, priority;
	u64 received_ns;			// wall clock; 0: not noted
	u64 control;				// the queue owner's own
	u8 head[PACKET_HEAD_BYTES];
};
DECLARE_OBJECT(packet)
DEFINE_LIST(packet_list, packet, link)

// Empty, with `headroom` bytes free before the content (PACKET_HEADROOM is right for output; 0 for a receiver).
struct packet *packet_create(u32 headroom) owned;
// Same content in a packet of its own: the head is copied, the data shared.
struct packet *packet_clone(const struct packet *p borrowed) owned;
static inline u32 packet_length(const struct packet *p borrowed)
{
	return (u32)(p->head_end - p->head_start) + p->data_length;
}
// The contiguous front of the content.
bytes_t packet_front(const struct packet *p borrowed);
span_t packet_front_span(struct packet *p borrowed);
// Makes the first n bytes contiguous (n <= PACKET_HEADROOM). False when the content is shorter.
bool packet_require(struct packet *p borrowed, u32 n);
// Sees to `n` bytes of headroom. False when the head is too full.
bool packet_reserve(struct packet *p borrowed, u32 n);
// n more bytes at the front, to be written by the caller. Traps without headroom.
span_t packet_push(struct packet *p borrowed, u32 n);
// Drops bytes at the front, or at the end down to `length`. Trap when there are not so many.
void packet_pull(struct packet *p borrowed, u32 n);
void packet_trim(struct packet *p borrowed, u32 length);
// More content at the end. -ENOMEM; -EMSGSIZE above PACKET_DATA_MAX; -EFAULT (iobuf).
err_t packet_append(struct packet *p borrowed, bytes_t from);
err_t packet_append_from(struct packet *p borrowed, struct iobuf *from borrowed, u32 length);
// Instead of copying: content of an empty packet becomes a part of d.
void packet_attach(struct packet *p borrowed, struct packet_data *d, u32 start, u32 length);
// Copies content out: `offset` from its beginning. to iobuf: the number copied, short at a fault.
void packet_read(const struct packet *p borrowed, u32 offset, span_t to);
u32 packet_read_to(const struct packet *p borrowed, u32 offset, u32 length, struct iobuf *to borrowed);
// Memory that it stands for, for accounts.
static inline u32 packet_cost(const struct packet *p borrowed)
{
	return (u32)sizeof(struct packet) + p->data_length;
}

// --- internet checksum (RFC 1071) -----------------------------------------------------------------------------------
// Sums add up: start with 0 or with a pseudo-header's; checksum_fold() gives what the header field holds (inverted).
u32 checksum_add(u32 sum, bytes_t data);	// an odd length may only be the last
u32 checksum_join(u32 a, u32 b);
u16 checksum_fold(u32 sum);
u32 packet_checksum(const struct packet *p borrowed, u32 offset, u32 sum);
// Finishes PACKET_CHECKSUM_PARTIAL in software, for devices that do not.
void packet_checksum_finish(struct packet *p borrowed);
