// SPDX-License-Identifier: MPL-2.0
// Hosted tests of connections over a wire that loses, doubles and delays: two network namespaces, each with one end of
// the wire, time that only the test moves, and chances that a seed decides. So a fault that shows once in a thousand
// runs of a real machine has a number here, and is looked for in many runs at once.
#include <core/arch/hosted/hosted.h>
#include <core/memory_account.h>
#include <core/print.h>
#include <core/task.h>
#include <lib/test.h>
#include <services/cred/cred.h>
#include <services/net/device/net_address.h>
#include <services/net/device/net_neighbour.h>
#include <services/net/tcp/tcp_internal.h>
#include <services/vfs/vfs.h>

#define WIRE_PACKETS 4096u
#define PORT 700u
#define MS NS_PER_MS
#define STALL_NS (400 * NS_PER_SECOND)
#define LONG_NS (10 * NS_PER_SECOND)

struct wire_packet {
	struct packet *packet;
	u64 due_ns;
	u32 to;
};
struct wire {
	u32 lost, doubled, delayed;	// in 256
	u32 random;
	u64 latency_ns, delay_ns;
	u32 room;			// packets at most on their way to one side
	u32 frames, losses;
	u32 edge[2];			// one past what each side offered to take
	u32 is_known[2];
	u32 port;			// of the server that is watched
	u32 trespasses;			// segments that reach beyond what the other side offered
	u32 count;
	struct wire_packet packets[WIRE_PACKETS];
};
static struct wire wire;
static struct net_device *ends[2];
static struct net_namespace *nets[2];

// --- the wire -------------------------------------------------------------------------------------------------------

static void wire_put(struct packet *p, u32 to, u64 due_ns)
{
	u32 waiting = 0, i = wire.count;

	for (u32 k = 0; k < wire.count; k++)
		waiting += wire.packets[k].to == to;
	if (wire.count == WIRE_PACKETS || waiting >= wire.room) {
		wire.losses++;
		packet_put(p);
		return;
	}
	for (; i > 0 && wire.packets[i - 1].due_ns > due_ns; i--)
		wire.packets[i] = wire.packets[i - 1];
	wire.packets[i] = (struct wire_packet){ p, due_ns, to };
	wire.count++;
}

static bool happens(u32 in_256)
{
	return (test_random(&wire.random) >> 4 & 255) < in_256;
}

// No scale but that of this kernel's own sockets is met here.
#define SCALE 7u

// Every segment is watched: nothing may go, not even a number, where the other side has not offered room.
static void inspect(const struct packet *p borrowed, u32 to)
{
	u8 raw[40];
	span_t h = array_span(raw);

	packet_read(p, 0, h);
	bytes_t b = bytes_of(h);
	const u32 flags = byte_at(b, 33), data = packet_length(p) - 20 - (u32)(byte_at(b, 32) >> 4) * 4;
	const u32 end = bytes_get_u32be(b, 24) + data + (flags & TCP_FIN ? 1 : 0);
	const u32 edge = bytes_get_u32be(b, 28) + ((u32)bytes_get_u16be(b, 34) << (flags & TCP_SYN ? 0 : SCALE));
	if (bytes_get_u16be(b, to ? 22 : 20) != wire.port || flags & TCP_RST)
		return;		// of a connection before, perhaps
	if (flags & TCP_SYN)
		wire.is_known[to] = 0;
	if (wire.is_known[to] && seq_after(end, wire.edge[to]))
		wire.trespasses++;
	if (!(flags & TCP_ACK))
		return;
	if (!wire.is_known[!to] || seq_after(edge, wire.edge[!to]))
		wire.edge[!to] = edge;
	wire.is_known[!to] = 1;
}

static void wire_transmit(struct net_device *d, struct packet *p)
{
	const u32 to = d == ends[0] ? 1 : 0;
	u64 due_ns = clock_monotonic_ns() + wire.latency_ns;

	inspect(p, to);

	wire.frames++;
	if (happens(wire.lost)) {
		wire.losses++;
		packet_put(p);
		return;
	}
	if (happens(wire.delayed))
		due_ns += wire.delay_ns;
	if (happens(wire.doubled))
		wire_put(packet_clone(p), to, due_ns + wire.latency_ns / 2);
	wire_put(p, to, due_ns);
}

static const struct net_device_ops wire_ops = { .kind = "wire", .transmit = wire_transmit };
struct wire_device {
	struct net_device base;
};
static void wire_device_release(struct wire_device *d) { }
DEFINE_DERIVED(wire_device, net_device, wire_device_release)

static u32 address_of(u32 side) { return 0x0a090001u + side; }

static bool make_end(u32 side)
{
	const struct net_device_traits traits = { .ops = &wire_ops, .type = NET_LINK_NONE, .mtu = 1500,
		.mtu_max = 65535, .queue_length = 1000, .flags = NET_POINT_TO_POINT | NET_NO_ARP };
	struct wire_device *d = wire_device_alloc();

	nets[side] = net_namespace_create(user_namespace_initial());
	if (!d || !nets[side] || net_device_init(&d->base, &traits))
		return false;
	ends[side] = &d->base;
	mutex_guard(&net_change_lock);
	if (net_device_register(&d->base, nets[side], STR("wire"), 0) ||
		net_device_set_flags(&d->base, NET_UP, NET_UP))
		return false;
	struct net_address *a = net_address_create(&d->base);
	a->local = a->peer = ip_from4(address_of(side));
	a->prefix_bits = 24;
	return net_address_add(a) == OK;
}

static bool start(void)
{
	if (user_namespace_init() || cred_init() || file_system_init_anonymous() || neighbours_init())
		return false;
	ip_init();
	inet_init();
	return !tcp_init() && !net_namespace_init() && make_end(0) && make_end(1);
}

static void settle(void)
{
	for (u32 i = 0; i < 6; i++)
		task_yield();
}

// The next thing happens, which is at most 10 ms away.
static void pass(void)
{
	const u64 now_ns = clock_monotonic_ns();
	u64 until_ns = now_ns + 10 * MS;

	if (wire.count && wire.packets[0].due_ns < until_ns)
		until_ns = wire.packets[0].due_ns;
	if (until_ns > now_ns)
		hosted_clock_advance(until_ns - now_ns);
	settle();
	while (wire.count && wire.packets[0].due_ns <= clock_monotonic_ns()) {
		const struct wire_packet w = wire.packets[0];
		wire.count--;
		for (u32 i = 0; i < wire.count; i++)
			wire.packets[i] = wire.packets[i + 1];
		net_device_deliver(ends[w.to], w.packet);
	}
}

// --- who uses it ----------------------------------------------------------------------------------------------------

struct user {
	struct socket *socket;
	u32 to_send, sent, to_receive, received;
	u32 chunk;		// read at once
	u32 reads, has_shut, bad;
};

static u8 byte_of(u32 position) { return (u8)(position * 31 + (position >> 8) * 7 + (position >> 16)); }

static void use_sender(struct user *u)
{
	static u8 block[8192];

	while (u->sent < u->to_send) {
		const u32 n = min(u->to_send - u->sent, (u32)sizeof(block));
		for (u32 i = 0; i < n; i++)
			block[i] = byte_of(u->sent + i);
		struct iobuf data = iobuf_from_kernel(bytes_first(array_bytes(block), n));
		struct socket_message m = { .data = &data, .address = bytes_empty(), .flags = MESSAGE_DONT_WAIT };
		const ssize_r got = tcp_send(u->socket, &m);
		if (got <= 0)
			return;
		u->sent += (u32)got;
	}
	if (!u->has_shut && tcp_shutdown(u->socket, SHUTDOWN_SEND) == OK)
		u->has_shut = 1;
}

static void use_reader(struct user *u)
{
	static u8 block[8192];

	for (;;) {
		struct iobuf data = iobuf_to_kernel(span_first(array_span(block), u->chunk));
		struct socket_message m = { .data = &data, .address_out = span_empty(), .flags = MESSAGE_DONT_WAIT };
		const ssize_r got = tcp_receive(u->socket, &m);
		if (got <= 0)
			return;
		for (u32 i = 0; i < (u32)got; i++)
			u->bad |= block[i] != byte_of(u->received + i);
		u->received += (u32)got;
	}
}

static void user_close(struct user *u)
{
	u->socket->ops->close(u->socket);
}

static bool is_done(const struct user *u) { return u->received >= u->to_receive; }

static u8 sockaddr_raw[16];
static bytes_t sockaddr(u32 port)
{
	span_t s = array_span(sockaddr_raw);
	span_put_u16le(s, 0, FAMILY_INET);
	span_put_u16be(s, 2, (u16)port);
	span_put_u32be(s, 4, address_of(1));
	return bytes_of(s);
}

static struct socket *listener_of(u32 port)
{
	struct socket *s = NULL;
	if (socket_create(nets[1], FAMILY_INET, SOCKET_STREAM, 0, OPEN_NONBLOCK, cred_initial(), &s) ||
		s->ops->bind(s, sockaddr(port)) || s->ops->listen(s, 8))
		return NULL;
	return s;
}

static bool connect_both(u32 port, struct user *client, struct user *server)
{
	struct socket *l = listener_of(port);
	err_t err;

	if (!l || socket_create(nets[0], FAMILY_INET, SOCKET_STREAM, 0, OPEN_NONBLOCK, cred_initial(), &client->socket))
		return false;
	while ((err = tcp_connect(client->socket, sockaddr(port))) == (err_t)-EINPROGRESS || err == (err_t)-EALREADY)
		pass();
	if (err)
		return false;
	while ((err = socket_accept(l, OPEN_NONBLOCK, cred_initial(), &server->socket)) == (err_t)-EAGAIN)
		pass();
	l->ops->close(l);
	return err == OK;
}

static u32 next_port = PORT;

// Both directions; who connected reads nothing before the other has all: nanoseconds, or STALL_NS.
static u64 exchange(u32 seed, u32 there, u32 back)
{
	struct user client = { .to_send = there, .to_receive = back, .chunk = 8192 };
	struct user server = { .to_send = back, .to_receive = there, .chunk = 8192 };

	wire.random = seed * 2654435761u + 1;
	wire.port = next_port++;
	const u64 begin_ns = clock_monotonic_ns();
	if (!connect_both(wire.port, &client, &server))
		return STALL_NS;
	while (!is_done(&client) || !is_done(&server)) {
		use_sender(&client);
		use_sender(&server);
		use_reader(&server);
		if (is_done(&server))
			use_reader(&client);
		if (clock_monotonic_ns() - begin_ns > STALL_NS)
			break;
		pass();
	}
	const u64 took_ns = clock_monotonic_ns() - begin_ns;
	if (client.bad || server.bad)
		return STALL_NS;
	user_close(&client);
	user_close(&server);
	return took_ns;
}

// The longest of many runs, each by a seed of its own.
static u64 longest(u32 there, u32 back)
{
	u64 worst_ns = 0;

	for (u32 seed = 1; seed <= test_rounds() / 2; seed++) {
		const u64 took_ns = exchange(seed, there, back);
		if (took_ns > LONG_NS)
			log_info("seed %u: %lu ms", seed, took_ns / MS);
		worst_ns = max(worst_ns, took_ns);
	}
	return worst_ns;
}

TEST(what_is_lost_is_sent_again)
{
	wire = (struct wire){ .lost = 5, .latency_ns = MS, .room = 200 };
	REQUIRE(start());
	EXPECT(longest(512 << 10, 128 << 10) < LONG_NS);
	EXPECT(wire.losses > 0 && !wire.trespasses);
}

TEST(order_and_doubles_do_not_matter)
{
	wire = (struct wire){ .doubled = 12, .delayed = 25, .latency_ns = MS, .delay_ns = 10 * MS, .room = 200 };
	REQUIRE(start());
	EXPECT(longest(256 << 10, 256 << 10) < LONG_NS);
	EXPECT(!wire.trespasses);
}

// What is sent back fills the shut window to the last byte: the end of data, which has a number too, waits.
TEST(the_end_of_data_waits_for_the_window)
{
	wire = (struct wire){ .lost = 8, .latency_ns = MS, .room = 200 };
	REQUIRE(start());
	EXPECT(longest(512 << 10, 64 << 10) < LONG_NS);
	EXPECT(!wire.trespasses);
}

TEST(a_short_queue_drops_the_ends_of_bursts)
{
	wire = (struct wire){ .lost = 2, .latency_ns = 20 * MS, .room = 12 };
	REQUIRE(start());
	EXPECT(longest(512 << 10, 100 << 10) < LONG_NS);
	EXPECT(wire.losses > 0 && !wire.trespasses);
}

struct effort {
	u64 repeats, time_ns;
};
// What many transfers cost, with selective acknowledgments or without.
static struct effort effort_of(u32 has_sack)
{
	struct effort e = { .repeats = ip_counter_read(nets[0], TCP_RETRANSMITTED) };

	atomic_u32_store(&ip_part_of(nets[0])->settings.tcp_sack, has_sack);
	for (u32 seed = 1; seed <= 40; seed++)
		e.time_ns += exchange(seed, 1 << 20, 1000);
	e.repeats = ip_counter_read(nets[0], TCP_RETRANSMITTED) - e.repeats;
	log_info("selective acknowledgments %u: %lu segments sent again, %lu ms", has_sack, e.repeats, e.time_ns / MS);
	return e;
}

// Several segments of a window are lost: with blocks all are sent again in about a round trip, without them one each.
TEST(selective_acknowledgments_save_time_and_repeats)
{
	wire = (struct wire){ .lost = 16, .latency_ns = 10 * MS, .room = 100 };
	REQUIRE(start());
	const struct effort without = effort_of(0), with = effort_of(1);
	EXPECT(with.repeats < without.repeats);
	EXPECT(with.time_ns * 3 < without.time_ns * 2);
}

// --- a window that stays shut ----------------------------------------------------------------------------------------

// The server reads nothing until the client can send no more, and nothing afterwards.
static bool shut_window(struct user *client, struct user *server)
{
	*client = (struct user){ .to_send = 8 << 20, .chunk = 8192 };
	*server = (struct user){ .to_receive = 8 << 20, .chunk = 8192 };
	wire.port = next_port++;
	if (!connect_both(wire.port, client, server))
		return false;
	for (u32 i = 0; i < 2000; i++) {
		use_sender(client);
		pass();
	}
	return client->sent && client->sent < client->to_send;
}

static bool is_alive(const struct user *u)
{
	return tcp_of(u->socket)->state != TCP_CLOSED;
}

// Seconds until the client's connection is over, at most limit_s, in steps of a tenth.
static u32 seconds_alive(struct tcp_socket *t, u32 limit_s)
{
	const u64 begin_ns = clock_monotonic_ns();

	while (t->state != TCP_CLOSED && clock_monotonic_ns() - begin_ns < limit_s * NS_PER_SECOND) {
		hosted_clock_advance(100 * MS);
		settle();
		pass();
	}
	return (u32)((clock_monotonic_ns() - begin_ns) / NS_PER_SECOND);
}

TEST(a_peer_that_answers_probes_is_never_given_up)
{
	struct user client = { }, server = { };

	wire = (struct wire){ .latency_ns = MS, .room = 200 };
	REQUIRE(start());
	REQUIRE(shut_window(&client, &server));
	const u64 probes = ip_counter_read(nets[0], TCP_WINDOW_PROBES);
	EXPECT(seconds_alive(tcp_of(client.socket), 4 * 3600) >= 4 * 3600);
	EXPECT(ip_counter_read(nets[0], TCP_WINDOW_PROBES) - probes >= 4 * 3600 / 120);
	REQUIRE(is_alive(&client));
	for (u32 i = 0; i < 20000 && !is_done(&server); i++) {
		use_sender(&client);
		use_reader(&server);
		pass();
	}
	EXPECT(is_done(&server) && !server.bad && !wire.trespasses);
	user_close(&client);
	user_close(&server);
}

TEST(a_peer_that_answers_no_probe_is_given_up)
{
	struct user client = { }, server = { };

	wire = (struct wire){ .latency_ns = MS, .room = 200 };
	REQUIRE(start());
	REQUIRE(shut_window(&client, &server));
	wire.lost = 256;
	const u32 took_s = seconds_alive(tcp_of(client.socket), 4 * 3600);
	EXPECT(took_s > 600 && took_s < 15 * 120 + 120);
	EXPECT(tcp_take_error(tcp_of(client.socket)) == (err_t)-ETIMEDOUT);
	user_close(&client);
	user_close(&server);
}

TEST(the_users_limit_holds_for_a_shut_window)
{
	struct user client = { }, server = { };
	u8 limit_ms[4] = { 0x30, 0x75 };	// 30,000

	wire = (struct wire){ .latency_ns = MS, .room = 200 };
	REQUIRE(start());
	REQUIRE(shut_window(&client, &server));
	REQUIRE(tcp_set_option(client.socket, 6, 18, array_bytes(limit_ms)) == OK);
	const u32 took_s = seconds_alive(tcp_of(client.socket), 3600);
	EXPECT(took_s >= 10 && took_s < 60);
	EXPECT(tcp_take_error(tcp_of(client.socket)) == (err_t)-ETIMEDOUT);
	user_close(&client);
	user_close(&server);
}

// What is left behind by a program that ended does not stay for as long as its peer likes.
TEST(an_orphan_does_not_probe_for_ever)
{
	struct user client = { }, server = { };

	wire = (struct wire){ .latency_ns = MS, .room = 200 };
	REQUIRE(start());
	REQUIRE(shut_window(&client, &server));
	struct tcp_socket *t object_auto(tcp_socket) = tcp_socket_get(tcp_of(client.socket));
	user_close(&client);
	const u32 took_s = seconds_alive(t, 3600);
	EXPECT(took_s >= 60 && took_s < 600);
	user_close(&server);
}

// --- who pays --------------------------------------------------------------------------------------------------------

static s64 charged_pages;
static u32 is_full;

static u64 pay(struct object *group, u64 need, u64 want)
{
	if (is_full)
		return 0;
	charged_pages += (s64)need;
	return need;
}

static void pay_back(struct object *group, u64 pages)
{
	charged_pages -= (s64)pages;
}

static void note(struct object *group, enum memory_account_kind kind, s64 bytes) { }

static const struct memory_account_ops payer_ops = { .charge = pay, .uncharge = pay_back, .count = note };

// The other side's first segment arrives in nobody's task.
TEST(half_open_connections_are_paid_by_who_listens)
{
	struct user client = { };

	wire = (struct wire){ .latency_ns = MS, .room = 200 };
	REQUIRE(start());
	memory_account_register(&payer_ops);
	struct object *group = &nets[0]->base.object;
	const u32 account = memory_account_open(group);
	REQUIRE(account);
	task_set_memory_account(task_current(), account);
	struct socket *l = listener_of(PORT);
	task_set_memory_account(task_current(), 0);
	REQUIRE(l && memory_object_payer(&tcp_of(l)->object) == group);
	// Whoever pays has no room: the segment is dropped.
	for (u32 round = 0; round < 2; round++) {
		is_full = round == 0;
		const s64 before = charged_pages;
		REQUIRE(!socket_create(nets[0], FAMILY_INET, SOCKET_STREAM, 0, OPEN_NONBLOCK, cred_initial(),
			&client.socket));
		// More than what is left of pages that are charged already.
		for (u32 i = 0; i < 64; i++) {
			struct socket *s = NULL;
			REQUIRE(!socket_create(nets[0], FAMILY_INET, SOCKET_STREAM, 0, OPEN_NONBLOCK, cred_initial(),
				&s));
			EXPECT(tcp_connect(s, sockaddr(PORT)) == (err_t)-EINPROGRESS);
			pass();
		}
		EXPECT(round == 0 ? charged_pages == before : charged_pages > before);
		EXPECT(round == 1 || ip_counter_read(nets[1], TCP_LISTEN_DROPS) > 0);
		user_close(&client);
	}
}
