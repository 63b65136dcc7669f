// SPDX-License-Identifier: MPL-2.0
/* pids.max: exact, whoever forks. */
#include "limits.h"

#include <pthread.h>

enum { LIMIT = 100, FORKERS = 8 };

static void stay(void)
{
	for (;;)
		pause();
}

static void *stay_as_thread(void *unused)
{
	stay();
	return unused;
}

/* Eight processes fork and make threads as fast as they can until each was refused once. */
TEST_LIMIT(exact_when_many_fork_at_once, 300)
{
	struct turn refused = turn_create(), go = turn_create(), inside = turn_create();
	make_group("pids", "+pids");
	put("pids.max", "100");
	for (int i = 0; i < FORKERS; i++) {
		if (fork_checked() == 0) {
			put("cgroup.procs", "0");	/* which no limit refuses */
			turn_give(inside);
			turn_take(go);
			for (int made = 0;; made++) {
				pthread_t thread;
				pthread_attr_t small;
				pthread_attr_init(&small);
				pthread_attr_setstacksize(&small, 16384);
				if (made % 4 == 0) {
					if (pthread_create(&thread, &small, stay_as_thread, NULL) != 0)
						break;
					continue;
				}
				pid_t child = fork();
				if (child == 0)
					stay();
				if (child < 0)
					break;
			}
			turn_give(refused);
			stay();
		}
	}
	for (int i = 0; i < FORKERS; i++)
		turn_take(inside);
	for (int i = 0; i < FORKERS; i++)
		turn_give(go);
	long most = 0;
	for (int i = 0; i < FORKERS; i++) {
		turn_take(refused);
		long now = number_in("pids.events", "max");
		most = now > most ? now : most;
	}
	long current = strtol(get("pids.current"), NULL, 10), events = number_in("pids.events", "max");
	long listed = 0;
	for (const char *at = get("cgroup.threads"); (at = strchr(at, '\n')); at++)
		listed++;
	kill_all_and_remove(NULL, 0);
	MEASURED("pids.max %d: %ld tasks, %ld listed, %ld refused", LIMIT, current, listed, events);
	CHECK_EQ(current, LIMIT);
	CHECK_EQ(listed, LIMIT);
	CHECK_EQ(events, FORKERS);
}
