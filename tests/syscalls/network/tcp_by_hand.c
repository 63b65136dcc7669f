// SPDX-License-Identifier: MPL-2.0
/* TCP against a peer that writes its segments by hand: a veth pair whose one end has an address, while the other is
 * only a packet socket. So windows, numbers and blocks are what the case says, and what comes back is seen as it is. */
#include "pair.h"

#include <netinet/tcp.h>
#include <poll.h>
#include <time.h>

enum { OWN = 0x0a090001, HAND = 0x0a090002, OWN_PORT = 700, HAND_PORT = 800, BLOCKS = 4, FRAME = 2048 };
enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16 };
enum { OPTION_MSS = 2, OPTION_PERMIT = 4, OPTION_SACK = 5 };
static const unsigned char hand_mac[6] = {2, 0, 0, 0, 0, 9};

struct segment {
	unsigned seq, ack, flags, window, length, permits, blocks, peer_port;
	unsigned block[BLOCKS][2];
};
/* What the hand knows: its own next number and the other's. */
struct hand {
	int port, socket;		/* packet socket; the connection on the other side */
	unsigned char own_mac[6];
	unsigned seq, ack;
	unsigned start;			/* the number of the other's first byte */
	unsigned from;			/* the hand's port; 0: HAND_PORT */
};

/* --- frames -------------------------------------------------------------------------------------------------- */

static void put16(unsigned char *p, unsigned v) { p[0] = (unsigned char)(v >> 8); p[1] = (unsigned char)v; }
static void put32(unsigned char *p, unsigned v) { put16(p, v >> 16); put16(p + 2, v & 0xffff); }
static unsigned get16(const unsigned char *p) { return (unsigned)p[0] << 8 | p[1]; }
static unsigned get32(const unsigned char *p) { return get16(p) << 16 | get16(p + 2); }

static unsigned checksum(const unsigned char *p, size_t n, unsigned sum)
{
	for (size_t i = 0; i < n; i++)
		sum += i & 1 ? p[i] : (unsigned)p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static void header(struct hand *h, unsigned char *frame, unsigned ethertype)
{
	memcpy(frame, h->own_mac, 6);
	memcpy(frame + 6, hand_mac, 6);
	put16(frame + 12, ethertype);
}

static void answer_arp(struct hand *h, const unsigned char *question)
{
	unsigned char frame[42] = {0};
	memcpy(h->own_mac, question + 6, 6);
	header(h, frame, ETH_P_ARP);
	memcpy(frame + 14, question + 14, 6);
	put16(frame + 20, 2);
	memcpy(frame + 22, hand_mac, 6);
	put32(frame + 28, HAND);
	memcpy(frame + 32, question + 22, 10);
	CHECK_EQ(send(h->port, frame, sizeof(frame), 0), (ssize_t)sizeof(frame));
}

/* options: a multiple of four bytes. */
static void give(struct hand *h, unsigned flags, unsigned seq, unsigned ack, unsigned window,
	const unsigned char *options, unsigned options_length, unsigned length)
{
	unsigned char frame[FRAME] = {0}, *ip = frame + 14, *tcp = ip + 20;
	const unsigned segment = 20 + options_length + length;
	header(h, frame, ETH_P_IP);
	ip[0] = 0x45;
	put16(ip + 2, 20 + segment);
	put16(ip + 6, 0x4000);
	ip[8] = 64;
	ip[9] = IPPROTO_TCP;
	put32(ip + 12, HAND);
	put32(ip + 16, OWN);
	put16(ip + 10, ~checksum(ip, 20, 0));
	put16(tcp, h->from ? h->from : HAND_PORT);
	put16(tcp + 2, OWN_PORT);
	put32(tcp + 4, seq);
	put32(tcp + 8, ack);
	tcp[12] = (unsigned char)((20 + options_length) / 4 << 4);
	tcp[13] = (unsigned char)flags;
	put16(tcp + 14, window);
	if (options_length)
		memcpy(tcp + 20, options, options_length);
	memset(tcp + 20 + options_length, 'h', length);
	put16(tcp + 16, ~checksum(tcp, segment, checksum(ip + 12, 8, IPPROTO_TCP + segment)));
	CHECK_EQ(send(h->port, frame, 34 + segment, 0), (ssize_t)(34 + segment));
}

static void read_options(struct segment *s, const unsigned char *o, unsigned n)
{
	for (unsigned i = 0; i < n && o[i] != 0;) {
		if (o[i] == 1) {
			i++;
			continue;
		}
		CHECK(i + 1 < n && o[i + 1] >= 2 && i + o[i + 1] <= n);
		if (o[i] == OPTION_PERMIT)
			s->permits = 1;
		for (unsigned at = i + 2; o[i] == OPTION_SACK && at < i + o[i + 1]; at += 8, s->blocks++) {
			s->block[s->blocks][0] = get32(o + at);
			s->block[s->blocks][1] = get32(o + at + 4);
		}
		i += o[i + 1];
	}
}

static long now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* The next segment of the other side; 0 when none comes until then. */
static int take_until(struct hand *h, struct segment *s, long end_ms)
{
	for (;;) {
		unsigned char frame[FRAME];
		struct sockaddr_ll from;
		socklen_t room = sizeof(from);
		struct pollfd p = {.fd = h->port, .events = POLLIN};
		const long left = end_ms - now_ms();
		if (left <= 0 || poll(&p, 1, (int)left) <= 0)
			return 0;
		const ssize_t n = recvfrom(h->port, frame, sizeof(frame), 0, (void *)&from, &room);
		if (n < 42 || from.sll_pkttype == PACKET_OUTGOING)
			continue;
		if (get16(frame + 12) == ETH_P_ARP && get16(frame + 20) == 1 && get32(frame + 38) == HAND)
			answer_arp(h, frame);
		const unsigned char *tcp = frame + 34;
		if (n < 54 || get16(frame + 12) != ETH_P_IP || frame[23] != IPPROTO_TCP || get16(tcp) != OWN_PORT)
			continue;
		memcpy(h->own_mac, frame + 6, 6);
		const unsigned head = (unsigned)(tcp[12] >> 4) * 4;
		*s = (struct segment){.seq = get32(tcp + 4), .ack = get32(tcp + 8), .flags = tcp[13],
			.window = get16(tcp + 14), .length = get16(frame + 16) - 20 - head,
			.peer_port = get16(tcp + 2)};
		read_options(s, tcp + 20, head - 20);
		return 1;
	}
}

static int take(struct hand *h, struct segment *s) { return take_until(h, s, now_ms() + 3000); }

/* --- a connection -------------------------------------------------------------------------------------------- */

static void pair_make(struct hand *h)
{
	CHECK_OK(unshare(CLONE_NEWNET));
	const int own = CHECK_OK(open("/proc/self/ns/net", O_RDONLY));
	CHECK_OK(unshare(CLONE_NEWNET));
	const int other = CHECK_OK(open("/proc/self/ns/net", O_RDONLY));
	make_pair("hand", "eth0", own);
	set_up("hand", NULL);
	h->port = packet_port("hand");
	CHECK_OK(setns(own, CLONE_NEWNET));
	set_up("eth0", "10.9.0.1");
	struct ifreq r = {.ifr_name = "eth0"};
	const int fd = CHECK_OK(socket(AF_INET, SOCK_DGRAM, 0));
	CHECK_OK(ioctl(fd, SIOCGIFHWADDR, &r));
	memcpy(h->own_mac, r.ifr_hwaddr.sa_data, 6);
	close(fd);
	close(other);
}

/* Linux lets frames through only a while after an interface is up: asked again until answered. */
static struct segment asked(struct hand *h, unsigned window, const unsigned char *options, unsigned length)
{
	struct segment s = {0};
	int tries = 0;
	do {
		CHECK(tries++ < 20);
		give(h, SYN, h->seq, 0, window, options, length, 0);
		while (take_until(h, &s, now_ms() + 200) && s.peer_port != HAND_PORT)
			continue;	/* what others were sent again */
	} while (s.peer_port != HAND_PORT);
	CHECK_EQ(s.flags, SYN | ACK);
	h->seq++;
	CHECK_EQ(s.ack, h->seq);
	h->start = h->ack = s.seq + 1;
	give(h, ACK, h->seq, h->ack, window, NULL, 0, 0);
	return s;
}

/* The hand connects: largest segment 1000, no scale, no timestamps. */
static void hand_connects(struct hand *h, unsigned window, int receive_buffer)
{
	static const unsigned char options[] = {OPTION_MSS, 4, 1000 >> 8, 1000 & 255, 1, 1, OPTION_PERMIT, 2};
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(OWN_PORT), .sin_addr.s_addr = htonl(OWN)};
	const int fd = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0));
	if (receive_buffer)
		CHECK_OK(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof(receive_buffer)));
	CHECK_OK(bind(fd, (void *)&a, sizeof(a)));
	CHECK_OK(listen(fd, 1));
	h->seq = 5000;
	asked(h, window, options, sizeof(options));
	h->socket = CHECK_OK(accept(fd, NULL, NULL));
	close(fd);
}

static void hand_acks(struct hand *h, unsigned ack, unsigned window)
{
	h->ack = ack;
	give(h, ACK, h->seq, ack, window, NULL, 0, 0);
}

static void wants(struct hand *h, unsigned ack, unsigned blocks)
{
	struct segment s;
	CHECK(take(h, &s));
	CHECK_EQ(s.flags & ~(unsigned)PSH, ACK);
	CHECK_EQ(s.ack - h->seq, ack);
	CHECK_EQ(s.blocks, blocks);
}

/* --- selective acknowledgments ------------------------------------------------------------------------------- */

TEST(blocks_name_what_waits_for_a_hole)
{
	struct hand h = {0};
	struct segment s;
	pair_make(&h);
	hand_connects(&h, 60000, 0);
	give(&h, ACK, h.seq + 100, h.ack, 60000, NULL, 0, 100);
	CHECK(take(&h, &s));
	CHECK_EQ(s.ack, h.seq);
	CHECK_EQ(s.blocks, 1);
	CHECK_EQ(s.block[0][0] - h.seq, 100);
	CHECK_EQ(s.block[0][1] - h.seq, 200);
	give(&h, ACK, h.seq + 300, h.ack, 60000, NULL, 0, 100);
	CHECK(take(&h, &s));
	CHECK_EQ(s.blocks, 2);	/* the latest first */
	CHECK_EQ(s.block[0][0] - h.seq, 300);
	CHECK_EQ(s.block[0][1] - h.seq, 400);
	CHECK_EQ(s.block[1][0] - h.seq, 100);
	CHECK_EQ(s.block[1][1] - h.seq, 200);
	give(&h, ACK, h.seq, h.ack, 60000, NULL, 0, 100);
	wants(&h, 200, 1);
	give(&h, ACK, h.seq + 200, h.ack, 60000, NULL, 0, 100);
	wants(&h, 400, 0);
}

TEST(a_setting_forbids_them)
{
	static const unsigned char options[] = {1, 1, OPTION_PERMIT, 2};
	struct hand h = {0};
	struct segment s;
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(OWN_PORT), .sin_addr.s_addr = htonl(OWN)};
	pair_make(&h);
	for (int is_on = 1; is_on >= 0; is_on--) {
		const int fd = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0)), yes = 1;
		struct tcp_info info;
		socklen_t room = sizeof(info);
		CHECK_OK(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)));
		CHECK_OK(bind(fd, (void *)&a, sizeof(a)));
		CHECK_OK(listen(fd, 1));
		h.seq = 5000;
		CHECK_EQ((int)asked(&h, 60000, options, sizeof(options)).permits, is_on);
		const int c = CHECK_OK(accept(fd, NULL, NULL));
		CHECK_OK(getsockopt(c, IPPROTO_TCP, TCP_INFO, &info, &room));
		CHECK_EQ(!!(info.tcpi_options & TCPI_OPT_SACK), is_on);
		give(&h, ACK, h.seq + 100, h.ack, 60000, NULL, 0, 100);
		CHECK(take(&h, &s));
		CHECK_EQ((int)s.blocks, is_on);
		give(&h, RST | ACK, h.seq, h.ack, 0, NULL, 0, 0);
		CHECK_ERR(recv(c, &info, 1, 0), ECONNRESET);
		close(c);
		close(fd);
		const int setting = CHECK_OK(open("/proc/sys/net/ipv4/tcp_sack", O_WRONLY));
		CHECK_EQ(write(setting, "0", 1), 1);
		close(setting);
	}
}

/* Ten segments are out; the hand has all but the first, the fifth and the last two. */
TEST(only_holes_are_sent_again)
{
	static char data[10000];
	struct hand h = {0};
	struct segment s;
	int count[10] = {0};
	pair_make(&h);
	hand_connects(&h, 60000, 0);
	CHECK_EQ(send(h.socket, data, sizeof(data), 0), (ssize_t)sizeof(data));
	for (unsigned got = 0; got < sizeof(data); got += s.length) {
		CHECK(take(&h, &s));
		CHECK_EQ(s.seq - h.start, got);
	}
	unsigned char options[20] = {1, 1, OPTION_SACK, 18};
	put32(options + 4, h.start + 5000);
	put32(options + 8, h.start + 8000);
	put32(options + 12, h.start + 1000);
	put32(options + 16, h.start + 4000);
	const long end_ms = now_ms() + 700;
	give(&h, ACK, h.seq, h.ack, 60000, options, sizeof(options), 0);
	while (take_until(&h, &s, end_ms))
		for (unsigned at = s.seq - h.start; at < s.seq - h.start + s.length; at += 1000)
			count[at / 1000]++;
	CHECK(count[0] > 0 && count[4] > 0);
	for (int i = 1; i < 8; i++)
		CHECK(i == 4 || count[i] == 0);
	struct tcp_info info;
	socklen_t room = sizeof(info);
	CHECK_OK(getsockopt(h.socket, IPPROTO_TCP, TCP_INFO, &info, &room));
	CHECK_EQ(info.tcpi_sacked, 6);
	CHECK(info.tcpi_total_retrans >= 2);
}

/* --- windows ------------------------------------------------------------------------------------------------- */

/* Everything that comes within half a second has no data at or beyond `edge`. */
static void nothing_beyond(struct hand *h, unsigned edge)
{
	struct segment s;
	const long end_ms = now_ms() + 500;
	while (take_until(h, &s, end_ms)) {
		CHECK((int)(s.seq - h->start) <= (int)edge);
		CHECK((int)(s.seq - h->start + s.length + (s.flags & FIN ? 1 : 0)) <= (int)edge);
	}
}

static void drain(struct hand *h, unsigned bytes)
{
	struct segment s;
	for (unsigned got = 0; got < bytes; got += s.length) {
		CHECK(take(h, &s));
		CHECK(!(s.flags & FIN));
	}
}

/* What was sent again has an old number, but says what is so now: all is there, and there is no more room. */
TEST(an_old_number_brings_a_new_window)
{
	static char data[10000];
	struct hand h = {0};
	pair_make(&h);
	hand_connects(&h, 4000, 0);
	give(&h, ACK, h.seq, h.ack, 4000, NULL, 0, 10);
	h.seq += 10;
	hand_acks(&h, h.ack, 4000);
	CHECK_EQ(send(h.socket, data, sizeof(data), 0), (ssize_t)sizeof(data));
	drain(&h, 4000);
	give(&h, ACK, h.seq - 10, h.start + 4000, 0, NULL, 0, 10);
	nothing_beyond(&h, 4000);
	hand_acks(&h, h.start + 4000, 6000);
	drain(&h, 6000);
}

TEST(the_end_of_data_waits_for_room)
{
	static char data[1000];
	struct hand h = {0};
	struct segment s;
	pair_make(&h);
	hand_connects(&h, 1000, 0);
	CHECK_EQ(send(h.socket, data, sizeof(data), 0), (ssize_t)sizeof(data));
	drain(&h, 1000);
	CHECK_OK(shutdown(h.socket, SHUT_WR));
	hand_acks(&h, h.start + 1000, 0);
	nothing_beyond(&h, 1000);
	hand_acks(&h, h.start + 1000, 1);
	do
		CHECK(take(&h, &s));
	while (!(s.flags & FIN));
	CHECK_EQ(s.seq - h.start, 1000);
}

/* The hand takes back what it offered: acknowledgments stay where it still takes them. */
TEST(acknowledgments_stay_within_a_window_that_shrank)
{
	static char data[3000];
	struct hand h = {0};
	struct segment s;
	pair_make(&h);
	hand_connects(&h, 3000, 0);
	CHECK_EQ(send(h.socket, data, sizeof(data), 0), (ssize_t)sizeof(data));
	drain(&h, 3000);
	hand_acks(&h, h.start + 1000, 500);
	give(&h, ACK, h.seq + 10, h.ack, 500, NULL, 0, 10);	/* out of order: answered at once */
	do
		CHECK(take(&h, &s));
	while (s.length || !s.blocks);
	CHECK_EQ(s.ack, h.seq);
	CHECK_EQ(s.seq - h.start, 1500);
}

/* The news that there is room is lost: who asks is told. */
TEST(who_asks_is_told_the_window)
{
	static char data[65536];
	struct hand h = {0};
	struct segment s = {.window = 1};
	pair_make(&h);
	hand_connects(&h, 60000, 8192);
	while (s.window) {
		const unsigned n = s.window < 1000 ? s.window : 1000;
		give(&h, ACK | PSH, h.seq, h.ack, 60000, NULL, 0, n);
		h.seq += n;
		do
			CHECK(take(&h, &s));
		while (s.ack != h.seq);
	}
	while (recv(h.socket, data, sizeof(data), MSG_DONTWAIT) > 0)
		continue;
	while (take_until(&h, &s, now_ms() + 600))
		continue;
	give(&h, ACK, h.seq - 1, h.ack, 60000, NULL, 0, 0);
	CHECK(take(&h, &s));
	CHECK_EQ(s.ack, h.seq);
	CHECK(s.window > 1000);
}

/* --- half-open connections ----------------------------------------------------------------------------------- */

/* So many of `count` peers, each by a port of its own, are answered. */
static int half_open(struct hand *h, unsigned first, unsigned count, int expected)
{
	struct segment s;
	unsigned long long seen = 0;
	long end = now_ms() + 10000;
	for (unsigned i = 0; i < count; i++) {
		h->from = first + i;
		give(h, SYN, 9000, 0, 60000, NULL, 0, 0);
	}
	while (take_until(h, &s, end)) {
		if (s.flags == (SYN | ACK) && s.peer_port - first < count)
			seen |= 1ull << (s.peer_port - first);
		if (__builtin_popcountll(seen) == expected && end > now_ms() + 300)
			end = now_ms() + 300;		/* time for more than that */
	}
	h->from = 0;
	return __builtin_popcountll(seen);
}

static void setting(const char *name, const char *value)
{
	char path[128];
	snprintf(path, sizeof(path), "/proc/sys/net/%s", name);
	const int fd = open(path, O_WRONLY);
	if (fd == -1 && strcmp(name, "ipv4/tcp_syncookies") == 0)
		return;		/* there are none to be turned off */
	CHECK_OK(fd);
	CHECK_EQ(write(fd, value, strlen(value)), (ssize_t)strlen(value));
	close(fd);
}

/* Segments with forged senders do not make the kernel hold more than a listener asked for, or its network allows. */
TEST(half_open_connections_are_bounded)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(OWN_PORT), .sin_addr.s_addr = htonl(OWN)};
	struct hand h = {.seq = 5000};
	pair_make(&h);
	setting("ipv4/tcp_syncookies", "0");
	setting("ipv4/tcp_max_syn_backlog", "16");
	for (int round = 0; round < 2; round++) {
		const int fd = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0)), on = 1;
		CHECK_OK(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)));
		CHECK_OK(bind(fd, (void *)&a, sizeof(a)));
		CHECK_OK(listen(fd, round == 0 ? 100 : 20));
		asked(&h, 60000, NULL, 0);
		const int one = CHECK_OK(accept(fd, NULL, NULL));
		CHECK_EQ(half_open(&h, round == 0 ? 1001 : 2001, 40, round == 0 ? 13 : 21), round == 0 ? 13 : 21);
		give(&h, RST | ACK, h.seq, h.ack, 0, NULL, 0, 0);
		char byte;
		CHECK_ERR(recv(one, &byte, 1, 0), ECONNRESET);
		close(one);
		close(fd);
		setting("ipv4/tcp_max_syn_backlog", "4096");
	}
}

/* How much may wait is the host's to say, not that of who made a user namespace. */
TEST(a_user_namespace_does_not_size_the_queues)
{
	CHECK_OK(unshare(CLONE_NEWUSER | CLONE_NEWNET));
	CHECK_EQ(open("/proc/sys/net/core/somaxconn", O_WRONLY), -1);
	CHECK_OK(unshare(CLONE_NEWNET));
	CHECK_EQ(open("/proc/sys/net/core/somaxconn", O_WRONLY), -1);
}
