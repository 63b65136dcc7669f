// SPDX-License-Identifier: MPL-2.0
// Credentials are made by copying, changed while only their maker knows them, and immutable from the
// moment they are installed: readers need no lock.
#include <services/cred/cred.h>

static void cred_release(struct cred *c) exclusive_access
{
	if (c->groups)
		group_list_put(take(c->groups));
	if (c->account)
		user_account_put(take(c->account));
	if (c->user_ns)
		user_namespace_put(take(c->user_ns));
	if (c->domain)
		object_put(take(c->domain));
	if (c->session_keyring)
		object_put(take(c->session_keyring));
	cred_drop_process_keyring(c);
	cred_drop_thread_keyring(c);
}
DEFINE_OBJECT(cred, cred_release)

static struct spinlock initial_lock = SPINLOCK_INIT(RANK_CRED);
static struct cred *initial_cred GUARDED_BY(initial_lock);

struct cred *cred_initial(void)
{
	spin_guard(&initial_lock);
	return initial_cred;
}

err_t cred_init(void)
{
	struct cred *c object_auto(cred) = cred_alloc();
	struct group_list *none object_auto(group_list) = group_list_create(0);
	struct user_account *account object_auto(user_account) = user_account_of(0);
	if (!c || !none || !account)
		return -ENOMEM;
	c->permitted = c->effective = c->bounding = CAPABILITY_ALL;
	c->groups = take(none);
	c->account = take(account);
	struct user_namespace *ns object_auto(user_namespace) = user_namespace_get(user_namespace_initial());
	c->user_ns = take(ns);
	spin_guard(&initial_lock);
	initial_cred = take(c);
	return OK;
}

struct cred *cred_copy(const struct cred *from borrowed)
{
	struct cred *c object_auto(cred) = cred_alloc();
	if (!c)
		return NULL;
	c->uid = from->uid;
	c->gid = from->gid;
	c->euid = from->euid;
	c->egid = from->egid;
	c->suid = from->suid;
	c->sgid = from->sgid;
	c->fsuid = from->fsuid;
	c->fsgid = from->fsgid;
	c->permitted = from->permitted;
	c->effective = from->effective;
	c->inheritable = from->inheritable;
	c->bounding = from->bounding;
	c->ambient = from->ambient;
	c->securebits = from->securebits;
	c->no_new_privileges = from->no_new_privileges;
	struct group_list *groups object_auto(group_list) = group_list_get(from->groups);
	c->groups = take(groups);
	struct user_namespace *ns object_auto(user_namespace) = user_namespace_get(from->user_ns);
	c->user_ns = take(ns);
	struct user_account *account object_auto(user_account) = user_account_get(from->account);
	c->account = take(account);
	c->domain = from->domain ? object_get(from->domain) : NULL;
	c->session_keyring = from->session_keyring ? object_get(from->session_keyring) : NULL;
	c->process_keyring = from->process_keyring ? object_get(from->process_keyring) : NULL;
	c->thread_keyring = from->thread_keyring ? object_get(from->thread_keyring) : NULL;
	c->wants_thread_keyring = from->wants_thread_keyring;
	c->request_keyring = from->request_keyring;
	return take(c);
}

void cred_drop_thread_keyring(struct cred *c borrowed)
{
	if (c->thread_keyring)
		object_put(take(c->thread_keyring));
	c->wants_thread_keyring = 0;
}

void cred_drop_process_keyring(struct cred *c borrowed)
{
	if (c->process_keyring)
		object_put(take(c->process_keyring));
}

void cred_set_groups(struct cred *c borrowed, struct group_list *groups consumes)
{
	group_list_put(take(c->groups));
	c->groups = groups;
}

void cred_set_user_namespace(struct cred *c borrowed, struct user_namespace *ns consumes)
{
	user_namespace_put(take(c->user_ns));
	c->user_ns = ns;
}

err_t cred_update_account(struct cred *c borrowed)
{
	if (c->account->uid == c->uid)
		return OK;
	struct user_account *account object_auto(user_account) = user_account_of(c->uid);
	if (!account)
		return -ENOMEM;
	user_account_put(take(c->account));
	c->account = take(account);
	return OK;
}

// Is `c` the owner of `ns`, or of the ancestor of `ns` that is a child of c's namespace?
static bool is_owner_above(const struct cred *c borrowed, const struct user_namespace *child borrowed)
{
	return child->parent == c->user_ns && child->owner_uid == c->euid;
}

bool cred_has_capability(const struct cred *c borrowed, const struct user_namespace *ns borrowed, u32 capability)
{
	const struct user_namespace *own = c->user_ns;
	if (ns == own)
		return (c->effective >> capability) & 1;
	// Neither the same nor a descendant: nothing held here counts there.
	if (ns->level <= own->level)
		return false;
	if (is_owner_above(c, ns))
		return true;
	for (const struct user_namespace *at = ns->parent; at; at = at->parent) {
		if (at == own)
			return (c->effective >> capability) & 1;
		if (at->level <= own->level)
			return false;
		if (is_owner_above(c, at))
			return true;
	}
	return false;
}

bool cred_capable(const struct cred *c borrowed, u32 capability)
{
	return (c->effective >> capability) & 1;
}
