// SPDX-License-Identifier: MPL-2.0
#include "power.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../lib/file.h"
#include "../message.h"

enum {
	END_WAIT_MS = 2000,
	END_STEP_MS = 20,
	MOUNTS_SIZE_MAX = 1 << 20,
	MOUNTS_MAX = 1024,
};

static void sleep_ms(long duration_ms)
{
	struct timespec duration = {duration_ms / 1000, duration_ms % 1000 * 1000000};

	nanosleep(&duration, NULL);
}

// => 1 once no child is left
static int reap_for(long duration_ms)
{
	for (long waited_ms = 0; waited_ms <= duration_ms; waited_ms += END_STEP_MS) {
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		if (waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD)
			return 1;
		sleep_ms(END_STEP_MS);
	}
	return 0;
}

static void end_processes(void)
{
	// An interactive shell ignores SIGTERM, but not SIGHUP.
	kill(-1, SIGTERM);
	kill(-1, SIGHUP);
	kill(-1, SIGCONT);
	if (reap_for(END_WAIT_MS))
		return;
	kill(-1, SIGKILL);
	reap_for(END_WAIT_MS);
}

// Undoes the octal escapes (\040) of /proc/mounts in place.
static void unescape(char *text)
{
	char *to = text;

	for (char *from = text; *from != '\0'; from++) {
		if (from[0] == '\\' && from[1] >= '0' && from[1] <= '3' && from[2] >= '0' &&
		    from[2] <= '7' && from[3] >= '0' && from[3] <= '7') {
			*to++ = (char)((from[1] - '0') << 6 | (from[2] - '0') << 3 | (from[3] - '0'));
			from += 3;
		} else {
			*to++ = *from;
		}
	}
	*to = '\0';
}

// What init stands on; all of it is read-only or without data in the end.
static int is_kept(const char *target)
{
	static const char *const kept[] = {"/", "/proc", "/dev", "/sys", "/usr/lib/keel"};

	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		if (strcmp(target, kept[i]) == 0)
			return 1;
	}
	return 0;
}

// In reverse order of mounting; the kernel's own file systems hold no data and stay.
static void unmount_all(void)
{
	char *targets[MOUNTS_MAX];
	char *text, *rest = NULL;
	size_t length, count = 0;

	if (file_read_all("/proc/mounts", MOUNTS_SIZE_MAX, &text, &length) != 0) {
		message("cannot read /proc/mounts");
		return;
	}
	for (char *line = strtok_r(text, "\n", &rest); line != NULL && count < MOUNTS_MAX;
	     line = strtok_r(NULL, "\n", &rest)) {
		char *target = strchr(line, ' ');

		if (target == NULL)
			continue;
		target++;
		target[strcspn(target, " ")] = '\0';
		unescape(target);
		targets[count++] = target;
	}
	while (count > 0) {
		const char *target = targets[--count];

		if (!is_kept(target) && umount2(target, UMOUNT_NOFOLLOW) < 0 && errno != EINVAL)
			message("cannot unmount %s: %s", target, strerror(errno));
	}
	free(text);
	if (mount(NULL, "/", NULL, MS_REMOUNT | MS_RDONLY, NULL) < 0)
		message("cannot make / read-only: %s", strerror(errno));
}

_Noreturn void power_finish(enum power_action action)
{
	static const struct {
		const char *text;
		int command;
	} actions[] = {
		[POWER_ON] = {"", 0},
		[POWER_OFF] = {"power off", RB_POWER_OFF},
		[POWER_REBOOT] = {"restart", RB_AUTOBOOT},
		[POWER_HALT] = {"halt", RB_HALT_SYSTEM},
	};

	end_processes();
	sync();
	unmount_all();
	sync();
	message("%s", actions[action].text);
	reboot(actions[action].command);
	message("the kernel refused to %s: %s", actions[action].text, strerror(errno));
	for (;;)
		pause();
}
