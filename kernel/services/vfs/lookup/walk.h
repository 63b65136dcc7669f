// SPDX-License-Identifier: MPL-2.0
// A walk along a name, as lookup, open and the entry operations use it. source: path_resolution(7)
#pragma once
#include <core/buf.h>
#include <services/vfs/path.h>

#define WALK_LINKS_MAX 40u
struct stack_only walk {
	struct path at;		// where we are; references
	struct path root;	// taken when first needed; references
	struct dentry *child;	// what walk_step() found below `at`; reference
	u32 links;		// symbolic links followed so far
	u32 pad;
};
void walk_end(struct walk *w borrowed);
#define walk_auto auto_release(walk_end)

// Goes to the start of `name`: root, the context's start, or the working folder.
err_t walk_begin(struct walk *w borrowed, const struct lookup_context *c borrowed, bytes_t name);
enum walk_goal {
	WALK_WHOLE,	// w->at becomes the place
	WALK_PARENT	// w->at becomes the folder of the last component
};
err_t walk_name(struct walk *w borrowed, const struct lookup_context *c borrowed, bytes_t name, enum walk_goal goal,
	struct last_component *last borrowed);
// Looks the component up below w->at: w->child, perhaps negative. Checks the right to search.
err_t walk_find(struct walk *w borrowed, const struct lookup_context *c borrowed, bytes_t component);
// w->child, a link: *text gets its target followed by `rest`, and w->at is where that text starts. A magic
// link moves w->at instead and leaves *text NULL.
err_t walk_link(struct walk *w borrowed, const struct lookup_context *c borrowed, bytes_t rest,
	struct buf **text borrowed);
// w->at becomes w->child and what is mounted there.
err_t walk_enter(struct walk *w borrowed, const struct lookup_context *c borrowed);
