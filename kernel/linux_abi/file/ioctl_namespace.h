// SPDX-License-Identifier: MPL-2.0
#pragma once
#include <services/vfs/file.h>

struct net_namespace;
// SIOCGSKNS: a descriptor of the socket's network namespace, for those with CAP_NET_ADMIN in its owner.
s64 ioctl_socket_namespace(struct net_namespace *net);

// True: the file is a namespace's and the request one of ioctl_ns(2); *result is the call's.
bool ioctl_namespace(struct file *f, u32 request, u64 argument, s64 *result borrowed);
