// SPDX-License-Identifier: MPL-2.0
#include "capability.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

static const char *const names[CAPABILITY_LAST + 1] = {
	"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID",
	"CAP_KILL", "CAP_SETGID", "CAP_SETUID", "CAP_SETPCAP", "CAP_LINUX_IMMUTABLE",
	"CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST", "CAP_NET_ADMIN", "CAP_NET_RAW",
	"CAP_IPC_LOCK", "CAP_IPC_OWNER", "CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_SYS_CHROOT",
	"CAP_SYS_PTRACE", "CAP_SYS_PACCT", "CAP_SYS_ADMIN", "CAP_SYS_BOOT", "CAP_SYS_NICE",
	"CAP_SYS_RESOURCE", "CAP_SYS_TIME", "CAP_SYS_TTY_CONFIG", "CAP_MKNOD", "CAP_LEASE",
	"CAP_AUDIT_WRITE", "CAP_AUDIT_CONTROL", "CAP_SETFCAP", "CAP_MAC_OVERRIDE",
	"CAP_MAC_ADMIN", "CAP_SYSLOG", "CAP_WAKE_ALARM", "CAP_BLOCK_SUSPEND", "CAP_AUDIT_READ",
	"CAP_PERFMON", "CAP_BPF", "CAP_CHECKPOINT_RESTORE",
};

capability_set capability_default_set(void)
{
	static const char *const given[] = {
		"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL",
		"CAP_NET_BIND_SERVICE", "CAP_SETFCAP", "CAP_SETGID", "CAP_SETPCAP", "CAP_SETUID",
		"CAP_SYS_CHROOT",
	};
	capability_set set = 0;

	for (size_t i = 0; i < sizeof(given) / sizeof(given[0]); i++)
		set |= (capability_set)1 << capability_parse(given[i]);
	return set;
}

int capability_parse(const char *name)
{
	for (int number = 0; number <= CAPABILITY_LAST; number++) {
		if (strcasecmp(name, names[number]) == 0 ||
		    strcasecmp(name, names[number] + strlen("CAP_")) == 0)
			return number;
	}
	return -1;
}

const char *capability_name(int number)
{
	return number >= 0 && number <= CAPABILITY_LAST ? names[number] : NULL;
}
