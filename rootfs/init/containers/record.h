// SPDX-License-Identifier: MPL-2.0
// What init knows of a container that keel made, as a file on the data disk, so that the next boot knows it too:
//
//   keel-container 1
//   id: 64 hexadecimal digits, also the file's name
//   state: created | running | exited	running in a file that a boot finds: the machine was lost with it
//   stopped: 0 | 1			whether a person has stopped it, and not an end of its own or of the machine
//   status: N				exit status of its last run; -1 before the first
//   restarts: N			how often it was started again
//   out_of_memory: 0 | 1
//   created_ns: N			by the clock on the wall, as the other two; 0: never
//   begun_ns: N
//   ended_ns: N
//   (an empty line, then the unit as unit_write() writes it)
//
// A file is replaced by renaming. Nobody waits for the disk here: keel does, where somebody relies on it.
#pragma once

#include <stdint.h>

#include "../../lib/fault.h"
#include "../../lib/unit/unit.h"

enum { RECORD_ID_SIZE = 65 };

enum record_state { RECORD_CREATED, RECORD_RUNNING, RECORD_EXITED };

struct record {
	char id[RECORD_ID_SIZE];
	enum record_state state;
	int stopped;
	int status;
	unsigned restarts;
	int out_of_memory;
	int64_t created_ns, begun_ns, ended_ns;
	const char *text;		// the unit
};

// Where the records are; another folder is for tests.
void record_set_folder(const char *path);

// => 0 or a negative errno with a sentence
int record_write(const struct record *record, struct fault *fault);
void record_remove(const char *id);
int record_is_there(const char *id);

// Reads the record of that id. `*buffer`, to be freed, holds its text. => -EINVAL: it is no record
int record_read(const char *id, struct record *record, char **buffer, struct fault *fault);

// The ids of all records, the container that was made first at the front; the list and its texts are to be freed.
// => how many, or a negative errno
int record_list(char ***ids);
