// SPDX-License-Identifier: MPL-2.0
/*
 * A benchmark is a function that does something `rounds` times and returns how many nanoseconds
 * that took, or a negative errno where the kernel cannot do it. Under QEMU's icount a nanosecond
 * is an instruction, so what it returns divided by `rounds` is the operation's cost.
 */
#ifndef KEELSON_TESTS_BENCH_BENCH_H
#define KEELSON_TESTS_BENCH_BENCH_H

#include <stdint.h>

struct bench {
	const char *name;
	int64_t (*run)(long rounds);
	long rounds;
};

/* One list a file, ended by an entry without a name. */
extern const struct bench calls[], processes[], memory[], files[], messages[], namespaces[], networks[],
	runtimes[];

int64_t bench_now_ns(void);

/* Ends the benchmark with the errno of a call that failed. */
#define TRY(call)                                                                                  \
	({                                                                                         \
		typeof(call) got_ = (call);                                                        \
		if ((long)got_ == -1)                                                              \
			return -(int64_t)errno;                                                    \
		got_;                                                                              \
	})

/* Forks; the child runs the statement and ends. */
#define CHILD(statement)                                                                           \
	({                                                                                         \
		pid_t child_ = fork();                                                             \
		if (child_ == 0) {                                                                 \
			statement;                                                                 \
			_exit(0);                                                                  \
		}                                                                                  \
		child_;                                                                            \
	})

#endif
