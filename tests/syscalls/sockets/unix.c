// SPDX-License-Identifier: MPL-2.0
/* AF_UNIX sockets: streams, datagrams, packets, names, descriptors and credentials. */
#include "support.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

struct pair {
	int a, b;
};

static struct pair make_pair(int type)
{
	int fds[2];
	CHECK_OK(socketpair(AF_UNIX, type, 0, fds));
	return (struct pair){fds[0], fds[1]};
}

static socklen_t address_of(struct sockaddr_un *address, const char *name, size_t length)
{
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(address->sun_path, name, length);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
}

static int bound(int type, const char *path)
{
	struct sockaddr_un address;
	int fd = CHECK_OK(socket(AF_UNIX, type, 0));
	CHECK_OK(bind(fd, (void *)&address, address_of(&address, path, strlen(path) + 1)));
	return fd;
}

static int connect_to(int fd, const char *path)
{
	struct sockaddr_un address;
	return connect(fd, (void *)&address, address_of(&address, path, strlen(path) + 1));
}

TEST(stream_pair_goes_both_ways)
{
	char text[8] = {0};
	struct pair pair = make_pair(SOCK_STREAM);
	CHECK_EQ(write(pair.a, "abc", 3), 3);
	CHECK_EQ(write(pair.a, "def", 3), 3);
	CHECK_EQ(read(pair.b, text, 8), 6);
	CHECK_STR(text, "abcdef");
	CHECK_EQ(send(pair.b, "back", 4, 0), 4);
	CHECK_EQ(recv(pair.a, text, 8, 0), 4);
}

TEST(datagrams_keep_boundaries)
{
	char text[8];
	struct pair pair = make_pair(SOCK_DGRAM);
	CHECK_EQ(send(pair.a, "one", 3, 0), 3);
	CHECK_EQ(send(pair.a, "four", 4, 0), 4);
	CHECK_EQ(recv(pair.b, text, 2, MSG_TRUNC), 3);
	CHECK_EQ(recv(pair.b, text, 8, 0), 4);
	CHECK_EQ(send(pair.a, "", 0, 0), 0);
	CHECK_EQ(recv(pair.b, text, 8, 0), 0);
}

TEST(packets_keep_boundaries_and_end)
{
	char text[8];
	struct pair pair = make_pair(SOCK_SEQPACKET);
	CHECK_EQ(send(pair.a, "one", 3, 0), 3);
	CHECK_EQ(send(pair.a, "two2", 4, 0), 4);
	CHECK_EQ(recv(pair.b, text, 8, 0), 3);
	CHECK_EQ(recv(pair.b, text, 8, 0), 4);
	close(pair.a);
	CHECK_EQ(recv(pair.b, text, 8, 0), 0);
	CHECK_ERR(send(pair.b, "x", 1, MSG_NOSIGNAL), EPIPE);
}

TEST(peek_leaves_the_data)
{
	char text[4] = {0};
	struct pair pair = make_pair(SOCK_STREAM);
	CHECK_EQ(write(pair.a, "abc", 3), 3);
	CHECK_EQ(recv(pair.b, text, 3, MSG_PEEK), 3);
	CHECK_EQ(recv(pair.b, text, 3, 0), 3);
	CHECK_ERR(recv(pair.b, text, 3, MSG_DONTWAIT), EAGAIN);
}

TEST(closed_peer)
{
	char byte;
	struct pair pair = make_pair(SOCK_STREAM);
	CHECK_EQ(write(pair.a, "x", 1), 1);
	close(pair.a);
	CHECK_EQ(read(pair.b, &byte, 1), 1);
	CHECK_EQ(read(pair.b, &byte, 1), 0);
	CHECK_ERR(send(pair.b, "x", 1, MSG_NOSIGNAL), EPIPE);
	pid_t child = fork_checked();
	if (child == 0) {
		(void)!write(pair.b, "x", 1);
		_exit(0);
	}
	CHECK_EQ(wait_signal(child), SIGPIPE);
}

TEST(unread_data_resets_the_peer)
{
	char byte;
	struct pair pair = make_pair(SOCK_STREAM);
	CHECK_EQ(write(pair.a, "x", 1), 1);
	close(pair.b);
	CHECK_ERR(read(pair.a, &byte, 1), ECONNRESET);
	CHECK_EQ(read(pair.a, &byte, 1), 0);
}

TEST(shutdown_directions)
{
	char byte;
	struct pair pair = make_pair(SOCK_STREAM);
	CHECK_OK(shutdown(pair.a, SHUT_WR));
	CHECK_EQ(read(pair.b, &byte, 1), 0);
	CHECK_ERR(send(pair.a, "x", 1, MSG_NOSIGNAL), EPIPE);
	CHECK_EQ(write(pair.b, "y", 1), 1);
	CHECK_EQ(read(pair.a, &byte, 1), 1);
	CHECK_ERR(shutdown(pair.a, 9), EINVAL);
}

TEST(listen_accept_connect)
{
	char text[8] = {0};
	int server = bound(SOCK_STREAM, "s"), client = CHECK_OK(socket(AF_UNIX, SOCK_STREAM, 0));
	CHECK_ERR(connect_to(client, "s"), ECONNREFUSED);
	CHECK_OK(listen(server, 5));
	CHECK_OK(connect_to(client, "s"));
	int accepted = CHECK_OK(accept4(server, NULL, NULL, SOCK_CLOEXEC));
	CHECK_EQ(fcntl(accepted, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(write(client, "hi", 2), 2);
	CHECK_EQ(read(accepted, text, 8), 2);
	CHECK_ERR(connect_to(client, "s"), EISCONN);
	struct stat info;
	CHECK_OK(stat("s", &info));
	CHECK(S_ISSOCK(info.st_mode));
}

TEST(names_are_told)
{
	struct sockaddr_un address = {0};
	socklen_t size = sizeof(address);
	int server = bound(SOCK_STREAM, "name"), client = CHECK_OK(socket(AF_UNIX, SOCK_STREAM, 0));
	CHECK_OK(listen(server, 1));
	CHECK_OK(connect_to(client, "name"));
	CHECK_OK(getpeername(client, (void *)&address, &size));
	CHECK_STR(address.sun_path, "name");
	CHECK_EQ(size, 2 + 5);
	size = sizeof(address);
	CHECK_OK(getsockname(client, (void *)&address, &size));
	CHECK_EQ(size, 2);
	CHECK_EQ(address.sun_family, AF_UNIX);
}

TEST(name_errors)
{
	struct sockaddr_un address;
	int one = bound(SOCK_STREAM, "s"), two = CHECK_OK(socket(AF_UNIX, SOCK_STREAM, 0));
	CHECK_ERR(bind(two, (void *)&address, address_of(&address, "s", 2)), EADDRINUSE);
	CHECK_ERR(bind(one, (void *)&address, address_of(&address, "t", 2)), EINVAL);
	CHECK_ERR(connect_to(two, "missing"), ENOENT);
	write_text("plain", "");
	CHECK_ERR(connect_to(two, "plain"), ECONNREFUSED);
	bound(SOCK_DGRAM, "datagram");
	CHECK_ERR(connect_to(two, "datagram"), EPROTOTYPE);
	address.sun_family = AF_INET;
	CHECK_ERR(bind(two, (void *)&address, 10), EINVAL);
	CHECK_ERR(accept(two, NULL, NULL), EINVAL);
	CHECK_ERR(listen(make_file("f"), 1), ENOTSOCK);
}

TEST(abstract_names)
{
	struct sockaddr_un address;
	char name[] = "\0abstract-name";
	socklen_t size = address_of(&address, name, sizeof(name) - 1);
	int server = CHECK_OK(socket(AF_UNIX, SOCK_STREAM, 0));
	int client = CHECK_OK(socket(AF_UNIX, SOCK_STREAM, 0));
	CHECK_OK(bind(server, (void *)&address, size));
	CHECK_OK(listen(server, 1));
	CHECK_OK(connect(client, (void *)&address, size));
	int other = CHECK_OK(socket(AF_UNIX, SOCK_STREAM, 0));
	CHECK_ERR(bind(other, (void *)&address, size), EADDRINUSE);
	CHECK_ERR(connect(other, (void *)&address, size - 1), ECONNREFUSED);
	close(server);
	CHECK_OK(bind(other, (void *)&address, size));
}

TEST(autobind_gives_a_name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	socklen_t size = sizeof(address);
	int fd = CHECK_OK(socket(AF_UNIX, SOCK_STREAM, 0));
	CHECK_OK(bind(fd, (void *)&address, sizeof(sa_family_t)));
	CHECK_OK(getsockname(fd, (void *)&address, &size));
	CHECK_EQ(size, 8);
	CHECK_EQ(address.sun_path[0], 0);
}

TEST(backlog_fills)
{
	int server = bound(SOCK_STREAM, "s"), count = 0;
	CHECK_OK(listen(server, 2));
	for (; count < 10; count++) {
		int client = CHECK_OK(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
		if (connect_to(client, "s") != 0)
			break;
	}
	CHECK_EQ(errno, EAGAIN);
	CHECK_EQ(count, 3);
}

TEST(accept_waits_and_polls)
{
	int server = bound(SOCK_STREAM, "s");
	CHECK_OK(listen(server, 2));
	struct pollfd entry = {server, POLLIN, 0};
	CHECK_EQ(poll(&entry, 1, 0), 0);
	pid_t child = fork_checked();
	if (child == 0) {
		int client = socket(AF_UNIX, SOCK_STREAM, 0);
		sleep_ms(30);
		_exit(connect_to(client, "s") == 0 ? 0 : 1);
	}
	int fd = CHECK_OK(accept(server, NULL, NULL));
	CHECK(fd >= 0);
	CHECK_EQ(wait_exit(child), 0);
	CHECK_OK(fcntl(server, F_SETFL, O_NONBLOCK));
	CHECK_ERR(accept(server, NULL, NULL), EAGAIN);
}

TEST(datagrams_by_name)
{
	struct sockaddr_un address, from = {0};
	char text[8] = {0};
	socklen_t size = sizeof(from);
	int one = bound(SOCK_DGRAM, "one"), two = bound(SOCK_DGRAM, "two");
	CHECK_EQ(sendto(one, "hello", 5, 0, (void *)&address, address_of(&address, "two", 4)), 5);
	CHECK_EQ(recvfrom(two, text, 8, 0, (void *)&from, &size), 5);
	CHECK_STR(from.sun_path, "one");
	CHECK_ERR(send(one, "x", 1, 0), ENOTCONN);
	CHECK_OK(connect_to(one, "two"));
	CHECK_EQ(send(one, "x", 1, 0), 1);
	CHECK_ERR(sendto(one, "x", 1, 0, (void *)&address, address_of(&address, "none", 5)), ENOENT);
}

TEST(full_buffer_is_eagain)
{
	static char block[8192];
	struct pair pair = make_pair(SOCK_STREAM | SOCK_NONBLOCK);
	size_t total = 0;
	ssize_t count;
	while ((count = write(pair.a, block, sizeof(block))) > 0 && total < (64 << 20))
		total += (size_t)count;
	CHECK_EQ(errno, EAGAIN);
	CHECK(total >= 65536 && total < (8 << 20));
	struct pollfd entry = {pair.a, POLLOUT, 0};
	CHECK_EQ(poll(&entry, 1, 0), 0);
	while (read(pair.b, block, sizeof(block)) > 0)
		continue;
	CHECK_EQ(poll(&entry, 1, 0), 1);
}

TEST(large_transfer_between_processes)
{
	enum { TOTAL = 1 << 20 };
	static unsigned char block[7777];
	struct pair pair = make_pair(SOCK_STREAM);
	pid_t child = fork_checked();
	if (child == 0) {
		close(pair.b);
		for (int sent = 0; sent < TOTAL;) {
			for (size_t i = 0; i < sizeof(block); i++)
				block[i] = (unsigned char)((unsigned)sent + i);
			int part = TOTAL - sent < (int)sizeof(block) ? TOTAL - sent : (int)sizeof(block);
			ssize_t count = write(pair.a, block, (size_t)part);
			if (count <= 0)
				_exit(1);
			sent += (int)count;
		}
		_exit(0);
	}
	close(pair.a);
	unsigned total = 0;
	ssize_t count;
	while ((count = read(pair.b, block, sizeof(block))) > 0)
		for (ssize_t i = 0; i < count; i++, total++)
			CHECK_EQ(block[i], total & 0xff);
	CHECK_EQ(total, TOTAL);
	CHECK_EQ(wait_exit(child), 0);
}

static void send_fds(int socket, const int *fds, size_t count)
{
	char control[CMSG_SPACE(64 * sizeof(int))] = {0};
	struct iovec vector = {"x", 1};
	struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = control,
				 .msg_controllen = CMSG_SPACE(count * sizeof(int))};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(count * sizeof(int));
	memcpy(CMSG_DATA(header), fds, count * sizeof(int));
	CHECK_EQ(sendmsg(socket, &message, 0), 1);
}

static size_t receive_fds(int socket, int *fds, size_t room, int flags, int *message_flags)
{
	char control[CMSG_SPACE(64 * sizeof(int))] = {0}, byte;
	struct iovec vector = {&byte, 1};
	struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = control,
				 .msg_controllen = CMSG_LEN(room * sizeof(int))};
	CHECK_EQ(recvmsg(socket, &message, flags), 1);
	*message_flags = message.msg_flags;
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	if (!header)
		return 0;
	CHECK_EQ(header->cmsg_type, SCM_RIGHTS);
	size_t size = header->cmsg_len - CMSG_LEN(0);
	memcpy(fds, CMSG_DATA(header), size);
	return size / sizeof(int);
}

TEST(descriptors_pass)
{
	int fds[2], got[4], flags;
	struct pair pair = make_pair(SOCK_STREAM);
	fds[0] = make_file("f");
	fds[1] = CHECK_OK(open("/dev/null", O_RDWR));
	CHECK_EQ(write(fds[0], "passed", 6), 6);
	send_fds(pair.a, fds, 2);
	close(fds[0]);
	CHECK_EQ(receive_fds(pair.b, got, 4, MSG_CMSG_CLOEXEC, &flags), 2);
	char text[8] = {0};
	CHECK_EQ(pread(got[0], text, 8, 0), 6);
	CHECK_STR(text, "passed");
	CHECK_EQ(lseek(got[0], 0, SEEK_CUR), 6);
	CHECK_EQ(fcntl(got[0], F_GETFD), FD_CLOEXEC);
}

TEST(descriptors_beyond_the_room_are_closed)
{
	int fds[3], got[3], flags;
	struct pair pair = make_pair(SOCK_STREAM);
	int ends[2];
	CHECK_OK(pipe(ends));
	fds[0] = fds[1] = fds[2] = ends[1];
	send_fds(pair.a, fds, 3);
	CHECK_EQ(receive_fds(pair.b, got, 1, 0, &flags), 1);
	CHECK(flags & MSG_CTRUNC);
	close(ends[1]);
	close(got[0]);
	char byte;
	CHECK_EQ(read(ends[0], &byte, 1), 0);
}

TEST(descriptors_in_flight_close_with_the_socket)
{
	int ends[2];
	char byte;
	struct pair pair = make_pair(SOCK_STREAM);
	CHECK_OK(pipe(ends));
	send_fds(pair.a, &ends[1], 1);
	close(ends[1]);
	close(pair.a);
	close(pair.b);
	CHECK_EQ(read(ends[0], &byte, 1), 0);
}

TEST(descriptor_cycle_is_collected)
{
	int ends[2];
	char byte;
	struct pair pair = make_pair(SOCK_STREAM), other = make_pair(SOCK_STREAM);
	CHECK_OK(pipe(ends));
	int all[2] = {pair.b, ends[1]};
	send_fds(pair.a, all, 2); /* pair.b holds itself and the pipe */
	close(ends[1]);
	close(pair.a);
	close(pair.b);
	send_fds(other.a, &ends[0], 1); /* a later message may start the collection */
	close(other.a);
	close(other.b);
	int flags = fcntl(ends[0], F_GETFL);
	CHECK_OK(fcntl(ends[0], F_SETFL, flags | O_NONBLOCK));
	WAIT_UNTIL(read(ends[0], &byte, 1) == 0);
}

TEST(bad_descriptor_is_ebadf)
{
	char control[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec vector = {"x", 1};
	struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = control,
				 .msg_controllen = sizeof(control)};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	struct pair pair = make_pair(SOCK_STREAM);
	int bad = 999;
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &bad, sizeof(int));
	CHECK_ERR(sendmsg(pair.a, &message, 0), EBADF);
	header->cmsg_len = 5;
	CHECK_ERR(sendmsg(pair.a, &message, 0), EINVAL);
}

TEST(credentials_come_with_messages)
{
	char control[CMSG_SPACE(sizeof(struct ucred))] = {0}, byte;
	struct iovec vector = {&byte, 1};
	struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = control,
				 .msg_controllen = sizeof(control)};
	struct pair pair = make_pair(SOCK_DGRAM);
	int on = 1;
	CHECK_OK(setsockopt(pair.b, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)));
	pid_t child = fork_checked();
	if (child == 0)
		_exit(setuid(77) == 0 && send(pair.a, "x", 1, 0) == 1 ? 0 : 1);
	CHECK_EQ(recvmsg(pair.b, &message, 0), 1);
	struct ucred cred;
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	CHECK(header && header->cmsg_type == SCM_CREDENTIALS);
	memcpy(&cred, CMSG_DATA(header), sizeof(cred));
	CHECK_EQ(cred.pid, child);
	CHECK_EQ(cred.uid, 77);
	CHECK_EQ(wait_exit(child), 0);
}

TEST(peer_credentials)
{
	struct ucred cred;
	socklen_t size = sizeof(cred);
	struct pair pair = make_pair(SOCK_STREAM);
	CHECK_OK(getsockopt(pair.a, SOL_SOCKET, SO_PEERCRED, &cred, &size));
	CHECK_EQ(cred.pid, getpid());
	CHECK_EQ(cred.uid, 0);
}

TEST(socket_options)
{
	int value = -1;
	socklen_t size = sizeof(value);
	struct pair pair = make_pair(SOCK_SEQPACKET);
	CHECK_OK(getsockopt(pair.a, SOL_SOCKET, SO_TYPE, &value, &size));
	CHECK_EQ(value, SOCK_SEQPACKET);
	CHECK_OK(getsockopt(pair.a, SOL_SOCKET, SO_DOMAIN, &value, &size));
	CHECK_EQ(value, AF_UNIX);
	CHECK_OK(getsockopt(pair.a, SOL_SOCKET, SO_ACCEPTCONN, &value, &size));
	CHECK_EQ(value, 0);
	CHECK_OK(getsockopt(pair.a, SOL_SOCKET, SO_ERROR, &value, &size));
	CHECK_EQ(value, 0);
	CHECK_ERR(getsockopt(pair.a, SOL_SOCKET, 9999, &value, &size), ENOPROTOOPT);
	CHECK_ERR(setsockopt(pair.a, SOL_SOCKET, 9999, &value, size), ENOPROTOOPT);
}

static int option_of(int socket, int name)
{
	int value = -1;
	socklen_t size = sizeof(value);
	CHECK_OK(getsockopt(socket, SOL_SOCKET, name, &value, &size));
	CHECK_EQ(size, sizeof(value));
	return value;
}

static void set_one(int socket, int name, int value)
{
	CHECK_OK(setsockopt(socket, SOL_SOCKET, name, &value, sizeof(value)));
}

/* The data of the first control message that comes with one byte, which must be of this kind. */
static void receive_time(int socket, int kind, long pair[2])
{
	char byte, room[CMSG_SPACE(16)];
	struct iovec vector = { &byte, 1 };
	struct msghdr message = { .msg_iov = &vector, .msg_iovlen = 1, .msg_control = room,
		.msg_controllen = sizeof(room) };
	CHECK_EQ(recvmsg(socket, &message, 0), 1);
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	CHECK(header && header->cmsg_level == SOL_SOCKET);
	CHECK_EQ(header->cmsg_type, kind);
	CHECK_EQ(header->cmsg_len, CMSG_LEN(16));
	CHECK(!CMSG_NXTHDR(&message, header));
	memcpy(pair, CMSG_DATA(header), 16);
}

TEST(messages_tell_when_they_were_sent)
{
	static const struct { int option, per_second; } kinds[] = { { SO_TIMESTAMP, 1000000 },
		{ SO_TIMESTAMPNS, 1000000000 }, { 63, 1000000 }, { 64, 1000000000 } };
	struct timespec before, after;
	long at[2];

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		struct pair pair = make_pair(i & 1 ? SOCK_DGRAM : SOCK_SEQPACKET);
		set_one(pair.b, kinds[i].option, 1);
		for (size_t other = 0; other < sizeof(kinds) / sizeof(*kinds); other++)
			CHECK_EQ(option_of(pair.b, kinds[other].option), other == i || (other == 2 && i == 3));
		CHECK_OK(clock_gettime(CLOCK_REALTIME, &before));
		CHECK_EQ(send(pair.a, "x", 1, 0), 1);
		CHECK_OK(clock_gettime(CLOCK_REALTIME, &after));
		usleep(10000);
		receive_time(pair.b, kinds[i].option, at);
		CHECK(at[1] >= 0 && at[1] < kinds[i].per_second);
		const long unit = 1000000000 / kinds[i].per_second;
		const long ns = at[0] * 1000000000 + at[1] * unit;
		CHECK(ns + unit > before.tv_sec * 1000000000 + before.tv_nsec);
		CHECK(ns <= after.tv_sec * 1000000000 + after.tv_nsec);
		set_one(pair.b, kinds[i].option, 0);
		CHECK_EQ(option_of(pair.b, kinds[i].option), 0);
	}
}

TEST(time_of_a_message_from_before_it_was_asked_for)
{
	struct timespec asked;
	struct pair pair = make_pair(SOCK_DGRAM);
	long at[2];

	CHECK_EQ(send(pair.a, "x", 1, 0), 1);
	usleep(20000);
	CHECK_OK(clock_gettime(CLOCK_REALTIME, &asked));
	set_one(pair.b, SO_TIMESTAMPNS, 1);
	receive_time(pair.b, SO_TIMESTAMPNS, at);
	CHECK(at[0] * 1000000000 + at[1] >= asked.tv_sec * 1000000000 + asked.tv_nsec);
}

TEST(labels_of_senders_can_be_asked_for)
{
	struct pair pair = make_pair(SOCK_DGRAM);

	CHECK_EQ(option_of(pair.b, SO_PASSSEC), 0);
	set_one(pair.b, SO_PASSSEC, 1);
	CHECK_EQ(option_of(pair.b, SO_PASSSEC), 1);
	CHECK_EQ(send(pair.a, "x", 1, 0), 1);
	char byte;
	CHECK_EQ(recv(pair.b, &byte, 1, 0), 1);
	set_one(pair.b, SO_PASSSEC, 0);
	CHECK_EQ(option_of(pair.b, SO_PASSSEC), 0);
}

TEST(receive_time_out)
{
	char byte;
	struct timeval time = {0, 50000};
	struct pair pair = make_pair(SOCK_STREAM);
	CHECK_OK(setsockopt(pair.a, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time)));
	int64_t start = now_ns(CLOCK_MONOTONIC);
	CHECK_ERR(read(pair.a, &byte, 1), EAGAIN);
	CHECK(now_ns(CLOCK_MONOTONIC) - start >= 45000000);
}

TEST(unknown_families_and_types)
{
	int fds[2];
	CHECK_ERR(socket(99, SOCK_STREAM, 0), EAFNOSUPPORT);
	CHECK_ERR(socket(AF_UNIX, 99, 0), EINVAL);
	CHECK_ERR(socket(AF_UNIX, SOCK_STREAM, 99), EPROTONOSUPPORT);
	CHECK_ERR(socket(AF_UNIX, SOCK_RDM, 0), ESOCKTNOSUPPORT);
	CHECK_ERR(socketpair(AF_INET, SOCK_STREAM, 0, fds), EOPNOTSUPP);
}

TEST(hang_up_is_polled)
{
	struct pair pair = make_pair(SOCK_STREAM);
	close(pair.b);
	struct pollfd entry = {pair.a, POLLIN | POLLRDHUP, 0};
	CHECK_EQ(poll(&entry, 1, 0), 1);
	CHECK_EQ(entry.revents, POLLIN | POLLRDHUP | POLLHUP);
}

TEST(abstract_names_belong_to_the_network_namespace)
{
	struct sockaddr_un address;
	char name[] = "\0scoped";
	socklen_t size = address_of(&address, name, sizeof(name) - 1);
	int server = CHECK_OK(socket(AF_UNIX, SOCK_STREAM, 0));
	CHECK_OK(bind(server, (void *)&address, size));
	CHECK_OK(listen(server, 1));
	pid_t child = fork_checked();
	if (child == 0) {
		extern int unshare(int);
		unshare(0x40000000 /* CLONE_NEWNET */);
		int client = socket(AF_UNIX, SOCK_STREAM, 0);
		_exit(connect(client, (void *)&address, size) == -1 && errno == ECONNREFUSED ? 0 : 1);
	}
	CHECK_EQ(wait_exit(child), 0);
}
