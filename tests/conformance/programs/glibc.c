// SPDX-License-Identifier: MPL-2.0
/* An ordinary glibc program, linked statically and dynamically: threads, locale, stdio, malloc. */
#include <locale.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void *count(void *number)
{
	++*(int *)number;
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t thread;
	int number = argc;
	char *block = malloc(3 << 20);
	if (!setlocale(LC_ALL, "C") || !block || pthread_create(&thread, NULL, count, &number))
		return 1;
	pthread_join(thread, NULL);
	memset(block, number, 3 << 20);
	free(block);
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	FILE *file = fopen("/proc/self/comm", "r");
	char name[32] = "";
	if (!file || !fgets(name, sizeof(name), file))
		return 2;
	fclose(file);
	printf("glibc %s %d %s", argv[0][0] == '/' ? "absolute" : "relative", number, name);
	return sysconf(_SC_NPROCESSORS_ONLN) >= 1 ? 0 : 3;
}
