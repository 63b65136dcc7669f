// SPDX-License-Identifier: MPL-2.0
// Theory: one poll loop over the container's output (pipes or the master of its terminal), the clients
// (attachment.h), the channel to init, and a self-pipe that SIGCHLD writes to. The container has ended when its
// process 1 is reaped; its output is complete when every pipe has reached its end, which is then soon,
// because with process 1 all others of its namespace die.
#include "supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../root/root.h"
#include "../control/descriptor_pass.h"
#include "../lib/file.h"
#include "cgroup.h"
#include "launch.h"
#include "log.h"
#include "terminal.h"

enum {
	CHUNK_SIZE = 4096,
	DRAIN_TIMEOUT_MS = 2000,
	STATUS_NOT_FOUND = 127,
	STATUS_NOT_RUNNABLE = 126,
	STATUS_NO_CONTAINER = 125,
};

struct supervisor {
	struct unit *unit;
	const char *id;
	struct attachments clients;
	int channel;			// to init
	struct log log;
	struct launched launched;
	int output, error;		// read ends of the container's pipes, or the master; -1: ended
	int input;			// write end of the container's standard input, or -1
	size_t pending_at, pending_length;
	char pending[ATTACHMENT_CHUNK + DETACH_KEYS_MAX];	// input that the container has not taken yet
	int ended;			// process 1 is reaped
	int wait_status;
};

static int child_pipe[2] = {-1, -1};

static void note_child(int number)
{
	int saved = errno;

	(void)number;
	if (write(child_pipe[1], "c", 1) < 0) {
		// A full pipe already says what there is to say.
	}
	errno = saved;
}

static void tell_init(struct supervisor *supervisor, enum supervise_event event, int value,
		      const char *text)
{
	struct supervise_packet packet = {.event = event, .value = value};

	snprintf(packet.text, sizeof(packet.text), "%s", text);
	send(supervisor->channel, &packet, sizeof(packet), MSG_NOSIGNAL);
}

static void close_end(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void copy_output(struct supervisor *supervisor, int *from)
{
	enum log_stream stream = from == &supervisor->error ? LOG_STDERR : LOG_STDOUT;
	char bytes[CHUNK_SIZE];
	ssize_t got = read(*from, bytes, sizeof(bytes));

	if (got < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (got <= 0) {		// the end; a terminal says EIO when nobody holds its other side
		close_end(from);
		supervisor->clients.terminal = -1;
		return;
	}
	log_write(&supervisor->log, stream, bytes, (size_t)got);
	attachments_write(&supervisor->clients, stream, bytes, (size_t)got);
}

// The end of all input is the end of the container's; a terminal stays for whoever attaches next.
static void serve_clients(struct supervisor *supervisor, const struct pollfd *polled)
{
	char input[sizeof(supervisor->pending)];
	int ended;
	size_t length = attachments_serve(&supervisor->clients, polled, input, &ended);

	if (length > 0) {	// which was looked for only because nothing is pending
		memcpy(supervisor->pending, input, length);
		supervisor->pending_at = 0;
		supervisor->pending_length = length;
	}
	if (ended && supervisor->launched.terminal < 0)
		close_end(&supervisor->input);
}

static void write_container(struct supervisor *supervisor)
{
	ssize_t put = write(supervisor->input, supervisor->pending + supervisor->pending_at,
			    supervisor->pending_length);

	if (put < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (put < 0) {
		attachments_close_input(&supervisor->clients);
		close_end(&supervisor->input);
		supervisor->pending_length = 0;
		return;
	}
	supervisor->pending_at += (size_t)put;
	supervisor->pending_length -= (size_t)put;
}

// A client that comes later. Without UNIT_STDIN, or where it is not to give input, it only looks.
static void attach(struct supervisor *supervisor, enum supervise_attach how, int fds[SUPERVISE_CLIENT_FDS])
{
	struct supervise_client client = {fds[0], fds[1], fds[2], fds[3]};

	if (how != SUPERVISE_ATTACH_INPUT || supervisor->input < 0 || (supervisor->unit->flags & UNIT_STDIN) == 0)
		close_end(&client.input);
	attachments_add(&supervisor->clients, &client);
}

static void hear_init(struct supervisor *supervisor)
{
	struct supervise_packet packet;
	int fds[DESCRIPTORS_MAX];
	size_t fds_count;
	ssize_t got = descriptors_receive(supervisor->channel, &packet, sizeof(packet), fds, &fds_count);

	if (got == 0) {		// init is gone, so is the machine's reason to run this
		kill(supervisor->launched.pid, SIGKILL);
		close_end(&supervisor->channel);
	}
	if (got == sizeof(packet) && packet.event == SUPERVISE_ATTACH && fds_count == SUPERVISE_CLIENT_FDS) {
		attach(supervisor, packet.value, fds);
		return;
	}
	while (fds_count > 0)
		close(fds[--fds_count]);
	if (got != sizeof(packet) || supervisor->ended)
		return;
	if (packet.event == SUPERVISE_SIGNAL)
		kill(supervisor->launched.pid, packet.value);
	if (packet.event == SUPERVISE_STOP)
		kill(supervisor->launched.pid,
		     supervisor->unit->stop_signal > 0 ? supervisor->unit->stop_signal : SIGTERM);
}

static void reap(struct supervisor *supervisor)
{
	char bytes[64];
	int status;
	pid_t pid;

	if (read(child_pipe[0], bytes, sizeof(bytes)) < 0) {
		// Nothing was there: the wait below finds out by itself.
	}
	// Others are what the runtime left behind.
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != supervisor->launched.pid)
			continue;
		supervisor->ended = 1;
		supervisor->wait_status = status;
	}
}

// The descriptor that container input goes to: the terminal's master or the pipe.
static void poll_once(struct supervisor *supervisor, int timeout_ms)
{
	enum { CHILD, INIT, OUTPUT, ERROR, INPUT, CLIENTS };
	struct pollfd polled[CLIENTS + ATTACHMENT_POLLED * ATTACHMENTS_MAX] = {
		[CHILD] = {.fd = child_pipe[0], .events = POLLIN},
		[INIT] = {.fd = supervisor->channel, .events = POLLIN},
		[OUTPUT] = {.fd = supervisor->output, .events = POLLIN},
		[ERROR] = {.fd = supervisor->error, .events = POLLIN},
		[INPUT] = {.fd = -1, .events = POLLOUT},
	};

	int wants_input = supervisor->input >= 0 && supervisor->pending_length == 0;
	size_t count = CLIENTS + attachments_prepare(&supervisor->clients, wants_input, polled + CLIENTS);

	if (supervisor->pending_length > 0)
		polled[INPUT].fd = supervisor->input;
	if (poll(polled, count, timeout_ms) < 0)
		return;
	// Before init is heard, which may bring another client.
	serve_clients(supervisor, polled + CLIENTS);
	if (polled[CHILD].revents != 0)
		reap(supervisor);
	if (polled[INIT].revents != 0)
		hear_init(supervisor);
	if (polled[OUTPUT].revents != 0)
		copy_output(supervisor, &supervisor->output);
	if (polled[ERROR].revents != 0)
		copy_output(supervisor, &supervisor->error);
	if (polled[INPUT].revents != 0)
		write_container(supervisor);
}

static void watch(struct supervisor *supervisor)
{
	while (!supervisor->ended)
		poll_once(supervisor, -1);
	// What is still in the pipes belongs to the container, and comes without waiting.
	while (supervisor->output >= 0 || supervisor->error >= 0) {
		struct pollfd rest[2] = {{.fd = supervisor->output, .events = POLLIN},
					 {.fd = supervisor->error, .events = POLLIN}};

		if (poll(rest, 2, DRAIN_TIMEOUT_MS) == 0)
			break;
		if (rest[0].revents != 0)
			copy_output(supervisor, &supervisor->output);
		if (rest[1].revents != 0)
			copy_output(supervisor, &supervisor->error);
	}
}

static int watch_children(struct fault *fault)
{
	struct sigaction action = {.sa_handler = note_child, .sa_flags = SA_NOCLDSTOP};
	sigset_t none;

	if (pipe2(child_pipe, O_CLOEXEC | O_NONBLOCK) < 0)
		return fault_errno(fault, "cannot make a pipe");
	sigaction(SIGCHLD, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	return 0;
}

// With a terminal: nothing to prepare, the runtime makes it. Else pipes for output and, with UNIT_STDIN, for input,
// which stays open until a client has given all of its own.
static int start_on_pipes(struct supervisor *supervisor, struct fault *fault)
{
	int output[2] = {-1, -1}, error[2] = {-1, -1}, input[2] = {-1, -1};
	struct runtime_stdio stdio;
	int result;

	if (pipe2(output, O_CLOEXEC) < 0 || pipe2(error, O_CLOEXEC) < 0 ||
	    pipe2(input, O_CLOEXEC) < 0)
		return fault_errno(fault, "cannot make a pipe");
	stdio = (struct runtime_stdio){input[0], output[1], error[1]};
	if ((supervisor->unit->flags & UNIT_STDIN) == 0)
		stdio.input = open("/dev/null", O_RDONLY | O_CLOEXEC);
	result = launch(supervisor->unit, supervisor->id, &stdio, &supervisor->launched, fault);
	if (stdio.input != input[0]) {
		close(stdio.input);
		close_end(&input[1]);
	}
	close(input[0]);
	close(output[1]);
	close(error[1]);
	supervisor->output = output[0];
	supervisor->error = error[0];
	supervisor->input = input[1];
	if (supervisor->input >= 0)
		fcntl(supervisor->input, F_SETFL, O_NONBLOCK);
	return result;
}

static int start_on_terminal(struct supervisor *supervisor, struct fault *fault)
{
	int error = launch(supervisor->unit, supervisor->id, NULL, &supervisor->launched, fault);

	if (error != 0)
		return error;
	supervisor->output = supervisor->launched.terminal;
	supervisor->input = dup(supervisor->launched.terminal);
	supervisor->clients.terminal = supervisor->launched.terminal;
	return 0;
}

static int start(struct supervisor *supervisor, struct fault *fault)
{
	int error = watch_children(fault);

	if (error != 0)
		return error;
	return (supervisor->unit->flags & UNIT_TERMINAL) != 0 ? start_on_terminal(supervisor, fault)
							      : start_on_pipes(supervisor, fault);
}

static int failure_status(int error)
{
	if (error == -ENOENT || error == -ENOTDIR)
		return STATUS_NOT_FOUND;
	return error == -EACCES || error == -ENOEXEC ? STATUS_NOT_RUNNABLE : STATUS_NO_CONTAINER;
}

_Noreturn void supervise(struct unit *unit, const char *id, const struct supervise_client *client,
			 int channel)
{
	struct supervisor supervisor = {
		.unit = unit, .id = id, .clients = {.terminal = -1}, .channel = channel,
		.launched = {.terminal = -1}, .output = -1, .error = -1, .input = -1,
	};
	struct fault fault = {0};
	int error;

	prctl(PR_SET_NAME, "keel-supervise", 0, 0, 0);
	log_open(&supervisor.log, unit->name, unit->log_bytes_max);
	terminal_read_size(client->output, &unit->rows, &unit->columns);
	error = start(&supervisor, &fault);
	if (error != 0) {
		tell_init(&supervisor, SUPERVISE_FAILED, failure_status(error), fault.text);
		_exit(1);
	}
	attachments_add(&supervisor.clients, client);
	tell_init(&supervisor, SUPERVISE_STARTED, supervisor.launched.pid, "");
	watch(&supervisor);
	log_close(&supervisor.log);
	fault.text[0] = '\0';
	if (cgroup_oom_kills(unit->name) > 0)
		snprintf(fault.text, sizeof(fault.text), "oom");
	launch_clean(unit->name);
	if ((unit->flags & UNIT_AUTO_REMOVE) != 0 && unit->restart == UNIT_RESTART_NEVER)
		root_remove(id);
	tell_init(&supervisor, SUPERVISE_ENDED, supervisor.wait_status, fault.text);
	_exit(0);
}
