// SPDX-License-Identifier: MPL-2.0
// Theory: options are not interpreted here. Each becomes a line of a unit, and the one parser of units
// judges it: what a file may say and what an option may say can then never differ.
#include "refused_options.h"
#include "run_options.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../../lib/unit/unit_values.h"
#include "../../lib/unit/unit_write.h"
#include "../commands.h"

static const char help[] =
	"usage: keel run [OPTIONS] IMAGE|rootfs:/PATH [COMMAND...]\n"
	"  -d, --detach          do not wait for its end\n"
	"  -i, --interactive     keep standard input open\n"
	"  -t, --tty             give it a terminal\n"
	"  --rm                  forget it once it has ended\n"
	"  --name NAME           --hostname NAME      -u, --user UID[:GID]\n"
	"  -e, --env NAME=VALUE  -w, --workdir DIR    --init (a small process 1 that reaps)\n"
	"  --memory 64m  --cpus 1.5  --cpu-weight N  --pids-limit N\n"
	"  --network none|host   --read-only          --restart no|on-failure[:N]|always|unless-stopped\n"
	"  -v, --volume SOURCE|NAME:DESTINATION[:ro]       --tmpfs DESTINATION[:SIZE]\n"
	"  --mount type=bind,source=S,destination=D[,ro] | type=tmpfs,destination=D[,size=N]\n"
	"  --cap-add NAME|all  --cap-drop NAME|all    --stop-signal NAME  --stop-timeout SECONDS\n"
	"  --entrypoint WORD|[\"WORD\", ...]           -l, --label NAME=VALUE  --env-file FILE\n"
	"  --security-opt seccomp=unconfined|no-new-privileges[=false]   --userns host|auto\n"
	"  --log-opt max-size=SIZE (of one of the two files that are kept)\n"
	"  --detach-keys ctrl-p,ctrl-q (let go of the terminal; \"\": none)\n"
	"  --privileged (every capability and device, no filter)\n";

// The unit under construction: plain lines, and the lists that options may add to.
struct draft {
	FILE *lines;
	char *lines_text;
	size_t lines_length;
	FILE *environment;
	char *environment_text;
	size_t environment_length;
	FILE *mounts;
	char *mounts_text;
	size_t mounts_length;
	FILE *resources;
	char *resources_text;
	size_t resources_length;
	FILE *labels;
	char *labels_text;
	size_t labels_length;
	capability_set capabilities;
	int capabilities_listed;
	int named;
	const char *memory, *memory_swap;	// the latter counts both together
};

static void print_field(FILE *out, const char *name, const char *value)
{
	fprintf(out, "%s: ", name);
	unit_write_quoted(out, value);
	fputc('\n', out);
}

static void print_item(FILE *out, const char *value)
{
	unit_write_quoted(out, value);
	fputs(", ", out);
}

static void print_pair(FILE *out, const char *name, const char *value)
{
	fprintf(out, "%s: ", name);
	unit_write_quoted(out, value);
	fputs(", ", out);
}

// SOURCE:DESTINATION[:OPTION,OPTION]
static int add_volume(struct draft *draft, char *volume)
{
	char *destination = strchr(volume, ':');
	char *options;

	if (destination == NULL)
		return complain("run: '%s' is not SOURCE:DESTINATION[:ro]", volume);
	*destination++ = '\0';
	options = strchr(destination, ':');
	if (options != NULL)
		*options++ = '\0';
	fputc('{', draft->mounts);
	print_pair(draft->mounts, "source", volume);
	print_pair(draft->mounts, "destination", destination);
	fprintf(draft->mounts, "options: [%s]}, ", options != NULL ? options : "");
	return 0;
}

// DESTINATION[:SIZE]
static int add_tmpfs(struct draft *draft, char *tmpfs)
{
	char *size = strchr(tmpfs, ':');

	if (size != NULL)
		*size++ = '\0';
	fputs("{type: tmpfs, ", draft->mounts);
	print_pair(draft->mounts, "destination", tmpfs);
	if (size != NULL)
		print_pair(draft->mounts, "size", strncmp(size, "size=", 5) == 0 ? size + 5 : size);
	fputs("}, ", draft->mounts);
	return 0;
}

// name=value,name=value,flag...
static int add_mount(struct draft *draft, char *mount)
{
	static const char *const short_names[][2] = {
		{"src", "source"}, {"target", "destination"}, {"dst", "destination"},
	};
	char *rest = NULL;
	char options[128] = "";

	fputc('{', draft->mounts);
	for (char *word = strtok_r(mount, ",", &rest); word != NULL;
	     word = strtok_r(NULL, ",", &rest)) {
		char *value = strchr(word, '=');
		const char *name = word;

		if (value == NULL) {
			size_t used = strlen(options);

			snprintf(options + used, sizeof(options) - used, "%s, ", word);
			continue;
		}
		*value++ = '\0';
		for (size_t i = 0; i < sizeof(short_names) / sizeof(short_names[0]); i++) {
			if (strcmp(word, short_names[i][0]) == 0)
				name = short_names[i][1];
		}
		print_pair(draft->mounts, name, value);
	}
	fprintf(draft->mounts, "options: [%s]}, ", options);
	return 0;
}

// NAME=VALUE, or NAME with the value that it has here, if it has one.
static void add_variable(struct draft *draft, const char *variable)
{
	char text[4096];
	const char *value = strchr(variable, '=') == NULL ? getenv(variable) : NULL;

	if (strchr(variable, '=') != NULL) {
		print_item(draft->environment, variable);
	} else if (value != NULL) {
		snprintf(text, sizeof(text), "%s=%s", variable, value);
		print_item(draft->environment, text);
	}
}

// A variable a line; empty lines and those behind a '#' are passed over.
static int add_variables_of(struct draft *draft, const char *path)
{
	FILE *file = fopen(path, "re");
	char line[4096];

	if (file == NULL)
		return complain("run: cannot open %s", path);
	while (fgets(line, sizeof(line), file) != NULL) {
		line[strcspn(line, "\r\n")] = '\0';
		if (line[0] != '\0' && line[0] != '#')
			add_variable(draft, line);
	}
	fclose(file);
	return 0;
}

// One word, or a list in the form of JSON, which is also one of YAML.
static void add_entrypoint(struct draft *draft, const char *text)
{
	if (text[0] == '[' && strchr(text, '\n') == NULL) {
		fprintf(draft->lines, "entrypoint: %s\n", text);
		return;
	}
	fputs("entrypoint: [", draft->lines);
	if (text[0] != '\0')
		unit_write_quoted(draft->lines, text);
	fputs("]\n", draft->lines);
}

static int add_security(struct draft *draft, const char *text)
{
	if (strcmp(text, "seccomp=unconfined") == 0)
		fputs("seccomp: unconfined\n", draft->lines);
	else if (strcmp(text, "no-new-privileges=false") == 0 || strcmp(text, "no-new-privileges:false") == 0)
		fputs("new_privileges: true\n", draft->lines);
	else if (strcmp(text, "no-new-privileges") != 0 && strcmp(text, "no-new-privileges=true") != 0 &&
		 strcmp(text, "no-new-privileges:true") != 0 && strcmp(text, "label=disable") != 0)
		return complain("run: --security-opt %s is not supported", text);
	return 0;
}

enum capability_change { CAPABILITY_ADD, CAPABILITY_DROP };

static int change_capability(struct draft *draft, const char *name,
			     enum capability_change change)
{
	int number = capability_parse(name);
	capability_set set = number >= 0 ? (capability_set)1 << number : 0;

	if (strcasecmp(name, "all") == 0)
		set = ((capability_set)1 << (CAPABILITY_LAST + 1)) - 1;
	if (set == 0)
		return complain("run: '%s' is not a capability", name);
	draft->capabilities = change == CAPABILITY_ADD ? draft->capabilities | set
						       : draft->capabilities & ~set;
	draft->capabilities_listed = 1;
	return 0;
}

enum {
	OPTION_RM = 256, OPTION_NAME, OPTION_HOSTNAME, OPTION_INIT, OPTION_MEMORY, OPTION_CPUS,
	OPTION_CPU_WEIGHT, OPTION_PIDS, OPTION_NETWORK, OPTION_READ_ONLY, OPTION_RESTART,
	OPTION_TMPFS, OPTION_MOUNT, OPTION_CAP_ADD, OPTION_CAP_DROP, OPTION_STOP_TIMEOUT,
	OPTION_STOP_SIGNAL, OPTION_ENTRYPOINT, OPTION_ENV_FILE, OPTION_SECURITY, OPTION_USERNS,
	OPTION_PRIVILEGED, OPTION_SWAP, OPTION_PULL, OPTION_LOG, OPTION_KEYS,
	OPTION_HELP,
};

static const struct option options[] = {
	{"detach", no_argument, NULL, 'd'},
	{"interactive", no_argument, NULL, 'i'},
	{"tty", no_argument, NULL, 't'},
	{"rm", no_argument, NULL, OPTION_RM},
	{"name", required_argument, NULL, OPTION_NAME},
	{"hostname", required_argument, NULL, OPTION_HOSTNAME},
	{"user", required_argument, NULL, 'u'},
	{"env", required_argument, NULL, 'e'},
	{"workdir", required_argument, NULL, 'w'},
	{"init", no_argument, NULL, OPTION_INIT},
	{"memory", required_argument, NULL, OPTION_MEMORY},
	{"cpus", required_argument, NULL, OPTION_CPUS},
	{"cpu-weight", required_argument, NULL, OPTION_CPU_WEIGHT},
	{"pids-limit", required_argument, NULL, OPTION_PIDS},
	{"network", required_argument, NULL, OPTION_NETWORK},
	{"read-only", no_argument, NULL, OPTION_READ_ONLY},
	{"restart", required_argument, NULL, OPTION_RESTART},
	{"volume", required_argument, NULL, 'v'},
	{"tmpfs", required_argument, NULL, OPTION_TMPFS},
	{"mount", required_argument, NULL, OPTION_MOUNT},
	{"cap-add", required_argument, NULL, OPTION_CAP_ADD},
	{"cap-drop", required_argument, NULL, OPTION_CAP_DROP},
	{"stop-timeout", required_argument, NULL, OPTION_STOP_TIMEOUT},
	{"stop-signal", required_argument, NULL, OPTION_STOP_SIGNAL},
	{"entrypoint", required_argument, NULL, OPTION_ENTRYPOINT},
	{"env-file", required_argument, NULL, OPTION_ENV_FILE},
	{"security-opt", required_argument, NULL, OPTION_SECURITY},
	{"userns", required_argument, NULL, OPTION_USERNS},
	{"privileged", no_argument, NULL, OPTION_PRIVILEGED},
	{"memory-swap", required_argument, NULL, OPTION_SWAP},
	{"label", required_argument, NULL, 'l'},
	{"publish", required_argument, NULL, 'p'},
	{"net", required_argument, NULL, OPTION_NETWORK},
	{"pull", required_argument, NULL, OPTION_PULL},
	{"log-opt", required_argument, NULL, OPTION_LOG},
	{"detach-keys", required_argument, NULL, OPTION_KEYS},
	{"help", no_argument, NULL, OPTION_HELP},
	{0},
};

// The options that are one line of the unit each.
static int add_plain(struct draft *draft, int option, const char *value)
{
	static const struct {
		int option;
		const char *field;
		const char *fixed;	// the value, where the option takes none
	} plain[] = {
		{'i', "stdin", "true"}, {'t', "terminal", "true"}, {OPTION_RM, "remove", "true"},
		{OPTION_NAME, "name", NULL}, {OPTION_HOSTNAME, "hostname", NULL},
		{'u', "user", NULL}, {'w', "workdir", NULL}, {OPTION_INIT, "init", "true"},
		{OPTION_NETWORK, "network", NULL}, {OPTION_READ_ONLY, "readonly", "true"},
		{OPTION_RESTART, "restart", NULL}, {OPTION_STOP_TIMEOUT, "stop_timeout", NULL},
		{'h', "hostname", NULL}, {OPTION_STOP_SIGNAL, "stop_signal", NULL}, {OPTION_USERNS, "userns", NULL},
	};
	static const struct {
		int option;
		const char *field;
	} resources[] = {
		{OPTION_MEMORY, "memory"}, {'m', "memory"}, {OPTION_CPUS, "cpu"},
		{OPTION_CPU_WEIGHT, "cpu_weight"}, {OPTION_PIDS, "pids"},
	};

	draft->named |= option == OPTION_NAME;
	if (option == OPTION_MEMORY || option == 'm')
		draft->memory = value;
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		if (plain[i].option == option) {
			print_field(draft->lines, plain[i].field,
				    plain[i].fixed != NULL ? plain[i].fixed : value);
			return 0;
		}
	}
	for (size_t i = 0; i < sizeof(resources) / sizeof(resources[0]); i++) {
		if (resources[i].option == option) {
			print_pair(draft->resources, resources[i].field, value);
			return 0;
		}
	}
	return STATUS_FAILED;
}

static int add_option(struct draft *draft, int option, char *value)
{
	switch (option) {
	case 'e':
		add_variable(draft, value);
		return 0;
	case 'l':
		print_item(draft->labels, value);
		return 0;
	case 'p':
		return complain("run: -p: ports are not supported yet; --network host shares the host's");
	case 'v':
		return add_volume(draft, value);
	case OPTION_ENV_FILE:
		return add_variables_of(draft, value);
	case OPTION_ENTRYPOINT:
		add_entrypoint(draft, value);
		return 0;
	case OPTION_SECURITY:
		return add_security(draft, value);
	case OPTION_PRIVILEGED:
		fputs("privileged: true\nseccomp: unconfined\nnew_privileges: true\n", draft->lines);
		return change_capability(draft, "all", CAPABILITY_ADD);
	case OPTION_SWAP:
		draft->memory_swap = value;
		return 0;
	case OPTION_LOG:
		if (strncmp(value, "max-size=", 9) != 0)
			return complain("run: --log-opt: only max-size=SIZE is supported");
		print_field(draft->lines, "log_max_size", value + 9);
		return 0;
	case OPTION_PULL:
		return strcmp(value, "never") == 0 || strcmp(value, "missing") == 0 ? 0
			: complain("run: --pull: images come by keel load alone");
	case OPTION_TMPFS:
		return add_tmpfs(draft, value);
	case OPTION_MOUNT:
		return add_mount(draft, value);
	case OPTION_CAP_ADD:
		return change_capability(draft, value, CAPABILITY_ADD);
	case OPTION_CAP_DROP:
		return change_capability(draft, value, CAPABILITY_DROP);
	default:
		return add_plain(draft, option, value);
	}
}

static int draft_begin(struct draft *draft)
{
	*draft = (struct draft){.capabilities = capability_default_set()};
	draft->lines = open_memstream(&draft->lines_text, &draft->lines_length);
	draft->environment = open_memstream(&draft->environment_text, &draft->environment_length);
	draft->mounts = open_memstream(&draft->mounts_text, &draft->mounts_length);
	draft->resources = open_memstream(&draft->resources_text, &draft->resources_length);
	draft->labels = open_memstream(&draft->labels_text, &draft->labels_length);
	if (draft->labels == NULL || draft->lines == NULL || draft->environment == NULL || draft->mounts == NULL ||
	    draft->resources == NULL)
		return complain("no memory");
	return 0;
}

// Here memory and swap together, as everybody else counts: -1 for no limit of swap.
static int add_swap(struct draft *draft)
{
	uint64_t both, memory;
	char text[32];

	if (draft->memory_swap == NULL || strcmp(draft->memory_swap, "-1") == 0)
		return 0;
	if (draft->memory == NULL || unit_value_bytes(draft->memory, &memory) != 0 ||
	    unit_value_bytes(draft->memory_swap, &both) != 0 || both < memory)
		return complain("run: --memory-swap is --memory and swap together, and at least --memory");
	snprintf(text, sizeof(text), "%" PRIu64, both - memory);
	print_pair(draft->resources, "swap", text);
	return 0;
}

static void print_capabilities(FILE *out, capability_set set)
{
	fputs("capabilities: [", out);
	for (int number = 0; number <= CAPABILITY_LAST; number++) {
		if ((set >> number & 1) != 0)
			fprintf(out, "%s, ", capability_name(number));
	}
	fputs("]\n", out);
}

static void draft_free(struct draft *draft)
{
	FILE *const files[] = {draft->lines, draft->environment, draft->mounts, draft->resources, draft->labels};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		if (files[i] != NULL)
			fclose(files[i]);
	}
	free(draft->lines_text);
	free(draft->environment_text);
	free(draft->mounts_text);
	free(draft->resources_text);
	free(draft->labels_text);
}

// Everything together, in the order of a unit file. => NULL without memory
static char *draft_print(struct draft *draft, char **words)
{
	char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);
	struct timespec now;

	if (out == NULL)
		return NULL;
	fflush(draft->lines);
	fflush(draft->environment);
	fflush(draft->mounts);
	fflush(draft->resources);
	fflush(draft->labels);
	clock_gettime(CLOCK_REALTIME, &now);
	if (!draft->named)
		fprintf(out, "name: run-%x-%lx\n", (unsigned)getpid(),
			(unsigned long)now.tv_nsec & 0xffff);
	fputs(draft->lines_text, out);
	print_field(out, "image", words[0]);
	fputs("command: [", out);
	for (char **word = words + 1; *word != NULL; word++)
		print_item(out, *word);
	fprintf(out, "]\nenv: [%s]\nlabels: [%s]\nmounts: [%s]\nresources: {%s}\n", draft->environment_text,
		draft->labels_text, draft->mounts_text, draft->resources_text);
	if (draft->capabilities_listed)
		print_capabilities(out, draft->capabilities);
	fclose(out);
	return text;
}

static int read_keys(struct detach_keys *keys, const char *text)
{
	if (detach_keys_parse(keys, text) == 0)
		return 0;
	return complain("run: --detach-keys: '%s' is not a list of keys such as ctrl-p,ctrl-q", text);
}

static int read_options(struct draft *draft, int count, char **arguments, struct run_wish *wish)
{
	int option;

	opterr = 0;	// what is refused is said better here
	while ((option = getopt_long(count, arguments, "+:dite:u:w:v:m:l:p:h:", options, NULL)) != -1) {
		int status = 0;

		if (option == OPTION_HELP) {
			fputs(help, stdout);
			return -1;
		}
		if (option == '?' || option == ':')
			return refused_option_complain("run", arguments[optind - 1], option);
		if (option == 'd')
			wish->mode = RUN_DETACHED;
		else if (option == OPTION_KEYS)
			status = read_keys(&wish->keys, optarg);
		else
			status = add_option(draft, option, optarg);
		if (status != 0)
			return status;
	}
	if (add_swap(draft) != 0)
		return STATUS_FAILED;
	if (count - optind < 1)
		return complain("run: expected an image (keel run --help)");
	return 0;
}

int run_options_read(int count, char **arguments, struct run_wish *wish, char **text)
{
	struct draft draft;
	int status = draft_begin(&draft);

	wish->mode = RUN_ATTACHED;
	detach_keys_parse(&wish->keys, DETACH_KEYS_DEFAULT);
	*text = NULL;
	if (status == 0)
		status = read_options(&draft, count, arguments, wish);
	if (status == 0) {
		*text = draft_print(&draft, arguments + optind);
		if (*text == NULL)
			status = complain("no memory");
	}
	draft_free(&draft);
	return status;
}
