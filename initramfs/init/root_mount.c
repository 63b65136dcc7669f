// SPDX-License-Identifier: MPL-2.0
#include "root_mount.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "../../rootfs/disk/ext2_probe.h"
#include "../../rootfs/lib/file.h"

enum { TYPES_SIZE = 4096 };

// Tries one type. ENODEV means that the kernel does not know it, EINVAL that the device holds another.
static int try_type(const char *device, const char *target, const char *type,
		    const struct root_options *options, struct fault *fault)
{
	unsigned long flags = options->access == ROOT_READ_ONLY ? MS_RDONLY : 0;

	if (mount(device, target, type, flags, options->data) == 0)
		return 0;
	if (errno == EBUSY || errno == EROFS || errno == EACCES) {
		// A write-protected disk still boots, as with Linux's own root mount.
		if (mount(device, target, type, flags | MS_RDONLY, options->data) == 0) {
			fprintf(stderr, "keelson: %s is write-protected, mounted read-only\n", device);
			return 0;
		}
	}
	return fault_errno(fault, "cannot mount %s as %s", device, type);
}

// Tries each type of a comma-separated list, in order; the last failure is the one reported.
static int try_list(const char *device, const char *target, char *list,
		    const struct root_options *options, struct fault *fault)
{
	int error = fault_set(fault, -ENODEV, "no file system type to mount %s with", device);
	char *rest = NULL;

	for (char *type = strtok_r(list, ",", &rest); type != NULL;
	     type = strtok_r(NULL, ",", &rest)) {
		error = try_type(device, target, type, options, fault);
		if (error == 0)
			return 0;
	}
	return error;
}

// The types of /proc/filesystems that live on a device, comma-separated.
static void list_known_types(char *list, size_t size)
{
	char *text;
	char *rest = NULL;
	size_t length, used = 0;

	list[0] = '\0';
	if (file_read_all("/proc/filesystems", TYPES_SIZE, &text, &length) != 0)
		return;
	for (char *line = strtok_r(text, "\n", &rest); line != NULL;
	     line = strtok_r(NULL, "\n", &rest)) {
		if (line[0] != '\t')
			continue;
		used += (size_t)snprintf(list + used, size - used, "%s%s", used > 0 ? "," : "",
					 line + 1);
		if (used >= size)
			break;
	}
	free(text);
}

// ext3 and ext4 drivers mount what is older, so newer names follow as substitutes.
static int probe_types(const char *device, char *list, size_t size, struct fault *fault)
{
	struct ext2_identity identity;
	int fd = open(device, O_RDONLY | O_CLOEXEC);
	int error;

	if (fd < 0)
		return fault_errno(fault, "cannot open %s", device);
	error = ext2_probe(fd, &identity, fault);
	close(fd);
	if (error != 0)
		return error;
	if (strcmp(identity.type, "ext2") == 0)
		snprintf(list, size, "ext2,ext3,ext4");
	else if (strcmp(identity.type, "ext3") == 0)
		snprintf(list, size, "ext3,ext4");
	else
		snprintf(list, size, "ext4");
	return 0;
}

int root_mount(const char *device, const char *target, const struct root_options *options,
	       struct fault *fault)
{
	char list[TYPES_SIZE];
	struct fault probe_fault = {0};
	int probe_error, error;

	if (options->type != NULL) {
		snprintf(list, sizeof(list), "%s", options->type);
		return try_list(device, target, list, options, fault);
	}
	probe_error = probe_types(device, list, sizeof(list), &probe_fault);
	if (probe_error == 0)
		return try_list(device, target, list, options, fault);

	list_known_types(list, sizeof(list));
	error = try_list(device, target, list, options, fault);
	if (error != 0)
		return fault_set(fault, error, "cannot mount %s: %s, and no other type fits",
				 device, probe_fault.text);
	return 0;
}
