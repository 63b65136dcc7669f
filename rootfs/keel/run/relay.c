// SPDX-License-Identifier: MPL-2.0
// Theory: crun itself would relay, but it passes changes of the window's size on as a bare signal, and knows no keys
// that detach. So keel takes the master of the terminal. Signals are only noted, and let in nowhere but in ppoll(2).
#include "relay.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../container/console.h"
#include "../../container/terminal.h"
#include "../../lib/file.h"
#include "../raw_terminal.h"

enum { CHUNK_SIZE = 4096 };

struct state {
	struct relay *relay;
	int terminal;			// the master; -1: not there yet, or its other side is closed
	int had_terminal;
	int input;			// keel's own, or -1
	size_t pending_at, pending_length;
	char pending[CHUNK_SIZE + DETACH_KEYS_MAX];	// typed, and not taken yet
};

static volatile sig_atomic_t noted[32];
static sigset_t asleep;

static void note(int number)
{
	noted[number] = 1;
}

void relay_prepare(void)
{
	static const int caught[] = {SIGCHLD, SIGWINCH, SIGTERM, SIGHUP};
	struct sigaction action = {.sa_handler = note};
	sigset_t blocked;

	sigemptyset(&blocked);
	for (size_t i = 0; i < sizeof(caught) / sizeof(caught[0]); i++) {
		sigaction(caught[i], &action, NULL);
		sigaddset(&blocked, caught[i]);
	}
	sigprocmask(SIG_BLOCK, &blocked, &asleep);
}

static int runtime_has_ended(const struct state *state)
{
	siginfo_t info = {0};

	return waitid(P_PID, (id_t)state->relay->runtime, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid != 0;
}

static void take_signals(const struct state *state)
{
	for (int number = 1; number < 32; number++) {
		if (!noted[number])
			continue;
		noted[number] = 0;
		if (number == SIGWINCH && state->terminal >= 0)
			terminal_copy_size(STDOUT_FILENO, state->terminal);
		else if (number == SIGTERM || number == SIGHUP)
			kill(state->relay->runtime, number);
	}
}

static void take_terminal(struct state *state)
{
	struct fault ignored = {0};	// the runtime says by itself what went wrong

	state->had_terminal = 1;
	if (console_take(state->relay->listener, &state->terminal, &ignored) != 0)
		return;
	fcntl(state->terminal, F_SETFL, O_NONBLOCK);
	terminal_copy_size(STDOUT_FILENO, state->terminal);
}

// => 0 once there is nothing to read
static int copy_output(struct state *state)
{
	char bytes[CHUNK_SIZE];
	ssize_t got = read(state->terminal, bytes, sizeof(bytes));

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (got > 0 && file_write_all(STDOUT_FILENO, bytes, (size_t)got) == 0)
		return 1;
	close(state->terminal);		// EIO: nobody holds the other side
	state->terminal = -1;
	return 0;
}

// => 1 once the keys that detach were typed
static int read_input(struct state *state)
{
	char typed[CHUNK_SIZE];
	ssize_t got = read(state->input, typed, sizeof(typed));
	int pressed;

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (got <= 0) {
		state->input = -1;
		return 0;
	}
	state->pending_at = 0;
	state->pending_length = detach_keys_filter(&state->relay->keys, typed, (size_t)got, state->pending, &pressed);
	return pressed;
}

static void write_pending(struct state *state)
{
	ssize_t put = write(state->terminal, state->pending + state->pending_at, state->pending_length);

	if (put < 0 && errno != EAGAIN && errno != EINTR)
		put = (ssize_t)state->pending_length;	// nobody is there to take it
	if (put <= 0)
		return;
	state->pending_at += (size_t)put;
	state->pending_length -= (size_t)put;
}

// => 1 once the keys that detach were typed
static int turn(struct state *state)
{
	enum { LISTENER, TERMINAL, INPUT, COUNT };
	short wanted = state->pending_length > 0 ? POLLIN | POLLOUT : POLLIN;
	int hears = state->terminal >= 0 && state->pending_length == 0;
	struct pollfd polled[COUNT] = {
		[LISTENER] = {.fd = state->had_terminal ? -1 : state->relay->listener, .events = POLLIN},
		[TERMINAL] = {.fd = state->terminal, .events = wanted},
		[INPUT] = {.fd = hears ? state->input : -1, .events = POLLIN},
	};

	if (ppoll(polled, COUNT, NULL, &asleep) < 0) {
		take_signals(state);
		return 0;
	}
	if (polled[LISTENER].revents != 0)
		take_terminal(state);
	if ((polled[TERMINAL].revents & POLLOUT) != 0)
		write_pending(state);
	if ((polled[TERMINAL].revents & ~POLLOUT) != 0)
		copy_output(state);
	return polled[INPUT].revents != 0 ? read_input(state) : 0;
}

// Without a holder of the master the process would lose its terminal.
static void keep_terminal(struct state *state)
{
	char bytes[CHUNK_SIZE];
	int nothing;

	if (fork() != 0)
		return;
	setsid();
	nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int fd = 0; fd < 3; fd++)
		dup2(nothing, fd);
	fcntl(state->terminal, F_SETFL, 0);
	while (read(state->terminal, bytes, sizeof(bytes)) > 0)
		continue;
	_exit(0);
}

enum relay_end relay_run(struct relay *relay)
{
	struct state state = {.relay = relay, .terminal = -1,
			      .input = relay->input == RELAY_INPUT ? STDIN_FILENO : -1};
	int detached = 0;

	if (relay->input == RELAY_INPUT)
		raw_terminal_begin(STDIN_FILENO);
	while (!detached && !runtime_has_ended(&state))
		detached = turn(&state);
	if (detached)
		keep_terminal(&state);
	while (!detached && state.terminal >= 0 && copy_output(&state))
		continue;
	if (state.terminal >= 0)
		close(state.terminal);
	raw_terminal_end();
	return detached ? RELAY_DETACHED : RELAY_ENDED;
}
