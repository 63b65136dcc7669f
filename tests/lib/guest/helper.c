// SPDX-License-Identifier: MPL-2.0
/*
 * What the execve tests execute: it tells what the kernel handed it. /tests/helper is static,
 * /tests/helper-pie static and position independent, /tests/helper-dynamic uses an interpreter.
 *
 *	helper args            its arguments, one a line
 *	helper env             its environment, one a line
 *	helper auxv TYPE       the value of one auxiliary vector entry, in decimal
 *	helper auxv-random     the 16 bytes AT_RANDOM points to, in hexadecimal
 *	helper execfn          the text that AT_EXECFN points to
 *	helper exit N          ends with this code
 *	helper signal-action N "default", "ignored" or "handler"
 *	helper signal-pending N  ends with 55 if the signal is pending
 *	helper signal-mask     the blocked signals as a hexadecimal mask
 *	helper fd N            "open" or "closed"
 *	helper ids             real, effective and saved user id
 *	helper caps            permitted and effective capabilities as hexadecimal masks
 *	helper hidden-owner    ends with 0 if its files in /proc belong to root while it is not dumpable
 *	helper stack           "aligned" if the stack pointer at entry was a multiple of 16
 *	helper sleep           sleeps for ever
 */
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

extern char **environ;

static int show_strings(char **strings)
{
	for (; *strings; strings++)
		puts(*strings);
	return 0;
}

static int show_random(void)
{
	const unsigned char *bytes = (const unsigned char *)getauxval(AT_RANDOM);
	for (int i = 0; i < 16; i++)
		printf("%02x", bytes[i]);
	puts("");
	return 0;
}

static int show_action(int number)
{
	struct sigaction action;
	if (sigaction(number, NULL, &action) != 0)
		return 1;
	puts(action.sa_handler == SIG_DFL   ? "default"
	     : action.sa_handler == SIG_IGN ? "ignored"
					    : "handler");
	return 0;
}

static int pending_code(int number)
{
	sigset_t set;
	return sigpending(&set) == 0 && sigismember(&set, number) ? 55 : 0;
}

static int show_mask(void)
{
	uint64_t mask = 0;
	if (syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &mask, sizeof(mask)) != 0)
		return 1;
	printf("%llx\n", (unsigned long long)mask);
	return 0;
}

static int show_ids(void)
{
	uid_t real, effective, saved;
	if (getresuid(&real, &effective, &saved) != 0)
		return 1;
	printf("%u %u %u\n", real, effective, saved);
	return 0;
}

static int show_caps(void)
{
	uint32_t header[2] = {0x20080522, 0}, data[6] = {0};
	if (syscall(SYS_capget, header, data) != 0)
		return 1;
	printf("%08x%08x %08x%08x\n", data[4], data[1], data[3], data[0]);
	return 0;
}

/* The kernel left argc at a multiple of 16; argv begins one word above it. */
static int show_stack(char **argv)
{
	puts(((uintptr_t)argv - sizeof(long)) % 16 == 0 ? "aligned" : "not aligned");
	return 0;
}

/* Whom its files in /proc belong to while it is not dumpable; as the exit status, 1 for anybody but root. */
static int hidden_owner(void)
{
	struct stat s;
	if (prctl(PR_SET_DUMPABLE, 0) || stat("/proc/self/status", &s))
		return 2;
	return s.st_uid != 0;
}

static int show(const char *what, char **argv)
{
	int number = argv[2] ? atoi(argv[2]) : 0;
	if (!strcmp(what, "auxv"))
		return printf("%lu\n", getauxval((unsigned long)number)) < 0;
	if (!strcmp(what, "auxv-random"))
		return show_random();
	if (!strcmp(what, "execfn"))
		return puts((const char *)getauxval(AT_EXECFN)) < 0;
	if (!strcmp(what, "signal-action"))
		return show_action(number);
	if (!strcmp(what, "signal-pending"))
		return pending_code(number);
	if (!strcmp(what, "signal-mask"))
		return show_mask();
	if (!strcmp(what, "fd"))
		return puts(fcntl(number, F_GETFD) >= 0 ? "open" : "closed") < 0;
	if (!strcmp(what, "ids"))
		return show_ids();
	if (!strcmp(what, "caps"))
		return show_caps();
	if (!strcmp(what, "hidden-owner"))
		return hidden_owner();
	if (!strcmp(what, "stack"))
		return show_stack(argv);
	return 126;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "args";
	if (!strcmp(what, "args"))
		return show_strings(argv);
	if (!strcmp(what, "env"))
		return show_strings(environ);
	if (!strcmp(what, "exit"))
		return atoi(argv[2]);
	if (!strcmp(what, "sleep"))
		for (;;)
			pause();
	return show(what, argv);
}
