// SPDX-License-Identifier: MPL-2.0
#include "reference.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { TAG_MAX = 128 };

#define SMALL "abcdefghijklmnopqrstuvwxyz"
#define LARGE "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

static int is_made_of(const char *text, size_t length, const char *characters)
{
	return length > 0 && strspn(text, characters) >= length;
}

// Does the name begin with a registry? A first part with a '.' or a ':' is one.
static size_t registry_length(const char *text)
{
	size_t length = strcspn(text, "/");

	if (text[length] != '/')
		return 0;
	if ((length == 9 && memcmp(text, "localhost", 9) == 0) || strcspn(text, ".:") < length)
		return length + 1;
	return 0;
}

static int path_is_valid(const char *path, size_t length)
{
	if (!is_made_of(path, length, SMALL DIGITS "._-/"))
		return 0;
	for (size_t i = 0; i < length; i++) {
		// Each part begins and ends with a letter or a digit.
		int edge = i == 0 || i + 1 == length || path[i - 1] == '/' || path[i + 1] == '/' || path[i] == '/';

		if (edge && path[i] != '/' && strchr(SMALL DIGITS, path[i]) == NULL)
			return 0;
		if (path[i] == '/' && (i == 0 || i + 1 == length || path[i - 1] == '/'))
			return 0;
	}
	return 1;
}

int reference_complete(const char *text, enum reference_home home, char whole[REFERENCE_SIZE])
{
	size_t registry = registry_length(text);
	const char *path = text + registry, *tag = strchr(path, ':');
	size_t length = tag != NULL ? (size_t)(tag - path) : strlen(path);
	const char *prefix = "localhost/";
	int size;

	if (registry != 0)
		prefix = "";
	else if (home != REFERENCE_LOCAL)
		prefix = home == REFERENCE_DOCKER && memchr(path, '/', length) == NULL ? "docker.io/library/"
										       : "docker.io/";
	tag = tag != NULL ? tag + 1 : "latest";
	if (!path_is_valid(path, length) || strlen(tag) > TAG_MAX || strchr(".-", tag[0]) != NULL ||
	    !is_made_of(tag, strlen(tag), SMALL LARGE DIGITS "_.-"))
		return -EINVAL;
	if (registry != 0 && (!is_made_of(text, registry - 1, SMALL LARGE DIGITS ".:-") ||
			      strchr(".:-", text[0]) != NULL || strchr(".:-", text[registry - 2]) != NULL))
		return -EINVAL;
	size = snprintf(whole, REFERENCE_SIZE, "%s%.*s:%s", prefix, (int)(registry + length), text, tag);
	return size < REFERENCE_SIZE ? 0 : -EINVAL;
}

char *reference_split(char whole[REFERENCE_SIZE])
{
	char *colon = strrchr(whole, ':');

	if (colon == NULL)
		return whole + strlen(whole);
	*colon = '\0';
	return colon + 1;
}
