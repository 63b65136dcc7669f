// SPDX-License-Identifier: MPL-2.0
// Hosted tests of cutting and putting together: what one namespace sends is caught as frames, goes to another one in
// any order, doubled or damaged, and must arrive as it was or not at all.
#include <core/arch/hosted/hosted.h>
#include <core/task.h>
#include <core/time.h>
#include <lib/test.h>
#include <services/cred/cred.h>
#include <services/net/device/net_address.h>
#include <services/net/device/net_neighbour.h>
#include <services/net/ip/ip_internal.h>
#include <services/vfs/file.h>

#define FRAMES_MAX 512u
#define PROTOCOL 253u			// for experiments (RFC 3692)
#define MTU 1500u

static struct packet *frames[FRAMES_MAX];
static u32 frame_count;
static struct net_device *ends[2];
static struct net_namespace *nets[2];
static u8 content[IP_PACKET_MAX];
static u32 content_length;
static u32 arrived, differs;

static void catch(struct net_device *d, struct packet *p)
{
	if (d == ends[0] && frame_count < FRAMES_MAX)
		frames[frame_count++] = p;
	else
		packet_put(p);
}

static void arrive(struct net_namespace *net, const struct ip_flow *flow borrowed, struct packet *packet consumes)
{
	static u8 got[IP_PACKET_MAX];
	struct packet *p object_auto(packet) = packet;
	span_t s = span_first(array_span(got), packet_length(p));

	arrived++;
	packet_read(p, 0, s);
	differs += !bytes_equal(bytes_of(s), bytes_first(array_bytes(content), content_length));
}

static const struct ip_transport transport = { .input = arrive };
static const struct net_device_ops test_wire_ops = { .kind = "wire", .transmit = catch };
struct test_wire {
	struct net_device base;
};
static void test_wire_release(struct test_wire *d) { }
DEFINE_DERIVED(test_wire, net_device, test_wire_release)

static struct ip_address address_of(u32 side, bool is4)
{
	return is4 ? ip_from4(0x0a090001u + side) : (struct ip_address){ 0xfd00ul << 48, 1 + side };
}

static bool add_address(struct net_device *d, u32 side, bool is4)
{
	struct net_address *a = net_address_create(d);

	if (!a)
		return false;
	a->is6 = !is4;
	a->local = a->peer = address_of(side, is4);
	a->prefix_bits = is4 ? 24 : 64;
	return net_address_add(a) == OK;
}

static bool make_end(u32 side)
{
	const struct net_device_traits traits = { .ops = &test_wire_ops, .type = NET_LINK_NONE, .mtu = MTU,
		.mtu_max = 65535, .queue_length = 1000, .flags = NET_POINT_TO_POINT | NET_NO_ARP };
	struct test_wire *d = test_wire_alloc();

	nets[side] = net_namespace_create(user_namespace_initial());
	if (!d || !nets[side] || net_device_init(&d->base, &traits))
		return false;
	ends[side] = &d->base;
	mutex_guard(&net_change_lock);
	return !net_device_register(&d->base, nets[side], STR("wire"), 0) &&
		!net_device_set_flags(&d->base, NET_UP, NET_UP) && add_address(&d->base, side, true) &&
		add_address(&d->base, side, false);
}

static bool start(void)
{
	if (user_namespace_init() || cred_init() || file_system_init_anonymous() || neighbours_init())
		return false;
	ip_init();
	ip_transport_register(PROTOCOL, &transport);
	return !net_namespace_init() && make_end(0) && make_end(1);
}

static void settle(u64 ns)
{
	hosted_clock_advance(ns);
	for (u32 i = 0; i < 6; i++)
		task_yield();
}

static void drop_frames(void)
{
	for (u32 i = 0; i < frame_count; i++) {
		if (frames[i])
			packet_put(frames[i]);
		frames[i] = NULL;
	}
	frame_count = 0;
}

// Sends `length` bytes of chance; the frames wait.
static err_t send(u32 length, bool is4, u32 flags, u32 *random)
{
	struct packet *p = packet_create(PACKET_HEADROOM);
	const struct ip_flow flow = { .source = address_of(0, is4), .destination = address_of(1, is4),
		.protocol = PROTOCOL, .flags = flags };

	drop_frames();
	content_length = length;
	for (u32 i = 0; i < length; i++)
		content[i] = (u8)(test_random(random) >> 8);
	const u32 front = length ? test_random(random) % min(length, 100u) : 0;
	if (packet_append(p, bytes_first(array_bytes(content), front)) ||
		packet_append(p, bytes_slice(array_bytes(content), front, length - front)))
		return -ENOMEM;
	return ip_output(nets[0], &flow, p);
}

static void deliver(u32 i)
{
	if (frames[i])
		net_device_deliver(ends[1], packet_clone(frames[i]));
}

static void shuffle(u32 *random)
{
	for (u32 i = frame_count; i > 1; i--) {
		const u32 k = test_random(random) % i;
		struct packet *p = frames[i - 1];
		frames[i - 1] = frames[k];
		frames[k] = p;
	}
}

static u32 waiting(void) { return atomic_u32_load(&ip_part_of(nets[1])->fragment_bytes); }

TEST(pieces_arrive_in_any_order_and_doubled)
{
	u32 random = 7;

	REQUIRE(start());
	for (u32 round = 0; round < test_rounds(); round++) {
		const bool is4 = round & 1;
		const u32 length = 1 + test_random(&random) % (round % 8 ? 9000 : IP_PACKET_MAX - 60), before = arrived;
		REQUIRE(send(length, is4, 0, &random) == OK);
		const u32 header = is4 ? IP4_HEADER : IP6_HEADER;
		REQUIRE(length + header <= MTU ? frame_count == 1 : frame_count >= length / MTU);
		for (u32 i = 0; i < frame_count; i++)
			REQUIRE(packet_length(frames[i]) <= MTU);
		shuffle(&random);
		for (u32 i = 0; i < frame_count; i++) {
			REQUIRE(arrived == before);
			deliver(i);
			if (i + 1 < frame_count && !(test_random(&random) >> 5 & 3))
				deliver(test_random(&random) % (i + 1));
		}
		REQUIRE(arrived == before + 1 && !differs);
		REQUIRE(!waiting());
	}
	drop_frames();
}

TEST(what_lacks_a_piece_is_forgotten_and_told)
{
	u32 random = 3;

	REQUIRE(start());
	for (u32 is4 = 0; is4 < 2; is4++) {
		const u32 first = is4 ? 0 : IP6_FIRST;
		REQUIRE(send(8000, is4, 0, &random) == OK);
		for (u32 i = 0; i + 1 < frame_count; i++)
			deliver(i);
		EXPECT(waiting());
		settle((is4 ? 28 : 58) * NS_PER_SECOND);
		EXPECT(waiting());
		settle(3 * NS_PER_SECOND);
		EXPECT(!waiting() && !arrived);
		EXPECT(ip_counter_read(nets[1], first + IP_REASSEMBLY_TIMEOUTS) == 1);
		EXPECT(ip_counter_read(nets[1], ICMP_OUT_MESSAGES) == is4 + 1);
		deliver(frame_count - 1);		// too late: it begins another
		settle(70 * NS_PER_SECOND);
		EXPECT(!waiting() && !arrived);
		EXPECT(ip_counter_read(nets[1], ICMP_OUT_MESSAGES) == is4 + 1);	// without a first piece nothing is told
	}
	drop_frames();
}

// The same place with another length ends the packet: which of both would be true?
TEST(overlaps_end_a_packet)
{
	u32 random = 5;

	REQUIRE(start());
	for (u32 cut = 8; cut < 1400; cut += 200) {
		REQUIRE(send(6000, true, 0, &random) == OK);
		struct packet *odd = packet_clone(frames[1]);
		packet_pull(odd, IP4_HEADER);
		const u32 offset = (bytes_get_u16be(packet_front(frames[1]), 6) & 0x1fffu) * 8;
		packet_trim(odd, cut);
		span_t h = packet_push(odd, IP4_HEADER);
		span_copy(h, bytes_first(packet_front(frames[1]), IP4_HEADER));
		span_put_u16be(h, 2, (u16)(IP4_HEADER + cut));
		span_put_u16be(h, 6, (u16)(0x2000 | (offset - 8) / 8));
		span_put_u16be(h, 10, 0);
		span_put_u16be(h, 10, checksum_fold(checksum_add(0, bytes_of(h))));
		deliver(0);
		EXPECT(waiting());
		net_device_deliver(ends[1], odd);
		EXPECT(!waiting() || cut == 8);		// within what is there already: a double
		for (u32 i = 1; i < frame_count; i++)
			deliver(i);
		EXPECT(cut == 8 ? arrived == 1 && !waiting() : arrived == 1 && waiting());
		settle(31 * NS_PER_SECOND);
		EXPECT(!waiting());
	}
	EXPECT(!differs);
	drop_frames();
}

TEST(memory_of_pieces_is_bounded)
{
	u32 random = 11;

	REQUIRE(start());
	atomic_u32_store(&ip_part_of(nets[1])->settings.fragment_bytes_max, 100000);
	for (u32 i = 0; i < 400; i++) {
		REQUIRE(send(4000, i & 1, 0, &random) == OK);
		deliver(i % 3);
		REQUIRE(waiting() <= 100000);
	}
	EXPECT(waiting() > 90000);
	EXPECT(ip_counter_read(nets[1], IP_REASSEMBLY_FAILS) > 100);
	settle(61 * NS_PER_SECOND);
	EXPECT(!waiting());
	drop_frames();
}

// Bytes changed by chance: whatever comes, nothing is read that is not there, and all memory comes back.
TEST(damaged_pieces_do_no_harm)
{
	u32 random = 13;

	REQUIRE(start());
	for (u32 round = 0; round < test_rounds(); round++) {
		const bool is4 = round & 1;
		REQUIRE(send(1 + test_random(&random) % 6000, is4, 0, &random) == OK);
		shuffle(&random);
		for (u32 i = 0; i < frame_count; i++) {
			struct packet *p = packet_clone(frames[i]);
			span_t h = packet_front_span(p);
			const u32 header = min((u32)span_len(h), 48u);
			for (u32 k = test_random(&random) % 3; k; k--)
				span_at(h, test_random(&random) % header) = (u8)(test_random(&random) >> 7);
			if (is4) {
				span_put_u16be(h, 10, 0);
				span_put_u16be(h, 10,
					checksum_fold(checksum_add(0, bytes_of(span_first(h, IP4_HEADER)))));
			}
			if (!(test_random(&random) % 4))
				packet_trim(p, test_random(&random) % (packet_length(p) + 1));
			net_device_deliver(ends[1], p);
		}
		if (round % 50 == 0)
			settle(61 * NS_PER_SECOND);
	}
	settle(61 * NS_PER_SECOND);
	settle(61 * NS_PER_SECOND);
	EXPECT(!waiting() && !atomic_u32_load(&ip_part_of(nets[1])->fragment_count));
	drop_frames();
}

TEST(a_path_is_learned_and_forgotten)
{
	u32 random = 17;
	const struct ip_address there = address_of(1, true);

	REQUIRE(start());
	EXPECT(send(1600, true, IP_DONT_FRAGMENT, &random) == (err_t)-EMSGSIZE);
	EXPECT(send(1600, true, IP_KEEP_WHOLE, &random) == (err_t)-EMSGSIZE);
	ip_path_note(nets[0], there, 1000);
	EXPECT(send(1200, true, IP_DONT_FRAGMENT, &random) == (err_t)-EMSGSIZE);
	EXPECT(send(1200, true, IP_DONT_FRAGMENT | IP_IGNORE_PATH, &random) == OK && frame_count == 1);
	EXPECT(send(1200, true, IP_WHOLE_ON_THE_WAY, &random) == OK && frame_count == 2);
	EXPECT(!(byte_at(packet_front(frames[0]), 6) & 0x40));
	EXPECT(send(900, true, IP_WHOLE_ON_THE_WAY, &random) == OK && frame_count == 1);
	EXPECT(byte_at(packet_front(frames[0]), 6) & 0x40);
	ip_path_note(nets[0], there, 1400);	// no wider again
	ip_path_note(nets[0], there, 0);
	EXPECT(ip_path_find(nets[0], there).mtu == 1000);
	ip_path_note(nets[0], there, 68);	// nobody is believed that low; then routers may cut
	EXPECT(ip_path_find(nets[0], there).mtu == 552);
	EXPECT(send(500, true, IP_DONT_FRAGMENT, &random) == OK && !(byte_at(packet_front(frames[0]), 6) & 0x40));
	for (u32 i = 0; i < 1000; i++)
		ip_path_note(nets[0], ip_from4(0x0a090100u + i), 1000);
	EXPECT(ip_path_find(nets[0], there).mtu == U32_MAX);
	EXPECT(atomic_u32_load(&ip_part_of(nets[0])->path_count) <= 128);
	settle(601 * NS_PER_SECOND);
	EXPECT(ip_path_find(nets[0], ip_from4(0x0a090100u + 999)).mtu == U32_MAX);
	drop_frames();
}
