// SPDX-License-Identifier: MPL-2.0
// Names of endpoints: a socket file in a folder, or an abstract name of the network namespace (a zero byte first).
// The inode knows who is bound to it; the endpoint holds the place, so the inode stays while it is bound.
#include <services/net/unix/unix_internal.h>
#include <services/vfs/superblock.h>
#include <services/process/thread.h>
#include <services/vfs/dentry.h>
#include <services/vfs/entry.h>

#define AUTOBIND_TRIES 4096u

static exclusive_access void unix_address_release(struct unix_address *a)
{
	a->length = 0;
}
DEFINE_OBJECT(unix_address, unix_address_release)

DEFINE_TREE(unix_name_tree, unix_socket, name_link)
DEFINE_TREE(unix_home_tree, unix_socket, home_link)
struct unix_names {
	struct object object;
	struct spinlock lock;
	struct unix_name_tree names GUARDED_BY(lock);	// by hash; no references: unbound before the end
	u32 next_automatic GUARDED_BY(lock);
	struct unix_home_tree all GUARDED_BY(lock);	// by age; no references: they leave at their end
	u64 last_age GUARDED_BY(lock);
};
static exclusive_access void unix_names_release(struct unix_names *n)
{
	n->next_automatic = 0;
}
DEFINE_OBJECT(unix_names, unix_names_release)

struct object *unix_names_create(void)
{
	struct unix_names *n object_auto(unix_names) = unix_names_alloc();
	if (!n)
		return NULL;
	spin_init(&n->lock, RANK_FS_CONTEXT);
	return object_get(&n->object);
}

struct unix_names *unix_names_of(struct socket *s)
{
	return unix_names_from_object(s->net->parts[NET_PART_UNIX]);
}

struct unix_address *unix_address_of(struct unix_socket *const u)
{
	spin_guard(&u->lock);
	return u->address ? unix_address_get(u->address) : NULL;
}

static ssize_r put_address(struct unix_socket *u, span_t out)
{
	struct unix_address *a object_auto(unix_address) = u ? unix_address_of(u) : NULL;
	const u32 length = a ? a->length : 2;
	span_put_u16le(out, 0, FAMILY_UNIX);
	if (a)
		span_copy(span_first(out, length), bytes_first(array_bytes(a->bytes), length));
	return (ssize_r)length;
}

ssize_r unix_name(struct socket *s, span_t out)
{
	return put_address(unix_socket_of(s), out);
}

ssize_r unix_peer_name(struct socket *s, span_t out)
{
	struct unix_socket *peer object_auto(unix_socket) = unix_peer_of(unix_socket_of(s));
	return peer ? put_address(peer, out) : (ssize_r)-ENOTCONN;
}

// --- what a user gave -------------------------------------------------------------------------------

static err_t check_address(bytes_t address)
{
	if (bytes_len(address) < 2 || bytes_len(address) > UNIX_ADDRESS_MAX ||
		bytes_get_u16le(address, 0) != FAMILY_UNIX)
		return -EINVAL;
	return OK;
}

static bool is_abstract(bytes_t address)
{
	return byte_at(address, 2) == 0;
}

static bytes_t path_part(bytes_t address)
{
	bytes_t text = bytes_from(address, 2);
	return bytes_first(text, bytes_string_len(text));
}

// With its own copy; a path name ends with a zero byte, which counts.
static struct unix_address *address_create(bytes_t address) owned;
static struct unix_address *address_create(bytes_t address)
{
	struct unix_address *a object_auto(unix_address) = unix_address_alloc();
	if (!a)
		return NULL;
	usize length = bytes_len(address);
	if (!is_abstract(address))
		length = min(2 + bytes_len(path_part(address)) + 1, (usize)UNIX_ADDRESS_MAX);
	(void)span_copy_some(span_first(array_span(a->bytes), length), address);
	a->length = (u32)length;
	return take(a);
}

// --- abstract names ---------------------------------------------------------------------------------

static bytes_t bytes_of_address(struct unix_address *a)
{
	return bytes_first(array_bytes(a->bytes), a->length);
}

static struct unix_socket *names_find(struct unix_names *n, bytes_t address) REQUIRES(n->lock)
{
	const u64 hash = bytes_hash(address, 0);
	for (struct unix_socket *u = unix_name_tree_at_least(&n->names, hash); u && unix_name_tree_key(u) == hash;
		u = unix_name_tree_next(u)) {
		struct unix_address *a object_auto(unix_address) = unix_address_of(u);
		if (a && bytes_equal(bytes_of_address(a), address))
			return u;
	}
	return NULL;
}

static bool set_address(struct unix_socket *const u, struct unix_address *a, struct unix_names *names,
	const struct path *place borrowed)
{
	spin_guard(&u->lock);
	if (u->address)
		return false;
	u->address = unix_address_get(a);
	if (names)
		u->names = unix_names_get(names);
	if (place)
		u->place = path_copy(place);
	return true;
}

static err_t bind_abstract(struct unix_names *const n, struct unix_socket *u, struct unix_address *a)
{
	spin_guard(&n->lock);
	if (names_find(n, bytes_of_address(a)))
		return -EADDRINUSE;
	if (!set_address(u, a, n, NULL))
		return -EINVAL;
	unix_name_tree_insert(&n->names, u, bytes_hash(bytes_of_address(a), 0));
	return OK;
}

static u32 next_automatic(struct unix_names *const n)
{
	spin_guard(&n->lock);
	return n->next_automatic++ & 0xfffff;
}

err_t unix_autobind(struct socket *s)
{
	struct unix_socket *u = unix_socket_of(s);
	struct unix_names *n = unix_names_of(s);
	struct unix_address *own object_auto(unix_address) = unix_address_of(u);
	err_t err = own ? OK : -EADDRINUSE;
	for (u32 tries = 0; err == (err_t)-EADDRINUSE && tries < AUTOBIND_TRIES; tries++) {
		u8 raw[8] = { FAMILY_UNIX, 0, 0 };
		struct text t = text_to(span_from(array_span(raw), 3));
		text_printf(&t, "%05x", next_automatic(n));
		struct unix_address *a object_auto(unix_address) = address_create(array_bytes(raw));
		if (!a)
			return -ENOMEM;
		err = bind_abstract(n, u, a);
	}
	return err == (err_t)-EADDRINUSE ? -ENOSPC : err;
}

// --- path names -------------------------------------------------------------------------------------

static struct lookup_context context_of_thread(void)
{
	return (struct lookup_context){
		.cred = thread_cred(), .fs = thread_fs(), .start = path_none(), .flags = LOOKUP_FOLLOW
	};
}

static void inode_set_socket(struct inode *const i, struct unix_socket *u)
{
	spin_guard(&i->lock);
	i->socket = u;
}

static err_t bind_path(struct unix_socket *u, bytes_t address, struct unix_address *a)
{
	struct path place path_auto = path_none();
	const struct lookup_context c = { .cred = thread_cred(), .fs = thread_fs(), .start = path_none(), .flags = 0 };
	const err_t err = entry_make_node_at(&c, path_part(address), S_IFSOCK | 0777, 0, &place);
	if (err)
		return err == (err_t)-EEXIST ? -EADDRINUSE : err;
	if (!set_address(u, a, NULL, &place))
		return -EINVAL;
	inode_set_socket(place.dentry->inode, u);
	return OK;
}

static bool is_bound(struct unix_socket *const u)
{
	spin_guard(&u->lock);
	return u->address != NULL;
}

err_t unix_bind(struct socket *s, bytes_t address)
{
	struct unix_socket *const u = unix_socket_of(s);
	const err_t err = check_address(address);
	if (err)
		return err;
	mutex_guard(&u->control);
	if (bytes_len(address) == 2)
		return unix_autobind(s);
	if (is_bound(u))
		return -EINVAL;
	struct unix_address *a object_auto(unix_address) = address_create(address);
	if (!a)
		return -ENOMEM;
	return is_abstract(address) ? bind_abstract(unix_names_of(s), u, a) : bind_path(u, address, a);
}

static struct path take_place(struct unix_socket *const u, struct unix_names **names borrowed)
{
	spin_guard(&u->lock);
	const struct path place = u->place;
	u->place = path_none();
	*names = take(u->names);
	return place;
}

static void names_remove(struct unix_names *const n, struct unix_socket *u)
{
	spin_guard(&n->lock);
	unix_name_tree_remove(&n->names, u);
}

static void inode_forget_socket(struct inode *const i, struct unix_socket *u)
{
	spin_guard(&i->lock);
	if (i->socket == u)
		i->socket = NULL;
}

void unix_unbind(struct unix_socket *u)
{
	struct unix_names *names object_auto(unix_names) = NULL;
	struct path place path_auto = take_place(u, &names);
	if (names)
		names_remove(names, u);
	if (!path_is_none(&place))
		inode_forget_socket(place.dentry->inode, u);
}

// --- finding ----------------------------------------------------------------------------------------

static struct unix_socket *find_abstract(struct unix_names *const n, bytes_t address) owned;
static struct unix_socket *find_abstract(struct unix_names *const n, bytes_t address)
{
	spin_guard(&n->lock);
	struct unix_socket *u = names_find(n, address);
	return unix_socket_try_get(u);
}

static struct unix_socket *socket_of_inode(struct inode *const i) owned;
static struct unix_socket *socket_of_inode(struct inode *const i)
{
	spin_guard(&i->lock);
	return unix_socket_try_get(i->socket);
}

static err_t find_path(bytes_t name, struct unix_socket **out borrowed)
{
	struct path place path_auto = path_none();
	const struct lookup_context c = context_of_thread();
	err_t err = path_lookup(&c, name, &place);
	if (err)
		return err;
	struct inode *i = path_inode(&place);
	err = path_permission(&place, PERMISSION_WRITE, c.cred);
	if (err)
		return err;
	if (i->type != S_IFSOCK)
		return -ECONNREFUSED;
	*out = socket_of_inode(i);
	return *out ? OK : -ECONNREFUSED;
}

err_t unix_find(struct socket *s, bytes_t address, u32 type, struct unix_socket **out borrowed)
{
	struct unix_socket *found object_auto(unix_socket) = NULL;
	err_t err = check_address(address);
	if (err || bytes_len(address) == 2)
		return -EINVAL;
	if (is_abstract(address)) {
		found = find_abstract(unix_names_of(s), address);
		err = found ? OK : -ECONNREFUSED;
	} else {
		err = find_path(path_part(address), &found);
	}
	if (err)
		return err;
	if (found->type != type)
		return -EPROTOTYPE;
	*out = take(found);
	return OK;
}

// --- all endpoints ----------------------------------------------------------------------------------

void unix_home_enter(struct unix_socket *u)
{
	struct unix_names *const n = u->home;
	spin_guard(&n->lock);
	n->last_age++;
	unix_home_tree_insert(&n->all, u, n->last_age);
}

void unix_home_leave(struct unix_socket *u)
{
	struct unix_names *const n = u->home;
	spin_guard(&n->lock);
	if (unix_home_tree_is_linked(u))
		unix_home_tree_remove(&n->all, u);
}

static struct unix_socket *next_of(struct unix_names *const n, u64 *age borrowed) owned;
static struct unix_socket *next_of(struct unix_names *const n, u64 *age borrowed)
{
	spin_guard(&n->lock);
	for (struct unix_socket *u = unix_home_tree_at_least(&n->all, *age + 1); u; u = unix_home_tree_next(u)) {
		struct unix_socket *living object_auto(unix_socket) = unix_socket_try_get(u);
		*age = unix_home_tree_key(u);
		if (living)
			return take(living);
	}
	return NULL;
}

static void describe_state(struct unix_socket *const u, struct unix_description *out borrowed)
{
	spin_guard(&u->lock);
	out->is_listening = u->state == UNIX_LISTENING;
	out->is_connected = u->state == UNIX_CONNECTED;
	if (u->place.dentry && u->place.dentry->inode) {
		out->place_inode = u->place.dentry->inode->number;
		out->place_device = u->place.dentry->inode->superblock->device;
	}
	if (u->peer && u->state == UNIX_CONNECTED) {
		out->has_peer = 1;
		out->peer_inode = atomic_u64_load_relaxed(&u->peer->inode);
	}
}

static void describe_queue(struct unix_socket *const u, struct unix_description *out borrowed)
{
	spin_guard(&u->queue_lock);
	out->receive_queue = out->is_listening ? (u32)unix_backlog_count(&u->backlog) : (u32)u->queued_bytes;
	out->send_queue = out->is_listening ? u->backlog_limit : atomic_u32_load_relaxed(&u->in_flight);
}

bool unix_describe_next(struct net_namespace *net, u64 *age borrowed, struct unix_description *out borrowed)
{
	struct unix_socket *u object_auto(unix_socket) =
		next_of(unix_names_from_object(net->parts[NET_PART_UNIX]), age);
	if (!u)
		return false;
	struct unix_address *a object_auto(unix_address) = unix_address_of(u);
	*out = (struct unix_description){ .type = u->type, .references = object_references(&u->object),
		.shutdown = atomic_u32_load_relaxed(&u->shutdown), .uid = u->owner_uid,
		.inode = atomic_u64_load_relaxed(&u->inode) };
	describe_state(u, out);
	describe_queue(u, out);
	if (a && a->length > 2) {
		out->name_length = a->length - 2;
		(void)span_copy_some(array_span(out->name), bytes_slice(array_bytes(a->bytes), 2, out->name_length));
	}
	return true;
}
