// SPDX-License-Identifier: MPL-2.0
/* TCP and UDP over the loopback interface. */
#include "bench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct sockaddr_in local = {.sin_family = AF_INET};

static int64_t raise_loopback(void)
{
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	int fd = TRY(socket(AF_INET, SOCK_DGRAM, 0));
	TRY(ioctl(fd, SIOCSIFFLAGS, &request));
	return close(fd);
}

/* A bound socket; its address goes to *address. */
static int64_t bind_local(int type, struct sockaddr_in *address)
{
	socklen_t size = sizeof(*address);
	*address = local;
	address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int fd = TRY(socket(AF_INET, type, 0));
	TRY(bind(fd, (void *)address, size));
	TRY(getsockname(fd, (void *)address, &size));
	return fd;
}

static void answer(int fd, long rounds)
{
	char byte;
	for (long i = 0; i < rounds; i++)
		if (read(fd, &byte, 1) != 1 || write(fd, &byte, 1) != 1)
			_exit(1);
}

static int64_t ask(int fd, long rounds)
{
	char byte = 0;
	int64_t start = bench_now_ns();
	for (long i = 0; i < rounds; i++) {
		TRY(write(fd, &byte, 1));
		TRY(read(fd, &byte, 1));
	}
	return bench_now_ns() - start;
}

static int64_t bench_udp(long rounds)
{
	struct sockaddr_in one, two;
	int64_t error = raise_loopback();
	if (error < 0)
		return error;
	int64_t a = bind_local(SOCK_DGRAM, &one), b = bind_local(SOCK_DGRAM, &two);
	if (a < 0 || b < 0)
		return a < 0 ? a : b;
	TRY(connect((int)a, (void *)&two, sizeof(two)));
	TRY(connect((int)b, (void *)&one, sizeof(one)));
	TRY(CHILD(answer((int)b, rounds)));
	int64_t time = ask((int)a, rounds);
	wait(NULL);
	close((int)a);
	close((int)b);
	return time;
}

static int64_t listen_local(struct sockaddr_in *address)
{
	int64_t error = raise_loopback();
	int64_t fd = error < 0 ? error : bind_local(SOCK_STREAM, address);
	if (fd >= 0)
		TRY(listen((int)fd, 16));
	return fd;
}

static int64_t bench_tcp(long rounds)
{
	struct sockaddr_in address;
	int64_t server = listen_local(&address);
	if (server < 0)
		return server;
	int client = TRY(socket(AF_INET, SOCK_STREAM, 0));
	TRY(connect(client, (void *)&address, sizeof(address)));
	int accepted = TRY(accept((int)server, NULL, NULL));
	TRY(CHILD(answer(accepted, rounds)));
	int64_t time = ask(client, rounds);
	wait(NULL);
	close(client);
	close(accepted);
	close((int)server);
	return time;
}

static int64_t bench_tcp_connect(long rounds)
{
	struct sockaddr_in address;
	int64_t server = listen_local(&address);
	if (server < 0)
		return server;
	int64_t start = bench_now_ns();
	for (long i = 0; i < rounds; i++) {
		int client = TRY(socket(AF_INET, SOCK_STREAM, 0));
		TRY(connect(client, (void *)&address, sizeof(address)));
		close(TRY(accept((int)server, NULL, NULL)));
		close(client);
	}
	int64_t time = bench_now_ns() - start;
	close((int)server);
	return time;
}

const struct bench networks[] = {
	{"udp_round_trip", bench_udp, 300},
	{"tcp_round_trip", bench_tcp, 300},
	{"tcp_connect_close", bench_tcp_connect, 100},
	{0},
};
