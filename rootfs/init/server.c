// SPDX-License-Identifier: MPL-2.0
// Theory: one non-blocking connection a client. Bytes gather until a frame is whole, then the request is
// carried out. A request that takes time leaves the client waiting for a container; the container's
// watcher answers it. A client that does not read its (short) answers is dropped.
#include "server.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "../control/control.h"
#include "../control/descriptor_pass.h"
#include "message.h"
#include "requests.h"

struct client {
	int fd;				// -1: free
	char *frame;			// header and text, as far as they have come
	size_t used;
	int fds[DESCRIPTORS_MAX];	// descriptors that came along
	size_t fds_count;
	enum request_await await;
	struct container *awaited;
	struct container *attached;
};

static int listener = -1;
static struct client clients[SERVER_CLIENTS_MAX];

static void drop_fds(struct client *client)
{
	while (client->fds_count > 0)
		close(client->fds[--client->fds_count]);
}

static void drop(struct client *client)
{
	drop_fds(client);
	free(client->frame);
	shutdown(client->fd, SHUT_RDWR);
	close(client->fd);
	*client = (struct client){.fd = -1};
}

static void reply(struct client *client, const char *text)
{
	uint32_t length = (uint32_t)strlen(text);
	char *frame = malloc(sizeof(length) + length);
	ssize_t sent = -1;

	if (frame != NULL) {
		memcpy(frame, &length, sizeof(length));
		memcpy(frame + sizeof(length), text, length);
		sent = send(client->fd, frame, sizeof(length) + length,
			    MSG_NOSIGNAL | MSG_DONTWAIT);
	}
	free(frame);
	if (sent != (ssize_t)(sizeof(length) + length))
		drop(client);
}

// A container has changed: answers everyone who waits for that.
static void container_changed(struct container *container)
{
	for (size_t i = 0; i < SERVER_CLIENTS_MAX; i++) {
		struct client *client = &clients[i];
		char *text;

		if (client->fd < 0)
			continue;
		if (client->awaited == container) {
			text = request_progress(container, &client->await);
			if (client->await == AWAIT_NOTHING)
				client->awaited = NULL;
			if (text != NULL)
				reply(client, text);
			free(text);
		}
		if (client->fd >= 0 && client->attached == container &&
		    !container_is_alive(container))
			client->attached = NULL;
	}
}

void server_open(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = CONTROL_PATH};

	for (size_t i = 0; i < SERVER_CLIENTS_MAX; i++)
		clients[i].fd = -1;
	container_watch(container_changed);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	unlink(CONTROL_PATH);
	if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    chmod(CONTROL_PATH, 0600) < 0 || listen(listener, SERVER_CLIENTS_MAX) < 0) {
		message("cannot open " CONTROL_PATH ": %s; keel will not work", strerror(errno));
		if (listener >= 0)
			close(listener);
		listener = -1;
	}
}

void server_close(void)
{
	for (size_t i = 0; i < SERVER_CLIENTS_MAX; i++) {
		if (clients[i].fd >= 0)
			drop(&clients[i]);
	}
	if (listener >= 0)
		close(listener);
	listener = -1;
}

static void accept_client(void)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	for (size_t i = 0; i < SERVER_CLIENTS_MAX; i++) {
		if (clients[i].fd >= 0)
			continue;
		clients[i].frame = malloc(sizeof(uint32_t) + CONTROL_FRAME_MAX + 1);
		if (clients[i].frame == NULL)
			break;
		clients[i].fd = fd;
		return;
	}
	close(fd);	// too many at once: the client sees the connection reset
}

static void take_request(struct client *client, char *text, size_t length)
{
	struct request request = {.text = text, .length = length, .fds = {-1, -1, -1},
				  .attached = client->attached};
	char *answer;

	for (size_t i = 0; i < REQUEST_FDS && client->fds_count == REQUEST_FDS; i++)
		request.fds[i] = client->fds[i];
	client->await = request_take(&request, &client->awaited, &answer);
	// The supervisor has copies of its own by now.
	drop_fds(client);
	if (client->await == AWAIT_STARTED_ATTACHED)
		client->attached = client->awaited;
	if (answer != NULL)
		reply(client, answer);
	free(answer);
}

// Carries out every frame that is whole.
static void take_frames(struct client *client)
{
	while (client->fd >= 0 && client->used >= sizeof(uint32_t)) {
		uint32_t length;
		size_t whole;
		char *text = client->frame + sizeof(length);
		char next;

		memcpy(&length, client->frame, sizeof(length));
		whole = sizeof(length) + length;
		if (length > CONTROL_FRAME_MAX) {
			drop(client);
			return;
		}
		if (client->used < whole)
			return;
		next = text[length];
		text[length] = '\0';
		take_request(client, text, length);
		if (client->fd < 0)
			return;
		text[length] = next;
		client->used -= whole;
		memmove(client->frame, client->frame + whole, client->used);
	}
}

static void hear(struct client *client)
{
	int fds[DESCRIPTORS_MAX];
	size_t fds_count;
	ssize_t got = descriptors_receive(client->fd, client->frame + client->used,
					  sizeof(uint32_t) + CONTROL_FRAME_MAX - client->used, fds,
					  &fds_count);

	for (size_t i = 0; i < fds_count; i++) {
		if (client->fds_count < DESCRIPTORS_MAX)
			client->fds[client->fds_count++] = fds[i];
		else
			close(fds[i]);
	}
	if (got == -EAGAIN || got == -EINTR)
		return;
	if (got <= 0) {
		drop(client);
		return;
	}
	client->used += (size_t)got;
	take_frames(client);
}

size_t server_poll_fds(struct pollfd *polled, size_t max)
{
	size_t count = 0;

	if (listener >= 0 && count < max)
		polled[count++] = (struct pollfd){.fd = listener, .events = POLLIN};
	for (size_t i = 0; i < SERVER_CLIENTS_MAX && count < max; i++) {
		if (clients[i].fd >= 0)
			polled[count++] = (struct pollfd){.fd = clients[i].fd, .events = POLLIN};
	}
	return count;
}

void server_heard(const struct pollfd *polled, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (polled[i].revents == 0)
			continue;
		if (polled[i].fd == listener) {
			accept_client();
			continue;
		}
		for (size_t j = 0; j < SERVER_CLIENTS_MAX; j++) {
			if (clients[j].fd == polled[i].fd) {
				hear(&clients[j]);
				break;
			}
		}
	}
}
