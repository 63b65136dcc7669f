// SPDX-License-Identifier: MPL-2.0
// What an image says about how it is run, put into a unit wherever the unit itself says nothing: entry point and
// command, environment, user, folder, stop signal, labels. Source: image-spec, config.md and conversion.md.
#pragma once

#include "../lib/unit/unit.h"
#include "image.h"

// Of a unit whose image is in the store; sets its image_id. => -EINVAL where there is no command at all, -ENOMEM
int image_complete_unit(const struct image *image, struct unit *unit, struct fault *fault);

// The same for a unit that names its image. Nothing happens to one that was completed before, or has a folder.
int image_complete_named(struct unit *unit, struct fault *fault);
