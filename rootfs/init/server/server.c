// SPDX-License-Identifier: MPL-2.0
// Theory: one non-blocking connection a client. Bytes gather until a frame is whole, then the request is
// carried out. A request that takes time leaves the client on the list of those who wait for a container;
// the container's watcher answers it. An answer that the socket does not take at once is kept until it does,
// and as long nothing more is read; a client that lets too much gather is dropped.
#include "server.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "../../control/control.h"
#include "../../control/descriptor_pass.h"
#include "../message.h"
#include "requests.h"

enum { FRAME_FIRST = 4096, BACKLOG = 128 };

struct client {
	struct event_source source;
	struct client *next, *previous;		// of all
	struct client *next_waiting;		// of those who wait for the same container
	char *frame;			// header and text, as far as they have come; NULL: nothing has
	size_t size, used;
	char *unsent;			// answers that the socket has not taken yet
	size_t unsent_length;
	int fds[DESCRIPTORS_MAX];	// descriptors that came along
	size_t fds_count;
	enum request_await await;
	struct container *awaited;
	int dropped;			// freed once nobody works on it
};

static struct event_source listener = {.fd = -1};
static struct client *clients;
static size_t clients_count;

static void drop_fds(struct client *client)
{
	while (client->fds_count > 0)
		close(client->fds[--client->fds_count]);
}

static void stop_waiting(struct client *client)
{
	struct client **at;

	if (client->awaited == NULL)
		return;
	at = &client->awaited->waiting;
	while (*at != client)
		at = &(*at)->next_waiting;
	*at = client->next_waiting;
	client->awaited = NULL;
}

// Closes the connection. The client itself stays until bury(), since callers still look at it.
static void drop(struct client *client)
{
	if (client->dropped)
		return;
	client->dropped = 1;
	stop_waiting(client);
	drop_fds(client);
	shutdown(client->source.fd, SHUT_RDWR);
	events_close(&client->source);
}

static void bury(struct client *client)
{
	if (!client->dropped)
		return;
	if (client->previous != NULL)
		client->previous->next = client->next;
	else
		clients = client->next;
	if (client->next != NULL)
		client->next->previous = client->previous;
	clients_count--;
	free(client->frame);
	free(client->unsent);
	free(client);
}

static void send_unsent(struct client *client)
{
	ssize_t sent = send(client->source.fd, client->unsent, client->unsent_length, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (sent < 0 && errno != EAGAIN && errno != EINTR) {
		drop(client);
		return;
	}
	if (sent > 0) {
		client->unsent_length -= (size_t)sent;
		memmove(client->unsent, client->unsent + sent, client->unsent_length);
	}
	if (client->unsent_length > 0)
		return;
	free(client->unsent);
	client->unsent = NULL;
}

static void reply(struct client *client, const char *text)
{
	uint32_t length = (uint32_t)strlen(text);
	size_t whole = client->unsent_length + sizeof(length) + length;
	char *bigger = whole <= CONTROL_REPLY_MAX ? realloc(client->unsent, whole) : NULL;
	int was_idle = client->unsent == NULL;

	if (bigger == NULL) {
		drop(client);
		return;
	}
	memcpy(bigger + client->unsent_length, &length, sizeof(length));
	memcpy(bigger + client->unsent_length + sizeof(length), text, length);
	client->unsent = bigger;
	client->unsent_length = whole;
	if (was_idle)
		send_unsent(client);
	if (!client->dropped && client->unsent != NULL && was_idle)
		events_want(&client->source, EVENTS_WRITE);
}

static void progress(struct client *client, struct container *container)
{
	char *text = request_progress(container, &client->await);

	if (client->await == AWAIT_NOTHING)
		stop_waiting(client);
	if (text != NULL)
		reply(client, text);
	free(text);
}

// A container has changed: answers everyone who waits for that.
static void container_changed(struct container *container)
{
	struct client *next;

	for (struct client *client = container->waiting; client != NULL; client = next) {
		next = client->next_waiting;
		progress(client, container);
		bury(client);
	}
}

static void accept_client(struct event_source *source);

static int listen_for_keel(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = CONTROL_PATH};

	listener = (struct event_source){socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0),
					 accept_client, NULL};
	unlink(CONTROL_PATH);
	if (listener.fd < 0 || bind(listener.fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    chmod(CONTROL_PATH, 0600) < 0 || listen(listener.fd, BACKLOG) < 0)
		return -errno;
	return events_add(&listener);
}

void server_open(void)
{
	int error;

	container_watch(container_changed);
	error = listen_for_keel();
	if (error != 0) {
		message("cannot open " CONTROL_PATH ": %s; keel will not work", strerror(-error));
		events_close(&listener);
	}
}

static void take_request(struct client *client, char *text, size_t length)
{
	struct request request = {.text = text, .length = length, .fds = {-1, -1, -1, -1}};
	struct container *awaited = NULL;
	enum request_await await;
	char *answer;

	for (size_t i = 0; i < REQUEST_FDS && client->fds_count == REQUEST_FDS; i++)
		request.fds[i] = client->fds[i];
	await = request_take(&request, &awaited, &answer);
	if (awaited != NULL) {	// else it goes on waiting for what it waited for
		stop_waiting(client);
		client->await = await;
		client->awaited = awaited;
		client->next_waiting = awaited->waiting;
		awaited->waiting = client;
	}
	// The supervisor has copies of its own by now.
	drop_fds(client);
	if (answer != NULL)
		reply(client, answer);
	free(answer);
}

// Carries out every frame that is whole.
static void take_frames(struct client *client)
{
	while (!client->dropped && client->used >= sizeof(uint32_t)) {
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
		text[length] = next;
		client->used -= whole;
		memmove(client->frame, client->frame + whole, client->used);
	}
}

// Room for more of the frame, and for the zero byte behind it. => 0 where there is none
static int make_room(struct client *client)
{
	size_t size = client->size == 0 ? FRAME_FIRST : client->size * 2;
	char *bigger;

	if (client->used + 1 < client->size)
		return 1;
	bigger = realloc(client->frame, size);
	if (bigger == NULL)
		return 0;
	client->frame = bigger;
	client->size = size;
	return 1;
}

static void give_room_back(struct client *client)
{
	if (client->used > 0)
		return;
	free(client->frame);
	client->frame = NULL;
	client->size = 0;
}

static void receive(struct client *client)
{
	int fds[DESCRIPTORS_MAX];
	size_t fds_count;
	ssize_t got;

	if (!make_room(client)) {
		drop(client);
		return;
	}
	got = descriptors_receive(client->source.fd, client->frame + client->used, client->size - client->used - 1,
				  fds, &fds_count);
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
	give_room_back(client);
}

static void heard(struct event_source *source)
{
	struct client *client = source->owner;

	if (client->unsent == NULL) {
		receive(client);
	} else {
		send_unsent(client);
		if (client->unsent == NULL)
			events_want(source, EVENTS_READ);
	}
	bury(client);
}

static void accept_client(struct event_source *source)
{
	int fd = accept4(source->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct client *client;

	if (fd < 0)
		return;
	client = clients_count < SERVER_CLIENTS_MAX ? calloc(1, sizeof(*client)) : NULL;
	if (client == NULL) {
		close(fd);	// too many at once: the client sees the connection reset
		return;
	}
	client->source = (struct event_source){fd, heard, client};
	client->next = clients;
	if (clients != NULL)
		clients->previous = client;
	clients = client;
	clients_count++;
	if (events_add(&client->source) != 0) {
		drop(client);
		bury(client);
	}
}

void server_close(void)
{
	while (clients != NULL) {
		drop(clients);
		bury(clients);
	}
	events_close(&listener);
}
