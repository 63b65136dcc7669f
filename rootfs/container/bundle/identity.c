// SPDX-License-Identifier: MPL-2.0
#include "identity.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	ACCOUNTS_SIZE_MAX = 256 * 1024,
	FIELDS_MAX = 8,
};

// The layout and flags of openat2(2), which the C library does not declare.
struct open_how {
	uint64_t flags, mode, resolve;
};

enum { RESOLVE_NO_MAGICLINKS = 0x02, RESOLVE_IN_ROOT = 0x10 };

// Opens a file of the container as the container would see it: links cannot lead out of its root.
static int open_in_root(int root, const char *path)
{
	struct open_how how = {.flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
			       .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};

	return (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
}

// Reads a file of the container: it may be anything, so only regular files count, and none blocks.
static char *read_accounts(int root, const char *path)
{
	int fd = open_in_root(root, path);
	struct stat status;
	char *text = NULL;
	ssize_t used = 0, got = 1;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode))
		text = malloc(ACCOUNTS_SIZE_MAX + 1);
	while (text != NULL && got > 0 && used < ACCOUNTS_SIZE_MAX) {
		got = read(fd, text + used, (size_t)(ACCOUNTS_SIZE_MAX - used));
		used += got > 0 ? got : 0;
	}
	if (text != NULL)
		text[used] = '\0';
	close(fd);
	return text;
}

// Splits "a:b:c" in place; returns how many fields there are.
static size_t split_fields(char *line, char *fields[FIELDS_MAX])
{
	size_t count = 0;

	while (count < FIELDS_MAX) {
		fields[count++] = line;
		line = strchr(line, ':');
		if (line == NULL)
			break;
		*line++ = '\0';
	}
	return count;
}

static int parse_id(const char *text, unsigned *id)
{
	char *end;
	unsigned long value;

	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno != 0 || *end != '\0' || value >= UINT_MAX)
		return -EINVAL;
	*id = (unsigned)value;
	return 0;
}

// Finds the passwd line of a name or number. => 1 if it was there
static int find_user(int root, const char *wanted, struct identity *identity)
{
	char *text = read_accounts(root, "/etc/passwd");
	char *rest = NULL, *fields[FIELDS_MAX];
	int found = 0;

	for (char *line = text != NULL ? strtok_r(text, "\n", &rest) : NULL;
	     line != NULL && !found; line = strtok_r(NULL, "\n", &rest)) {
		unsigned uid, gid;

		if (split_fields(line, fields) < 6 || parse_id(fields[2], &uid) != 0 ||
		    parse_id(fields[3], &gid) != 0)
			continue;
		if (strcmp(fields[0], wanted) != 0 && strcmp(fields[2], wanted) != 0)
			continue;
		identity->uid = uid;
		identity->gid = gid;
		snprintf(identity->home, sizeof(identity->home), "%s", fields[5]);
		found = 1;
	}
	free(text);
	return found;
}

static int find_group(int root, const char *wanted, gid_t *gid)
{
	char *text = read_accounts(root, "/etc/group");
	char *rest = NULL, *fields[FIELDS_MAX];
	int found = 0;

	for (char *line = text != NULL ? strtok_r(text, "\n", &rest) : NULL;
	     line != NULL && !found; line = strtok_r(NULL, "\n", &rest)) {
		found = split_fields(line, fields) >= 3 && strcmp(fields[0], wanted) == 0 &&
			parse_id(fields[2], gid) == 0;
	}
	free(text);
	return found;
}

static int is_member(char *members, const char *user)
{
	char *rest = NULL;

	for (char *name = strtok_r(members, ",", &rest); name != NULL;
	     name = strtok_r(NULL, ",", &rest)) {
		if (strcmp(name, user) == 0)
			return 1;
	}
	return 0;
}

// The further groups that list a user by name.
static void find_memberships(int root, const char *user, struct identity *identity)
{
	char *text = read_accounts(root, "/etc/group");
	char *rest = NULL, *fields[FIELDS_MAX];

	for (char *line = text != NULL ? strtok_r(text, "\n", &rest) : NULL;
	     line != NULL && identity->groups_count < IDENTITY_GROUPS_MAX;
	     line = strtok_r(NULL, "\n", &rest)) {
		unsigned gid;

		if (split_fields(line, fields) >= 4 && parse_id(fields[2], &gid) == 0 &&
		    is_member(fields[3], user))
			identity->groups[identity->groups_count++] = gid;
	}
	free(text);
}

int identity_resolve(int root, const char *user, struct identity *identity, struct fault *fault)
{
	char name[128];
	char *group;

	memset(identity, 0, sizeof(*identity));
	strcpy(identity->home, "/");
	snprintf(name, sizeof(name), "%s", user != NULL ? user : "0");
	group = strchr(name, ':');
	if (group != NULL)
		*group++ = '\0';
	if (find_user(root, name, identity)) {
		find_memberships(root, name, identity);
	} else if (parse_id(name, &identity->uid) != 0) {
		return fault_set(fault, -ENOENT, "the container has no user '%s'", name);
	}
	if (group != NULL && parse_id(group, &identity->gid) != 0 &&
	    !find_group(root, group, &identity->gid))
		return fault_set(fault, -ENOENT, "the container has no group '%s'", group);
	if (identity->uid == 0 && strcmp(identity->home, "/") == 0)
		strcpy(identity->home, "/root");
	return 0;
}
