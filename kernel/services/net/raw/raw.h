// SPDX-License-Identifier: MPL-2.0
// Raw sockets (packets of a protocol with their IP header) and ping sockets (ICMP echo without privilege).
// source: raw(7), icmp(7), ip(7)
#pragma once

// Registers both; before the first network namespace, after inet_init() and ip_init().
void raw_init(void);
