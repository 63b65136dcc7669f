// SPDX-License-Identifier: MPL-2.0
// Folders, owners, mounting. Each mount is a superblock of its own over the one hierarchy; its root is the root of
// the mounter's cgroup namespace. Names are checked again at every use, because a group may be made or removed
// through another mount.
#include <core/print.h>
#include <services/fs/cgroupfs/cgroup_files.h>
#include <services/fs/cgroupfs/cgroupfs.h>
#include <services/process/clone.h>
#include <services/process/thread.h>

static const struct pseudo_kind cgroupfs_folder_kind;

static struct cgroup *cgroupfs_group(const struct pseudo_inode *n)
{
	return cgroup_of_object(n->subject);
}

// --- owners --------------------------------------------------------------------------------

// Brings the inode up to date with what the group knows.
static void cgroupfs_refresh(struct pseudo_inode *n)
{
	struct inode *i = &n->base;
	struct cgroup_owner owner;
	{
		mutex_guard(&cgroup_tree_lock);
		owner = cgroupfs_group(n)->owners[n->value[0]];
	}
	spin_guard(&i->lock);
	i->uid = owner.uid;
	i->gid = owner.gid;
	if (owner.mode)
		i->mode = owner.mode & 07777;
}

err_t cgroupfs_permission(struct pseudo_inode *n, u32 mask, const struct cred *cred borrowed)
{
	cgroupfs_refresh(n);
	return inode_permission_generic(&n->base, mask, cred);
}

err_t cgroupfs_get_attributes(struct pseudo_inode *n, struct file_stat *out borrowed)
{
	cgroupfs_refresh(n);
	inode_stat_generic(&n->base, out);
	return OK;
}

err_t cgroupfs_set_attributes(struct pseudo_inode *n, const struct attribute_change *change borrowed)
{
	{
		mutex_guard(&cgroup_tree_lock);
		struct cgroup_owner *owner = array_ptr(cgroupfs_group(n)->owners, n->value[0]);

		if (change->valid & ATTRIBUTE_UID)
			owner->uid = change->uid;
		if (change->valid & ATTRIBUTE_GID)
			owner->gid = change->gid;
		if (change->valid & ATTRIBUTE_MODE)
			owner->mode = change->mode | S_IFMT; // never 0
	}
	cgroupfs_refresh(n);
	return OK;
}

// --- folders -------------------------------------------------------------------------------

static bool cgroupfs_has_entry(struct pseudo_inode *dir, const struct pseudo_entry *e)
{
	const struct cgroup_file *file = cgroup_file_at(e->value);
	struct cgroup *g = cgroupfs_group(dir);

	if (cgroup_is_root(g))
		return !(file->flags & CGROUP_FILE_NOT_ON_ROOT);
	if (file->flags & CGROUP_FILE_PRESSURE && atomic_u32_load(&g->sched.pressure.is_off))
		return false;
	mutex_guard(&cgroup_tree_lock);
	return !atomic_u32_load(&g->is_removed) && (!file->controller || file->controller & cgroup_controllers(g));
}

static struct cgroup *cgroupfs_find(struct cgroup *g, bytes_t name) owned;
static struct cgroup *cgroupfs_find(struct cgroup *g, bytes_t name)
{
	mutex_guard(&cgroup_tree_lock);
	struct cgroup *c = cgroup_find_child(g, name);

	return c ? cgroup_get(c) : NULL;
}

static err_t cgroupfs_lookup(struct pseudo_inode *dir, bytes_t name, struct inode **out borrowed)
{
	struct cgroup *c object_auto(cgroup) = cgroupfs_find(cgroupfs_group(dir), name);

	if (!c)
		return -ENOENT;
	return pseudo_create(dir, name, S_IFDIR | 0755, &cgroupfs_folder_kind, &c->object, 0, out);
}

// A positive name must still be that group, a negative one still be free.
static bool cgroupfs_revalidate(struct pseudo_inode *dir, bytes_t name, struct inode *child)
{
	struct pseudo_inode *n = child ? pseudo_inode_of(child) : NULL;

	if (n && n->value[0]) // a file: is its controller still there?
		return cgroupfs_has_entry(dir, cgroup_file_entry((u32)n->value[0] - 1));
	struct cgroup *c object_auto(cgroup) = cgroupfs_find(cgroupfs_group(dir), name);

	return n ? c == cgroupfs_group(n) : false;
}

// The group at place `index` of the children, with a reference.
static struct cgroup *cgroupfs_child_at(struct cgroup *g, u64 index) owned;
static struct cgroup *cgroupfs_child_at(struct cgroup *g, u64 index)
{
	mutex_guard(&cgroup_tree_lock);
	struct cgroup *c = cgroup_list_first(&g->children);

	while (c && index--)
		c = cgroup_list_next(c);
	return c ? cgroup_get(c) : NULL;
}

static err_t cgroupfs_read_directory(
	struct pseudo_inode *dir, u64 *position borrowed, struct directory_sink *sink borrowed)
{
	for (;; (*position)++) {
		struct cgroup *c object_auto(cgroup) = cgroupfs_child_at(cgroupfs_group(dir), *position);

		if (!c)
			return OK;
		bytes_t name = buf_bytes(c->name);

		if (!sink->add(sink, name, pseudo_number(dir, name), S_IFDIR, *position + 1))
			return OK;
	}
}

static bool cgroupfs_is_file_name(bytes_t name)
{
	for (u32 i = 0; cgroup_file_entry(i); i++) {
		bytes_t text = array_bytes(cgroup_file_entry(i)->name);

		if (bytes_equal(name, bytes_first(text, bytes_string_len(text))))
			return true;
	}
	return false;
}

static err_t cgroupfs_make_directory(
	struct pseudo_inode *dir, bytes_t name, u32 mode, const struct cred *cred borrowed, struct inode **out borrowed)
{
	struct cgroup *c object_auto(cgroup) = NULL;
	err_t e;

	// A file that a controller would bring must still find its name free.
	if (cgroupfs_is_file_name(name))
		return -EEXIST;
	{
		mutex_guard(&cgroup_tree_lock);
		e = cgroup_create(cgroupfs_group(dir), name, cred->fsuid, cred->fsgid, &c);
		if (!e)	// kept with the group: it may be the root of another mount
			array_ptr(c->owners, 0)->mode = (mode & 07777) | S_IFMT;
	}
	if (e)
		return e;
	return pseudo_create(dir, name, S_IFDIR | (mode & 07777), &cgroupfs_folder_kind, &c->object, 0, out);
}

static err_t cgroupfs_remove_directory(struct pseudo_inode *dir, bytes_t name, struct inode *child)
{
	struct pseudo_inode *n = pseudo_inode_of(child);

	mutex_guard(&cgroup_tree_lock);
	return n->value[0] ? -ENOTDIR : cgroup_remove(cgroupfs_group(n));
}

static const struct pseudo_kind cgroupfs_folder_kind = {
	.entry_at = cgroup_file_entry,
	.has_entry = cgroupfs_has_entry,
	.lookup = cgroupfs_lookup,
	.read_directory = cgroupfs_read_directory,
	.make_directory = cgroupfs_make_directory,
	.remove_directory = cgroupfs_remove_directory,
	.revalidate = cgroupfs_revalidate,
	.permission = cgroupfs_permission,
	.get_attributes = cgroupfs_get_attributes,
	.set_attributes = cgroupfs_set_attributes,
};

// --- mounting ------------------------------------------------------------------------------

struct cgroupfs_option {
	u8 name[24];
	u32 flag;	// enum cgroup_option
};
static const struct cgroupfs_option cgroupfs_options[] = {
	{ "nsdelegate", CGROUP_OPTION_NSDELEGATE },
	{ "memory_localevents", CGROUP_OPTION_LOCAL_EVENTS },
	{ "memory_recursiveprot", CGROUP_OPTION_RECURSIVE_PROTECTION },
};

static bytes_t cgroupfs_option_name(u32 index)
{
	bytes_t name = array_bytes(array_ptr(cgroupfs_options, index)->name);

	return bytes_first(name, bytes_string_len(name));
}

// -EINVAL: an option that there is not (favordynmods, which changes nothing that can be seen).
static err_t cgroupfs_parse_options(bytes_t text, u32 *flags borrowed)
{
	*flags = 0;
	while (bytes_len(text)) {
		usize length = bytes_find(text, ',');
		bytes_t word = bytes_first(text, length);
		u32 flag = 0;

		text = bytes_from(text, min(length + 1, bytes_len(text)));
		for (u32 i = 0; i < array_len(cgroupfs_options); i++)
			if (bytes_equal(word, cgroupfs_option_name(i)))
				flag = array_ptr(cgroupfs_options, i)->flag;
		if (!flag && length)
			return -EINVAL;
		*flags |= flag;
	}
	return OK;
}

// They hold for all mounts, and only the host sets them: inside a cgroup namespace they change nothing.
static err_t cgroupfs_set_options(struct namespace *ns, bytes_t text)
{
	u32 flags = 0;
	err_t e = cgroupfs_parse_options(text, &flags);

	if (!e && (!ns || cgroup_namespace_from(ns) == cgroup_namespace_initial()))
		atomic_u32_store(&cgroup_options, flags);
	return e;
}

static err_t cgroupfs_remount(struct superblock *sb, u32 flags, bytes_t options)
{
	return cgroupfs_set_options(thread_namespace(NAMESPACE_CGROUP), options);
}

static void cgroupfs_show_options(struct superblock *sb, struct text *out borrowed)
{
	u32 flags = atomic_u32_load(&cgroup_options);

	for (u32 i = 0; i < array_len(cgroupfs_options); i++) {
		if (!(flags & array_ptr(cgroupfs_options, i)->flag))
			continue;
		text_char(out, ',');
		text_put(out, cgroupfs_option_name(i));
	}
}

static const struct superblock_ops cgroupfs_superblock_ops = {
	.statistics = pseudo_statistics,
	.remount = cgroupfs_remount,
	.show_options = cgroupfs_show_options,
};

static err_t cgroupfs_mount(const struct file_system_type *type, const struct mount_request *request borrowed,
	struct superblock **out borrowed)
{
	struct namespace *ns = request->namespaces ? request->namespaces->slot[NAMESPACE_CGROUP] : NULL;
	err_t e = cgroupfs_set_options(ns, request->options);

	if (e)
		return e;
	struct cgroup *root = ns ? cgroup_namespace_from(ns)->root : cgroup_root();

	return pseudo_mount(type, request, &cgroupfs_superblock_ops, &cgroupfs_folder_kind, &root->object, out);
}

const struct file_system_type cgroupfs_type = {
	.name = "cgroup2",
	.flags = FILE_SYSTEM_USER_MOUNT,
	.magic = 0x63677270,
	.mount = cgroupfs_mount,
};

err_t cgroupfs_group_of_folder(struct file *f, struct cgroup **out borrowed)
{
	if (f->inode->superblock->type != &cgroupfs_type || f->inode->type != S_IFDIR)
		return -EBADF;
	struct cgroup *g = cgroupfs_group(pseudo_inode_of(f->inode));

	if (atomic_u32_load(&g->is_removed))
		return -ENOENT;
	*out = cgroup_get(g);
	return OK;
}

// clone3(CLONE_INTO_CGROUP): the group of an open folder.
static err_t cgroupfs_group_of_file(struct file *f, struct cgroup **out borrowed)
{
	if (f->inode->superblock->type != &cgroupfs_type || f->inode->type != S_IFDIR)
		return -EBADF;
	struct cgroup *g object_auto(cgroup) = cgroup_get(cgroupfs_group(pseudo_inode_of(f->inode)));
	struct cgroup *from object_auto(cgroup) = thread_cgroup(thread_current());

	mutex_guard(&cgroup_tree_lock);
	struct cgroup_move m = { .to = g, .domain = cgroup_domain(g), .cred = thread_cred() };
	if (atomic_u32_load(&g->is_removed))
		return -ENOENT;
	// As if its cgroup.procs were opened for writing, too.
	err_t e = cgroup_may_write_procs(g, m.cred) ? cgroup_may_move(from, &m) : -EACCES;

	if (!e)
		*out = take(g);
	return e;
}

void cgroupfs_init(void)
{
	file_system_register(&cgroupfs_type);
	if (cgroup_watch_init())
		log_error("cgroupfs: no memory: inotify sees no events of groups");
	clone_set_cgroup_lookup(cgroupfs_group_of_file);
}
