// SPDX-License-Identifier: MPL-2.0
#include "unit_mounts.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "unit.h"
#include "unit_values.h"
#include "../yaml.h"

enum { TMPFS_MODE_DEFAULT = 01777 };

static int bad(const struct yaml_node *node, const char *message, struct fault *fault)
{
	return fault_set(fault, -EINVAL, "line %u: mounts: %s", node->line, message);
}

static int take_option(struct unit_mount *mount, const struct yaml_node *option,
		       struct fault *fault)
{
	static const struct {
		const char *name;
		unsigned long set, clear;
	} known[] = {
		{"ro", MS_RDONLY, 0}, {"rw", 0, MS_RDONLY}, {"nosuid", MS_NOSUID, 0},
		{"nodev", MS_NODEV, 0}, {"noexec", MS_NOEXEC, 0}, {"exec", 0, MS_NOEXEC},
		{"suid", 0, MS_NOSUID}, {"dev", 0, MS_NODEV},
	};

	if (option->kind != YAML_STRING)
		return bad(option, "an option must be a string", fault);
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(option->string, known[i].name) == 0) {
			mount->flags = (mount->flags & ~known[i].clear) | known[i].set;
			return 0;
		}
	}
	return fault_set(fault, -EINVAL, "line %u: mounts: unknown option '%.32s'", option->line,
			 option->string);
}

static int take_type(struct unit_mount *mount, const struct yaml_node *node, struct fault *fault)
{
	if (strcmp(node->string, "bind") == 0)
		mount->type = UNIT_MOUNT_BIND;
	else if (strcmp(node->string, "tmpfs") == 0)
		mount->type = UNIT_MOUNT_TMPFS;
	else if (strcmp(node->string, "volume") == 0)
		mount->type = UNIT_MOUNT_VOLUME;
	else
		return bad(node, "type must be bind, tmpfs or volume", fault);
	return 0;
}

static int take_mode(struct unit_mount *mount, const struct yaml_node *node, struct fault *fault)
{
	char *end;
	unsigned long mode = strtoul(node->string, &end, 8);

	if (node->string[0] == '\0' || *end != '\0' || mode > 07777)
		return bad(node, "mode must be octal, such as 0755", fault);
	mount->mode = (mode_t)mode;
	return 0;
}

static int take_path(const char **path, const struct yaml_node *node, struct fault *fault)
{
	if (node->string[0] != '/' || strlen(node->string) >= PATH_MAX)
		return bad(node, "source and destination must be absolute paths", fault);
	*path = node->string;
	return 0;
}

// A path, or the name of a volume, which says by itself what it is.
static int take_source(struct unit_mount *mount, const struct yaml_node *node, struct fault *fault)
{
	if (node->string[0] == '/')
		return take_path(&mount->source, node, fault);
	if (!unit_name_is_valid(node->string))
		return bad(node, "source must be an absolute path or the name of a volume", fault);
	mount->source = node->string;
	return 0;
}

static int take_field(struct unit_mount *mount, const struct yaml_node *node, struct fault *fault)
{
	if (strcmp(node->key, "options") == 0) {
		if (node->kind != YAML_LIST)
			return bad(node, "options must be a list", fault);
		for (const struct yaml_node *option = node->first; option != NULL;
		     option = option->next) {
			if (take_option(mount, option, fault) != 0)
				return -EINVAL;
		}
		return 0;
	}
	if (node->kind != YAML_STRING)
		return bad(node, "fields other than options are strings", fault);
	if (strcmp(node->key, "type") == 0)
		return take_type(mount, node, fault);
	if (strcmp(node->key, "source") == 0)
		return take_source(mount, node, fault);
	if (strcmp(node->key, "destination") == 0)
		return take_path(&mount->destination, node, fault);
	if (strcmp(node->key, "mode") == 0)
		return take_mode(mount, node, fault);
	if (strcmp(node->key, "size") == 0)
		return unit_value_bytes(node->string, &mount->size_bytes) == 0 &&
		       mount->size_bytes > 0 ? 0 : bad(node, "size must be such as 64MiB", fault);
	return fault_set(fault, -EINVAL, "line %u: mounts: unknown field '%.32s'", node->line,
			 node->key);
}

static int check_mount(struct unit_mount *mount, const struct yaml_node *node,
		       struct fault *fault)
{
	if (mount->destination == NULL)
		return bad(node, "destination is missing", fault);
	if (strcmp(mount->destination, "/") == 0)
		return bad(node, "the destination cannot be /", fault);
	if (mount->type != UNIT_MOUNT_TMPFS && mount->source == NULL)
		return bad(node, "a bind mount or a volume needs a source", fault);
	if (mount->type == UNIT_MOUNT_VOLUME && mount->source[0] == '/')
		return bad(node, "a volume has a name, not a path", fault);
	if (mount->type == UNIT_MOUNT_BIND && mount->source[0] != '/')
		mount->type = UNIT_MOUNT_VOLUME;
	if (mount->type != UNIT_MOUNT_TMPFS && mount->size_bytes != 0)
		return bad(node, "size is for tmpfs", fault);
	if (mount->type == UNIT_MOUNT_TMPFS && mount->source != NULL)
		return bad(node, "a tmpfs has no source", fault);
	return 0;
}

int unit_mounts_take(struct unit *unit, const struct yaml_node *node, struct fault *fault)
{
	if (node->kind != YAML_LIST)
		return bad(node, "expected a list", fault);
	for (const struct yaml_node *item = node->first; item != NULL; item = item->next) {
		struct unit_mount *mount = &unit->mounts[unit->mounts_count];

		if (item->kind != YAML_MAP)
			return bad(item, "each entry is a map such as {source: /a, destination: /b}",
				   fault);
		if (unit->mounts_count == UNIT_MOUNTS_MAX)
			return bad(item, "too many mounts", fault);
		mount->mode = TMPFS_MODE_DEFAULT;
		mount->flags = MS_NOSUID | MS_NODEV;
		for (const struct yaml_node *field = item->first; field != NULL;
		     field = field->next) {
			if (take_field(mount, field, fault) != 0)
				return -EINVAL;
		}
		if (check_mount(mount, item, fault) != 0)
			return -EINVAL;
		unit->mounts_count++;
	}
	return 0;
}
