// SPDX-License-Identifier: MPL-2.0
// One file system in memory for the whole machine, on an internal mount; every mount of "devtmpfs" shows it.
// A listener on the device registry makes and removes nodes; users may add more, as in any tmpfs.
#include <core/print.h>
#include <core/text.h>
#include <services/device/device.h>
#include <services/fs/devfs/devfs.h>
#include <services/fs/devfs/devfs_internal.h>
#include <services/vfs/attributes.h>
#include <services/vfs/dentry.h>
#include <services/vfs/entry.h>
#include <services/vfs/fs_context.h>
#include <services/vfs/mount.h>
#include <services/vfs/superblock.h>

#define DEVTMPFS_MAGIC 0x01021994u

static struct synchronised devfs_home {
	struct spinlock lock;
	struct mount *mount GUARDED_BY(lock);		// reference, kept for ever
	struct fs_context *fs GUARDED_BY(lock);		// its root; likewise
} home = { .lock = SPINLOCK_INIT(RANK_SERVICE_LEAF) };

static struct fs_context *home_context(void) owned;
static struct fs_context *home_context(void)
{
	spin_guard(&home.lock);
	return fs_context_get(home.fs);
}

static struct mount *home_mount(void) owned;
static struct mount *home_mount(void)
{
	spin_guard(&home.lock);
	return home.mount ? mount_get(home.mount) : NULL;
}

// Folders of a name like "pts/ptmx"; those that exist are fine.
static err_t parents_make(const struct lookup_context *c borrowed, bytes_t name)
{
	for (usize i = 0; i < bytes_len(name); i++) {
		err_t err = byte_at(name, i) == '/' ? entry_make_directory(c, bytes_first(name, i), 0755) : OK;

		if (err && err != -EEXIST)
			return err;
	}
	return OK;
}

static no_inline void node_add(struct device *d)
{
	struct fs_context *fs object_auto(fs_context) = home_context();
	struct lookup_context c = { .cred = cred_initial(), .fs = fs };
	bytes_t name = bytes_first(array_bytes(d->name), bytes_string_len(array_bytes(d->name)));
	err_t err;

	if (bytes_len(name) == 0)
		return;
	err = parents_make(&c, name);
	if (!err)
		err = entry_make_node(&c, name, (d->kind == DEVICE_CHAR ? S_IFCHR : S_IFBLK) | d->mode,
			device_number(d->major, d->minor));
	if (err && err != -EEXIST)
		log_text(LOG_ERROR, "devfs: no node for", name);
}

static no_inline void node_remove(struct device *d)
{
	struct fs_context *fs object_auto(fs_context) = home_context();
	struct lookup_context c = { .cred = cred_initial(), .fs = fs };
	bytes_t name = bytes_first(array_bytes(d->name), bytes_string_len(array_bytes(d->name)));

	if (bytes_len(name) > 0 && entry_unlink(&c, name))
		log_text(LOG_WARNING, "devfs: node was gone already", name);
}

static const struct device_listener listener = { .added = node_add, .removed = node_remove };

static err_t devfs_mount(const struct file_system_type *type, const struct mount_request *request borrowed,
	struct superblock **out borrowed)
{
	struct mount *m object_auto(mount) = home_mount();
	const struct file_system_type *ramfs = file_system_find(STR("ramfs"));

	// The first mount is our own and makes the instance; it is a ramfs in all but name.
	if (!m)
		return ramfs ? ramfs->mount(type, request, out) : (err_t)-ENODEV;
	*out = superblock_get(m->superblock);
	return OK;
}

static const struct file_system_type devfs_type = { .name = "devtmpfs", .magic = DEVTMPFS_MAGIC, .mount = devfs_mount };

err_t devfs_init(void)
{
	struct mount *m object_auto(mount) = NULL;
	err_t err = mount_create_internal(&devfs_type, &m);

	if (err)
		return err;
	struct path root path_auto = path_none();
	root.mount = mount_get(m);
	root.dentry = dentry_get(m->root);
	struct fs_context *fs object_auto(fs_context) = fs_context_create(&root);
	if (!fs)
		return -ENOMEM;
	(void)fs_context_set_mask(fs, 0);
	{
		spin_guard(&home.lock);
		home.mount = take(m);
		home.fs = take(fs);
	}
	file_system_register(&devfs_type);
	err = device_listen(&listener);
	if (!err)
		err = memory_devices_register();
	if (!err)
		block_nodes_init();
	return err;
}
