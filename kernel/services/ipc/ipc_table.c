// SPDX-License-Identifier: MPL-2.0
#include <core/time.h>
#include <services/ipc/ipc_table.h>
#include <services/namespace/ipc_namespace.h>
#include <services/process/thread.h>

#define SLOT_BITS 15u

DEFINE_BASE(ipc_object)

// --- the tables of a namespace ----------------------------------------------------------------------

static void ipc_table_clear(struct ipc_table *const t) exclusive_access
{
	for (u64 slot = 0;; slot++) {
		struct ipc_object *o object_auto(ipc_object) = ipc_index_next(&t->slots, &slot);

		if (!o)
			break;
	}
	ipc_index_clear(&t->slots);
}

static void ipc_tables_release(struct ipc_tables *t) exclusive_access
{
	for (u32 kind = 0; kind < IPC_KIND_COUNT; kind++)
		ipc_table_clear(array_ptr(t->table, kind));
	if (t->mqueues)
		object_put(take(t->mqueues));
}
DEFINE_OBJECT(ipc_tables, ipc_tables_release)

static const u64 setting_defaults[IPC_SETTING_COUNT] = {
	[IPC_MSGMAX] = 8192, [IPC_MSGMNB] = IPC_MSGMNB_DEFAULT, [IPC_MSGMNI] = IPC_MSGMNI_DEFAULT,
	[IPC_SEMMSL] = 32000, [IPC_SEMMNS] = 1024000000, [IPC_SEMOPM] = 500, [IPC_SEMMNI] = 32000,
	[IPC_SHMMAX] = U64_MAX - (1ul << 24), [IPC_SHMALL] = U64_MAX - (1ul << 24), [IPC_SHMMNI] = 4096,
};

static struct ipc_tables *ipc_tables_create(void) owned;
static struct ipc_tables *ipc_tables_create(void)
{
	struct ipc_tables *t object_auto(ipc_tables) = ipc_tables_alloc();

	if (!t)
		return NULL;
	for (u32 kind = 0; kind < IPC_KIND_COUNT; kind++)
		mutex_init(&array_ptr(t->table, kind)->lock, RANK_NAMESPACE);
	spin_init(&t->lock, RANK_SERVICE_LEAF);
	for (u32 n = 0; n < IPC_SETTING_COUNT; n++)
		atomic_u64_store_relaxed(array_ptr(t->setting, n), setting_defaults[n]);
	return take(t);
}

static struct object *tables_get(struct ipc_namespace *const n) owned;
static struct object *tables_get(struct ipc_namespace *const n)
{
	spin_guard(&n->lock);
	return n->tables ? object_get(n->tables) : NULL;
}

struct ipc_tables *ipc_tables_current(void)
{
	struct ipc_namespace *const n = ipc_namespace_from(thread_namespace(NAMESPACE_IPC));
	struct object *known object_ref_auto = tables_get(n);

	if (known)
		return ipc_tables_get(ipc_tables_from_object(known));
	struct ipc_tables *made object_auto(ipc_tables) = ipc_tables_create();

	if (!made)
		return NULL;
	spin_guard(&n->lock);
	if (!n->tables)
		n->tables = object_get(&made->object);
	return ipc_tables_get(ipc_tables_from_object(n->tables));
}

// --- objects in a table -------------------------------------------------------------------------------

exclusive_access void ipc_object_init(struct ipc_object *o, s32 key, u32 mode, const struct cred *cred borrowed)
{
	spin_init(&o->lock, RANK_SERVICE_LEAF);
	o->key = key;
	o->uid = cred->euid;
	o->gid = cred->egid;
	o->creator_uid = cred->euid;
	o->creator_gid = cred->egid;
	o->mode = mode & 0777;
	o->change_time_s = clock_realtime_ns() / NS_PER_SECOND;
}

static u32 slot_of(const struct ipc_object *o borrowed)
{
	return (u32)o->id & (IPC_SLOTS_MAX - 1);
}

err_t ipc_table_add(struct ipc_table *t, struct ipc_object *o, u32 limit)
{
	u64 slot = 0, at = 0;

	if (ipc_index_count(&t->slots) >= min(limit, IPC_SLOTS_MAX))
		return -ENOSPC;
	while (ipc_index_next(&t->slots, &at) && at == slot)
		at = ++slot;
	if (ipc_index_set(&t->slots, slot, o))
		return -ENOMEM;
	struct ipc_object *kept object_auto(ipc_object) = ipc_object_get(o);

	o->id = (s32)(t->sequence << SLOT_BITS | (u32)slot);
	t->sequence = (t->sequence + 1) & 0xffff;
	kept = NULL; // the table's now
	return OK;
}

bool ipc_table_has(struct ipc_table *t, struct ipc_object *o borrowed)
{
	return ipc_index_at(&t->slots, slot_of(o)) == o;
}

void ipc_table_remove(struct ipc_table *t, struct ipc_object *o)
{
	struct ipc_object *gone object_auto(ipc_object) = ipc_index_at(&t->slots, slot_of(o));

	ipc_index_remove(&t->slots, slot_of(o));
}

static s32 key_of(struct ipc_object *const o)
{
	spin_guard(&o->lock);
	return o->key;
}

struct ipc_object *ipc_table_find_key(struct ipc_table *t, s32 key)
{
	for (u64 slot = 0;; slot++) {
		struct ipc_object *o = ipc_index_next(&t->slots, &slot);

		if (!o)
			return NULL;
		if (key_of(o) == key)
			return ipc_object_get(o);
	}
}

struct ipc_object *ipc_table_find(struct ipc_table *const t, s32 number, enum ipc_name name)
{
	mutex_guard(&t->lock);
	struct ipc_object *o = number < 0 ? NULL : ipc_index_at(&t->slots, (u32)number & (IPC_SLOTS_MAX - 1));

	if (!o || (name == IPC_BY_ID ? o->id != number : (u32)number >= IPC_SLOTS_MAX))
		return NULL;
	return ipc_object_get(o);
}

u32 ipc_table_count(struct ipc_table *const t)
{
	mutex_guard(&t->lock);
	return (u32)ipc_index_count(&t->slots);
}

u32 ipc_table_last(struct ipc_table *const t)
{
	u64 last = 0;

	mutex_guard(&t->lock);
	for (u64 slot = 0; ipc_index_next(&t->slots, &slot); slot++)
		last = slot;
	return (u32)last;
}

// --- owners -------------------------------------------------------------------------------------------

bool ipc_capable(const struct cred *cred borrowed, u32 capability)
{
	const struct namespace *n = thread_namespace(NAMESPACE_IPC);

	return cred_has_capability(cred, n->owner ? n->owner : user_namespace_initial(), capability);
}

struct ipc_owner ipc_owner_of(struct ipc_object *const o)
{
	spin_guard(&o->lock);
	return (struct ipc_owner){
		.key = o->key, .uid = o->uid, .gid = o->gid, .mode = o->mode, .change_time_s = o->change_time_s
	};
}

err_t ipc_permission(struct ipc_object *o, u32 wanted, const struct cred *cred borrowed)
{
	const struct ipc_owner owner = ipc_owner_of(o);
	u32 asked = (wanted >> 6 | wanted >> 3 | wanted) & 7, granted = owner.mode;

	if (cred->euid == owner.uid || cred->euid == o->creator_uid)
		granted >>= 6;
	else if (cred_in_egroup(cred, owner.gid) || cred_in_egroup(cred, o->creator_gid))
		granted >>= 3;
	return asked & ~granted && !ipc_capable(cred, CAP_IPC_OWNER) ? -EACCES : OK;
}

err_t ipc_may_change(struct ipc_object *o, const struct cred *cred borrowed)
{
	if (cred->euid == ipc_owner_of(o).uid || cred->euid == o->creator_uid)
		return OK;
	return ipc_capable(cred, CAP_SYS_ADMIN) ? OK : -EPERM;
}

void ipc_set_owner(struct ipc_object *const o, u32 uid, u32 gid, u32 mode)
{
	spin_guard(&o->lock);
	o->uid = uid;
	o->gid = gid;
	o->mode = (o->mode & ~0777u) | (mode & 0777);
	o->change_time_s = clock_realtime_ns() / NS_PER_SECOND;
}
