// SPDX-License-Identifier: MPL-2.0
// Inside services/security/landlock.
#pragma once
#include <core/list.h>
#include <core/lock.h>
#include <services/security/landlock/landlock.h>
#include <services/vfs/inode.h>

// A file of which a rule speaks. It keeps the inode in memory until its file system is unmounted.
struct landlock_place {
	struct object object;
	struct list_link link;		// all places
	struct inode *inode;		// reference; NULL after an unmount; changed under places_lock, compared without
};
DECLARE_OBJECT(landlock_place)
struct landlock_place *landlock_place_create(struct inode *i) owned;	// NULL: no memory

struct landlock_rule {
	struct object object;
	struct tree_link link;		// by number of the inode
	struct landlock_place *place;	// reference; immutable
	u32 rights;			// immutable once shared
};
DECLARE_OBJECT(landlock_rule)
DEFINE_TREE(landlock_rule_tree, landlock_rule, link)

// A ruleset as it was when somebody restricted itself with it.
struct landlock_layer {
	struct object object;
	u32 handled;			// immutable
	struct landlock_rule_tree rules;// with references; immutable once shared
};
DECLARE_OBJECT(landlock_layer)

struct landlock_domain {
	struct object object;
	u32 count;					// immutable, as all of it
	struct landlock_layer *layers[LANDLOCK_LAYERS_MAX];	// references, outermost first
};
DECLARE_OBJECT(landlock_domain)

// ruleset.c
struct landlock_domain *landlock_domain_of(struct object *domain);	// of credentials
struct landlock_rule *landlock_rule_find(const struct landlock_rule_tree *rules borrowed,
	struct inode *i);		// borrowed from the tree
err_t landlock_rule_insert(struct landlock_rule_tree *rules borrowed, struct landlock_place *place, u64 number,
	u32 rights);
void landlock_rules_clear(struct landlock_rule_tree *rules borrowed);
// check.c
err_t landlock_may(const struct cred *cred borrowed, const struct path *p borrowed, u32 rights);
bool landlock_domain_covers(struct object *outer, struct object *inner);
err_t landlock_may_move(const struct cred *cred borrowed, const struct path_move *m borrowed);
