// SPDX-License-Identifier: MPL-2.0
/* Debian's ip (iproute2) and busybox's network tools, in network namespaces of their own. */
#include "support.h"

#include <arpa/inet.h>
#include <sched.h>
#include <sys/socket.h>

static char *const environment[] = {"PATH=/sbin:/bin", "HOME=/", NULL};

static const char *shell(char *command)
{
	return output_of((char *[]){"/bin/bash", "-c", command, NULL}, environment);
}

static void own_network(void)
{
	CHECK_OK(unshare(CLONE_NEWNET | CLONE_NEWNS));
}

TEST(a_new_namespace_has_lo_down)
{
	own_network();
	CHECK_STR(shell("ip -o link | cut -d' ' -f2-9"), "lo: <LOOPBACK> mtu 65536 qdisc noop state DOWN\n");
	CHECK_STR(shell("ip addr show dev lo | grep -c inet"
			" || true"), "0\n");
}

TEST(lo_comes_up_with_its_address)
{
	own_network();
	CHECK_STR(shell("ip link set lo up && ip -4 -br addr"), "lo               UNKNOWN        127.0.0.1/8 \n");
	CHECK_STR(shell("ip route show table local type local dev lo | grep -v '^ff'"),
		  "local 127.0.0.0/8 proto kernel scope host src 127.0.0.1 \nlocal 127.0.0.1 proto kernel scope "
		  "host src 127.0.0.1 \n");
	CHECK_STR(shell("ip -d link show lo | grep -c loopback"), "1\n");
}

TEST(addresses_come_and_go)
{
	own_network();
	CHECK_STR(shell("ip link set lo up; ip addr add 10.1.2.3/24 dev lo; ip addr add 10.1.2.4/24 dev lo;"
			"ip -4 -o addr show dev lo | awk '{print $4, $5, $6, $7, $8}'"),
		  "127.0.0.1/8 scope host lo\\ valid_lft\n10.1.2.3/24 scope global lo\\ valid_lft\n"
		  "10.1.2.4/24 scope global secondary lo\\\n");
	CHECK_STR(shell("ip addr del 10.1.2.3/24 dev lo; ip -4 -o addr show dev lo | wc -l"), "1\n");
	CHECK_STR(shell("ip addr add 10.1.2.3/24 dev lo; ip addr add 10.1.2.3/24 dev lo 2>&1 || true"),
		  "RTNETLINK answers: File exists\n");
	CHECK_STR(shell("ip addr del 10.9.9.9/24 dev lo 2>&1 || true"),
		  "RTNETLINK answers: Cannot assign requested address\n");
}

TEST(dummy_devices_have_routes)
{
	own_network();
	CHECK_STR(shell("ip link add d0 type dummy && ip addr add 192.168.7.2/24 dev d0 && ip link set d0 up &&"
			"ip route add default via 192.168.7.1 && ip route"),
		  "default via 192.168.7.1 dev d0 \n192.168.7.0/24 dev d0 proto kernel scope link src 192.168.7.2 \n");
	CHECK_STR(shell("ip route get 8.8.8.8 | head -1 | sed 's/ uid.*//'"),
		"8.8.8.8 via 192.168.7.1 dev d0 src 192.168.7.2\n");
	CHECK_STR(shell("ip route add 10.0.0.0/8 via 172.16.0.1 2>&1 || true"),
		  "Error: Nexthop has invalid gateway.\n");
	CHECK_STR(shell("ip route add unreachable 10.5.0.0/16; ip route get 10.5.1.1 2>&1 || true"),
		  "RTNETLINK answers: No route to host\n");
	CHECK_STR(shell("ip link set d0 down; ip route | wc -l"), "1\n");
	CHECK_STR(shell("ip link del d0; ip -o link | wc -l"), "1\n");
}

TEST(names_and_sizes_change)
{
	own_network();
	CHECK_STR(shell("ip link add type dummy && ip link set dummy0 name left mtu 1400 address 02:00:00:00:00:07 &&"
			"ip -o link show left | sed 's/.*left: //; s/ mode.*ether/ ether/'"),
		  "<BROADCAST,NOARP> mtu 1400 qdisc noop state DOWN ether 02:00:00:00:00:07 brd ff:ff:ff:ff:ff:ff\n");
	CHECK_STR(shell("ip link set left name lo 2>&1 || true"),
		  "RTNETLINK answers: File exists\n");
	CHECK_STR(shell("ip link show nobody 2>&1 || true; ip link add type nokind 2>&1 || true"),
		  "Device \"nobody\" does not exist.\nError: Unknown device type.\n");
}

TEST(rules_are_the_three)
{
	own_network();
	CHECK_STR(shell("ip rule"),
		"0:\tfrom all lookup local\n32766:\tfrom all lookup main\n32767:\tfrom all lookup default\n");
}

TEST(netns_has_names)
{
	own_network();
	CHECK_STR(shell("mkdir -p /var/run /sys /proc /etc; mount -t proc proc /proc 2>/dev/null; mkdir -p /run; "
			"mount -t tmpfs run /run; ip netns add blue && ip netns add red && ip netns list | sort"),
		  "blue\nred\n");
	CHECK_STR(shell("ip netns exec blue ip link set lo up && ip netns exec blue ip -br -4 addr;"
			"ip netns exec red ip -br -4 addr"),
		  "lo               UNKNOWN        127.0.0.1/8 \n");
	CHECK_STR(shell("ip link add d1 type dummy && ip link set d1 netns blue && ip -o link | wc -l &&"
			"ip netns exec blue ip -o link | wc -l; ip netns del blue; ip netns list"),
		  "1\n2\nred\n");
}

TEST(monitor_hears_of_changes)
{
	own_network();
	CHECK_STR(shell("ip -o monitor link address route > heard & sleep 0.5; ip link set lo up; sleep 0.5; kill $!;"
			"grep -c LOOPBACK,UP heard; grep -c 'inet 127.0.0.1/8' heard; grep -c '^local "
			"127.0.0.1' heard"),
		  "1\n1\n1\n");
}

TEST(veth_pair_in_two_namespaces)
{
	own_network();
	CHECK_STR(shell("mount -t tmpfs run /run 2>/dev/null || { mkdir -p /run; mount -t tmpfs run /run; }; ip "
			"netns add peer &&"
			"ip link add v0 type veth peer name eth0 netns peer && ip addr add 10.7.0.1/24 dev v0 "
			"&& ip link set v0 up &&"
			"ip netns exec peer ip addr add 10.7.0.2/24 dev eth0 && ip netns exec peer ip link set "
			"eth0 up && sleep 0.3;"
			"ip -br link show v0 | awk '{print $2}'; (ip netns exec peer nc -l -p 5000 -e echo far "
			"&) ; sleep 0.3; nc -w 5 10.7.0.2 5000 </dev/null; "
			"ip neigh show 10.7.0.2 | sed 's/ lladdr .*//'; ip netns exec peer ip link del eth0; ip "
			"-o link | wc -l"),
		  "UP\nfar\n10.7.0.2 dev v0\n1\n");
}

TEST(the_route_file_has_the_main_table)
{
	own_network();
	CHECK_STR(shell("ip link add d0 type dummy && ip addr add 10.7.0.1/24 dev d0 && ip link set d0 up &&"
			"ip route add default via 10.7.0.9 metric 7 && ip route add 10.6.0.1/32 dev d0 && "
			"ip route add unreachable 10.5.0.0/16 && "
			"awk '{print $1, $2, $3, $4, $7, $8, $9}' /proc/self/net/route | sort; "
			"awk '{print length($0)}' /proc/self/net/route | sort -u"),
		  "* 0000050A 00000000 0201 0 0000FFFF 0\n"
		  "Iface Destination Gateway Flags Metric Mask MTU\n"
		  "d0 00000000 0900070A 0003 7 00000000 0\n"
		  "d0 0000070A 00000000 0001 0 00FFFFFF 0\n"
		  "d0 0100060A 00000000 0005 0 FFFFFFFF 0\n127\n");
}

TEST(a_router_forwards_between_two_namespaces)
{
	own_network();
	CHECK_STR(shell("mkdir -p /run; mount -t tmpfs run /run; for i in 2 3; do ip netns add n$i; ip link add v$i "
			"type veth peer name eth0 netns n$i; ip addr add 10.9.$i.1/24 dev v$i; ip link set v$i up; "
			"ip -n n$i addr add 10.9.$i.9/24 dev eth0; ip -n n$i link set eth0 up; "
			"ip -n n$i route add default via 10.9.$i.1; done; sleep 0.3;"
			"(ip netns exec n3 nc -l -p 5000 -e echo across &); sleep 0.3;"
			"echo 0 > /proc/sys/net/ipv4/ip_forward; ip netns exec n2 nc -w 1 10.9.3.9 5000 </dev/null || "
			"echo closed; echo 1 > /proc/sys/net/ipv4/ip_forward; cat /proc/sys/net/ipv4/ip_forward;"
			"ip netns exec n2 nc -w 5 10.9.3.9 5000 </dev/null;"
			"ip netns exec n2 nc -w 5 10.200.0.1 5000 </dev/null 2>&1 | grep -c unreachable"),
		  "closed\n1\nacross\n1\n");
}

TEST(bridge_joins_three_namespaces)
{
	own_network();
	CHECK_STR(shell("mkdir -p /run; mount -t tmpfs run /run; ip link add br0 type bridge && ip addr add "
			"10.8.0.1/24 dev br0 &&"
			"ip link set br0 up; for i in 2 3; do ip netns add n$i; ip link add v$i type veth peer "
			"name eth0 netns n$i;"
			"ip link set v$i master br0 up; ip -n n$i addr add 10.8.0.$i/24 dev eth0; ip -n n$i "
			"link set eth0 up; done;"
			"(ip netns exec n2 nc -l -p 5000 -e echo first &); (ip netns exec n2 nc -l -p 5001 -e "
			"echo second &); sleep 0.3;"
			"nc -w 5 10.8.0.2 5000 </dev/null; ip netns exec n3 nc -w 5 10.8.0.2 5001 </dev/null; "
			"ip -br link show master br0 | wc -l; ip link set v2 nomaster;"
			"ip -br link show master br0 | wc -l; ip link del br0; ip -o link | wc -l"),
		  "first\nsecond\n2\n1\n3\n");
}

TEST(ss_shows_sockets)
{
	struct sockaddr_in a = {
		.sin_family = AF_INET, .sin_port = htons(700), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	own_network();
	CHECK_STR(shell("ip link set lo up"), "");
	int listener = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0)), client = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0));
	CHECK_OK(bind(listener, (void *)&a, sizeof(a)));
	CHECK_OK(listen(listener, 5));
	CHECK_STR(shell("ss -Htln 2>&1 | awk '{print $1, $2, $3, $4, $5}'"), "LISTEN 0 5 127.0.0.1:700 0.0.0.0:*\n");
	CHECK_OK(connect(client, (void *)&a, sizeof(a)));
	CHECK_STR(shell("ss -Htn dport = :700 2>&1 | awk '{print $1, $2, $3, $5}'"), "ESTAB 0 0 127.0.0.1:700\n");
	CHECK_STR(shell("ss -Htin sport = :700 2>&1 | grep -c ' cwnd:10 '"), "1\n");
	CHECK_STR(shell("ss -Htan 'sport > :700 and sport < :703' 2>&1; ss -Htn 'dst 10.0.0.0/8' 2>&1"), "");
	CHECK_STR(shell("ss -Htn dst 127.0.0.0/8 and not dport = :700 2>&1 | awk '{print $4}'"), "127.0.0.1:700\n");
	CHECK_STR(shell("ss -Hx 2>&1; ss -Hu 2>&1"), "");
	close(client);
}
