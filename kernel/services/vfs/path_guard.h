// SPDX-License-Identifier: MPL-2.0
// A second opinion on what may be done at a place, for credentials that have a domain (services/security/landlock).
// It is asked after modes, owners and mounts have agreed, and can only refuse. source: landlock(7)
#pragma once
#include <services/vfs/path.h>

enum path_right { PATH_EXECUTE = 1, PATH_WRITE_FILE = 2, PATH_READ_FILE = 4, PATH_READ_FOLDER = 8,
	PATH_REMOVE_FOLDER = 16, PATH_REMOVE_FILE = 32, PATH_MAKE_CHARACTER = 64, PATH_MAKE_FOLDER = 128,
	PATH_MAKE_REGULAR = 256, PATH_MAKE_SOCKET = 512, PATH_MAKE_FIFO = 1024, PATH_MAKE_BLOCK = 2048,
	PATH_MAKE_LINK = 4096, PATH_REFER = 8192, PATH_RIGHTS_ALL = 16383 };
// What making a file of this type (S_IFMT) needs in its folder.
u32 path_right_to_make(u32 type);

// A name for `child` (of folder `from`, reached through the same mount) in folder `to`: link, rename, exchange.
struct stack_only path_move {
	struct path from, to;		// folders; no references of its own
	struct dentry *child;			// what gets the name
	struct dentry *replaced;		// what the name was: negative or NULL: nothing
	u32 leaves;				// the old name goes
	u32 exchanges;				// `replaced` gets the old name
};
struct path_guard_ops {
	err_t (*may)(const struct cred *cred borrowed, const struct path *p borrowed, u32 rights);	// -EACCES
	// -EACCES; -EXDEV: between these folders only copies may go.
	err_t (*may_move)(const struct cred *cred borrowed, const struct path_move *m borrowed);
};
void path_guard_set(const struct path_guard_ops *ops);	// once, at start
// May it? OK for credentials without a domain. May sleep; called with the folder locked.
err_t path_guard_check(const struct cred *cred borrowed, const struct path *p borrowed, u32 rights);
err_t path_guard_check_move(const struct cred *cred borrowed, const struct path_move *m borrowed);

// One step towards the root of the machine: to the folder above, through mount points. False at the top.
bool path_ascend(struct path *p borrowed);
