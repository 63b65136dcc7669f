// SPDX-License-Identifier: MPL-2.0
// Source of the names: podman-run(1) of podman 4.3.
#include "refused_options.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "../commands.h"

enum { NAME_SIZE = 64 };

// One reason, and the options that it holds for, each between two blanks.
static const struct {
	const char *reason, *names;
} refused[] = {
	{"keel has no networks of its own: --network none or host",
	 " add-host dns dns-opt dns-option dns-search expose ip ip6 link mac-address network-alias "
	 "no-hosts publish-all "},
	{"images come by keel load alone",
	 " authfile decryption-key disable-content-trust tls-verify "},
	{"keel runs images of linux on amd64 alone",
	 " arch os platform variant "},
	{"the limits are --memory --memory-swap --cpus --cpu-weight --pids-limit",
	 " blkio-weight blkio-weight-device cpu-period cpu-quota cpu-rt-period cpu-rt-runtime "
	 "cpu-shares cpuset-cpus cpuset-mems device-read-bps device-read-iops device-write-bps "
	 "device-write-iops kernel-memory memory-reservation memory-swappiness oom-kill-disable "
	 "oom-score-adj shm-size ulimit "},
	{"a container has the standard devices, or with --privileged all",
	 " device device-cgroup-rule "},
	{"each container has namespaces of its own",
	 " cgroupns ipc pid uts "},
	{"each container has a control group of its own below keel",
	 " cgroup-conf cgroup-parent cgroups "},
	{"the choice is --userns host or auto",
	 " gidmap hostuser subgidname subuidname uidmap "},
	{"keel has no health checks",
	 " health-cmd health-interval health-retries health-start-period health-timeout no-healthcheck "},
	{"keel has no pods",
	 " init-ctr pod pod-id-file requires volumes-from "},
	{"logs are files of keel: --log-opt max-size=SIZE",
	 " log-driver "},
	{"the filter is keel's own: --security-opt seccomp=unconfined",
	 " seccomp-policy "},
	{"keel has no secrets",
	 " secret "},
	{"folders are named as the image: rootfs:/PATH",
	 " rootfs "},
	{"",
	 " annotation attach chrootdirs cidfile conmon-pidfile env-host env-merge group-add hooks-dir "
	 "http-proxy image-volume init-path label-file passwd passwd-entry personality preserve-fds "
	 "quiet replace sdnotify sig-proxy sysctl systemd timeout timezone tz umask unsetenv "
	 "unsetenv-all "},
};

const char *refused_option_reason(const char *name)
{
	char word[NAME_SIZE];

	if (snprintf(word, sizeof(word), " %s ", name) >= NAME_SIZE)
		return NULL;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		if (strstr(refused[i].names, word) != NULL)
			return refused[i].reason;
	}
	return NULL;
}

int refused_option_complain(const char *verb, const char *word, int stop)
{
	char name[NAME_SIZE];
	const char *reason;

	if (stop == ':')
		return complain("%s: %s needs a value", verb, word);
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(word, "="), word);
	reason = strncmp(name, "--", 2) == 0 ? refused_option_reason(name + 2) : NULL;
	if (reason == NULL)
		return complain("%s: %s is no option (keel %s --help)", verb, name, verb);
	return complain("%s: %s is not supported%s%s", verb, name, reason[0] != '\0' ? ": " : "", reason);
}
