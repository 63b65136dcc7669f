// SPDX-License-Identifier: MPL-2.0
// The keyrings that a thread has: of its session (with its credentials), of its user (with the user namespace).
// A session that has joined none uses the user's session keyring.
#include <services/keys/key_internal.h>
#include <services/process/thread.h>

#define SESSION_PERMISSION (KEY_POSSESSOR(KEY_ALL) | KEY_OWNER(KEY_VIEW | KEY_READ))
#define NAMED_PERMISSION (SESSION_PERMISSION | KEY_OWNER(KEY_LINK))
#define USER_PERMISSION (KEY_POSSESSOR(KEY_ALL & ~KEY_SET_ATTRIBUTE) | KEY_OWNER(KEY_ALL))

// Keyrings of a user namespace: those of users, by description.
struct key_register {
	struct object object;
	struct key *ring;	// reference: a keyring that nobody else sees
};
DECLARE_OBJECT(key_register)
static exclusive_access void key_register_release(struct key_register *r)
{
	if (r->ring)
		key_put(take(r->ring));
}
DEFINE_OBJECT(key_register, key_register_release)

static struct object *register_known(struct user_namespace *const ns) owned;
static struct object *register_known(struct user_namespace *const ns)
{
	spin_guard(&ns->lock);
	return ns->keys ? object_get(ns->keys) : NULL;
}

static void register_keep(struct user_namespace *const ns, struct key_register *r)
{
	spin_guard(&ns->lock);
	if (!ns->keys)
		ns->keys = object_get(&r->object);
}

static err_t register_of(struct user_namespace *ns, struct key_register **out borrowed)
{
	struct object *known object_ref_auto = register_known(ns);
	if (!known) {
		struct key_register *made object_auto(key_register) = key_register_alloc();
		if (!made)
			return -ENOMEM;
		const err_t e = key_create(KEY_TYPE_KEYRING, STR(".user_reg"), KEY_OWNER(KEY_VIEW), NULL, &made->ring);
		if (e)
			return e;
		register_keep(ns, made);
		known = register_known(ns);
	}
	*out = key_register_get(key_register_from_object(known));
	return OK;
}

static err_t user_ring(bytes_t prefix, enum key_make make, struct key **out borrowed)
{
	struct key_register *r object_auto(key_register) = NULL;
	u8 name[32];
	struct text t = text_to(array_span(name));
	err_t e = register_of(thread_cred()->user_ns, &r);
	if (e)
		return e;
	text_put(&t, prefix);
	text_printf(&t, "%u", thread_cred()->uid);
	struct key *known = keyring_find(r->ring, KEY_TYPE_KEYRING, text_bytes(&t));
	if (known) {
		*out = key_get(known);
		return OK;
	}
	struct key *made object_auto(key) = NULL;
	e = key_create(KEY_TYPE_KEYRING, text_bytes(&t), USER_PERMISSION, NULL, &made);
	if (e)
		return e;
	made->gid = ID_INVALID;	// a user's, of no group
	e = keyring_add(r->ring, made);
	if (!e)
		*out = take(made);
	return e;
}

static err_t user_session_ring(struct key **out borrowed)
{
	struct key *user object_auto(key) = NULL;
	err_t e = user_ring(STR("_uid."), KEY_MAKE, &user);
	if (!e)
		e = user_ring(STR("_uid_ses."), KEY_MAKE, out);
	return e ? e : keyring_add(*out, user);
}

static struct key *joined_session(void) owned;
static struct key *joined_session(void)
{
	struct object *session = thread_cred()->session_keyring;
	return session ? key_get(key_from(session)) : NULL;
}

struct key *key_session(void)
{
	struct key *joined object_auto(key) = joined_session();
	struct key *user object_auto(key) = NULL;
	if (joined)
		return take(joined);
	return user_session_ring(&user) ? NULL : take(user);
}

err_t key_special(s32 id, enum key_make make, struct key **out borrowed)
{
	switch (id) {
	case KEY_SESSION:
		*out = key_session();
		return *out ? OK : -ENOMEM;
	case KEY_USER:
		return user_ring(STR("_uid."), make, out);
	case KEY_USER_SESSION:
		return user_session_ring(out);
	case KEY_THREAD:
	case KEY_PROCESS:
		return make == KEY_MAKE ? -EOPNOTSUPP : -ENOKEY;
	default:
		return -EINVAL;
	}
}

ssize_r key_session_join(struct cred *c, bytes_t name)
{
	struct key *ring object_auto(key) = NULL;
	mutex_guard(&keys_lock);
	for (s32 number = 0; bytes_len(name);) {
		struct key *seen object_auto(key) = key_after(number);
		if (!seen)
			break;
		if (key_is(seen, KEY_TYPE_KEYRING, name) && !key_check(seen) && seen->uid == thread_cred()->uid &&
			key_permits(seen, KEY_FOREIGN, KEY_SEARCH)) {
			ring = take(seen);
			break;
		}
		number = seen->number;
	}
	if (!ring) {
		const err_t e = bytes_len(name) ? key_create(KEY_TYPE_KEYRING, name, NAMED_PERMISSION, NULL, &ring)
			: key_create(KEY_TYPE_KEYRING, STR("_ses"), SESSION_PERMISSION, NULL, &ring);
		if (e)
			return (ssize_r)e;
	}
	struct object *old object_ref_auto = take(c->session_keyring);
	c->session_keyring = object_get(&ring->object);
	return (ssize_r)ring->number;
}

// --- finding ------------------------------------------------------------------------------------------

void key_found_end(struct key_found *f borrowed)
{
	if (f->key)
		key_put(take(f->key));
}

err_t key_find(s32 id, u32 wanted, struct key_found *out borrowed)
{
	err_t e = OK;
	if (id < 0) {
		e = key_special(id, KEY_MAKE, &out->key);
		out->possession = KEY_POSSESSED;
	} else {
		struct key *session object_auto(key) = key_session();
		out->key = id ? key_of_number(id) : NULL;
		if (!id)
			return -EINVAL;
		out->possession = out->key && session && keyring_holds(session, out->key) ? KEY_POSSESSED : KEY_FOREIGN;
	}
	if (e)
		return e;
	if (!out->key)
		return -ENOKEY;
	e = key_check(out->key);
	if (e)
		return e;
	return key_permits(out->key, out->possession, wanted) ? OK : -EACCES;
}
