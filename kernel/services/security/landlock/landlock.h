// SPDX-License-Identifier: MPL-2.0
// Landlock: a program gives up what it will not need of the file tree, for itself and all that comes from it.
// A ruleset, a file, names the rights that it handles (enum path_right) and where each is left; restricting oneself
// with it adds a layer to one's domain, which is part of the credentials. source: landlock(7)
#pragma once
#include <services/vfs/file.h>
#include <services/vfs/path_guard.h>

#define LANDLOCK_VERSION 2u		// of the interface: Linux 6.1's
#define LANDLOCK_LAYERS_MAX 16u
#define LANDLOCK_RULES_MAX 16384u	// of one ruleset

void landlock_init(void);	// once, at start
// -ENOMSG: no rights; -EINVAL: unknown ones. -ENOMEM, -ENFILE => may sleep
err_t landlock_ruleset_create(u32 handled, struct cred *cred, struct file **out borrowed);
bool landlock_is_ruleset(struct file *f);
// Leaves `rights` at and below the place. -EBADFD: f is no ruleset, or the place is of no tree; -EINVAL: rights that
// are not handled, or of folders at a file; -ENOMSG: none; -E2BIG, -ENOMEM => may sleep
err_t landlock_rule_add(struct file *f, const struct path *place borrowed, u32 rights);
// The calling thread's domain gets the ruleset, as it is now, as its innermost layer. -EPERM: neither no_new_privs nor
// CAP_SYS_ADMIN; -EBADFD; -E2BIG: too many layers; -ENOMEM => may sleep
err_t landlock_restrict_self(struct file *f);
