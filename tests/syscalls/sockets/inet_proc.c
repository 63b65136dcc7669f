// SPDX-License-Identifier: MPL-2.0
/* What /proc says of sockets, and the settings of a network namespace that act. */
#include "support.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <net/route.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

static void loopback_up(void)
{
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	CHECK_OK(unshare(CLONE_NEWNET));
	int fd = CHECK_OK(socket(AF_INET, SOCK_DGRAM, 0));
	CHECK_OK(ioctl(fd, SIOCSIFFLAGS, &request));
	close(fd);
}

static struct sockaddr_in at(int port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static int has_line(const char *file, const char *start, unsigned long inode)
{
	char line[512];
	int found = 0;
	FILE *f = fopen(file, "r");
	CHECK(f != NULL);
	while (fgets(line, sizeof(line), f)) {
		char *p = strchr(line, ':'), number[32];
		snprintf(number, sizeof(number), " %lu ", inode);
		if (p && strncmp(p + 2, start, strlen(start)) == 0 && (!inode || strstr(p, number)))
			found++;
	}
	fclose(f);
	return found;
}

static void set_file(const char *file, const char *text)
{
	int fd = CHECK_OK(open(file, O_WRONLY));
	CHECK_EQ(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

TEST(unix_sockets_are_listed)
{
	struct sockaddr_un path = {.sun_family = AF_UNIX, .sun_path = "here"}, abstract = {.sun_family = AF_UNIX};
	struct stat info;
	char line[160];
	CHECK_OK(unshare(CLONE_NEWNET));
	int bound = CHECK_OK(socket(AF_UNIX, SOCK_STREAM, 0)), other = CHECK_OK(socket(AF_UNIX, SOCK_DGRAM, 0));
	CHECK_OK(bind(bound, (void *)&path, sizeof(path)));
	CHECK_OK(fstat(bound, &info));
	snprintf(line, sizeof(line), ": 00000002 00000000 00000000 0001 01 %5lu here\n", (unsigned long)info.st_ino);
	CHECK(strstr(read_text("/proc/net/unix"), line));
	CHECK_OK(listen(bound, 1));
	snprintf(line, sizeof(line), ": 00000002 00000000 00010000 0001 01 %5lu here\n", (unsigned long)info.st_ino);
	CHECK(strstr(read_text("/proc/net/unix"), line));
	memcpy(abstract.sun_path, "\0a\0b", 4);
	CHECK_OK(bind(other, (void *)&abstract, sizeof(sa_family_t) + 4));
	CHECK_OK(fstat(other, &info));
	snprintf(line, sizeof(line), " 0002 01 %5lu @a@b\n", (unsigned long)info.st_ino);
	CHECK(strstr(read_text("/proc/net/unix"), line));
	int client = CHECK_OK(socket(AF_UNIX, SOCK_STREAM, 0));
	CHECK_OK(connect(client, (void *)&path, sizeof(path)));
	CHECK_OK(fstat(client, &info));
	snprintf(line, sizeof(line), " 0001 03 %5lu\n", (unsigned long)info.st_ino);
	CHECK(strstr(read_text("/proc/net/unix"), line));
	CHECK(strstr(read_text("/proc/net/unix"), " 0001 02     0 here\n"));	/* waits to be accepted */
	close(CHECK_OK(accept(bound, NULL, NULL)));
	close(client);
	close(other);
	close(bound);
	CHECK_STR(read_text("/proc/net/unix"), "Num       RefCount Protocol Flags    Type St Inode Path\n");
	CHECK_OK(unlink("here"));
}

TEST(addresses_and_routes_are_listed)
{
	char header[160], line[160];
	loopback_up();
	snprintf(header, sizeof(header), "%-127s\n",
		"Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT");
	CHECK_STR(read_text("/proc/net/route"), header);
	struct rtentry route = {.rt_flags = RTF_UP, .rt_dev = "lo", .rt_metric = 8};
	*(struct sockaddr_in *)&route.rt_dst = (struct sockaddr_in){.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(0x0a090000)};
	*(struct sockaddr_in *)&route.rt_genmask = (struct sockaddr_in){.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(0xffff0000)};
	int fd = CHECK_OK(socket(AF_INET, SOCK_DGRAM, 0));
	CHECK_OK(ioctl(fd, SIOCADDRT, &route));
	snprintf(line, sizeof(line), "%-127s\n", "lo\t0000090A\t00000000\t0001\t0\t0\t7\t0000FFFF\t0\t0\t0");
	CHECK(strstr(read_text("/proc/net/route"), line));
	CHECK_STR(read_text("/proc/net/if_inet6"), "00000000000000000000000000000001 01 80 10 80       lo\n");
	CHECK_STR(read_text("/proc/net/arp"),
		"IP address       HW type     Flags       HW address            Mask     Device\n");
}

TEST(sockets_are_listed)
{
	struct sockaddr_in name = at(0x1234);
	struct stat info;
	loopback_up();
	int listener = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0)), client = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0));
	CHECK_OK(bind(listener, (void *)&name, sizeof(name)));
	CHECK_OK(listen(listener, 4));
	CHECK_OK(fstat(listener, &info));
	CHECK_EQ(has_line("/proc/self/net/tcp", "0100007F:1234 00000000:0000 0A", info.st_ino), 1);
	CHECK_OK(connect(client, (void *)&name, sizeof(name)));
	int server = CHECK_OK(accept(listener, NULL, NULL));
	CHECK_OK(fstat(server, &info));
	CHECK_EQ(has_line("/proc/self/net/tcp", "0100007F:1234 0100007F:", info.st_ino), 1);
	int udp = CHECK_OK(socket(AF_INET, SOCK_DGRAM, 0));
	CHECK_OK(bind(udp, (void *)&name, sizeof(name)));
	CHECK_OK(fstat(udp, &info));
	CHECK_EQ(has_line("/proc/self/net/udp", "0100007F:1234 00000000:0000 07", info.st_ino), 1);
	CHECK_EQ(has_line("/proc/self/net/udp6", "", info.st_ino), 0);
}

TEST(ports_are_chosen_from_the_range)
{
	struct sockaddr_in name;
	socklen_t length = sizeof(name);
	loopback_up();
	set_file("/proc/sys/net/ipv4/ip_local_port_range", "40000 40009\n");
	for (int i = 0; i < 10; i++) {
		int fd = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0));
		name = at(0);
		CHECK_OK(bind(fd, (void *)&name, sizeof(name)));
		CHECK_OK(getsockname(fd, (void *)&name, &length));
		CHECK(ntohs(name.sin_port) >= 40000 && ntohs(name.sin_port) <= 40009);
	}
	int fd = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0));
	name = at(0);
	CHECK_ERR(bind(fd, (void *)&name, sizeof(name)), EADDRINUSE);
}

TEST(low_ports_need_a_privilege_or_the_setting)
{
	struct sockaddr_in name = at(80);
	loopback_up();
	pid_t child = CHECK_OK(fork());
	if (child == 0) {
		CHECK_OK(setuid(1000));
		int fd = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0)), udp = CHECK_OK(socket(AF_INET, SOCK_DGRAM, 0));
		CHECK_ERR(bind(fd, (void *)&name, sizeof(name)), EACCES);
		CHECK_ERR(bind(udp, (void *)&name, sizeof(name)), EACCES);
		_exit(0);
	}
	int status;
	CHECK_OK(waitpid(child, &status, 0));
	CHECK_EQ(status, 0);
	set_file("/proc/sys/net/ipv4/ip_unprivileged_port_start", "80");
	CHECK_OK(setuid(1000));
	int fd = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0)), udp = CHECK_OK(socket(AF_INET, SOCK_DGRAM, 0));
	CHECK_OK(bind(fd, (void *)&name, sizeof(name)));
	CHECK_OK(bind(udp, (void *)&name, sizeof(name)));
}

TEST(the_time_to_live_is_the_namespaces)
{
	int value;
	socklen_t length = sizeof(value);
	loopback_up();
	set_file("/proc/sys/net/ipv4/ip_default_ttl", "17");
	int fd = CHECK_OK(socket(AF_INET, SOCK_DGRAM, 0));
	CHECK_OK(getsockopt(fd, IPPROTO_IP, IP_TTL, &value, &length));
	CHECK_EQ(value, 17);
	int bad = CHECK_OK(open("/proc/sys/net/ipv4/ip_default_ttl", O_WRONLY));
	CHECK_ERR(write(bad, "0", 1), EINVAL);
}

static int number_of(int fd, int name)
{
	int value;
	socklen_t length = sizeof(value);
	CHECK_OK(getsockopt(fd, IPPROTO_TCP, name, &value, &length));
	return value;
}

static struct tcp_info info_of(int fd)
{
	struct tcp_info info = {0};
	socklen_t length = sizeof(info);
	CHECK_OK(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length));
	return info;
}

TEST(settings_of_streams_are_the_namespaces)
{
	static const struct {
		const char *name, *standard, *other;
		int option, value;
	} settings[] = {
		{"tcp_keepalive_time", "7200\n", "100", TCP_KEEPIDLE, 100},
		{"tcp_keepalive_intvl", "75\n", "7", TCP_KEEPINTVL, 7},
		{"tcp_keepalive_probes", "9\n", "3", TCP_KEEPCNT, 3},
		{"tcp_syn_retries", "6\n", "2", TCP_SYNCNT, 2},
		{"tcp_fin_timeout", "60\n", "20", TCP_LINGER2, 20},
	};
	loopback_up();
	int fd = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0));
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		char path[80];
		snprintf(path, sizeof(path), "/proc/sys/net/ipv4/%s", settings[i].name);
		CHECK_STR(read_text(path), settings[i].standard);
		set_file(path, settings[i].other);
		CHECK_EQ(number_of(fd, settings[i].option), settings[i].value);
	}
	int own = 9;
	CHECK_OK(setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &own, sizeof(own)));
	CHECK_EQ(number_of(fd, TCP_KEEPCNT), 9);
	CHECK_OK(unshare(CLONE_NEWNET));
	CHECK_STR(read_text("/proc/sys/net/ipv4/tcp_keepalive_time"), "7200\n");
	int bad = CHECK_OK(open("/proc/sys/net/ipv4/tcp_syn_retries", O_WRONLY));
	CHECK_ERR(write(bad, "128", 3), EINVAL);
}

TEST(options_of_connections_can_be_forbidden)
{
	struct sockaddr_in name = at(0x1234);
	loopback_up();
	int listener = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0));
	CHECK_OK(bind(listener, (void *)&name, sizeof(name)));
	CHECK_OK(listen(listener, 4));
	for (int i = 0; i < 3; i++) {
		int client = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0));
		CHECK_OK(connect(client, (void *)&name, sizeof(name)));
		const int options = info_of(client).tcpi_options & (TCPI_OPT_SACK | TCPI_OPT_TIMESTAMPS);
		CHECK_EQ(options, i == 0 ? TCPI_OPT_SACK | TCPI_OPT_TIMESTAMPS : i == 1 ? TCPI_OPT_TIMESTAMPS : 0);
		set_file(i == 0 ? "/proc/sys/net/ipv4/tcp_sack" : "/proc/sys/net/ipv4/tcp_timestamps", "0");
		close(client);
	}
}

TEST(a_listener_tells_its_queue_and_the_setting_bounds_it)
{
	struct sockaddr_in name = at(0x1234);
	loopback_up();
	int listener = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0));
	CHECK_OK(bind(listener, (void *)&name, sizeof(name)));
	CHECK_OK(listen(listener, 100000));
	CHECK_EQ(info_of(listener).tcpi_sacked, 4096);
	set_file("/proc/sys/net/core/somaxconn", "7");
	CHECK_OK(listen(listener, 100));
	CHECK_EQ(info_of(listener).tcpi_sacked, 7);
	int client = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0));
	CHECK_OK(connect(client, (void *)&name, sizeof(name)));
	CHECK_EQ(info_of(listener).tcpi_unacked, 1);
	close(CHECK_OK(accept(listener, NULL, NULL)));
	CHECK_EQ(info_of(listener).tcpi_unacked, 0);
}

/* The number behind a word of the line that begins with `start`. */
static int stat_of(const char *file, const char *start, const char *word)
{
	char line[256];
	int value = -1;
	FILE *f = fopen(file, "r");
	CHECK(f != NULL);
	while (fgets(line, sizeof(line), f)) {
		char *at = strncmp(line, start, strlen(start)) == 0 ? strstr(line, word) : NULL;
		if (at)
			value = atoi(at + strlen(word));
	}
	fclose(f);
	return value;
}

TEST(sockets_are_counted)
{
	struct sockaddr_in name = at(0x1234);
	struct sockaddr_in6 name6 = {
		.sin6_family = AF_INET6, .sin6_port = htons(0x1235), .sin6_addr = in6addr_loopback};
	static const char file[] = "/proc/net/sockstat", file6[] = "/proc/net/sockstat6";
	loopback_up();
	const int before = stat_of(file, "sockets:", "used ");
	int tcp = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0)), udp = CHECK_OK(socket(AF_INET, SOCK_DGRAM, 0));
	int local = CHECK_OK(socket(AF_UNIX, SOCK_STREAM, 0)), tcp6 = CHECK_OK(socket(AF_INET6, SOCK_STREAM, 0));
	CHECK_EQ(stat_of(file, "sockets:", "used "), before + 4);
	CHECK_OK(bind(tcp, (void *)&name, sizeof(name)));
	CHECK_OK(bind(udp, (void *)&name, sizeof(name)));
	CHECK_OK(bind(tcp6, (void *)&name6, sizeof(name6)));
	CHECK_OK(listen(tcp, 1));
	CHECK_OK(listen(tcp6, 1));
	CHECK_EQ(stat_of(file, "TCP:", "inuse "), 1);
	CHECK_EQ(stat_of(file, "UDP:", "inuse "), 1);
	CHECK_EQ(stat_of(file6, "TCP6:", "inuse "), 1);
	CHECK_EQ(stat_of(file6, "UDP6:", "inuse "), 0);
	close(local);
	close(tcp6);
	CHECK_EQ(stat_of(file, "sockets:", "used "), before + 2);
	CHECK_EQ(stat_of(file6, "TCP6:", "inuse "), 0);
}

/* A counter of /proc/net/netstat: a line of names, then one of numbers. */
static long counter_of(const char *wanted)
{
	static char names[8192], numbers[8192];
	long value = -1;
	FILE *f = fopen("/proc/net/netstat", "r");
	CHECK(f != NULL);
	while (fgets(names, sizeof(names), f) && fgets(numbers, sizeof(numbers), f)) {
		char *rest_names, *rest_numbers;
		char *name = strtok_r(names, " \n", &rest_names), *number = strtok_r(numbers, " \n", &rest_numbers);
		CHECK(name && number);
		CHECK_STR(name, number);
		while ((name = strtok_r(NULL, " \n", &rest_names)) != NULL) {
			number = strtok_r(NULL, " \n", &rest_numbers);
			CHECK(number != NULL);
			if (strcmp(name, wanted) == 0)
				value = atol(number);
		}
		CHECK(strtok_r(NULL, " \n", &rest_numbers) == NULL);
	}
	fclose(f);
	return value;
}

TEST(what_happened_to_connections_is_counted)
{
	struct sockaddr_in name = at(0x1234);
	loopback_up();
	CHECK_EQ(counter_of("TCPAbortOnData"), 0);
	CHECK_EQ(counter_of("TCPTimeouts"), 0);
	int listener = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0)), client = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0));
	CHECK_OK(bind(listener, (void *)&name, sizeof(name)));
	CHECK_OK(listen(listener, 0));
	CHECK_OK(connect(client, (void *)&name, sizeof(name)));
	CHECK_EQ(counter_of("ListenOverflows"), 0);
	int other = CHECK_OK(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
	CHECK_ERR(connect(other, (void *)&name, sizeof(name)), EINPROGRESS);
	for (int i = 0; i < 100 && counter_of("ListenOverflows") == 0; i++)
		usleep(20000);
	CHECK(counter_of("ListenOverflows") > 0);
	CHECK(counter_of("ListenDrops") > 0);
	close(other);
	int server = CHECK_OK(accept(listener, NULL, NULL));
	CHECK_EQ(send(client, "x", 1, 0), 1);
	char byte;
	CHECK_EQ(recv(server, &byte, 1, MSG_PEEK), 1);
	close(server);
	CHECK_EQ(counter_of("TCPAbortOnClose"), 1);
	/* A connection that is cut off at once is another matter. */
	const struct linger now = {.l_onoff = 1};
	int again = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0));
	CHECK_OK(connect(again, (void *)&name, sizeof(name)));
	CHECK_OK(setsockopt(again, SOL_SOCKET, SO_LINGER, &now, sizeof(now)));
	close(again);
	CHECK_EQ(counter_of("TCPAbortOnData"), 1);
	CHECK_EQ(counter_of("TCPAbortOnClose"), 1);
}
