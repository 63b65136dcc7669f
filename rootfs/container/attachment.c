// SPDX-License-Identifier: MPL-2.0
#include "attachment.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../lib/file.h"
#include "terminal.h"

static void close_end(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void close_client(struct supervise_client *client)
{
	close_end(&client->input);
	close_end(&client->output);
	close_end(&client->error);
	close_end(&client->lifeline);
}

static void say(const struct supervise_client *client, const char *word)
{
	if (client->lifeline >= 0)
		send(client->lifeline, word, strlen(word), MSG_NOSIGNAL | MSG_DONTWAIT);
}

void attachments_add(struct attachments *set, const struct supervise_client *client)
{
	struct supervise_client fresh = *client;

	if (fresh.input < 0 && fresh.output < 0 && fresh.error < 0) {
		close_client(&fresh);
		return;
	}
	if (set->count == ATTACHMENTS_MAX) {
		say(&fresh, LIFELINE_REFUSED);
		close_client(&fresh);
		return;
	}
	set->all[set->count++] = (struct attachment){.client = fresh};
	if (set->terminal >= 0 && fresh.output >= 0)
		terminal_copy_size(fresh.output, set->terminal);
}

static void drop(struct attachments *set, size_t at)
{
	close_client(&set->all[at].client);
	set->all[at] = set->all[--set->count];
}

void attachments_write(struct attachments *set, enum log_stream stream, const char *bytes, size_t length)
{
	for (size_t i = 0; i < set->count; i++) {
		struct supervise_client *client = &set->all[i].client;
		int *fd = stream == LOG_STDERR ? &client->error : &client->output;

		if (*fd >= 0 && file_write_all(*fd, bytes, length) != 0)
			close_end(fd);
	}
}

size_t attachments_prepare(const struct attachments *set, int wants_input, struct pollfd *polled)
{
	for (size_t i = 0; i < set->count; i++) {
		const struct supervise_client *client = &set->all[i].client;

		polled[2 * i] = (struct pollfd){.fd = client->lifeline, .events = POLLIN};
		polled[2 * i + 1] = (struct pollfd){.fd = wants_input ? client->input : -1, .events = POLLIN};
	}
	return ATTACHMENT_POLLED * set->count;
}

// => whether the client is still there
static int hear(struct attachments *set, struct attachment *attachment)
{
	const size_t prefix = strlen(LIFELINE_KEYS);
	char packet[LIFELINE_PACKET_MAX];
	ssize_t got = recv(attachment->client.lifeline, packet, sizeof(packet), MSG_DONTWAIT);

	if (got < 0)
		return errno == EAGAIN || errno == EINTR;
	if (got == 0)
		return 0;
	if (strncmp(packet, LIFELINE_RESIZE, (size_t)got) == 0 && set->terminal >= 0)
		terminal_copy_size(attachment->client.output, set->terminal);
	if ((size_t)got > prefix && (size_t)got - prefix <= DETACH_KEYS_MAX &&
	    memcmp(packet, LIFELINE_KEYS, prefix) == 0) {
		attachment->keys = (struct detach_keys){.count = (size_t)got - prefix};
		memcpy(attachment->keys.keys, packet + prefix, attachment->keys.count);
	}
	return 1;
}

static int has_input(const struct attachments *set)
{
	for (size_t i = 0; i < set->count; i++) {
		if (set->all[i].client.input >= 0)
			return 1;
	}
	return 0;
}

// The bytes of one client; it is dropped after the keys that detach.
static size_t take_typed(struct attachments *set, size_t at, char *input, int *ended)
{
	struct attachment *attachment = &set->all[at];
	char typed[ATTACHMENT_CHUNK];
	ssize_t got = read(attachment->client.input, typed, sizeof(typed));
	size_t length;
	int pressed;

	if (got < 0 && (errno == EINTR || errno == EAGAIN))
		return 0;
	if (got <= 0) {
		close_end(&attachment->client.input);
		*ended = !has_input(set);
		return 0;
	}
	length = detach_keys_filter(&attachment->keys, typed, (size_t)got, input, &pressed);
	if (pressed) {
		say(&attachment->client, LIFELINE_DETACHED);
		drop(set, at);
	}
	return length;
}

// From the last to the first, so that a drop moves only entries that are done.
size_t attachments_serve(struct attachments *set, const struct pollfd *polled, char *input, int *ended)
{
	size_t length = 0;

	*ended = 0;
	for (size_t i = set->count; i-- > 0;) {
		if (polled[2 * i].revents != 0 && !hear(set, &set->all[i])) {
			drop(set, i);
			continue;
		}
		if (polled[2 * i + 1].revents != 0 && length == 0)
			length = take_typed(set, i, input, ended);
	}
	return length;
}

void attachments_close_input(struct attachments *set)
{
	for (size_t i = 0; i < set->count; i++)
		close_end(&set->all[i].client.input);
}
