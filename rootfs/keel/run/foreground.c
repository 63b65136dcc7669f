// SPDX-License-Identifier: MPL-2.0
#include "foreground.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../container/attachment.h"
#include "../../control/control.h"
#include "../client.h"
#include "../commands.h"
#include "../raw_terminal.h"

static volatile sig_atomic_t passed_on[32];

static void note_signal(int number)
{
	passed_on[number] = 1;
}

static void catch_signals(sigset_t *asleep)
{
	static const int caught[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH};
	struct sigaction action = {.sa_handler = note_signal};
	sigset_t blocked;

	sigemptyset(&blocked);
	for (size_t i = 0; i < sizeof(caught) / sizeof(caught[0]); i++) {
		sigaction(caught[i], &action, NULL);
		sigaddset(&blocked, caught[i]);
	}
	sigprocmask(SIG_BLOCK, &blocked, asleep);
}

static void pass_signals(const struct foreground *foreground, const char *name)
{
	for (int number = 1; number < 32; number++) {
		char request[128];

		if (!passed_on[number])
			continue;
		passed_on[number] = 0;
		if (number == SIGWINCH) {
			send(foreground->lifeline, LIFELINE_RESIZE, strlen(LIFELINE_RESIZE), MSG_NOSIGNAL);
			continue;
		}
		snprintf(request, sizeof(request), "kill %s %d", name, number);
		client_ask(request, NULL);
	}
}

// Keys are for terminals: in a pipe they are data.
static int send_keys(int lifeline, const struct unit *unit, const struct detach_keys *keys)
{
	char packet[LIFELINE_PACKET_MAX] = LIFELINE_KEYS;
	size_t length = strlen(packet);

	if ((unit->flags & UNIT_TERMINAL) == 0 || keys->count == 0 || !isatty(STDIN_FILENO))
		return 0;
	memcpy(packet + length, keys->keys, keys->count);
	return send(lifeline, packet, length + keys->count, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static int send_request(struct foreground *foreground, const char *request, int theirs)
{
	const int lent[SUPERVISE_CLIENT_FDS] = {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO, theirs};
	int error;

	foreground->control = client_connect();
	if (foreground->control < 0)
		return STATUS_FAILED;
	error = control_send(foreground->control, request, strlen(request), lent, SUPERVISE_CLIENT_FDS);
	return error == 0 ? 0 : complain("cannot ask init: %s", strerror(-error));
}

int foreground_begin(struct foreground *foreground, const struct unit *unit, const struct detach_keys *keys,
		     const char *request)
{
	int pair[2], status = 0;

	*foreground = (struct foreground){-1, -1};
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return complain("cannot make a socket pair: %s", strerror(errno));
	foreground->lifeline = pair[0];
	if (send_keys(pair[0], unit, keys) != 0)
		status = complain("cannot send the keys that detach");
	catch_signals(&foreground->asleep);
	if (status == 0)
		status = send_request(foreground, request, pair[1]);
	close(pair[1]);
	if (status == 0 && (unit->flags & UNIT_TERMINAL) != 0 && (unit->flags & UNIT_STDIN) != 0)
		raw_terminal_begin(STDIN_FILENO);
	return status;
}

int foreground_start(struct foreground *foreground)
{
	char *text;
	int status = client_hear(foreground->control, &text);

	free(text);
	return status;
}

enum told { TOLD_NOTHING, TOLD_DETACHED, TOLD_REFUSED };

// What the supervisor says; once it says nothing more, init alone is listened to.
static enum told hear_lifeline(struct foreground *foreground, struct pollfd *polled)
{
	char packet[LIFELINE_PACKET_MAX] = "";
	ssize_t got = recv(foreground->lifeline, packet, sizeof(packet) - 1, MSG_DONTWAIT);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return TOLD_NOTHING;
	if (got <= 0)
		polled->fd = -1;
	if (strcmp(packet, LIFELINE_DETACHED) == 0)
		return TOLD_DETACHED;
	return strcmp(packet, LIFELINE_REFUSED) == 0 ? TOLD_REFUSED : TOLD_NOTHING;
}

int foreground_wait(struct foreground *foreground, const char *name)
{
	enum { INIT, LIFELINE, COUNT };
	struct pollfd polled[COUNT] = {[INIT] = {.fd = foreground->control, .events = POLLIN},
				       [LIFELINE] = {.fd = foreground->lifeline, .events = POLLIN}};
	char *text;
	int status;

	for (;;) {
		enum told told = TOLD_NOTHING;

		if (ppoll(polled, COUNT, NULL, &foreground->asleep) <= 0) {
			pass_signals(foreground, name);
			continue;
		}
		if (polled[LIFELINE].revents != 0)
			told = hear_lifeline(foreground, &polled[LIFELINE]);
		if (told == TOLD_DETACHED)
			return 0;
		if (told == TOLD_REFUSED)
			return complain("%d clients are attached to %s already", ATTACHMENTS_MAX, name);
		if (polled[INIT].revents != 0)
			break;
	}
	status = client_hear(foreground->control, &text);
	free(text);
	return status;
}

void foreground_end(struct foreground *foreground)
{
	raw_terminal_end();
	if (foreground->lifeline >= 0)
		close(foreground->lifeline);
	if (foreground->control >= 0)
		close(foreground->control);
}

int foreground_read_keys(struct detach_keys *keys, const char *text)
{
	if (detach_keys_parse(keys, text) == 0)
		return 0;
	return complain("--detach-keys: '%s' is not a list of keys such as ctrl-p,ctrl-q", text);
}
