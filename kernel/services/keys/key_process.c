// SPDX-License-Identifier: MPL-2.0
// The keyrings that a thread has: its own, its process's and its session's (with its credentials), its user's (with
// the user namespace). A session that has joined none uses the user's session keyring.
#include <services/keys/key_internal.h>
#include <services/process/thread.h>

#define SESSION_PERMISSION (KEY_POSSESSOR(KEY_ALL) | KEY_OWNER(KEY_VIEW | KEY_READ))
#define OWN_PERMISSION (KEY_POSSESSOR(KEY_ALL) | KEY_OWNER(KEY_VIEW))
// KEYCTL_SET_REQKEY_KEYRING: -1 asks only; 0 is the default, 1 to 5 the special keyrings by their numbers without sign.
#define REQUEST_RING_UNCHANGED (-1)
#define REQUEST_RING_LAST 5
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

static err_t user_ring(bytes_t prefix, struct key **out borrowed)
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
	err_t e = user_ring(STR("_uid."), &user);
	if (!e)
		e = user_ring(STR("_uid_ses."), out);
	return e ? e : keyring_add(*out, user);
}

// --- of the thread, the process and the session ----------------------------------------------------------

static struct key *ring_get(struct object *o) owned;
static struct key *ring_get(struct object *o)
{
	return o ? key_get(key_from(o)) : NULL;
}

void key_rings_find(struct key_rings *out borrowed)
{
	const struct cred *c = thread_cred();
	out->thread = ring_get(c->thread_keyring);
	out->process = ring_get(c->process_keyring);
	out->session = ring_get(c->session_keyring);
	if (!out->session && user_session_ring(&out->session))
		return;	// without memory: none
}

void key_rings_end(struct key_rings *r borrowed)
{
	if (r->thread)
		key_put(take(r->thread));
	if (r->process)
		key_put(take(r->process));
	if (r->session)
		key_put(take(r->session));
}

struct key *key_ring_at(const struct key_rings *r borrowed, u32 n)
{
	return n == 0 ? r->thread : n == 1 ? r->process : r->session;
}

bool key_rings_hold(const struct key_rings *r borrowed, struct key *wanted)
{
	for (u32 n = 0; n < KEY_RINGS; n++) {
		struct key *ring = key_ring_at(r, n);
		if (ring && keyring_holds(ring, wanted))
			return true;
	}
	return false;
}

// A keyring for the thread (KEY_THREAD) or its process, put into its credentials.
static err_t ring_install(s32 id, struct key **out borrowed)
{
	struct key *made object_auto(key) = NULL;
	struct cred *c object_auto(cred) = cred_copy(thread_cred());
	if (!c)
		return -ENOMEM;
	const err_t e = key_create(KEY_TYPE_KEYRING, id == KEY_THREAD ? STR("_tid") : STR("_pid"), OWN_PERMISSION, NULL,
		&made);
	if (e)
		return e;
	if (id == KEY_THREAD)
		c->thread_keyring = object_get(&made->object);
	else
		c->process_keyring = object_get(&made->object);
	thread_set_cred(take(c));
	*out = take(made);
	return OK;
}

static err_t own_ring(s32 id, enum key_make make, struct key **out borrowed)
{
	*out = ring_get(id == KEY_THREAD ? thread_cred()->thread_keyring : thread_cred()->process_keyring);
	if (*out)
		return OK;
	if (make == KEY_FIND && !(id == KEY_THREAD && thread_cred()->wants_thread_keyring))
		return -ENOKEY;
	return ring_install(id, out);
}

static err_t session_new(struct cred *c borrowed, bytes_t description, u32 permission)
{
	struct key *ring object_auto(key) = NULL;
	const err_t e = key_create(KEY_TYPE_KEYRING, description, permission, NULL, &ring);
	if (e)
		return e;
	struct object *old object_ref_auto = take(c->session_keyring);
	c->session_keyring = object_get(&ring->object);
	return OK;
}

// Who uses a session keyring without having one: makes one, or looks at the user's.
static err_t session_ring(enum key_make make, struct key **out borrowed)
{
	*out = ring_get(thread_cred()->session_keyring);
	if (*out)
		return OK;
	if (make == KEY_FIND)
		return user_session_ring(out);
	struct cred *c object_auto(cred) = cred_copy(thread_cred());
	const err_t e = c ? session_new(c, STR("_ses"), SESSION_PERMISSION) : -ENOMEM;
	if (e)
		return e;
	*out = ring_get(c->session_keyring);
	thread_set_cred(take(c));
	return OK;
}

static err_t special_ring(s32 id, enum key_make make, struct key **out borrowed)
{
	switch (id) {
	case KEY_SESSION:
		return session_ring(make, out);
	case KEY_USER:
		return user_ring(STR("_uid."), out);
	case KEY_USER_SESSION:
		return user_session_ring(out);
	case KEY_THREAD:
	case KEY_PROCESS:
		return own_ring(id, make, out);
	case KEY_REQUEST_AUTHORITY:
	case KEY_REQUESTOR:
		return -ENOKEY;	// of upcalls, which are not made
	default:
		return -EINVAL;
	}
}

ssize_r key_set_request_ring(s32 setting)
{
	struct key *ring object_auto(key) = NULL;
	const s32 before = (s32)thread_cred()->request_keyring;
	mutex_guard(&keys_lock);
	if (setting == REQUEST_RING_UNCHANGED)
		return before;
	if (setting < 0 || setting > REQUEST_RING_LAST)
		return -EINVAL;
	const err_t e = setting == -KEY_THREAD || setting == -KEY_PROCESS ? own_ring(-setting, KEY_MAKE, &ring) : OK;
	if (e)
		return (ssize_r)e;
	struct cred *c object_auto(cred) = cred_copy(thread_cred());
	if (!c)
		return -ENOMEM;
	c->request_keyring = (u32)setting;
	thread_set_cred(take(c));
	return before;
}

ssize_r key_session_join(struct cred *c, bytes_t name)
{
	mutex_guard(&keys_lock);
	struct key *known object_auto(key) = bytes_len(name)
		? keyring_of_name(name, KEY_SEARCH) : NULL;
	if (known) {
		struct object *old object_ref_auto = take(c->session_keyring);
		c->session_keyring = object_get(&known->object);
	} else {
		const err_t e = bytes_len(name) ? session_new(c, name, NAMED_PERMISSION)
			: session_new(c, STR("_ses"), SESSION_PERMISSION);
		if (e)
			return (ssize_r)e;
	}
	return (ssize_r)key_from(c->session_keyring)->number;
}

// --- finding ------------------------------------------------------------------------------------------

void key_found_end(struct key_found *f borrowed)
{
	if (f->key)
		key_put(take(f->key));
}

err_t key_find(s32 id, enum key_make make, u32 wanted, struct key_found *out borrowed)
{
	if (id == 0)
		return -EINVAL;
	if (id < 0) {
		const err_t e = special_ring(id, make, &out->key);
		if (e)
			return e;
		out->possession = KEY_POSSESSED;
	} else {
		struct key_rings rings key_rings_auto = {};
		key_rings_find(&rings);
		out->key = key_of_number(id);
		out->possession = out->key && key_rings_hold(&rings, out->key) ? KEY_POSSESSED : KEY_FOREIGN;
	}
	if (!out->key)
		return -ENOKEY;
	const err_t e = key_check(out->key);
	if (e)
		return e;
	return key_permits(out->key, out->possession, wanted) ? OK : -EACCES;
}
