// SPDX-License-Identifier: MPL-2.0
// Theory: devtmpfs lists every block device as a node of /dev, so reading the ones that are there is
// enough; neither udev nor /sys is needed. A file system's name is in its superblock. A partition's name
// is in the table of its disk: entry N of disk `vda` is the node `vdaN`, of disk `nvme0n1` `nvme0n1pN`.
#include "disk_spec.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ext2_probe.h"
#include "gpt.h"

static const struct {
	const char *prefix;
	enum disk_spec_kind kind;
} prefixes[] = {
	{"LABEL=", DISK_SPEC_LABEL},
	{"UUID=", DISK_SPEC_UUID},
	{"PARTLABEL=", DISK_SPEC_PARTLABEL},
	{"PARTUUID=", DISK_SPEC_PARTUUID},
};

static const char *kind_text(enum disk_spec_kind kind)
{
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		if (prefixes[i].kind == kind)
			return prefixes[i].prefix;
	}
	return "";
}

int disk_spec_parse(const char *text, struct disk_spec *spec, struct fault *fault)
{
	const char *value = text;

	spec->kind = DISK_SPEC_PATH;
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		size_t length = strlen(prefixes[i].prefix);

		if (strncmp(text, prefixes[i].prefix, length) == 0) {
			spec->kind = prefixes[i].kind;
			value = text + length;
		}
	}
	if (spec->kind == DISK_SPEC_PATH && strncmp(text, "/dev/", 5) != 0)
		return fault_set(fault, -EINVAL, "'%s' is not a device: expected /dev/NAME, LABEL=, "
				 "UUID=, PARTLABEL= or PARTUUID=", text);
	if (*value == '\0')
		return fault_set(fault, -EINVAL, "'%s' names nothing", text);
	if (strlen(value) >= sizeof(spec->value))
		return fault_set(fault, -ENAMETOOLONG, "'%.40s...' is too long", text);
	strcpy(spec->value, value);
	return 0;
}

// What a search collects: the one match, and the names of what was seen, for the error sentence.
struct search {
	const struct disk_spec *spec;
	unsigned matches;
	char path[PATH_MAX];
	char seen[192];
};

static void note_seen(struct search *search, const char *name)
{
	size_t used = strlen(search->seen);

	if (strncmp(name, "loop", 4) == 0 || strncmp(name, "ram", 3) == 0)
		return;
	snprintf(search->seen + used, sizeof(search->seen) - used, "%s%s", used > 0 ? " " : "",
		 name);
}

static void note_match(struct search *search, const char *path)
{
	if (search->matches++ == 0)
		snprintf(search->path, sizeof(search->path), "%s", path);
}

static void match_filesystem(struct search *search, const char *path, int fd)
{
	struct ext2_identity identity;
	struct fault ignored = {0};

	if (ext2_probe(fd, &identity, &ignored) != 0)
		return;
	if ((search->spec->kind == DISK_SPEC_LABEL &&
	     strcmp(identity.label, search->spec->value) == 0) ||
	    (search->spec->kind == DISK_SPEC_UUID &&
	     strcasecmp(identity.uuid, search->spec->value) == 0))
		note_match(search, path);
}

static void match_partitions(struct search *search, const char *path, int fd)
{
	struct gpt_table *table = malloc(sizeof(*table));
	struct fault ignored = {0};

	if (table == NULL || gpt_read(fd, table, &ignored) != 0) {
		free(table);
		return;
	}
	for (size_t i = 0; i < table->count; i++) {
		const struct gpt_partition *partition = &table->partition[i];
		char node[PATH_MAX];

		if (search->spec->kind == DISK_SPEC_PARTLABEL
			    ? strcmp(partition->label, search->spec->value) != 0
			    : strcasecmp(partition->uuid, search->spec->value) != 0)
			continue;
		snprintf(node, sizeof(node), "%s%s%u", path,
			 isdigit((unsigned char)path[strlen(path) - 1]) ? "p" : "",
			 partition->number);
		if (access(node, F_OK) == 0)
			note_match(search, node);
	}
	free(table);
}

static void visit_node(struct search *search, const char *name)
{
	char path[PATH_MAX];
	struct stat status;
	int fd;

	snprintf(path, sizeof(path), "/dev/%s", name);
	if (lstat(path, &status) < 0 || !S_ISBLK(status.st_mode))
		return;
	note_seen(search, name);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return;
	if (search->spec->kind == DISK_SPEC_LABEL || search->spec->kind == DISK_SPEC_UUID)
		match_filesystem(search, path, fd);
	else
		match_partitions(search, path, fd);
	close(fd);
}

static int find_path(struct search *search, struct fault *fault)
{
	struct stat status;

	if (stat(search->spec->value, &status) == 0) {
		if (!S_ISBLK(status.st_mode))
			return fault_set(fault, -ENOTBLK, "%s is not a block device",
					 search->spec->value);
		note_match(search, search->spec->value);
	}
	return 0;
}

int disk_spec_find(const struct disk_spec *spec, char path[PATH_MAX], struct fault *fault)
{
	struct search search = {.spec = spec};
	DIR *directory = opendir("/dev");
	struct dirent *entry;

	if (directory == NULL)
		return fault_errno(fault, "cannot list /dev");
	while ((entry = readdir(directory)) != NULL) {
		if (spec->kind == DISK_SPEC_PATH) {
			struct stat status;

			if (fstatat(dirfd(directory), entry->d_name, &status,
				    AT_SYMLINK_NOFOLLOW) == 0 && S_ISBLK(status.st_mode))
				note_seen(&search, entry->d_name);
		} else {
			visit_node(&search, entry->d_name);
		}
	}
	closedir(directory);
	if (spec->kind == DISK_SPEC_PATH) {
		int error = find_path(&search, fault);

		if (error != 0)
			return error;
	}
	if (search.matches == 0)
		return fault_set(fault, -ENOENT, "no block device is %s%s (seen: %s)",
				 kind_text(spec->kind), spec->value,
				 search.seen[0] != '\0' ? search.seen : "none");
	if (search.matches > 1)
		return fault_set(fault, -EEXIST, "%u block devices are %s%s", search.matches,
				 kind_text(spec->kind), spec->value);
	snprintf(path, PATH_MAX, "%s", search.path);
	return 0;
}
