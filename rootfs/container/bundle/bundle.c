// SPDX-License-Identifier: MPL-2.0
// Theory: one function a part of config.json, in the order of the specification. What a container gets
// without asking (mounts, hidden files, capabilities) is a table here; what its unit asks for is added.
#include "bundle.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "../../lib/file.h"
#include "../../lib/json/json_writer.h"
#include "../../root/id_range.h"
#include "filter_program.h"

enum { CPU_PERIOD_US = 100000, OPTIONS_MAX = 8 };

void bundle_path(char path[PATH_MAX], const char *name, const char *file)
{
	snprintf(path, PATH_MAX, BUNDLES_FOLDER "/%s%s%s", name, file[0] != '\0' ? "/" : "", file);
}

static void print_capability_list(struct json_writer *json, const char *key, capability_set set)
{
	json_begin_list(json, key);
	for (int number = 0; number <= CAPABILITY_LAST; number++) {
		if ((set >> number & 1) != 0)
			json_string(json, NULL, capability_name(number));
	}
	json_end_list(json);
}

// As root the capabilities are those of the process. As another user they are kept only where the unit
// lists them (they are then ambient): a mere default gives an ordinary user nothing.
static void print_capabilities(struct json_writer *json, const struct unit *unit, uid_t uid)
{
	capability_set kept = unit->capabilities, ambient = 0;

	if (uid != 0) {
		if ((unit->flags & UNIT_CAPABILITIES_LISTED) == 0)
			kept = 0;
		ambient = kept;
	}
	json_begin_object(json, "capabilities");
	print_capability_list(json, "bounding", unit->capabilities);
	print_capability_list(json, "effective", kept);
	print_capability_list(json, "permitted", kept);
	print_capability_list(json, "inheritable", ambient);
	print_capability_list(json, "ambient", ambient);
	json_end_object(json);
}

static void print_variable(struct json_writer *json, const struct unit *unit, const char *name,
			   const char *value)
{
	char line[IDENTITY_HOME_SIZE + 128];
	size_t length = strlen(name);

	for (size_t i = 0; unit->environment[i] != NULL; i++) {
		if (strncmp(unit->environment[i], name, length) == 0 &&
		    unit->environment[i][length] == '=')
			return;
	}
	snprintf(line, sizeof(line), "%s=%s", name, value);
	json_string(json, NULL, line);
}

static void print_environment(struct json_writer *json, const struct unit *unit,
			      const struct identity *identity)
{
	json_begin_list(json, "env");
	print_variable(json, unit, "PATH",
		       "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	print_variable(json, unit, "HOME", identity->home);
	print_variable(json, unit, "HOSTNAME", unit->hostname);
	print_variable(json, unit, "container", "keel");
	if ((unit->flags & UNIT_TERMINAL) != 0)
		print_variable(json, unit, "TERM", "xterm");
	for (size_t i = 0; unit->environment[i] != NULL; i++)
		json_string(json, NULL, unit->environment[i]);
	json_end_list(json);
}

static void print_user(struct json_writer *json, const struct identity *identity)
{
	json_begin_object(json, "user");
	json_number(json, "uid", identity->uid);
	json_number(json, "gid", identity->gid);
	json_begin_list(json, "additionalGids");
	for (size_t i = 0; i < identity->groups_count; i++)
		json_number(json, NULL, identity->groups[i]);
	json_end_list(json);
	json_end_object(json);
}

static void print_process(struct json_writer *json, const char *key, const struct unit *unit,
			  const struct identity *identity)
{
	json_begin_object(json, key);
	if ((unit->flags & UNIT_TERMINAL) != 0)
		json_true(json, "terminal");
	if ((unit->flags & UNIT_TERMINAL) != 0 && unit->rows != 0) {
		json_begin_object(json, "consoleSize");
		json_number(json, "height", unit->rows);
		json_number(json, "width", unit->columns);
		json_end_object(json);
	}
	print_user(json, identity);
	json_begin_list(json, "args");
	if ((unit->flags & UNIT_INIT) != 0 && key != NULL)	// not in front of one more process
		json_string(json, NULL, BUNDLE_INIT_TARGET);
	for (size_t i = 0; unit->command[i] != NULL; i++)
		json_string(json, NULL, unit->command[i]);
	json_end_list(json);
	print_environment(json, unit, identity);
	json_string(json, "cwd", unit->directory);
	print_capabilities(json, unit, identity->uid);
	if ((unit->flags & UNIT_NEW_PRIVILEGES) == 0)
		json_true(json, "noNewPrivileges");
	json_end_object(json);
}

static void print_mount(struct json_writer *json, const char *destination, const char *type,
			const char *source, const char *const *options)
{
	json_begin_object(json, NULL);
	json_string(json, "destination", destination);
	json_string(json, "type", type);
	json_string(json, "source", source);
	json_strings(json, "options", options);
	json_end_object(json);
}

static void print_standard_mounts(struct json_writer *json, const struct unit *unit)
{
	struct {
		const char *destination, *type;
		const char *options[OPTIONS_MAX];
	} standard[] = {
		{"/proc", "proc", {"nosuid", "noexec", "nodev"}},
		{"/dev", "tmpfs", {"nosuid", "strictatime", "mode=755", "size=65536k"}},
		{"/dev/pts", "devpts",
		 {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}},
		{"/dev/shm", "tmpfs", {"nosuid", "noexec", "nodev", "mode=1777", "size=65536k"}},
		{"/dev/mqueue", "mqueue", {"nosuid", "noexec", "nodev"}},
		{"/sys", "sysfs", {"nosuid", "noexec", "nodev", "ro"}},
		{"/sys/fs/cgroup", "cgroup", {"nosuid", "noexec", "nodev", "relatime", "ro"}},
	};

	// A privileged container may write to the last two: they come without their "ro".
	if ((unit->flags & UNIT_ALL_DEVICES) != 0)
		standard[5].options[3] = standard[6].options[4] = NULL;
	for (size_t i = 0; i < sizeof(standard) / sizeof(standard[0]); i++)
		print_mount(json, standard[i].destination, standard[i].type, standard[i].type,
			    standard[i].options);
}

static void print_wanted_mount(struct json_writer *json, const struct unit_mount *wanted)
{
	const char *options[OPTIONS_MAX] = {NULL};
	char mode[32], size[48];
	size_t count = 0;

	if (wanted->type == UNIT_MOUNT_BIND) {
		options[count++] = "bind";
	} else {
		snprintf(mode, sizeof(mode), "mode=%o", (unsigned)wanted->mode);
		options[count++] = mode;
		snprintf(size, sizeof(size), "size=%" PRIu64, wanted->size_bytes);
		if (wanted->size_bytes != 0)
			options[count++] = size;
	}
	if ((wanted->flags & MS_RDONLY) != 0)
		options[count++] = "ro";
	if ((wanted->flags & MS_NOSUID) != 0)
		options[count++] = "nosuid";
	if ((wanted->flags & MS_NODEV) != 0)
		options[count++] = "nodev";
	if ((wanted->flags & MS_NOEXEC) != 0)
		options[count++] = "noexec";
	if (wanted->type == UNIT_MOUNT_BIND)
		print_mount(json, wanted->destination, "bind", wanted->source, options);
	else
		print_mount(json, wanted->destination, "tmpfs", "tmpfs", options);
}

static void print_mounts(struct json_writer *json, const struct unit *unit)
{
	static const char *const init_options[] = {"bind", "ro", "nosuid", "nodev", NULL};

	json_begin_list(json, "mounts");
	print_standard_mounts(json, unit);
	if ((unit->flags & UNIT_INIT) != 0)
		print_mount(json, BUNDLE_INIT_TARGET, "bind", BUNDLE_INIT_SOURCE, init_options);
	for (size_t i = 0; i < unit->mounts_count; i++)
		print_wanted_mount(json, &unit->mounts[i]);
	json_end_list(json);
}

static void print_unified_number(struct json_writer *json, const char *file, uint64_t number)
{
	char value[32];

	if (number == 0)
		return;
	snprintf(value, sizeof(value), "%" PRIu64, number);
	json_string(json, file, value);
}

// The limits as files of cgroup v2. A file that the kernel lacks is an error of the runtime: a limit
// is never silently missing.
static void print_resources(struct json_writer *json, const struct unit *unit)
{
	const struct unit_resources *wanted = &unit->resources;
	char value[64];

	json_begin_object(json, "resources");
	json_begin_list(json, "devices");
	json_begin_object(json, NULL);
	if ((unit->flags & UNIT_ALL_DEVICES) != 0)
		json_true(json, "allow");
	else
		json_false(json, "allow");
	json_string(json, "access", "rwm");
	json_end_object(json);
	json_end_list(json);
	json_begin_object(json, "unified");
	print_unified_number(json, "memory.max", wanted->memory_bytes);
	print_unified_number(json, "memory.swap.max", wanted->swap_bytes);
	print_unified_number(json, "cpu.weight", wanted->cpu_weight);
	// Without a wish this one is a kindness: no container gets every process of the machine.
	print_unified_number(json, "pids.max", wanted->pids != 0 ? wanted->pids : UNIT_PIDS_DEFAULT);
	if (wanted->cpu_milli != 0) {
		snprintf(value, sizeof(value), "%" PRIu64 " %d",
			 wanted->cpu_milli * (CPU_PERIOD_US / 1000), CPU_PERIOD_US);
		json_string(json, "cpu.max", value);
	}
	json_end_object(json);
	json_end_object(json);
}

static void print_id_map(struct json_writer *json, const char *key, const struct unit *unit)
{
	json_begin_list(json, key);
	json_begin_object(json, NULL);
	json_number(json, "containerID", 0);
	json_number(json, "hostID", unit->id_base);
	json_number(json, "size", ID_RANGE_SIZE);
	json_end_object(json);
	json_end_list(json);
}

static void print_namespaces(struct json_writer *json, const struct unit *unit)
{
	static const char *const all[] = {"user", "pid", "mount", "uts", "ipc", "cgroup", "network"};
	const char *const *kinds = unit->id_base != 0 ? all : all + 1;
	size_t count = sizeof(all) / sizeof(all[0]) - (size_t)(kinds - all);

	if (unit->network == UNIT_NETWORK_HOST)
		count--;
	if (unit->id_base != 0) {
		print_id_map(json, "uidMappings", unit);
		print_id_map(json, "gidMappings", unit);
	}
	json_begin_list(json, "namespaces");
	for (size_t i = 0; i < count; i++) {
		json_begin_object(json, NULL);
		json_string(json, "type", kinds[i]);
		json_end_object(json);
	}
	json_end_list(json);
}

static void print_linux(struct json_writer *json, const struct unit *unit)
{
	static const char *const hidden[] = {
		"/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
		"/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi",
		"/sys/firmware", "/sys/dev/block", NULL,
	};
	static const char *const frozen[] = {
		"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger", NULL,
	};
	char group[UNIT_NAME_SIZE + 8];

	json_begin_object(json, "linux");
	print_namespaces(json, unit);
	snprintf(group, sizeof(group), "/keel/%s", unit->name);
	json_string(json, "cgroupsPath", group);
	print_resources(json, unit);
	if ((unit->flags & UNIT_ALL_DEVICES) == 0) {
		json_strings(json, "maskedPaths", hidden);
		json_strings(json, "readonlyPaths", frozen);
	}
	json_end_object(json);
}

// The runtime takes a filter as a finished program. One that is empty, which no list gives, it refuses to load.
static void print_filter(struct json_writer *json, const struct unit *unit)
{
	char text[FILTER_TEXT_SIZE];

	if ((unit->flags & UNIT_NO_FILTER) != 0)
		return;
	if (filter_text(unit->capabilities, text) != 0)
		text[0] = '\0';
	json_string(json, "run.oci.seccomp_bpf_data", text);
}

// Labels are annotations there, but for those that the runtime takes for orders: an image could have it load another
// filter, or write to files of the host.
static void print_annotations(struct json_writer *json, const struct unit *unit)
{
	char key[256];

	json_begin_object(json, "annotations");
	for (size_t i = 0; unit->labels[i] != NULL; i++) {
		size_t length = strcspn(unit->labels[i], "=");
		const char *value = unit->labels[i] + length;

		if (length >= sizeof(key))
			continue;
		memcpy(key, unit->labels[i], length);
		key[length] = '\0';
		if (strncmp(key, "run.oci.", 8) != 0 && strncmp(key, "org.systemd.", 12) != 0)
			json_string(json, key, *value == '=' ? value + 1 : "");
	}
	print_filter(json, unit);
	json_end_object(json);
}

static void print_config(struct json_writer *json, const struct unit *unit,
			 const struct identity *identity)
{
	json_begin_object(json, NULL);
	json_string(json, "ociVersion", "1.0.2");
	print_process(json, "process", unit, identity);
	json_begin_object(json, "root");
	json_string(json, "path", unit->rootfs);
	if ((unit->flags & UNIT_READ_ONLY) != 0)
		json_true(json, "readonly");
	json_end_object(json);
	print_annotations(json, unit);
	json_string(json, "hostname", unit->hostname);
	print_mounts(json, unit);
	print_linux(json, unit);
	json_end_object(json);
}

static void print_process_alone(struct json_writer *json, const struct unit *unit,
				const struct identity *identity)
{
	print_process(json, NULL, unit, identity);
}

static int write_part(const struct unit *unit, const struct identity *identity, const char *path,
		      void (*print)(struct json_writer *, const struct unit *,
				    const struct identity *), struct fault *fault)
{
	char *text = NULL;
	size_t length = 0;
	struct json_writer json = {.out = open_memstream(&text, &length)};
	int error = -ENOMEM;

	if (json.out != NULL) {
		print(&json, unit, identity);
		if (fclose(json.out) == 0)
			error = file_replace(path, text, 0600);
		free(text);
	}
	if (error != 0)
		return fault_set(fault, error, "cannot write %s: %s", path, strerror(-error));
	return 0;
}

int bundle_create(const struct unit *unit, const struct identity *identity, struct fault *fault)
{
	char path[PATH_MAX];
	int error;

	bundle_path(path, unit->name, "");
	error = file_make_directories(path, 0711);
	if (error != 0)
		return fault_set(fault, error, "cannot make %s: %s", path, strerror(-error));
	bundle_path(path, unit->name, "config.json");
	return write_part(unit, identity, path, print_config, fault);
}

int bundle_write_process(const struct unit *unit, const struct identity *identity, const char *path,
			 struct fault *fault)
{
	return write_part(unit, identity, path, print_process_alone, fault);
}

void bundle_remove(const char *name)
{
	static const char *const files[] = {"config.json", "pid", "log", "console", "root", ""};
	char path[PATH_MAX];

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		bundle_path(path, name, files[i]);
		// The root of an image is a mount of the supervisor's, and otherwise an empty folder.
		if (strcmp(files[i], "root") == 0)
			umount2(path, MNT_DETACH);
		if (unlink(path) < 0 && errno == EISDIR)
			rmdir(path);
	}
}
