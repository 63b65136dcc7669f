// SPDX-License-Identifier: MPL-2.0
// Numbers of ICMP messages (RFC 792, RFC 4443).
#pragma once
#include <services/net/ip/ip.h>

enum icmp_type { ICMP_ECHO_REPLY = 0, ICMP_ECHO = 8, ICMP6_ECHO = 128, ICMP6_ECHO_REPLY = 129 };
