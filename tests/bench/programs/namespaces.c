// SPDX-License-Identifier: MPL-2.0
/* What a container's start costs the kernel. */
#include "bench.h"

#include <errno.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* A child in new namespaces, ended and waited for until they are gone. */
static int64_t clone_and_wait(long rounds, unsigned long flags)
{
	int64_t start = bench_now_ns();
	for (long i = 0; i < rounds; i++) {
		pid_t child = (pid_t)TRY(syscall(SYS_clone, flags | 17 /* SIGCHLD */, 0, 0, 0, 0));
		if (child == 0)
			_exit(0);
		TRY(waitpid(child, NULL, 0));
	}
	return bench_now_ns() - start;
}

static int64_t bench_net(long rounds)
{
	return clone_and_wait(rounds, CLONE_NEWNET);
}

static int64_t bench_container(long rounds)
{
	return clone_and_wait(rounds, CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS |
					      CLONE_NEWIPC);
}

static int64_t bench_without_net(long rounds)
{
	return clone_and_wait(rounds, CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC);
}

const struct bench namespaces[] = {
	{"new_net_namespace", bench_net, 10},
	{"container_start", bench_container, 10},
	{"container_start_host_net", bench_without_net, 10},
	{0},
};
