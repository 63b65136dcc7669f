// SPDX-License-Identifier: MPL-2.0
// The options of keel run, written down as the unit that init gets.
#pragma once

#include "../../container/detach_keys.h"
#include "../../lib/unit/unit.h"

enum run_mode { RUN_ATTACHED, RUN_DETACHED, RUN_CREATED };

// What is asked for beside the unit.
struct run_wish {
	enum run_mode mode;
	struct detach_keys keys;
};

// Reads the options and what follows them. `*text` (to be freed) is the unit in YAML.
// => 0, or the exit status after a complaint; -1 after --help
int run_options_read(int count, char **arguments, struct run_wish *wish, char **text);
