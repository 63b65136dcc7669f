// SPDX-License-Identifier: MPL-2.0
#include "requests.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../container/journal.h"
#include "../../control/control.h"
#include "../../lib/unit/unit_values.h"

enum { ARGUMENTS_MAX = 4 };

struct call {
	struct request *request;
	size_t count;
	char *arguments[ARGUMENTS_MAX];		// [0] is the verb
	const char *body;
	struct container **awaited;
	char **reply;
};

static char *format_text(const char *format, ...) __attribute__((format(printf, 1, 2)));
static char *format_text(const char *format, ...)
{
	va_list arguments;
	char *text = NULL;

	va_start(arguments, format);
	if (vasprintf(&text, format, arguments) < 0)
		text = NULL;
	va_end(arguments);
	return text;
}

static enum request_await answer(struct call *call, char *text)
{
	*call->reply = text;
	return AWAIT_NOTHING;
}

static enum request_await refuse(struct call *call, const char *text)
{
	return answer(call, format_text("error %d %s", CONTROL_STATUS_USAGE, text));
}

static enum request_await await(struct call *call, struct container *container,
				enum request_await what)
{
	*call->awaited = container;
	return what;
}

// The container that the first argument names; answers itself where there is none.
static struct container *named(struct call *call)
{
	struct container *container =
		call->count > 1 ? container_find(call->arguments[1]) : NULL;

	if (container == NULL)
		answer(call, format_text("error %d no container is named %s", CONTROL_STATUS_USAGE,
					 call->count > 1 ? call->arguments[1] : "''"));
	return container;
}

static const char *state_name(const struct container *container)
{
	switch (container->state) {
	case CONTAINER_CREATED:
		return "created";
	case CONTAINER_STARTING:
		return "starting";
	case CONTAINER_RUNNING:
		if (container->paused)
			return "paused";
		return container->stop_wanted ? "stopping" : "running";
	case CONTAINER_WAITING:
		return "waiting";
	case CONTAINER_EXITED:
		return "exited";
	}
	return "unknown";
}

// Tabs and line ends would break the reply's columns.
static void print_clean(FILE *out, const char *text)
{
	for (; *text != '\0'; text++)
		fputc((unsigned char)*text < ' ' ? ' ' : *text, out);
}

static void print_row(FILE *out, const struct container *container)
{
	int64_t now_ms = container_now_ms();
	const struct unit *unit = container->unit;

	fprintf(out, "%s\t%s\t%s\t%d\t%d\t%lld\t%.3f\t%u\t%s\t", unit->name, container->id,
		state_name(container), (int)container->pid, container->status,
		(long long)(now_ms - container->created_ms) / 1000,
		(double)(now_ms - container->changed_ms) / 1000, container->restarts,
		container->origin == CONTAINER_FROM_UNIT ? "unit" : "run");
	print_clean(out, unit->image);
	fputc('\t', out);
	for (size_t i = 0; unit->command[i] != NULL; i++) {
		if (i > 0)
			fputc(' ', out);
		print_clean(out, unit->command[i]);
	}
	fprintf(out, "\t%s\n", unit->image_id != NULL ? unit->image_id : "-");
}

static enum request_await take_list(struct call *call)
{
	char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);
	struct container *container;

	if (out == NULL)
		return refuse(call, "no memory");
	fputs("ok\n", out);
	for (container = container_first(); container != NULL; container = container_next(container))
		print_row(out, container);
	fclose(out);
	return answer(call, text);
}

// The unit of the request as a new container, or NULL after an answer.
static struct container *added(struct call *call)
{
	struct fault fault = {0};
	struct container *container;
	struct unit *unit;

	if (unit_parse(call->body, strlen(call->body), NULL, &unit, &fault) != 0) {
		refuse(call, fault.text);
		return NULL;
	}
	if (container_add(unit, CONTAINER_FROM_RUN, &container, &fault) != 0) {
		unit_destroy(unit);
		refuse(call, fault.text);
		return NULL;
	}
	return container;
}

static enum request_await take_create(struct call *call)
{
	const struct container *container = added(call);

	if (container == NULL)
		return AWAIT_NOTHING;
	return answer(call, format_text("ok %s %s", container->unit->name, container->id));
}

// Starts a container for the client, whose descriptors it gets where the client attaches.
static int start(struct call *call, struct container *container, int attach, struct fault *fault)
{
	struct supervise_client client = {-1, -1, -1, -1};

	if (attach) {
		if ((container->unit->flags & UNIT_STDIN) != 0)
			client.input = call->request->fds[0];
		client.output = call->request->fds[1];
		client.error = call->request->fds[2];
		client.lifeline = call->request->fds[3];
	}
	return container_start(container, &client, fault);
}

static enum request_await take_run(struct call *call)
{
	int attach = call->count > 1 && strcmp(call->arguments[1], "attach") == 0;
	struct container *container = added(call);
	struct fault fault = {0};

	if (container == NULL)
		return AWAIT_NOTHING;
	if (start(call, container, attach, &fault) != 0) {
		container_remove(container);
		return refuse(call, fault.text);
	}
	return await(call, container, attach ? AWAIT_STARTED_ATTACHED : AWAIT_STARTED);
}

static enum request_await take_start(struct call *call)
{
	int attach = call->count > 2 && strcmp(call->arguments[2], "attach") == 0;
	struct container *container = named(call);
	struct fault fault = {0};

	if (container == NULL)
		return AWAIT_NOTHING;
	if (start(call, container, attach, &fault) != 0)
		return refuse(call, fault.text);
	return await(call, container, attach ? AWAIT_STARTED_ATTACHED : AWAIT_STARTED);
}

static enum request_await take_pause(struct call *call)
{
	struct container *container = named(call);
	int error;

	if (container == NULL)
		return AWAIT_NOTHING;
	error = strcmp(call->arguments[0], "pause") == 0 ? container_pause(container)
							 : container_unpause(container);
	if (error == -EALREADY)
		return refuse(call, container->paused ? "the container is paused already"
						      : "the container is not paused");
	if (error == -ESRCH)
		return refuse(call, "the container does not run");
	return error == 0 ? answer(call, strdup("ok")) : refuse(call, strerror(-error));
}

static enum request_await take_stop(struct call *call)
{
	struct container *container = named(call);
	uint64_t seconds;

	if (container == NULL)
		return AWAIT_NOTHING;
	seconds = container->unit->stop_timeout_s;
	if (call->count > 2 && strcmp(call->arguments[2], "0") == 0)
		seconds = 0;
	else if (call->count > 2 && strcmp(call->arguments[2], "-") != 0 &&
		 unit_value_count(call->arguments[2], 3600, &seconds) != 0)
		return refuse(call, "the time to wait is a number of seconds up to 3600");
	container_stop(container, (unsigned)seconds);
	if (container->supervisor == 0)
		return answer(call, strdup("ok"));
	return await(call, container, AWAIT_END);
}

static enum request_await take_kill(struct call *call)
{
	struct container *container = named(call);
	int number = call->count > 2 ? unit_value_signal(call->arguments[2]) : -EINVAL;

	if (container == NULL)
		return AWAIT_NOTHING;
	if (number <= 0)
		return refuse(call, "no such signal");
	if (container_signal(container, number) != 0)
		return refuse(call, "the container does not run");
	journal_write(&(struct journal_entry){.type = "container", .status = "kill", .id = container->id,
				    .name = container->unit->name, .image = container->unit->image,
				    .exit_code = JOURNAL_NO_CODE, .signal = call->arguments[2]});
	return answer(call, strdup("ok"));
}

static enum request_await take_remove(struct call *call)
{
	struct container *container = named(call);
	int force = call->count > 2 && strcmp(call->arguments[2], "force") == 0;

	if (container == NULL)
		return AWAIT_NOTHING;
	if (container->supervisor == 0) {
		container_remove(container);
		return answer(call, strdup("ok"));
	}
	if (!force)
		return refuse(call, "the container runs: stop it first, or use rm -f");
	container->unit->flags |= UNIT_AUTO_REMOVE;
	container_stop(container, 0);
	return await(call, container, AWAIT_END);
}

static enum request_await take_wait(struct call *call)
{
	struct container *container = named(call);

	if (container == NULL)
		return AWAIT_NOTHING;
	if (container->supervisor == 0)
		return answer(call, format_text("exit %d", container->status));
	return await(call, container, AWAIT_EXIT);
}

static enum request_await take_inspect(struct call *call)
{
	const struct container *container = named(call);

	if (container == NULL)
		return AWAIT_NOTHING;
	return answer(call, format_text("ok\nname: %s\nid: %s\nstate: %s\npid: %d\nexit: %d\nrestarts: %u\n"
					"origin: %s\ncreated_ns: %lld\nbegun_ns: %lld\nended_ns: %lld\n"
					"out_of_memory: %d\ntrouble: %s\n\n%s",
					container->unit->name, container->id, state_name(container),
					(int)container->pid, container->status, container->restarts,
					container->origin == CONTAINER_FROM_UNIT ? "unit" : "run",
					(long long)container->created_ns, (long long)container->begun_ns,
					(long long)container->ended_ns, container->out_of_memory,
					container->trouble, container->unit->text));
}

// Without a complaint where there is none: the name may be an image's.
static enum request_await take_has(struct call *call)
{
	return answer(call, strdup(call->count > 1 && container_find(call->arguments[1]) != NULL ? "ok 1" : "ok 0"));
}

static enum request_await take_attach(struct call *call)
{
	int with_input = call->count > 2 && strcmp(call->arguments[2], "input") == 0;
	struct container *container = named(call);
	int error;

	if (container == NULL)
		return AWAIT_NOTHING;
	if (call->request->fds[0] < 0)
		return refuse(call, "descriptors are missing");
	error = container_attach(container, with_input ? SUPERVISE_ATTACH_INPUT : SUPERVISE_ATTACH_OUTPUT,
				 call->request->fds);
	if (error == -ESRCH)
		return refuse(call, "only a container that runs can be attached to");
	return error == 0 ? await(call, container, AWAIT_EXIT) : refuse(call, strerror(-error));
}

static const struct {
	const char *verb;
	enum request_await (*take)(struct call *call);
} verbs[] = {
	{"list", take_list},	 {"run", take_run},	    {"start", take_start},
	{"stop", take_stop},	 {"kill", take_kill},	    {"rm", take_remove},
	{"wait", take_wait},	 {"inspect", take_inspect}, {"attach", take_attach},
	{"create", take_create}, {"pause", take_pause},	    {"unpause", take_pause}, {"has", take_has},
};

enum request_await request_take(struct request *request, struct container **awaited, char **reply)
{
	struct call call = {.request = request, .awaited = awaited, .reply = reply, .body = ""};
	char *rest = NULL;
	char *end = strchr(request->text, '\n');

	*reply = NULL;
	*awaited = NULL;
	if (strlen(request->text) != request->length)
		return refuse(&call, "a zero byte in the request");
	if (end != NULL) {
		*end = '\0';
		call.body = end + 1;
	}
	for (char *word = strtok_r(request->text, " ", &rest);
	     word != NULL && call.count < ARGUMENTS_MAX; word = strtok_r(NULL, " ", &rest))
		call.arguments[call.count++] = word;
	for (size_t i = 0; call.count > 0 && i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(call.arguments[0], verbs[i].verb) == 0)
			return verbs[i].take(&call);
	}
	return refuse(&call, "unknown request");
}

char *request_progress(const struct container *container, enum request_await *wanted)
{
	int starting = *wanted == AWAIT_STARTED || *wanted == AWAIT_STARTED_ATTACHED;

	if (starting && container->state == CONTAINER_RUNNING) {
		*wanted = *wanted == AWAIT_STARTED_ATTACHED ? AWAIT_EXIT : AWAIT_NOTHING;
		return format_text("ok %s %s", container->unit->name, container->id);
	}
	if (container_is_alive(container))
		return NULL;
	// It has ended. Whoever still waits for its start learns why there was none.
	if (starting) {
		*wanted = AWAIT_NOTHING;
		return format_text("error %d %s", container->status,
				   container->trouble[0] != '\0' ? container->trouble
								 : "it ended at once");
	}
	if (*wanted == AWAIT_END || *wanted == AWAIT_EXIT) {
		char *text = *wanted == AWAIT_END ? strdup("ok")
						  : format_text("exit %d", container->status);

		*wanted = AWAIT_NOTHING;
		return text;
	}
	return NULL;
}
