// SPDX-License-Identifier: MPL-2.0
/* TCP over the loopback interface, in a network namespace of its own. */
#include "support.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <pthread.h>

static struct sockaddr_in at(uint32_t address, int port)
{
	return (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(address)};
}

static void loopback_up(void)
{
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	CHECK_OK(unshare(CLONE_NEWNET));
	int fd = CHECK_OK(socket(AF_INET, SOCK_DGRAM, 0));
	CHECK_OK(ioctl(fd, SIOCSIFFLAGS, &request));
	close(fd);
}

static int listening(struct sockaddr_in *name, int backlog)
{
	socklen_t length = sizeof(*name);
	int fd = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0));
	*name = at(INADDR_LOOPBACK, 0);
	CHECK_OK(bind(fd, (void *)name, sizeof(*name)));
	CHECK_OK(listen(fd, backlog));
	CHECK_OK(getsockname(fd, (void *)name, &length));
	return fd;
}

struct pair {
	int client, server, listener;
	struct sockaddr_in name;
};

static struct pair make_pair(void)
{
	struct pair p;
	loopback_up();
	p.listener = listening(&p.name, 8);
	p.client = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0));
	CHECK_OK(connect(p.client, (void *)&p.name, sizeof(p.name)));
	p.server = CHECK_OK(accept(p.listener, NULL, NULL));
	return p;
}

static int events_of(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN | POLLOUT | POLLPRI | POLLRDHUP};
	CHECK(poll(&p, 1, 0) >= 0);
	return p.revents;
}

static int option(int fd, int level, int name)
{
	int value = -1;
	socklen_t length = sizeof(value);
	CHECK_OK(getsockopt(fd, level, name, &value, &length));
	CHECK_EQ(length, sizeof(value));
	return value;
}

static int state_of(int fd)
{
	struct tcp_info info = {0};
	socklen_t length = sizeof(info);
	CHECK_OK(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length));
	return info.tcpi_state;
}

static int wait_events(int fd, int events)
{
	struct pollfd p = {.fd = fd, .events = events};
	return poll(&p, 1, 5000) == 1 ? p.revents : 0;
}

TEST(bytes_go_both_ways)
{
	struct pair p = make_pair();
	struct sockaddr_in a, b;
	socklen_t length = sizeof(a);
	char text[16];
	CHECK_EQ(send(p.client, "hello", 5, 0), 5);
	CHECK_EQ(recv(p.server, text, 2, 0), 2);
	CHECK_EQ(recv(p.server, text + 2, sizeof(text) - 2, 0), 3);
	CHECK(memcmp(text, "hello", 5) == 0);
	CHECK_EQ(write(p.server, "back", 4), 4);
	CHECK_EQ(read(p.client, text, sizeof(text)), 4);
	CHECK_ERR(recv(p.client, text, 1, MSG_DONTWAIT), EAGAIN);
	CHECK_OK(getpeername(p.server, (void *)&a, &length));
	length = sizeof(b);
	CHECK_OK(getsockname(p.client, (void *)&b, &length));
	CHECK(memcmp(&a, &b, sizeof(a)) == 0);
	CHECK_EQ(ntohl(a.sin_addr.s_addr), INADDR_LOOPBACK);
	CHECK(ntohs(a.sin_port) >= 32768 && ntohs(a.sin_port) <= 60999);
}

TEST(end_of_data_follows_what_was_sent)
{
	struct pair p = make_pair();
	char text[16];
	CHECK_EQ(send(p.client, "last", 4, 0), 4);
	CHECK_OK(shutdown(p.client, SHUT_WR));
	CHECK_ERR(send(p.client, "x", 1, MSG_NOSIGNAL), EPIPE);
	CHECK_EQ(recv(p.server, text, sizeof(text), 0), 4);
	CHECK_EQ(recv(p.server, text, sizeof(text), 0), 0);
	CHECK_EQ(recv(p.server, text, sizeof(text), 0), 0);
	CHECK_EQ(send(p.server, "more", 4, 0), 4);
	CHECK_EQ(recv(p.client, text, sizeof(text), 0), 4);
	CHECK_EQ(state_of(p.client), TCP_FIN_WAIT2);
	CHECK_EQ(state_of(p.server), TCP_CLOSE_WAIT);
	CHECK_OK(close(p.server));
	CHECK_EQ(recv(p.client, text, sizeof(text), 0), 0);
}

TEST(nobody_listens)
{
	loopback_up();
	struct sockaddr_in name = at(INADDR_LOOPBACK, 4000);
	int fd = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0));
	CHECK_ERR(connect(fd, (void *)&name, sizeof(name)), ECONNREFUSED);
	int again = CHECK_OK(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
	int result = connect(again, (void *)&name, sizeof(name));
	CHECK(result == -1 && (errno == EINPROGRESS || errno == ECONNREFUSED));
	if (errno == EINPROGRESS) {
		CHECK_EQ(wait_events(again, POLLOUT), POLLOUT | POLLERR | POLLHUP);
		CHECK_EQ(option(again, SOL_SOCKET, SO_ERROR), ECONNREFUSED);
		CHECK_EQ(option(again, SOL_SOCKET, SO_ERROR), 0);
	}
	name = at(0x08080808, 80);
	CHECK_ERR(connect(fd, (void *)&name, sizeof(name)), ENETUNREACH);
}

TEST(connecting_without_waiting)
{
	loopback_up();
	struct sockaddr_in name;
	int listener = listening(&name, 8);
	int fd = CHECK_OK(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
	CHECK_EQ(events_of(fd), POLLOUT | POLLHUP);
	CHECK_EQ(events_of(listener), 0);
	int result = connect(fd, (void *)&name, sizeof(name));
	CHECK(result == 0 || errno == EINPROGRESS);
	CHECK_EQ(wait_events(fd, POLLOUT), POLLOUT);
	CHECK_EQ(option(fd, SOL_SOCKET, SO_ERROR), 0);
	if (result)
		CHECK_OK(connect(fd, (void *)&name, sizeof(name)));
	CHECK_ERR(connect(fd, (void *)&name, sizeof(name)), EISCONN);
	CHECK_EQ(events_of(listener), POLLIN);
	int server = CHECK_OK(accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC));
	CHECK_EQ(fcntl(server, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	char byte;
	CHECK_ERR(recv(server, &byte, 1, 0), EAGAIN);
	CHECK_ERR(listen(fd, 1), EINVAL);
	fcntl(listener, F_SETFL, O_NONBLOCK);
	CHECK_ERR(accept(listener, NULL, NULL), EAGAIN);
}

TEST(unconnected_sockets_refuse)
{
	loopback_up();
	char byte;
	struct sockaddr_in name;
	socklen_t length = sizeof(name);
	int fd = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0));
	CHECK_ERR(recv(fd, &byte, 1, 0), ENOTCONN);
	CHECK_ERR(send(fd, &byte, 1, MSG_NOSIGNAL), EPIPE);
	CHECK_ERR(getpeername(fd, (void *)&name, &length), ENOTCONN);
	CHECK_ERR(shutdown(fd, SHUT_RDWR), ENOTCONN);
	CHECK_ERR(accept(fd, NULL, NULL), EINVAL);
	CHECK_OK(getsockname(fd, (void *)&name, &length));
	CHECK(name.sin_port == 0 && name.sin_addr.s_addr == 0);
	CHECK_OK(listen(fd, 5));
	CHECK_OK(getsockname(fd, (void *)&name, &length));
	CHECK(name.sin_port != 0);
	CHECK_ERR(recv(fd, &byte, 1, 0), ENOTCONN);
	CHECK_EQ(option(fd, SOL_SOCKET, SO_ACCEPTCONN), 1);
	CHECK_ERR(connect(fd, (void *)&name, sizeof(name)), EISCONN);
}

TEST(a_port_is_taken_once)
{
	loopback_up();
	struct sockaddr_in name, any;
	int one = 1, listener = listening(&name, 8);
	int other = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0));
	CHECK_ERR(bind(other, (void *)&name, sizeof(name)), EADDRINUSE);
	CHECK_OK(setsockopt(other, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)));
	CHECK_ERR(bind(other, (void *)&name, sizeof(name)), EADDRINUSE);
	any = at(INADDR_ANY, ntohs(name.sin_port));
	CHECK_ERR(bind(other, (void *)&any, sizeof(any)), EADDRINUSE);
	any = at(0x7f000002, ntohs(name.sin_port));
	CHECK_OK(bind(other, (void *)&any, sizeof(any)));
	CHECK_ERR(bind(other, (void *)&any, sizeof(any)), EINVAL);
	CHECK_OK(listen(other, 1));
	close(listener);
	int third = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0));
	CHECK_OK(bind(third, (void *)&name, sizeof(name)));
}

TEST(time_wait_keeps_the_port_unless_it_may_be_used_again)
{
	struct pair p = make_pair();
	char byte;
	int one = 1;
	close(p.server);
	CHECK_EQ(recv(p.client, &byte, 1, 0), 0);
	close(p.client);
	close(p.listener);
	int again = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0));
	CHECK_ERR(bind(again, (void *)&p.name, sizeof(p.name)), EADDRINUSE);
	CHECK_OK(setsockopt(again, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)));
	/* Linux lets it only when the old socket had SO_REUSEADDR too. */
	CHECK_ERR(bind(again, (void *)&p.name, sizeof(p.name)), EADDRINUSE);
}

TEST(ports_shared_by_reuse_port_spread_connections)
{
	loopback_up();
	struct sockaddr_in name = at(INADDR_LOOPBACK, 4321);
	int one = 1, fds[2], got[2] = {0, 0};
	for (int i = 0; i < 2; i++) {
		fds[i] = CHECK_OK(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
		CHECK_OK(setsockopt(fds[i], SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)));
		CHECK_OK(bind(fds[i], (void *)&name, sizeof(name)));
		CHECK_OK(listen(fds[i], 100));
	}
	for (int i = 0; i < 60; i++) {
		int fd = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0));
		CHECK_OK(connect(fd, (void *)&name, sizeof(name)));
	}
	for (int i = 0; i < 2; i++)
		while (accept(fds[i], NULL, NULL) >= 0)
			got[i]++;
	CHECK_EQ(got[0] + got[1], 60);
	CHECK(got[0] > 5 && got[1] > 5);
}

TEST(unread_data_at_close_resets)
{
	struct pair p = make_pair();
	char byte;
	CHECK_EQ(send(p.client, "unread", 6, 0), 6);
	CHECK_EQ(wait_events(p.server, POLLIN), POLLIN);
	close(p.server);
	CHECK_ERR(recv(p.client, &byte, 1, 0), ECONNRESET);
	CHECK_EQ(recv(p.client, &byte, 1, 0), 0);
	CHECK_ERR(send(p.client, "x", 1, MSG_NOSIGNAL), EPIPE);
}

TEST(linger_of_zero_resets)
{
	struct pair p = make_pair();
	struct linger linger = {.l_onoff = 1, .l_linger = 0};
	CHECK_OK(setsockopt(p.server, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));
	close(p.server);
	CHECK_EQ(wait_events(p.client, POLLIN | POLLRDHUP), POLLIN | POLLRDHUP | POLLERR | POLLHUP);
	CHECK_EQ(option(p.client, SOL_SOCKET, SO_ERROR), ECONNRESET);
}

TEST(readiness_tells_the_state)
{
	struct pair p = make_pair();
	char byte;
	CHECK_EQ(events_of(p.client), POLLOUT);
	CHECK_EQ(send(p.client, "x", 1, 0), 1);
	CHECK_EQ(wait_events(p.server, POLLIN | POLLOUT), POLLIN | POLLOUT);
	CHECK_EQ(recv(p.server, &byte, 1, 0), 1);
	CHECK_EQ(events_of(p.server), POLLOUT);
	CHECK_OK(shutdown(p.client, SHUT_WR));
	CHECK_EQ(wait_events(p.server, POLLIN), POLLIN);
	CHECK_EQ(events_of(p.server), POLLIN | POLLOUT | POLLRDHUP);
	CHECK_EQ(events_of(p.client), POLLOUT);
	CHECK_OK(shutdown(p.server, SHUT_WR));
	CHECK_EQ(wait_events(p.client, POLLIN | POLLRDHUP), POLLIN | POLLRDHUP | POLLHUP);
	CHECK_EQ(events_of(p.server), POLLIN | POLLOUT | POLLRDHUP | POLLHUP);
}

TEST(edges_are_told_to_epoll)
{
	struct pair p = make_pair();
	struct epoll_event event = {.events = EPOLLIN | EPOLLET | EPOLLRDHUP}, out;
	int e = CHECK_OK(epoll_create1(0));
	CHECK_OK(epoll_ctl(e, EPOLL_CTL_ADD, p.server, &event));
	CHECK_EQ(epoll_wait(e, &out, 1, 0), 0);
	CHECK_EQ(send(p.client, "a", 1, 0), 1);
	CHECK_EQ(epoll_wait(e, &out, 1, 5000), 1);
	CHECK_EQ(out.events, EPOLLIN);
	CHECK_EQ(epoll_wait(e, &out, 1, 0), 0);
	CHECK_EQ(send(p.client, "b", 1, 0), 1);
	CHECK_EQ(epoll_wait(e, &out, 1, 5000), 1);
	close(p.client);
	CHECK_EQ(epoll_wait(e, &out, 1, 5000), 1);
	CHECK_EQ(out.events, EPOLLIN | EPOLLRDHUP);
}

TEST(a_peek_leaves_and_wait_all_waits)
{
	struct pair p = make_pair();
	char text[16] = "";
	CHECK_EQ(send(p.client, "abc", 3, 0), 3);
	CHECK_EQ(recv(p.server, text, 2, MSG_PEEK), 2);
	CHECK_EQ(recv(p.server, text, 16, MSG_PEEK), 3);
	pid_t child = CHECK_OK(fork());
	if (child == 0) {
		usleep(20000);
		_exit(send(p.client, "defgh", 5, 0) == 5 ? 0 : 1);
	}
	CHECK_EQ(recv(p.server, text, 8, MSG_WAITALL), 8);
	CHECK(memcmp(text, "abcdefgh", 8) == 0);
	CHECK_EQ(waitpid(child, NULL, 0), child);
	CHECK_EQ(send(p.client, "123456", 6, 0), 6);
	CHECK_EQ(wait_events(p.server, POLLIN), POLLIN);
	CHECK_EQ(recv(p.server, NULL, 4, MSG_TRUNC), 4);
	CHECK_EQ(recv(p.server, text, 16, 0), 2);
	CHECK(memcmp(text, "56", 2) == 0);
}

static void *reader(void *argument)
{
	int fd = *(int *)argument;
	static unsigned char buffer[70000];
	unsigned long sum = 0, total = 0;
	ssize_t n;
	while ((n = read(fd, buffer, sizeof(buffer))) > 0) {
		for (ssize_t i = 0; i < n; i++)
			sum = sum * 31 + buffer[i];
		total += n;
	}
	CHECK_EQ(n, 0);
	CHECK_EQ(total, 8u << 20);
	return (void *)sum;
}

TEST(eight_mebibytes_arrive_unchanged)
{
	struct pair p = make_pair();
	pthread_t thread;
	static unsigned char buffer[100000];
	unsigned long sum = 0, left = 8 << 20, x = 1;
	void *result;
	CHECK_EQ(pthread_create(&thread, NULL, reader, &p.server), 0);
	while (left) {
		size_t n = (x = x * 6364136223846793005ul + 1442695040888963407ul) >> 40;
		n = n % sizeof(buffer) + 1;
		if (n > left)
			n = left;
		for (size_t i = 0; i < n; i++) {
			buffer[i] = (x >> 33) + i * 7;
			sum = sum * 31 + buffer[i];
		}
		CHECK_EQ(write(p.client, buffer, n), n);
		left -= n;
	}
	CHECK_OK(shutdown(p.client, SHUT_WR));
	CHECK_EQ(pthread_join(thread, &result), 0);
	CHECK_EQ((unsigned long)result, sum);
}

TEST(a_full_connection_stops_and_goes_on)
{
	struct pair p = make_pair();
	static char block[65536];
	long sent = 0, got = 0;
	ssize_t n;
	while ((n = send(p.client, block, sizeof(block), MSG_DONTWAIT)) > 0)
		sent += n;
	CHECK(n == -1 && errno == EAGAIN);
	CHECK(sent > 100000 && sent < 64 << 20);
	CHECK_EQ(events_of(p.client), 0);
	shutdown(p.client, SHUT_WR);
	while ((n = recv(p.server, block, sizeof(block), 0)) > 0)
		got += n;
	CHECK_EQ(n, 0);
	CHECK_EQ(got, sent);
	CHECK_EQ(wait_events(p.client, POLLOUT), POLLOUT);
}

TEST(small_buffers_are_kept)
{
	loopback_up();
	struct sockaddr_in name;
	int size = 4096, listener = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0));
	socklen_t length = sizeof(name);
	CHECK_OK(setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)));
	name = at(INADDR_LOOPBACK, 0);
	CHECK_OK(bind(listener, (void *)&name, sizeof(name)));
	CHECK_OK(listen(listener, 1));
	CHECK_OK(getsockname(listener, (void *)&name, &length));
	int client = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0));
	CHECK_OK(setsockopt(client, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)));
	CHECK_EQ(option(client, SOL_SOCKET, SO_SNDBUF), 8192);
	CHECK_OK(connect(client, (void *)&name, sizeof(name)));
	int server = CHECK_OK(accept(listener, NULL, NULL));
	CHECK_EQ(option(server, SOL_SOCKET, SO_RCVBUF), 8192);
	static char block[65536];
	long sent = 0, got = 0;
	ssize_t n;
	while ((n = send(client, block, 1000, MSG_DONTWAIT)) > 0)
		sent += n;
	CHECK(sent >= 2000 && sent < 70000);
	CHECK_OK(shutdown(client, SHUT_WR));
	while ((n = recv(server, block, sizeof(block), 0)) > 0)
		got += n;
	CHECK_EQ(got, sent);
}

TEST(urgent_data_is_beside_the_stream)
{
	struct pair p = make_pair();
	char text[16] = "";
	int mark = -1;
	CHECK_EQ(send(p.client, "ab", 2, 0), 2);
	CHECK_EQ(send(p.client, "cU", 2, MSG_OOB), 2);
	CHECK_EQ(send(p.client, "de", 2, 0), 2);
	CHECK_EQ(wait_events(p.server, POLLPRI), POLLPRI);
	CHECK_EQ(recv(p.server, text, sizeof(text), 0), 3);
	CHECK(memcmp(text, "abc", 3) == 0);
	CHECK_OK(ioctl(p.server, SIOCATMARK, &mark));
	CHECK_EQ(mark, 1);
	CHECK_EQ(recv(p.server, text, 1, MSG_OOB), 1);
	CHECK_EQ(text[0], 'U');
	CHECK_ERR(recv(p.server, text, 1, MSG_OOB), EINVAL);
	CHECK_EQ(recv(p.server, text, sizeof(text), 0), 2);
	CHECK(memcmp(text, "de", 2) == 0);
	CHECK_ERR(recv(p.client, text, 1, MSG_OOB), EINVAL);
}

TEST(corked_bytes_leave_together)
{
	struct pair p = make_pair();
	char text[16];
	int one = 1, zero = 0;
	CHECK_OK(setsockopt(p.client, IPPROTO_TCP, TCP_CORK, &one, sizeof(one)));
	CHECK_EQ(send(p.client, "a", 1, 0), 1);
	CHECK_EQ(send(p.client, "b", 1, 0), 1);
	CHECK_ERR(recv(p.server, text, 1, MSG_DONTWAIT), EAGAIN);
	CHECK_OK(setsockopt(p.client, IPPROTO_TCP, TCP_CORK, &zero, sizeof(zero)));
	CHECK_EQ(recv(p.server, text, sizeof(text), 0), 2);
	CHECK_EQ(send(p.client, "c", 1, MSG_MORE), 1);
	CHECK_ERR(recv(p.server, text, 1, MSG_DONTWAIT), EAGAIN);
	CHECK_EQ(send(p.client, "d", 1, 0), 1);
	CHECK_EQ(recv(p.server, text, sizeof(text), 0), 2);
}

TEST(options_have_bounds)
{
	loopback_up();
	int fd = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0)), value;
	struct {
		int name, initial, good, bad;
	} table[] = {
		{TCP_KEEPIDLE, 7200, 10, 0}, {TCP_KEEPINTVL, 75, 10, 40000}, {TCP_KEEPCNT, 9, 3, 128},
		{TCP_SYNCNT, 6, 3, 0}, {TCP_NODELAY, 0, 1, -1}, {TCP_MAXSEG, 536, 1000, 40000},
		{TCP_USER_TIMEOUT, 0, 1000, -5}, {TCP_DEFER_ACCEPT, 0, 3, -1}, {TCP_LINGER2, 60, 5, -1},
	};
	for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		CHECK_EQ(option(fd, IPPROTO_TCP, table[i].name), table[i].initial);
		value = table[i].good;
		CHECK_OK(setsockopt(fd, IPPROTO_TCP, table[i].name, &value, sizeof(value)));
		CHECK_EQ(option(fd, IPPROTO_TCP, table[i].name), table[i].good);
		value = table[i].bad;
		if (value != -1)
			CHECK_ERR(setsockopt(fd, IPPROTO_TCP, table[i].name, &value, sizeof(value)), EINVAL);
	}
	CHECK_ERR(setsockopt(fd, IPPROTO_TCP, 999, &value, sizeof(value)), ENOPROTOOPT);
	CHECK_ERR(setsockopt(fd, 999, 1, &value, sizeof(value)), ENOPROTOOPT);
	CHECK_ERR(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, 1), EINVAL);
	CHECK_EQ(option(fd, SOL_SOCKET, SO_TYPE), SOCK_STREAM);
	CHECK_EQ(option(fd, SOL_SOCKET, SO_PROTOCOL), IPPROTO_TCP);
	CHECK_EQ(option(fd, SOL_SOCKET, SO_DOMAIN), AF_INET);
}

TEST(families_and_protocols)
{
	CHECK_ERR(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP), EPROTONOSUPPORT);
	CHECK_ERR(socket(AF_INET, SOCK_SEQPACKET, 0), ESOCKTNOSUPPORT);
	CHECK_ERR(socket(AF_INET, 99, 0), EINVAL);
	CHECK_ERR(socket(AF_INET, SOCK_STREAM, 300), EINVAL);
	CHECK_ERR(socket(AF_INET, SOCK_RAW, 0), EPROTONOSUPPORT);
	CHECK_OK(socket(AF_INET, SOCK_STREAM, IPPROTO_TCP));
}

TEST(the_backlog_is_a_bound)
{
	loopback_up();
	struct sockaddr_in name;
	int listener = listening(&name, 1), connected = 0;
	for (int i = 0; i < 6; i++) {
		int fd = CHECK_OK(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
		int result = connect(fd, (void *)&name, sizeof(name));
		CHECK(result == 0 || errno == EINPROGRESS);
		struct pollfd p = {.fd = fd, .events = POLLOUT};
		connected += poll(&p, 1, 100) == 1;
	}
	CHECK_EQ(connected, 2);
	CHECK_OK(accept(listener, NULL, NULL));
	CHECK_OK(accept(listener, NULL, NULL));
}

TEST(a_listener_that_closes_resets_who_waits)
{
	loopback_up();
	struct sockaddr_in name;
	char byte;
	int listener = listening(&name, 4), fd = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0));
	CHECK_OK(connect(fd, (void *)&name, sizeof(name)));
	close(listener);
	CHECK_ERR(recv(fd, &byte, 1, 0), ECONNRESET);
	int other = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0));
	CHECK_ERR(connect(other, (void *)&name, sizeof(name)), ECONNREFUSED);
}

TEST(a_receive_timeout_ends_the_wait)
{
	struct pair p = make_pair();
	struct timeval limit = {.tv_usec = 30000};
	char byte;
	CHECK_OK(setsockopt(p.client, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)));
	CHECK_ERR(recv(p.client, &byte, 1, 0), EAGAIN);
}

TEST(queues_can_be_measured)
{
	struct pair p = make_pair();
	int value = -1;
	CHECK_EQ(send(p.client, "12345", 5, 0), 5);
	CHECK_EQ(wait_events(p.server, POLLIN), POLLIN);
	CHECK_OK(ioctl(p.server, FIONREAD, &value));
	CHECK_EQ(value, 5);
	CHECK_ERR(ioctl(p.listener, FIONREAD, &value), EINVAL);
}

TEST(a_socket_can_connect_to_itself)
{
	loopback_up();
	struct sockaddr_in name = at(INADDR_LOOPBACK, 40000);
	char text[4];
	int fd = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0));
	CHECK_OK(bind(fd, (void *)&name, sizeof(name)));
	CHECK_OK(connect(fd, (void *)&name, sizeof(name)));
	CHECK_EQ(send(fd, "me", 2, 0), 2);
	CHECK_EQ(recv(fd, text, 4, 0), 2);
}
