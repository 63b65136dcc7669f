// SPDX-License-Identifier: MPL-2.0
/* SO_ATTACH_FILTER: a program that chooses among the messages of a netlink socket. */
#include "support.h"

#include <linux/filter.h>
#include <linux/netlink.h>
#include <sys/socket.h>

struct pair {
	int from, to;
	struct sockaddr_nl place;
};

static struct pair make_pair(void)
{
	struct pair pair = { .place = { .nl_family = AF_NETLINK } };
	socklen_t length = sizeof(pair.place);
	pair.from = CHECK_OK(socket(AF_NETLINK, SOCK_RAW, NETLINK_KOBJECT_UEVENT));
	pair.to = CHECK_OK(socket(AF_NETLINK, SOCK_RAW, NETLINK_KOBJECT_UEVENT));
	CHECK_OK(bind(pair.to, (struct sockaddr *)&pair.place, sizeof(pair.place)));
	CHECK_OK(getsockname(pair.to, (struct sockaddr *)&pair.place, &length));
	return pair;
}

static int attach(int socket, struct sock_filter *steps, unsigned short count)
{
	struct sock_fprog program = { .len = count, .filter = steps };
	return setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

static void send_text(struct pair pair, const char *text)
{
	/* Linux gives the length that the filter has left of it. */
	CHECK(sendto(pair.from, text, strlen(text), 0, (struct sockaddr *)&pair.place, sizeof(pair.place)) > 0);
}

/* What has come, and is of this length. */
static void expect_text(struct pair pair, const char *text)
{
	char got[64] = "";
	CHECK_EQ(recv(pair.to, got, sizeof(got) - 1, MSG_DONTWAIT), (ssize_t)strlen(text));
	CHECK_STR(got, text);
}

static void expect_nothing(struct pair pair)
{
	char got[64];
	CHECK_ERR(recv(pair.to, got, sizeof(got), MSG_DONTWAIT), EAGAIN);
}

TEST(program_chooses_and_cuts)
{
	struct sock_filter steps[] = { BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
		0x6b656570 /* keep */, 0, 1), BPF_STMT(BPF_RET | BPF_K, 6), BPF_STMT(BPF_RET | BPF_K, 0) };
	struct pair pair = make_pair();
	CHECK_OK(attach(pair.to, steps, 4));
	send_text(pair, "drop this");
	send_text(pair, "kee");		/* a load beyond its end drops it */
	send_text(pair, "keep this");
	send_text(pair, "keep");
	expect_text(pair, "keep t");
	expect_text(pair, "keep");
	expect_nothing(pair);
}

TEST(program_calculates)
{
	/* X = the first byte - '0', A = the byte at X + 1, less '0': it must be the message's length. */
	struct sock_filter steps[] = { BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0), BPF_STMT(BPF_ALU | BPF_SUB | BPF_K, '0'),
		BPF_STMT(BPF_ST, 3), BPF_STMT(BPF_LDX | BPF_MEM, 3), BPF_STMT(BPF_LD | BPF_B | BPF_IND, 1),
		BPF_STMT(BPF_ALU | BPF_SUB | BPF_K, '0'), BPF_STMT(BPF_MISC | BPF_TAX, 0),
		BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_X, 0, 0, 1),
		BPF_STMT(BPF_RET | BPF_A, 0), BPF_STMT(BPF_RET | BPF_K, 0) };
	struct pair pair = make_pair();
	CHECK_OK(attach(pair.to, steps, sizeof(steps) / sizeof(*steps)));
	send_text(pair, "2ab4");
	send_text(pair, "2ab5");
	send_text(pair, "9ab4");
	send_text(pair, "1a5bc");
	expect_text(pair, "2ab4");
	expect_text(pair, "1a5bc");
	expect_nothing(pair);
}

TEST(detached_program_drops_nothing)
{
	struct sock_filter none[] = { BPF_STMT(BPF_RET | BPF_K, 0) }, all[] = { BPF_STMT(BPF_RET | BPF_K, -1) };
	struct pair pair = make_pair();
	int zero = 0;
	CHECK_ERR(setsockopt(pair.to, SOL_SOCKET, SO_DETACH_FILTER, &zero, sizeof(zero)), ENOENT);
	CHECK_OK(attach(pair.to, none, 1));
	send_text(pair, "one");
	CHECK_OK(attach(pair.to, all, 1));
	send_text(pair, "two");
	CHECK_OK(attach(pair.to, none, 1));
	send_text(pair, "three");
	CHECK_OK(setsockopt(pair.to, SOL_SOCKET, SO_DETACH_FILTER, &zero, sizeof(zero)));
	send_text(pair, "four");
	expect_text(pair, "two");
	expect_text(pair, "four");
	expect_nothing(pair);
}

TEST(programs_that_are_not_well_formed)
{
	struct sock_filter outside[] = { BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0), BPF_STMT(BPF_RET | BPF_K, 0) };
	struct sock_filter endless[] = { BPF_STMT(BPF_LD | BPF_IMM, 0) }, divides[] = {
		BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 0), BPF_STMT(BPF_RET | BPF_K, 0) };
	struct sock_filter memory[] = { BPF_STMT(BPF_ST, 16), BPF_STMT(BPF_RET | BPF_K, 0) };
	struct sock_filter unknown[] = { BPF_STMT(0xff, 0), BPF_STMT(BPF_RET | BPF_K, 0) };
	struct sock_fprog program = { .len = 1, .filter = endless };
	struct pair pair = make_pair();
	CHECK_ERR(attach(pair.to, outside, 2), EINVAL);
	CHECK_ERR(attach(pair.to, endless, 1), EINVAL);
	CHECK_ERR(attach(pair.to, divides, 2), EINVAL);
	CHECK_ERR(attach(pair.to, memory, 2), EINVAL);
	CHECK_ERR(attach(pair.to, unknown, 2), EINVAL);
	CHECK_ERR(attach(pair.to, endless, 0), EINVAL);
	CHECK_ERR(attach(pair.to, (struct sock_filter *)16, 1), EFAULT);
	CHECK_ERR(setsockopt(pair.to, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program) - 1), EINVAL);
	CHECK_ERR(setsockopt(pair.to, SOL_SOCKET, SO_ATTACH_FILTER, NULL, sizeof(program)), EFAULT);
}
