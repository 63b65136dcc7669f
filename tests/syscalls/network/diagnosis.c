// SPDX-License-Identifier: MPL-2.0
/* Sockets as NETLINK_SOCK_DIAG tells of them: what ss shows. */
#include "support.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

enum { ALL = -1, LISTENS = 10, CLOSED = 7, ESTABLISHED = 1, PLACES = 16 };

static void loopback_up(void)
{
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	CHECK_OK(unshare(CLONE_NEWNET));
	int fd = CHECK_OK(socket(AF_INET, SOCK_DGRAM, 0));
	CHECK_OK(ioctl(fd, SIOCSIFFLAGS, &request));
	close(fd);
}

static unsigned inode_of(int fd)
{
	struct stat s;
	CHECK_OK(fstat(fd, &s));
	return (unsigned)s.st_ino;
}

/* --- asking -------------------------------------------------------------------------------------------------- */

struct answer {
	int error;			/* of a refusal */
	int count;			/* messages */
	unsigned fixed;			/* bytes before attributes */
	unsigned char room[65536];
	struct nlmsghdr *message[64];
};
static struct answer answer;

static void ask(const void *body, unsigned length, int flags, unsigned fixed)
{
	struct {
		struct nlmsghdr header;
		char body[128];
	} r = {.header = {.nlmsg_len = NLMSG_LENGTH(length), .nlmsg_type = SOCK_DIAG_BY_FAMILY,
		       .nlmsg_flags = (unsigned short)(NLM_F_REQUEST | flags), .nlmsg_seq = 5}};
	int fd = CHECK_OK(socket(AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG)), is_done = 0;
	size_t used = 0;
	memcpy(r.body, body, length);
	answer.error = answer.count = 0;
	answer.fixed = fixed;
	CHECK_EQ(send(fd, &r, r.header.nlmsg_len, 0), (ssize_t)r.header.nlmsg_len);
	while (!is_done) {
		ssize_t n = CHECK_OK((int)recv(fd, answer.room + used, sizeof(answer.room) - used, 0));
		struct nlmsghdr *h = (void *)(answer.room + used);
		used += NLMSG_ALIGN((size_t)n);
		is_done = !(flags & NLM_F_DUMP);
		for (; NLMSG_OK(h, n); h = NLMSG_NEXT(h, n)) {
			CHECK_EQ(h->nlmsg_seq, 5);
			if (h->nlmsg_type == NLMSG_ERROR)
				answer.error = -((struct nlmsgerr *)NLMSG_DATA(h))->error;
			else if (h->nlmsg_type == SOCK_DIAG_BY_FAMILY)
				answer.message[answer.count++] = h;
			is_done |= h->nlmsg_type == NLMSG_ERROR || h->nlmsg_type == NLMSG_DONE;
			CHECK(answer.count < 64);
		}
	}
	close(fd);
}

static void *attribute_of(struct nlmsghdr *h, unsigned type, unsigned *length)
{
	struct rtattr *a = (void *)((char *)NLMSG_DATA(h) + answer.fixed);
	int left = (int)(h->nlmsg_len - NLMSG_LENGTH(answer.fixed));
	for (; RTA_OK(a, left); a = RTA_NEXT(a, left)) {
		if (a->rta_type != type)
			continue;
		*length = (unsigned)RTA_PAYLOAD(a);
		return RTA_DATA(a);
	}
	return NULL;
}

static struct nlmsghdr *inet_with(unsigned inode)
{
	for (int i = 0; i < answer.count; i++)
		if (((struct inet_diag_msg *)NLMSG_DATA(answer.message[i]))->idiag_inode == inode)
			return answer.message[i];
	return NULL;
}

static struct nlmsghdr *unix_with(unsigned inode)
{
	for (int i = 0; i < answer.count; i++)
		if (((struct unix_diag_msg *)NLMSG_DATA(answer.message[i]))->udiag_ino == inode)
			return answer.message[i];
	return NULL;
}

static void ask_inet(int family, int protocol, unsigned states)
{
	const struct inet_diag_req_v2 q = {.sdiag_family = (unsigned char)family,
		.sdiag_protocol = (unsigned char)protocol, .idiag_states = states,
		.idiag_ext = 1 << (INET_DIAG_INFO - 1) | 1 << (INET_DIAG_CONG - 1)};
	ask(&q, sizeof(q), NLM_F_DUMP, sizeof(struct inet_diag_msg));
	CHECK_EQ(answer.error, 0);
}

static void ask_unix(unsigned states, unsigned show)
{
	const struct unix_diag_req q = {.sdiag_family = AF_UNIX, .udiag_states = states, .udiag_show = show};
	ask(&q, sizeof(q), NLM_F_DUMP, sizeof(struct unix_diag_msg));
	CHECK_EQ(answer.error, 0);
}

/* --- TCP and UDP --------------------------------------------------------------------------------------------- */

static struct sockaddr_in local(int port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static int bound(int type, int port)
{
	struct sockaddr_in a = local(port);
	int fd = CHECK_OK(socket(AF_INET, type, 0));
	CHECK_OK(bind(fd, (void *)&a, sizeof(a)));
	return fd;
}

static int connected(int port)
{
	struct sockaddr_in a = local(port);
	int fd = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0));
	CHECK_OK(connect(fd, (void *)&a, sizeof(a)));
	return fd;
}

TEST(connections_are_told_with_what_they_know)
{
	unsigned length;
	loopback_up();
	int listener = bound(SOCK_STREAM, 700);
	CHECK_OK(listen(listener, 5));
	int client = connected(700), server = CHECK_OK(accept(listener, NULL, NULL)), waiting = connected(700);
	CHECK_EQ(send(client, "hello", 5, 0), 5);
	CHECK_OK(shutdown(server, SHUT_WR));
	ask_inet(AF_INET, IPPROTO_TCP, (unsigned)ALL);
	CHECK_EQ(answer.count, 5);
	struct nlmsghdr *h = inet_with(inode_of(listener));
	CHECK(h != NULL);
	struct inet_diag_msg *m = NLMSG_DATA(h);
	CHECK_EQ(m->idiag_state, LISTENS);
	CHECK_EQ(m->idiag_rqueue, 1);
	CHECK_EQ(m->idiag_wqueue, 5);
	CHECK_EQ(ntohs(m->id.idiag_sport), 700);
	CHECK_EQ(m->id.idiag_dport, 0);
	h = inet_with(inode_of(server));
	CHECK(h != NULL);
	m = NLMSG_DATA(h);
	CHECK_EQ(m->idiag_family, AF_INET);
	CHECK(m->idiag_state == 4 || m->idiag_state == 5);	/* FIN_WAIT1, FIN_WAIT2 */
	CHECK_EQ(m->idiag_rqueue, 5);
	CHECK_EQ(m->idiag_uid, 0);
	CHECK_EQ(ntohl(m->id.idiag_src[0]), INADDR_LOOPBACK);
	CHECK_EQ(ntohl(m->id.idiag_dst[0]), INADDR_LOOPBACK);
	struct tcp_info *info = attribute_of(h, INET_DIAG_INFO, &length);
	CHECK(info && length >= 192);
	CHECK_EQ(info->tcpi_state, m->idiag_state);
	CHECK_EQ(info->tcpi_bytes_received, 5);
	CHECK(attribute_of(h, INET_DIAG_CONG, &length) != NULL);
	unsigned char *shut = attribute_of(h, INET_DIAG_SHUTDOWN, &length);
	CHECK(shut != NULL);
	CHECK_EQ(*shut, 2);
	ask_inet(AF_INET, IPPROTO_TCP, 1 << LISTENS);
	CHECK_EQ(answer.count, 1);
	ask_inet(AF_INET6, IPPROTO_TCP, (unsigned)ALL);
	CHECK_EQ(answer.count, 0);
	close(waiting);
}

TEST(datagram_sockets_are_told)
{
	loopback_up();
	int idle = bound(SOCK_DGRAM, 701), joined = bound(SOCK_DGRAM, 702);
	struct sockaddr_in a = local(701);
	CHECK_OK(connect(joined, (void *)&a, sizeof(a)));
	CHECK_EQ(send(joined, "x", 1, 0), 1);
	ask_inet(AF_INET, IPPROTO_UDP, (unsigned)ALL);
	CHECK_EQ(answer.count, 2);
	struct nlmsghdr *h = inet_with(inode_of(idle));
	CHECK(h != NULL);
	struct inet_diag_msg *m = NLMSG_DATA(h);
	CHECK_EQ(m->idiag_state, CLOSED);
	CHECK(m->idiag_rqueue > 0);
	m = NLMSG_DATA(inet_with(inode_of(joined)));
	CHECK_EQ(m->idiag_state, ESTABLISHED);
	CHECK_EQ(ntohs(m->id.idiag_dport), 701);
	ask_inet(AF_INET, IPPROTO_UDP, 1 << ESTABLISHED);
	CHECK_EQ(answer.count, 1);
}

TEST(one_connection_is_found_by_its_names)
{
	struct inet_diag_req_v2 q = {
		.sdiag_family = AF_INET, .sdiag_protocol = IPPROTO_TCP, .idiag_states = (unsigned)ALL};
	loopback_up();
	int listener = bound(SOCK_STREAM, 700);
	CHECK_OK(listen(listener, 5));
	int client = connected(700);
	ask_inet(AF_INET, IPPROTO_TCP, (unsigned)ALL);
	struct nlmsghdr *h = inet_with(inode_of(client));
	CHECK(h != NULL);
	q.id = ((struct inet_diag_msg *)NLMSG_DATA(h))->id;
	ask(&q, sizeof(q), 0, sizeof(struct inet_diag_msg));
	CHECK_EQ(answer.error, 0);
	CHECK_EQ(answer.count, 1);
	CHECK(inet_with(inode_of(client)) != NULL);
	q.id.idiag_cookie[0] ^= 1;
	ask(&q, sizeof(q), 0, sizeof(struct inet_diag_msg));
	CHECK_EQ(answer.error, ENOENT);
	q.id.idiag_cookie[0] = q.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
	ask(&q, sizeof(q), 0, sizeof(struct inet_diag_msg));
	CHECK_EQ(answer.count, 1);
	q.id.idiag_dport = htons(1);
	ask(&q, sizeof(q), 0, sizeof(struct inet_diag_msg));
	CHECK_EQ(answer.error, ENOENT);
}

TEST(another_namespace_has_others)
{
	loopback_up();
	int listener = bound(SOCK_STREAM, 700);
	CHECK_OK(listen(listener, 5));
	CHECK_OK(unshare(CLONE_NEWNET));
	ask_inet(AF_INET, IPPROTO_TCP, (unsigned)ALL);
	CHECK_EQ(answer.count, 0);
	ask_unix((unsigned)ALL, 0);
	CHECK_EQ(answer.count, 0);
}

TEST(many_are_told_in_pieces)
{
	int fd[30];
	loopback_up();
	for (int i = 0; i < 30; i++) {
		fd[i] = bound(SOCK_STREAM, 800 + i);
		CHECK_OK(listen(fd[i], i + 1));
	}
	ask_inet(AF_INET, IPPROTO_TCP, (unsigned)ALL);
	CHECK_EQ(answer.count, 30);
	for (int i = 0; i < 30; i++)
		CHECK(inet_with(inode_of(fd[i])) != NULL);
}

/* --- AF_UNIX ------------------------------------------------------------------------------------------------- */

TEST(unix_sockets_are_told_with_names_peers_and_queues)
{
	struct sockaddr_un path = {.sun_family = AF_UNIX, .sun_path = "there"};
	struct stat place;
	unsigned length;
	int pair[2];
	loopback_up();
	unlink("there");
	int listener = CHECK_OK(socket(AF_UNIX, SOCK_STREAM, 0)), client = CHECK_OK(socket(AF_UNIX, SOCK_STREAM, 0));
	CHECK_OK(bind(listener, (void *)&path, sizeof(path)));
	CHECK_OK(listen(listener, 3));
	CHECK_OK(connect(client, (void *)&path, sizeof(path)));
	CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	CHECK_EQ(write(pair[0], "12345", 5), 5);
	CHECK_OK(shutdown(pair[1], SHUT_WR));
	ask_unix((unsigned)ALL, UDIAG_SHOW_NAME | UDIAG_SHOW_VFS | UDIAG_SHOW_PEER | UDIAG_SHOW_RQLEN | UDIAG_SHOW_UID);
	struct nlmsghdr *h = unix_with(inode_of(listener));
	CHECK(h != NULL);
	struct unix_diag_msg *m = NLMSG_DATA(h);
	CHECK_EQ(m->udiag_family, AF_UNIX);
	CHECK_EQ(m->udiag_type, SOCK_STREAM);
	CHECK_EQ(m->udiag_state, LISTENS);
	char *name = attribute_of(h, UNIX_DIAG_NAME, &length);
	CHECK(name != NULL);
	CHECK_EQ(length, 6);
	CHECK_STR(name, "there");
	struct unix_diag_rqlen *queue = attribute_of(h, UNIX_DIAG_RQLEN, &length);
	CHECK(queue != NULL);
	CHECK_EQ(queue->udiag_rqueue, 1);
	CHECK_EQ(queue->udiag_wqueue, 3);
	struct unix_diag_vfs *vfs = attribute_of(h, UNIX_DIAG_VFS, &length);
	CHECK(vfs != NULL);
	CHECK_OK(stat("there", &place));
	CHECK_EQ(vfs->udiag_vfs_ino, (unsigned)place.st_ino);
	CHECK(attribute_of(h, UNIX_DIAG_PEER, &length) == NULL);
	h = unix_with(inode_of(pair[1]));
	CHECK(h != NULL);
	m = NLMSG_DATA(h);
	CHECK_EQ(m->udiag_state, ESTABLISHED);
	unsigned *peer = attribute_of(h, UNIX_DIAG_PEER, &length);
	CHECK(peer != NULL);
	CHECK_EQ(*peer, inode_of(pair[0]));
	queue = attribute_of(h, UNIX_DIAG_RQLEN, &length);
	CHECK(queue != NULL);
	CHECK_EQ(queue->udiag_rqueue, 5);
	unsigned char *shut = attribute_of(h, UNIX_DIAG_SHUTDOWN, &length);
	CHECK(shut != NULL);
	CHECK_EQ(*shut, 2);
	unsigned *uid = attribute_of(h, UNIX_DIAG_UID, &length);
	CHECK(uid != NULL);
	CHECK_EQ(*uid, 0);
	CHECK(attribute_of(h, UNIX_DIAG_NAME, &length) == NULL);
	ask_unix(1 << LISTENS, 0);
	CHECK_EQ(answer.count, 1);
	CHECK_OK(unlink("there"));
	close(client);
}

TEST(one_unix_socket_is_found_by_its_number)
{
	struct unix_diag_req q = {.sdiag_family = AF_UNIX, .udiag_cookie = {(unsigned)ALL, (unsigned)ALL}};
	loopback_up();
	int fd = CHECK_OK(socket(AF_UNIX, SOCK_DGRAM, 0));
	q.udiag_ino = inode_of(fd);
	ask(&q, sizeof(q), 0, sizeof(struct unix_diag_msg));
	CHECK_EQ(answer.count, 1);
	CHECK_EQ(((struct unix_diag_msg *)NLMSG_DATA(answer.message[0]))->udiag_state, CLOSED);
	q.udiag_ino += 1000000;
	ask(&q, sizeof(q), 0, sizeof(struct unix_diag_msg));
	CHECK_EQ(answer.error, ENOENT);
}
