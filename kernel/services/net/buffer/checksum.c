// SPDX-License-Identifier: MPL-2.0
// The internet checksum: the one's complement sum of 16-bit words in network order (RFC 1071). A sum is kept folded to
// 16 bits; adding with the carry brought round is independent of the order.
#include <services/net/buffer/packet.h>

static u32 fold(u64 sum)
{
	sum = (sum & U32_MAX) + (sum >> 32);
	sum = (sum & U32_MAX) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (u32)sum;
}

u32 checksum_join(u32 a, u32 b)
{
	return fold((u64)a + b);
}

u32 checksum_add(u32 sum, bytes_t data)
{
	u64 total = sum;
	usize i = 0;
	const usize length = bytes_len(data);

	for (; i + 8 <= length; i += 8) {
		const u64 v = bytes_get_u64be(data, i);
		total += (v >> 32) + (v & U32_MAX);
	}
	for (; i + 2 <= length; i += 2)
		total += bytes_get_u16be(data, i);
	if (i < length)
		total += (u64)byte_at(data, i) << 8;
	return fold(total);
}

u16 checksum_fold(u32 sum)
{
	return (u16)~fold(sum);
}

static u32 swapped(u32 sum)
{
	return (sum & 0xff) << 8 | sum >> 8;
}

u32 packet_checksum(const struct packet *p borrowed, u32 offset, u32 sum)
{
	bytes_t head = packet_front(p);
	u32 data_offset = 0;
	bool is_odd = false;

	if (offset < bytes_len(head)) {
		head = bytes_from(head, offset);
		sum = checksum_add(fold(sum), head);
		is_odd = bytes_len(head) & 1;
	} else {
		data_offset = offset - (u32)bytes_len(head);
	}
	if (data_offset > p->data_length)
		core_trap();
	if (p->data_length == data_offset)
		return fold(sum);
	const u32 data = packet_data_checksum(p->data, p->data_start + data_offset, p->data_length - data_offset);
	return checksum_join(sum, is_odd ? swapped(data) : data);
}

void packet_checksum_finish(struct packet *p borrowed)
{
	if (!(p->flags & PACKET_CHECKSUM_PARTIAL))
		return;
	if (p->checksum_start < p->head_start || p->checksum_start + p->checksum_offset + 2u > p->head_end)
		core_trap();
	// The field already holds the pseudo-header's sum, which the sum over everything takes in.
	u16 sum = checksum_fold(packet_checksum(p, (u32)(p->checksum_start - p->head_start), 0));
	span_put_u16be(array_span(p->head), (usize)p->checksum_start + p->checksum_offset, sum ? sum : (u16)0xffff);
	p->flags &= ~(u32)PACKET_CHECKSUM_PARTIAL;
}
