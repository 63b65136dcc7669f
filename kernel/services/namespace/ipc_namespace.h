// SPDX-License-Identifier: MPL-2.0
// IPC namespace: the owner of System V objects and POSIX message queues, which services/ipc attaches
// as one object. source: ipc_namespaces(7)
#pragma once
#include <core/lock.h>
#include <services/cred/namespace.h>

struct ipc_namespace {
	struct namespace base;
	struct spinlock lock;
	struct object *tables GUARDED_BY(lock);	// of services/ipc: reference, set once
};
DECLARE_OBJECT(ipc_namespace)
struct ipc_namespace *ipc_namespace_initial(void);
struct ipc_namespace *ipc_namespace_from(struct namespace *n);
struct ipc_namespace *ipc_namespace_create(struct user_namespace *owner) owned;
err_t ipc_namespace_init(void);
