// SPDX-License-Identifier: MPL-2.0
// Names of block devices as people write them: /dev/vda3, LABEL=, UUID= (of the file system),
// PARTLABEL=, PARTUUID= (of the partition). `root=` and /etc/fstab use them.
#pragma once

#include <limits.h>

#include "../lib/fault.h"

enum disk_spec_kind {
	DISK_SPEC_PATH,
	DISK_SPEC_LABEL,
	DISK_SPEC_UUID,
	DISK_SPEC_PARTLABEL,
	DISK_SPEC_PARTUUID,
};

enum { DISK_SPEC_VALUE_SIZE = 256 };

struct disk_spec {
	enum disk_spec_kind kind;
	char value[DISK_SPEC_VALUE_SIZE];
};

// Understands one name. => -EINVAL with a sentence for anything else.
int disk_spec_parse(const char *text, struct disk_spec *spec, struct fault *fault);

// Looks once for the device among the block devices of /dev. The sentence of a failure says what was
// looked for and what was there.
// => -ENOENT: not (yet) there; -EEXIST: two devices answer to the name.
int disk_spec_find(const struct disk_spec *spec, char path[PATH_MAX], struct fault *fault);
