// SPDX-License-Identifier: MPL-2.0
#include "identity.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	ACCOUNTS_SIZE_MAX = 256 * 1024,
	FIELDS_MAX = 8,
	CAPABILITY_VERSION_3 = 0x20080522,
};

// The layout of capset(2), version 3.
struct capability_header {
	unsigned version;
	int pid;
};

struct capability_data {
	unsigned effective, permitted, inheritable;
};

// Reads a file of the container: it may be anything, so only regular files count, and none blocks.
static char *read_accounts(const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
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
static int find_user(const char *wanted, struct identity *identity)
{
	char *text = read_accounts("/etc/passwd");
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

static int find_group(const char *wanted, gid_t *gid)
{
	char *text = read_accounts("/etc/group");
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
static void find_memberships(const char *user, struct identity *identity)
{
	char *text = read_accounts("/etc/group");
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

int identity_resolve(const char *user, struct identity *identity, struct fault *fault)
{
	char name[128];
	char *group;

	memset(identity, 0, sizeof(*identity));
	strcpy(identity->home, "/");
	snprintf(name, sizeof(name), "%s", user != NULL ? user : "0");
	group = strchr(name, ':');
	if (group != NULL)
		*group++ = '\0';
	if (find_user(name, identity)) {
		find_memberships(name, identity);
	} else if (parse_id(name, &identity->uid) != 0) {
		return fault_set(fault, -ENOENT, "the container has no user '%s'", name);
	}
	if (group != NULL && parse_id(group, &identity->gid) != 0 &&
	    !find_group(group, &identity->gid))
		return fault_set(fault, -ENOENT, "the container has no group '%s'", group);
	if (identity->uid == 0 && strcmp(identity->home, "/") == 0)
		strcpy(identity->home, "/root");
	return 0;
}

// No program the container ever runs can gain what is not in the bounding set.
static int bound_capabilities(capability_set set, struct fault *fault)
{
	for (int number = 0; number < 64; number++) {
		if ((set >> number & 1) != 0)
			continue;
		if (prctl(PR_CAPBSET_DROP, number, 0, 0, 0) < 0) {
			if (errno == EINVAL && number > 0)
				return 0;	// past the last one that the kernel knows
			return fault_errno(fault, "cannot drop capability %d", number);
		}
	}
	return 0;
}

static int set_capabilities(capability_set permitted, capability_set inheritable,
			    struct fault *fault)
{
	struct capability_header header = {CAPABILITY_VERSION_3, 0};
	struct capability_data data[2] = {
		{(unsigned)permitted, (unsigned)permitted, (unsigned)inheritable},
		{(unsigned)(permitted >> 32), (unsigned)(permitted >> 32),
		 (unsigned)(inheritable >> 32)},
	};

	if (syscall(SYS_capset, &header, data) < 0)
		return fault_errno(fault, "cannot set the capabilities");
	return 0;
}

static int raise_ambient(capability_set set, struct fault *fault)
{
	for (int number = 0; number <= CAPABILITY_LAST; number++) {
		if ((set >> number & 1) != 0 &&
		    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number, 0, 0) < 0)
			return fault_errno(fault, "cannot give %s to the user",
					   capability_name(number));
	}
	return 0;
}

int identity_assume(const struct unit *unit, const struct identity *identity,
		    struct fault *fault)
{
	capability_set kept = unit->capabilities;
	capability_set ambient = 0;
	int error = bound_capabilities(unit->capabilities, fault);

	if (error != 0)
		return error;
	if (identity->uid != 0) {
		if ((unit->flags & UNIT_CAPABILITIES_LISTED) == 0)
			kept = 0;
		ambient = kept;
	}
	if (setgroups(identity->groups_count, identity->groups) < 0)
		return fault_errno(fault, "cannot set the groups");
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		return fault_errno(fault, "cannot keep capabilities");
	if (setresgid(identity->gid, identity->gid, identity->gid) < 0 ||
	    setresuid(identity->uid, identity->uid, identity->uid) < 0)
		return fault_errno(fault, "cannot become user %u:%u", (unsigned)identity->uid,
				   (unsigned)identity->gid);
	error = set_capabilities(kept, ambient, fault);
	if (error == 0 && ambient != 0)
		error = raise_ambient(ambient, fault);
	if (error == 0 && (unit->flags & UNIT_NEW_PRIVILEGES) == 0 &&
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		error = fault_errno(fault, "cannot forbid new privileges");
	return error;
}
