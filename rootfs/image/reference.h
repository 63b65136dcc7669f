// SPDX-License-Identifier: MPL-2.0
// Names of images: [REGISTRY/]PATH[:TAG]. In the store they are whole: with a registry ("localhost" for what came
// without one) and a tag.
#pragma once

#include <stddef.h>

enum { REFERENCE_SIZE = 256 };

// What stands for a registry that is not named.
enum reference_home {
	REFERENCE_LOCAL,	// "localhost/"
	REFERENCE_DOCKER,	// "docker.io/", or "docker.io/library/" before a single word: what docker means
	REFERENCE_DOCKER_PLAIN,	// "docker.io/"
};

// Makes a name whole. => -EINVAL where it is no name of an image
int reference_complete(const char *text, enum reference_home home, char whole[REFERENCE_SIZE]);

// Cuts a whole name in place. => the tag
char *reference_split(char whole[REFERENCE_SIZE]);
