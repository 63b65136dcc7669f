// SPDX-License-Identifier: MPL-2.0
/*
 * Short words for what many cases do. Each one ends the case as failed when it cannot be done,
 * so that a case reads as the behaviour it checks.
 */
#ifndef KEELSON_TESTS_LIB_SUPPORT_H
#define KEELSON_TESTS_LIB_SUPPORT_H

#include "test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096, NOBODY = 65534 };

/* fork() that cannot fail. */
pid_t fork_checked(void);

/* Waits for this child. It must have exited (by a signal): its code (the signal's number). */
int wait_exit(pid_t child);
int wait_signal(pid_t child);

/* The text of a file, in a buffer that the next call overwrites; write_text creates and truncates. */
const char *read_text(const char *path);
void write_text(const char *path, const char *text);

/* open+write to a file that exists, such as one in /proc: 0 or -1 with errno. */
int put_text(const char *path, const char *text);

/* An empty file; its descriptor, open for reading and writing. */
int make_file(const char *path);

/* Executes words[0] in a child and returns what it printed; it must exit with 0. */
const char *output_of(char *const words[], char *const environment[]);

/* One byte through a pipe: how two processes of a case take turns. */
struct turn {
	int read_end, write_end;
};
struct turn turn_create(void);
void turn_give(struct turn turn);
void turn_take(struct turn turn);

void sleep_ms(long milliseconds);
int64_t now_ns(clockid_t clock);

/* Asks again, for nearly as long as a usual case may take, until the condition holds. */
#define WAIT_UNTIL(condition)                                                                      \
	do {                                                                                       \
		for (int tries_ = 0; !(condition); tries_++) {                                     \
			if (tries_ == 2000 * (int)test_patience())                                  \
				test_fail(__FILE__, __LINE__, "never: %s", #condition);            \
			sleep_ms(10);                                                              \
		}                                                                                  \
	} while (0)

/* The letter of a process's state as /proc/PID/stat tells it. */
char process_state(pid_t pid);

/* The same of a thread of the caller's process: 'S' once it sleeps in the call that it was to make. */
char thread_state(pid_t tid);

/* A mount namespace of the case's own, nothing of which reaches the others. */
void private_mounts(void);

/* Becomes the unprivileged user nobody, for good. */
void become_nobody(void);

/* Addresses a system call must refuse: a page nobody may touch, and the kernel's half. */
void *bad_address(void);
void *kernel_address(void);

/* Anonymous private memory, readable and writable. */
void *map_pages(size_t pages);

/* Calls body(argument) with a handler installed; returns 1 if it raised the signal. */
int raises_signal(int number, void (*body)(void *argument), void *argument);

/* The siginfo of the last signal that raises_signal caught. */
extern siginfo_t caught_info;

/* Installs a handler without flags; handlers that only count use caught_count. */
void handle_signal(int number, void (*handler)(int), int flags);
void count_signal(int number);

/* SIGALRM after a second and each second from then on: the first may come before the call that it is to end. */
void alarm_each_second(void);
extern volatile sig_atomic_t caught_count, caught_number;

#endif
