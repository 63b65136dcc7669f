// SPDX-License-Identifier: MPL-2.0
/* TCP over a wire that loses, doubles and delays: two network namespaces, each with one end of a veth pair whose other
 * ends are in a third one, where a thread carries frames from one to the other, or does not. */
#include "pair.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>

enum { SIDES = 2, FRAME_MAX = 2048 };

/* Static where it is made: the carrier goes on until the process ends, also when the case has returned. */
struct wire {
	int own, end[SIDES];		/* network namespaces */
	int port[SIDES];		/* packet sockets in the middle */
	unsigned lost_in_256, doubled_in_256, delayed_in_256;
	_Atomic int lose_first;		/* so many IPv4 frames are lost whatever the chances */
	_Atomic int is_cut;
	_Atomic unsigned lost;
	unsigned random;
	pthread_t carrier;
};

/* --- carrying ------------------------------------------------------------------------------------------------ */

static int happens(struct wire *w, unsigned in_256)
{
	w->random = w->random * 1103515245u + 12345u;
	return (w->random >> 16 & 255) < in_256;
}

static int is_lost(struct wire *w, const unsigned char *frame)
{
	if (atomic_load(&w->is_cut) || happens(w, w->lost_in_256))
		return 1;
	if (frame[12] != 8 || frame[13] != 0 || atomic_load(&w->lose_first) == 0)
		return 0;
	atomic_fetch_sub(&w->lose_first, 1);
	return 1;
}

static void *carry(void *argument)
{
	struct wire *w = argument;
	static unsigned char frame[FRAME_MAX], held[SIDES][FRAME_MAX];
	ssize_t held_length[SIDES] = {0};
	for (;;) {
		struct pollfd p[SIDES] = {{.fd = w->port[0], .events = POLLIN}, {.fd = w->port[1], .events = POLLIN}};
		const int some = poll(p, SIDES, 10);
		for (int side = 0; side < SIDES; side++) {
			struct sockaddr_ll from;
			socklen_t room = sizeof(from);
			const int to = w->port[!side];
			ssize_t n = some > 0 && p[side].revents & POLLIN
				? recvfrom(w->port[side], frame, sizeof(frame), 0, (void *)&from, &room) : 0;
			if (n > 0 && from.sll_pkttype != PACKET_OUTGOING) {
				if (is_lost(w, frame)) {
					atomic_fetch_add(&w->lost, 1);
				} else if (!held_length[side] && happens(w, w->delayed_in_256)) {
					memcpy(held[side], frame, (size_t)n);
					held_length[side] = n;
					continue;
				} else {
					send(to, frame, (size_t)n, 0);
					if (happens(w, w->doubled_in_256))
						send(to, frame, (size_t)n, 0);
				}
			}
			if (held_length[side]) {
				send(to, held[side], (size_t)held_length[side], 0);
				held_length[side] = 0;
			}
		}
	}
	return NULL;
}

static void wire_make(struct wire *w)
{
	static const char *const name[SIDES] = {"left", "right"}, *const address[SIDES] = {"10.9.0.1", "10.9.0.2"};
	w->random = 1;
	CHECK_OK(unshare(CLONE_NEWNET));
	w->own = CHECK_OK(open("/proc/self/ns/net", O_RDONLY));
	for (int side = 0; side < SIDES; side++) {
		CHECK_OK(unshare(CLONE_NEWNET));
		w->end[side] = CHECK_OK(open("/proc/self/ns/net", O_RDONLY));
		CHECK_OK(setns(w->own, CLONE_NEWNET));
		make_pair(name[side], "eth0", w->end[side]);
		set_up(name[side], NULL);
		w->port[side] = packet_port(name[side]);
		CHECK_OK(setns(w->end[side], CLONE_NEWNET));
		set_up("eth0", address[side]);
	}
	CHECK_OK(setns(w->own, CLONE_NEWNET));
	CHECK_EQ(pthread_create(&w->carrier, NULL, carry, w), 0);
}

/* --- connections over it ------------------------------------------------------------------------------------- */

static struct sockaddr_in server_address(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(700)};
	inet_pton(AF_INET, "10.9.0.2", &a.sin_addr);
	return a;
}

static int listening(struct wire *w)
{
	struct sockaddr_in a = server_address();
	CHECK_OK(setns(w->end[1], CLONE_NEWNET));
	int fd = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0));
	CHECK_OK(bind(fd, (void *)&a, sizeof(a)));
	CHECK_OK(listen(fd, 8));
	return fd;
}

static int connected(struct wire *w)
{
	struct sockaddr_in a = server_address();
	CHECK_OK(setns(w->end[0], CLONE_NEWNET));
	int fd = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0));
	CHECK_OK(connect(fd, (void *)&a, sizeof(a)));
	return fd;
}

static unsigned char byte_at(size_t position)
{
	return (unsigned char)(position * 31 + (position >> 8) * 7 + (position >> 16));
}

struct transfer {
	int fd;
	size_t length;
	_Atomic size_t done;
};

static void *send_all(void *argument)
{
	struct transfer *t = argument;
	unsigned char block[8192];
	for (size_t at = 0; at < t->length;) {
		const size_t n = t->length - at < sizeof(block) ? t->length - at : sizeof(block);
		for (size_t i = 0; i < n; i++)
			block[i] = byte_at(at + i);
		const ssize_t sent = send(t->fd, block, n, MSG_NOSIGNAL);
		CHECK(sent > 0);
		at += (size_t)sent;
		atomic_store(&t->done, at);
	}
	CHECK_OK(shutdown(t->fd, SHUT_WR));
	return NULL;
}

static void receive_all(int fd, size_t length)
{
	unsigned char block[8192];
	size_t at = 0;
	for (;;) {
		const ssize_t n = CHECK_OK((int)recv(fd, block, sizeof(block), 0));
		if (n == 0)
			break;
		for (ssize_t i = 0; i < n; i++)
			CHECK_EQ(block[i], byte_at(at + (size_t)i));
		at += (size_t)n;
	}
	CHECK_EQ(at, length);
}

/* Both directions at once: `length` bytes there, a quarter of it back. */
static void exchange(struct wire *w, size_t length)
{
	const int server = listening(w), client = connected(w), accepted = CHECK_OK(accept(server, NULL, NULL));
	struct transfer there = {.fd = client, .length = length}, back = {.fd = accepted, .length = length / 4};
	pthread_t senders[2];
	CHECK_EQ(pthread_create(&senders[0], NULL, send_all, &there), 0);
	CHECK_EQ(pthread_create(&senders[1], NULL, send_all, &back), 0);
	receive_all(accepted, there.length);
	receive_all(client, back.length);
	for (int i = 0; i < 2; i++)
		CHECK_EQ(pthread_join(senders[i], NULL), 0);
}

TEST(a_clean_wire_carries_all)
{
	static struct wire w = {0};
	wire_make(&w);
	exchange(&w, 1 << 20);
}

TEST(what_is_lost_is_sent_again)
{
	static struct wire w = {.lost_in_256 = 5};
	wire_make(&w);
	exchange(&w, 512 << 10);
	CHECK(atomic_load(&w.lost) > 0);
}

TEST(order_and_doubles_do_not_matter)
{
	static struct wire w = {.doubled_in_256 = 12, .delayed_in_256 = 25};
	wire_make(&w);
	exchange(&w, 1 << 20);
}

TEST(a_lost_connection_request_is_repeated)
{
	static struct wire w = {.lose_first = 1};
	wire_make(&w);
	exchange(&w, 1000);
	CHECK_EQ(atomic_load(&w.lost), 1);
}

TEST(a_window_that_was_shut_opens_again)
{
	static struct wire w = {0};
	wire_make(&w);
	const int server = listening(&w), client = connected(&w), accepted = CHECK_OK(accept(server, NULL, NULL));
	struct transfer there = {.fd = client, .length = 8 << 20};
	pthread_t sender;
	CHECK_EQ(pthread_create(&sender, NULL, send_all, &there), 0);
	size_t before = 1;
	while (before != atomic_load(&there.done)) {	/* until nothing more fits */
		before = atomic_load(&there.done);
		usleep(300000);
	}
	CHECK(before < there.length);
	atomic_store(&w.lose_first, 1);	/* perhaps the news that there is room: then a probe must find it out */
	receive_all(accepted, there.length);
	CHECK_EQ(pthread_join(sender, NULL), 0);
}

TEST(a_connection_outlives_a_cut_of_the_wire)
{
	static struct wire w = {0};
	wire_make(&w);
	const int server = listening(&w), client = connected(&w), accepted = CHECK_OK(accept(server, NULL, NULL));
	struct transfer there = {.fd = client, .length = 300 << 10};
	pthread_t sender;
	atomic_store(&w.is_cut, 1);
	CHECK_EQ(pthread_create(&sender, NULL, send_all, &there), 0);
	usleep(500000);
	atomic_store(&w.is_cut, 0);
	receive_all(accepted, there.length);
	CHECK_EQ(pthread_join(sender, NULL), 0);
}

TEST(nobody_at_the_other_end_ends_in_a_time_out)
{
	static struct wire w = {0};
	int timeout_ms = 1500, client, value;
	wire_make(&w);
	const int server = listening(&w);
	client = connected(&w);
	CHECK_OK(accept(server, NULL, NULL));
	CHECK_OK(setsockopt(client, IPPROTO_TCP, 18 /* TCP_USER_TIMEOUT */, &timeout_ms, sizeof(timeout_ms)));
	atomic_store(&w.is_cut, 1);
	CHECK_OK((int)send(client, "x", 1, 0));
	struct pollfd p = {.fd = client, .events = POLLIN};
	CHECK_EQ(poll(&p, 1, 20000), 1);
	CHECK(p.revents & POLLERR);
	socklen_t room = sizeof(value);
	CHECK_OK(getsockopt(client, SOL_SOCKET, SO_ERROR, &value, &room));
	CHECK_EQ(value, ETIMEDOUT);
}
