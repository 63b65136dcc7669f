// SPDX-License-Identifier: MPL-2.0
// UTS namespace: host name and domain name. source: uts_namespaces(7)
#pragma once
#include <core/lock.h>
#include <services/cred/namespace.h>

#define UTS_NAME_MAX 64u
struct uts_namespace {
	struct namespace base;
	struct spinlock lock;
	u8 host_name[UTS_NAME_MAX + 1] GUARDED_BY(lock);	// zero padded
	u8 domain_name[UTS_NAME_MAX + 1] GUARDED_BY(lock);
};
DECLARE_OBJECT(uts_namespace)
enum uts_name { UTS_HOST_NAME, UTS_DOMAIN_NAME };
struct uts_namespace *uts_namespace_initial(void);
struct uts_namespace *uts_namespace_from(struct namespace *n);
// A copy of `from`. NULL without memory.
struct uts_namespace *uts_namespace_copy(struct uts_namespace *from, struct user_namespace *owner) owned;
// Copies the name out (64 bytes at most); its length.
usize uts_name_get(struct uts_namespace *u, enum uts_name which, span_t out);
// -EINVAL when longer than 64.
err_t uts_name_set(struct uts_namespace *u, enum uts_name which, bytes_t name);
err_t uts_init(void);

// What uname(2) says beside the names.
#define UTS_SYSTEM_NAME "Linux"
#define UTS_RELEASE "6.12.0-keelson"
#define UTS_VERSION "#1 SMP PREEMPT"
#define UTS_MACHINE "x86_64"
