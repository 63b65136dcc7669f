// SPDX-License-Identifier: MPL-2.0
// Rulesets: files to which rules are added, and layers, which are copies that no longer change.
#include <services/cred/user_namespace.h>
#include <services/process/thread.h>
#include <services/security/landlock/landlock_internal.h>
#include <services/vfs/dentry.h>
#include <services/vfs/mount.h>

#define RIGHTS_OF_FILES (PATH_EXECUTE | PATH_WRITE_FILE | PATH_READ_FILE)

// --- rules ------------------------------------------------------------------------------------------

static exclusive_access void landlock_rule_release(struct landlock_rule *r)
{
	if (r->place)
		landlock_place_put(take(r->place));
}
DEFINE_OBJECT(landlock_rule, landlock_rule_release)

struct landlock_rule *landlock_rule_find(const struct landlock_rule_tree *rules borrowed,
	struct inode *i)
{
	struct landlock_rule *r = landlock_rule_tree_at_least(rules, i->number);
	while (r && landlock_rule_tree_key(r) == i->number && r->place->inode != i)
		r = landlock_rule_tree_next(r);
	return r && landlock_rule_tree_key(r) == i->number ? r : NULL;
}

err_t landlock_rule_insert(struct landlock_rule_tree *rules borrowed, struct landlock_place *place, u64 number,
	u32 rights)
{
	struct landlock_rule *r object_auto(landlock_rule) = landlock_rule_alloc();
	if (!r)
		return -ENOMEM;
	r->place = landlock_place_get(place);
	r->rights = rights;
	landlock_rule_tree_insert(rules, take(r), number);
	return OK;
}

void landlock_rules_clear(struct landlock_rule_tree *rules borrowed)
{
	for (;;) {
		struct landlock_rule *r object_auto(landlock_rule) = landlock_rule_tree_first(rules);
		if (!r)
			return;
		landlock_rule_tree_remove(rules, r);
	}
}

// --- layers and domains -----------------------------------------------------------------------------

static exclusive_access void landlock_layer_release(struct landlock_layer *l)
{
	landlock_rules_clear(&l->rules);
}
DEFINE_OBJECT(landlock_layer, landlock_layer_release)

static exclusive_access void landlock_domain_release(struct landlock_domain *d)
{
	for (u32 n = 0; n < d->count; n++)
		landlock_layer_put(take(d->layers[n]));
}
DEFINE_OBJECT(landlock_domain, landlock_domain_release)

struct landlock_domain *landlock_domain_of(struct object *domain)
{
	return landlock_domain_from_object(domain);
}

// --- the file ---------------------------------------------------------------------------------------

struct landlock_ruleset {
	struct file base;
	struct mutex lock;
	u32 handled;			// immutable
	struct landlock_rule_tree rules GUARDED_BY(lock);	// with references
};

static exclusive_access void landlock_ruleset_release(struct landlock_ruleset *s)
{
	landlock_rules_clear(&s->rules);
	file_fini(&s->base);
}
DEFINE_DERIVED(landlock_ruleset, file, landlock_ruleset_release)

static ssize_r ruleset_read(struct file *f, struct iobuf *to borrowed, u64 *position borrowed)
{
	return -EINVAL;
}

static ssize_r ruleset_write(struct file *f, struct iobuf *from borrowed, u64 *position borrowed)
{
	return -EINVAL;
}

static const struct file_ops ruleset_ops = { .read = ruleset_read, .write = ruleset_write };

bool landlock_is_ruleset(struct file *f)
{
	return f->ops == &ruleset_ops;
}

err_t landlock_ruleset_create(u32 handled, struct cred *cred, struct file **out borrowed)
{
	if (!handled)
		return -ENOMSG;
	if (handled & ~PATH_RIGHTS_ALL)
		return -EINVAL;
	struct landlock_ruleset *s object_auto(landlock_ruleset) = landlock_ruleset_alloc();
	if (!s)
		return -ENOMEM;
	mutex_init(&s->lock, RANK_SLEEPING_LEAF);
	s->handled = handled;
	const err_t e = file_init_anonymous(&s->base, &ruleset_ops, STR("anon_inode:[landlock-ruleset]"), 2, cred, 0);
	if (e)
		return e;
	*out = &take(s)->base;
	return OK;
}

err_t landlock_rule_add(struct file *f, const struct path *place borrowed, u32 rights)
{
	if (!landlock_is_ruleset(f))
		return -EBADFD;
	struct landlock_ruleset *const s = landlock_ruleset_from_file(f);
	struct inode *const i = path_inode(place);
	if (!rights)
		return -ENOMSG;
	if (rights & ~s->handled)
		return -EINVAL;
	if (mount_has(place->mount, MOUNT_INTERNAL))
		return -EBADFD;
	if (i->type != S_IFDIR && (rights & ~RIGHTS_OF_FILES))
		return -EINVAL;
	struct landlock_place *made object_auto(landlock_place) = landlock_place_create(i);
	if (!made)
		return -ENOMEM;
	mutex_guard(&s->lock);
	struct landlock_rule *const there = landlock_rule_find(&s->rules, i);
	if (there) {
		there->rights |= rights;
		return OK;
	}
	if (landlock_rule_tree_count(&s->rules) >= LANDLOCK_RULES_MAX)
		return -E2BIG;
	return landlock_rule_insert(&s->rules, made, i->number, rights);
}

static err_t layer_create(struct landlock_ruleset *s, struct landlock_layer **out borrowed)
{
	struct landlock_layer *l object_auto(landlock_layer) = landlock_layer_alloc();
	err_t e = OK;
	if (!l)
		return -ENOMEM;
	l->handled = s->handled;
	{
		mutex_guard(&s->lock);
		for (struct landlock_rule *r = landlock_rule_tree_first(&s->rules); r && !e;
			r = landlock_rule_tree_next(r))
			e = landlock_rule_insert(&l->rules, r->place, landlock_rule_tree_key(r), r->rights);
	}
	if (!e)
		*out = take(l);
	return e;
}

err_t landlock_restrict_self(struct file *f)
{
	struct cred *const old = thread_cred();
	if (!landlock_is_ruleset(f))
		return -EBADFD;
	struct landlock_domain *outer = old->domain ? landlock_domain_from_object(old->domain) : NULL;
	if (outer && outer->count == LANDLOCK_LAYERS_MAX)
		return -E2BIG;
	struct landlock_layer *layer object_auto(landlock_layer) = NULL;
	err_t e = layer_create(landlock_ruleset_from_file(f), &layer);
	if (e)
		return e;
	struct landlock_domain *d object_auto(landlock_domain) = landlock_domain_alloc();
	struct cred *changed object_auto(cred) = cred_copy(old);
	if (!d || !changed)
		return -ENOMEM;
	for (u32 n = 0; outer && n < outer->count; n++)
		d->layers[n] = landlock_layer_get(outer->layers[n]);
	d->count = outer ? outer->count : 0;
	d->layers[d->count++] = take(layer);
	if (changed->domain)
		object_put(take(changed->domain));
	changed->domain = &take(d)->object;
	thread_set_cred(take(changed));
	return OK;
}
