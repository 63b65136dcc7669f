// SPDX-License-Identifier: MPL-2.0
// A unit: one workload, described by one YAML text. The files of /etc/containers.d are units, and so
// is what `keel run` sends to init. Every field is checked here, so that the launcher need not; a
// field that is unknown, or known but not supported yet, is an error and never ignored.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "../capability.h"
#include "../fault.h"

enum {
	UNIT_NAME_SIZE = 64,
	UNIT_HOSTNAME_SIZE = 65,
	UNIT_ARGUMENTS_MAX = 256,
	UNIT_ENVIRONMENT_MAX = 256,
	UNIT_MOUNTS_MAX = 32,
	UNIT_LABELS_MAX = 128,
	UNIT_STOP_TIMEOUT_S = 10,
	UNIT_PIDS_DEFAULT = 2048,
	UNIT_LOG_BYTES_MIN = 64 * 1024,
};

enum unit_flags {
	UNIT_READ_ONLY = 1 << 0,	// the root file system cannot be written
	UNIT_INIT = 1 << 1,		// a small init is process 1 and reaps
	UNIT_TERMINAL = 1 << 2,		// the command runs on a pseudo terminal
	UNIT_STDIN = 1 << 3,		// standard input is kept open
	UNIT_NEW_PRIVILEGES = 1 << 4,	// set-user-ID programs work
	UNIT_AUTO_REMOVE = 1 << 5,	// forgotten once it ends (keel run --rm)
	UNIT_CAPABILITIES_LISTED = 1 << 6,	// the unit names its capabilities itself
	UNIT_NO_FILTER = 1 << 7,	// no seccomp filter
	UNIT_ENTRYPOINT = 1 << 8,	// the unit has an entry point of its own, perhaps an empty one
	UNIT_ALL_DEVICES = 1 << 9,	// every device, and nothing of /proc and /sys is hidden (--privileged)
};

enum unit_network { UNIT_NETWORK_NONE, UNIT_NETWORK_HOST };
enum unit_restart {
	UNIT_RESTART_NEVER,
	UNIT_RESTART_ON_FAILURE,
	UNIT_RESTART_ALWAYS,
	UNIT_RESTART_UNLESS_STOPPED,
};
enum unit_userns { UNIT_USERNS_HOST, UNIT_USERNS_AUTO };
enum unit_mount_type { UNIT_MOUNT_BIND, UNIT_MOUNT_TMPFS, UNIT_MOUNT_VOLUME };

struct unit_mount {
	enum unit_mount_type type;
	const char *source;		// absolute, of a bind mount; the name of a volume
	const char *destination;	// absolute, inside the container
	unsigned long flags;		// MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC
	uint64_t size_bytes;		// of a tmpfs; 0: the kernel's default
	mode_t mode;			// of a tmpfs's root
};

// What was asked for; 0 means not asked, and is then not limited.
struct unit_resources {
	uint64_t memory_bytes;
	uint64_t swap_bytes;
	uint64_t pids;
	uint64_t cpu_milli;		// 1000 = one processor
	uint64_t cpu_weight;		// 1..10000
};

struct yaml_document;

struct unit {
	char name[UNIT_NAME_SIZE];
	char hostname[UNIT_HOSTNAME_SIZE];
	unsigned flags;			// enum unit_flags
	const char *image;		// as written
	const char *image_id;		// which image of the store, once it was completed from it; else NULL
	const char *rootfs;		// the absolute folder of a rootfs: image; NULL: an image of the store
	const char *entrypoint[UNIT_ARGUMENTS_MAX + 1];
	const char *command[UNIT_ARGUMENTS_MAX + 1];
	const char *environment[UNIT_ENVIRONMENT_MAX + 1];
	const char *labels[UNIT_LABELS_MAX + 1];	// "key=value"
	const char *directory;		// working directory, absolute; NULL: what the image says
	const char *user;		// "uid", "uid:gid", "name" or "name:group"; NULL: root
	size_t mounts_count;
	struct unit_mount mounts[UNIT_MOUNTS_MAX];
	enum unit_network network;
	enum unit_restart restart;
	unsigned restarts_max;		// of UNIT_RESTART_ON_FAILURE; 0: no end
	enum unit_userns userns;
	uint64_t log_bytes_max;		// of one file of its log; 0: the default
	unsigned short rows, columns;	// of its terminal, once it starts; 0: unknown
	uint32_t id_base;		// with a user namespace, once it starts: the id outside of its root
	unsigned stop_timeout_s;
	int stop_signal;		// 0: what the image says
	capability_set capabilities;
	struct unit_resources resources;
	char *text;			// the YAML it was read from
	struct yaml_document *document;	// owns the strings above
	struct unit_text *texts;	// or these do
};

// Reads a unit from YAML. `default_name` (or NULL) stands in for a missing `name:`.
// => -EINVAL "line N: ...", -E2BIG, -EOPNOTSUPP for what is not supported yet, -ENOMEM.
int unit_parse(const char *text, size_t length, const char *default_name, struct unit **unit,
	       struct fault *fault);

// Reads /path/NAME.yaml; NAME is the default name.
int unit_load(const char *path, struct unit **unit, struct fault *fault);
void unit_destroy(struct unit *unit);

// A copy of a string that lives as long as the unit, for its fields. => NULL without memory
const char *unit_keep_text(struct unit *unit, const char *text);

// May this be the name of a container? Letters, digits, '_', '.', '-', not first '.' or '-'.
int unit_name_is_valid(const char *name);

// "no", "on-failure", "always" or "unless-stopped"
const char *unit_restart_name(enum unit_restart restart);
