// SPDX-License-Identifier: MPL-2.0
// The bundle of a container: a folder with the config.json of the OCI runtime specification 1.0, made
// from its unit. Source: github.com/opencontainers/runtime-spec, config.md and config-linux.md.
#pragma once

#include <limits.h>

#include "../../lib/fault.h"
#include "../../lib/unit/unit.h"
#include "identity.h"

#define BUNDLES_FOLDER "/run/keel/bundles"

// Where the small init for inside containers lies on the host, and where a container finds it.
#define BUNDLE_INIT_SOURCE "/usr/lib/keel/keel-init"
#define BUNDLE_INIT_TARGET "/dev/init"

// "/run/keel/bundles/NAME", with "/FILE" behind it if `file` is not empty.
void bundle_path(char path[PATH_MAX], const char *name, const char *file);

// Makes the folder, readable by root alone, and its config.json. => a negative errno and a sentence
int bundle_create(const struct unit *unit, const struct identity *identity, struct fault *fault);

// Writes the process part alone, for one more process of a container.
int bundle_write_process(const struct unit *unit, const struct identity *identity, const char *path,
			 struct fault *fault);
void bundle_remove(const char *name);
