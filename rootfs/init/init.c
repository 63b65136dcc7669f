// SPDX-License-Identifier: MPL-2.0
// Init: process 1 of the machine.
//
// Theory: boot once (boot.c), start the units, then one loop that only reacts: to children that ended,
// to supervisors and keel, to time, and to signals from outside. Signals are blocked except while the
// loop sleeps in ppoll, so that no handler runs in the middle of anything; a handler only sets a flag.
//
// Power: SIGUSR2, SIGPWR or the power button (power_button.h) switch off, SIGTERM and SIGINT (ctrl-alt-del)
// restart, SIGUSR1 halts: what busybox's poweroff, reboot and halt send. Then what keel started ends, all at
// once; then the units, one by one in the reverse order of their start; and power.c does the rest.
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <unistd.h>

#include "machine/boot.h"
#include "machine/console.h"
#include "containers/container.h"
#include "events.h"
#include "limits.h"
#include "message.h"
#include "machine/network.h"
#include "machine/power.h"
#include "machine/power_button.h"
#include "server/server.h"
#include "containers/supervisor_spawn.h"
#include "containers/units.h"
#include "containers/recall.h"

#define BOOTED_WORD "--booted"

enum {
	UNITS_START_MS = 20000,		// "ready" waits this long for slow units
	CONSOLE_PAUSE_MS = 1000,	// between shells that end at once
};

static volatile sig_atomic_t asked_power = POWER_ON;
static volatile sig_atomic_t child_ended;

static enum power_action power = POWER_ON;
static pid_t console_pid;
static int64_t console_at_ms;		// when to start the next shell; 0: it runs
static int ready;

static void note_signal(int number)
{
	switch (number) {
	case SIGCHLD:
		child_ended = 1;
		break;
	case SIGUSR2:
	case SIGPWR:
		asked_power = POWER_OFF;
		break;
	case SIGTERM:
	case SIGINT:
		asked_power = POWER_REBOOT;
		break;
	case SIGUSR1:
		asked_power = POWER_HALT;
		break;
	default:
		break;
	}
}

// Installs the handlers and blocks everything; returns the mask to sleep with.
static void prepare_signals(sigset_t *asleep)
{
	static const int handled[] = {SIGCHLD, SIGUSR1, SIGUSR2, SIGTERM, SIGINT, SIGPWR};
	struct sigaction action = {.sa_handler = note_signal};
	sigset_t blocked;

	sigfillset(&blocked);
	sigprocmask(SIG_SETMASK, &blocked, NULL);
	sigfillset(asleep);
	for (size_t i = 0; i < sizeof(handled) / sizeof(handled[0]); i++) {
		sigaction(handled[i], &action, NULL);
		sigdelset(asleep, handled[i]);
	}
	signal(SIGPIPE, SIG_IGN);
	// ctrl-alt-del becomes SIGINT instead of an immediate restart.
	reboot(RB_DISABLE_CAD);
}

// Only when one has ended: the kernel looks at every child to find none.
static void reap_children(void)
{
	int status;
	pid_t pid;

	if (!child_ended)
		return;
	child_ended = 0;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == console_pid) {
			console_pid = 0;
			console_at_ms = container_now_ms() + CONSOLE_PAUSE_MS;
		} else {
			container_reaped(pid, status);
		}
	}
}

static int units_are_starting(void)
{
	const struct container *container;

	for (container = container_first(); container != NULL; container = container_next(container)) {
		if (container->state == CONTAINER_STARTING)
			return 1;
	}
	return 0;
}

// Once every unit has started or failed the machine is ready, and the shell comes.
static void advance_boot(int64_t now_ms, int64_t started_ms)
{
	if (ready || (units_are_starting() && now_ms - started_ms < UNITS_START_MS))
		return;
	ready = 1;
	message("ready");
	console_at_ms = now_ms;
}

static void advance_console(int64_t now_ms)
{
	if (console_at_ms == 0 || now_ms < console_at_ms || power != POWER_ON)
		return;
	console_pid = console_start();
	console_at_ms = console_pid > 0 ? 0 : now_ms + CONSOLE_PAUSE_MS;
	if (console_pid < 0)
		console_pid = 0;
}

static void note_power_button(void)
{
	asked_power = POWER_OFF;
}

// The last of the containers that still have a supervisor: of those that keel started, or else of the units.
static struct container *last_alive(enum container_origin origin)
{
	struct container *container = container_last();

	while (container != NULL && (container->supervisor == 0 || container->origin != origin))
		container = container_previous(container);
	return container;
}

// At the first look nothing starts again, and what keel started is told to end all at once.
static void begin_power(void)
{
	struct container *container;

	power = (enum power_action)asked_power;
	message("stopping");
	container_end_restarts();
	for (container = container_first(); container != NULL; container = container_next(container)) {
		if (container->supervisor == 0)
			container_stop(container, 0);
		else if (container->origin == CONTAINER_FROM_RUN && !container->stop_wanted)
			container_stop(container, container->unit->stop_timeout_s);
	}
}

// Then the units, the last started first, each only once the one before has ended.
static void advance_power(void)
{
	struct container *last;

	if (power == POWER_ON) {
		if (asked_power == POWER_ON)
			return;
		begin_power();
	}
	if (last_alive(CONTAINER_FROM_RUN) != NULL)
		return;
	last = last_alive(CONTAINER_FROM_UNIT);
	if (last == NULL) {
		server_close();
		power_finish(power);
	}
	if (!last->stop_wanted)
		container_stop(last, last->unit->stop_timeout_s);
}

static int64_t sooner(int64_t a_ms, int64_t b_ms)
{
	if (a_ms == 0 || b_ms == 0)
		return a_ms + b_ms;
	return a_ms < b_ms ? a_ms : b_ms;
}

// Runs this program once more, from the read-only mount that boot.c has made. A container whose command
// is a script for /proc/self/exe gets hold of the program that started it; there it cannot write to it.
static void move_to_protected_mount(void)
{
	execl(BOOT_PROTECTED_INIT, "/sbin/init", BOOTED_WORD, (char *)NULL);
	message("cannot run " BOOT_PROTECTED_INIT ": %s", strerror(errno));
}

int main(int count, char **arguments)
{
	sigset_t asleep;
	int64_t started_ms;

	if (count == 2 && strcmp(arguments[1], SUPERVISOR_WORD) == 0)
		supervisor_main();
	if (getpid() != 1) {
		fputs("init: this is process 1, not a command; see keel, poweroff, reboot\n", stderr);
		return 1;
	}
	prepare_signals(&asleep);
	child_ended = 1;	// before this program ran itself again, perhaps
	if (count < 2 || strcmp(arguments[1], BOOTED_WORD) != 0) {
		boot_prepare();
		move_to_protected_mount();
	}
	if (supervisor_spawn_prepare() != 0)
		message("cannot keep descriptors for supervisors, no container will start: %s", strerror(errno));
	if (events_open() != 0)
		message("cannot make the list of what to wait for: %s", strerror(errno));
	power_button_open(note_power_button);
	server_open();
	network_start();
	limits_raise();
	units_start_all();
	recall_all();
	started_ms = container_now_ms();
	for (;;) {
		int64_t now_ms = container_now_ms();
		int64_t next_ms;

		reap_children();
		advance_power();
		advance_boot(now_ms, started_ms);
		advance_console(now_ms);
		next_ms = sooner(container_tick(now_ms), console_at_ms);
		if (!ready)
			next_ms = sooner(next_ms, started_ms + UNITS_START_MS);
		events_wait(next_ms == 0 ? -1 : next_ms > now_ms ? next_ms - now_ms : 0, &asleep);
	}
}
