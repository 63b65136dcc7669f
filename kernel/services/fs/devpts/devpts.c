// SPDX-License-Identifier: MPL-2.0
// An instance keeps its ptys in a table by number. The node of number N exists as long as the master is open:
// the folder is made on demand (services/vfs/pseudo), and a look-up of a number that is gone fails.
#include <core/text.h>
#include <services/device/device.h>
#include <services/fs/devpts/devpts.h>
#include <services/process/thread.h>
#include <services/tty/pty.h>
#include <services/vfs/dentry.h>
#include <services/vfs/mount.h>
#include <services/vfs/pseudo/pseudo.h>

#define DEVPTS_MAGIC 0x1cd1u
#define PTMX_MAJOR 5u
#define PTMX_MINOR 2u
#define PTYS_MAX 4096u
#define OPTION_UNSET U32_MAX

DEFINE_INDEX(pty_index, pty)
struct devpts {
	struct pty_owner base;
	struct mutex lock;
	struct pty_index ptys GUARDED_BY(lock);	// no reference: closing the master removes
	u32 count GUARDED_BY(lock);
	u32 uid GUARDED_BY(lock);		// OPTION_UNSET: the opener's
	u32 gid GUARDED_BY(lock);
	u32 mode GUARDED_BY(lock);
	u32 ptmx_mode GUARDED_BY(lock);
	u32 max GUARDED_BY(lock);
};
static exclusive_access void devpts_release(struct devpts *d)
{
	pty_index_clear(&d->ptys);
}
DEFINE_DERIVED(devpts, pty_owner, devpts_release)

static struct devpts *devpts_of(struct pseudo_inode *n)
{
	return devpts_from_object(n->subject);
}

static void pty_closed(struct pty_owner *o, u32 number)
{
	struct devpts *d = devpts_from_pty_owner(o);

	mutex_guard(&d->lock);
	pty_index_remove(&d->ptys, number);
	d->count--;
}

static const struct pty_owner_ops devpts_owner_ops = { .closed = pty_closed };

static err_t free_number(struct devpts *d, u32 *out borrowed) REQUIRES(d->lock)
{
	if (d->count >= d->max)
		return -ENOSPC;
	for (u32 n = 0; n < PTYS_MAX; n++) {
		if (!pty_index_at(&d->ptys, n)) {
			*out = n;
			return OK;
		}
	}
	return -ENOSPC;
}

static err_t master_open(struct devpts *d, struct file *f)
{
	u32 number = 0;
	err_t err;

	mutex_guard(&d->lock);
	err = free_number(d, &number);
	if (!err)
		err = pty_open_master(&d->base, number, f);
	if (err)
		return err;
	// A failed open is not released: nobody has seen the pty, it goes with the file.
	if (pty_index_set(&d->ptys, number, pty_of_master(f)))
		return -ENOMEM;
	d->count++;
	return OK;
}

// --- nodes ------------------------------------------------------------------------------------------
static const struct pseudo_kind slave_kind = { };
static const struct pseudo_kind ptmx_kind = { };

static err_t node_create(struct pseudo_inode *dir, bytes_t name, u32 mode, const struct pseudo_kind *kind,
	struct object *subject, u64 device, struct inode **out borrowed)
{
	struct inode *i object_auto(inode) = NULL;
	err_t err = pseudo_create(dir, name, S_IFCHR | mode, kind, subject, 0, &i);

	if (err)
		return err;
	i->device = device;
	*out = take(i);
	return OK;
}

static err_t slave_node(
	struct pseudo_inode *dir, struct devpts *d, u32 number, bytes_t name, struct inode **out borrowed)
{
	struct inode *i object_auto(inode) = NULL;
	err_t err;

	mutex_guard(&d->lock);
	struct pty *p = pty_index_at(&d->ptys, number);
	if (!p)
		return -ENOENT;
	err = node_create(dir, name, d->mode, &slave_kind, pty_object(p), p->base.device, &i);
	if (err)
		return err;
	pseudo_set_owner(i, d->uid == OPTION_UNSET ? p->uid : d->uid, d->gid == OPTION_UNSET ? p->gid : d->gid);
	*out = take(i);
	return OK;
}

static u32 ptmx_mode_of(struct devpts *d)
{
	mutex_guard(&d->lock);
	return d->ptmx_mode;
}

static err_t root_lookup(struct pseudo_inode *dir, bytes_t name, struct inode **out borrowed)
{
	struct devpts *d = devpts_of(dir);
	u64 number = 0;

	if (bytes_equal(name, STR("ptmx")))
		return node_create(dir, name, ptmx_mode_of(d), &ptmx_kind, dir->subject,
			device_number(PTMX_MAJOR, PTMX_MINOR), out);
	if (!bytes_parse_u64(name, 10, &number) || number >= PTYS_MAX ||
		(bytes_len(name) > 1 && byte_at(name, 0) == '0'))
		return -ENOENT;
	return slave_node(dir, d, (u32)number, name, out);
}

static bool next_number(struct devpts *d, u64 *number borrowed)
{
	mutex_guard(&d->lock);
	return pty_index_next(&d->ptys, number);
}

// Position 0: ptmx; N + 1: number N.
static err_t root_read_directory(struct pseudo_inode *dir, u64 *position borrowed, struct directory_sink *sink borrowed)
{
	struct devpts *d = devpts_of(dir);

	if (*position == 0) {
		if (!sink->add(sink, STR("ptmx"), pseudo_number(dir, STR("ptmx")), S_IFCHR >> 12, 1))
			return OK;
		*position = 1;
	}
	for (;;) {
		u64 number = *position - 1;
		u8 name[12] = { };
		struct text t = text_to(array_span(name));

		if (!next_number(d, &number))
			return OK;
		text_printf(&t, "%lu", number);
		if (!sink->add(sink, text_bytes(&t), pseudo_number(dir, text_bytes(&t)), S_IFCHR >> 12, number + 2))
			return OK;
		*position = number + 2;
	}
}

// Is the node's terminal still there? Names vanish by themselves.
static bool root_revalidate(struct pseudo_inode *dir, bytes_t name, struct inode *child)
{
	struct devpts *d = devpts_of(dir);
	u64 number = 0;

	if (!child)
		return false;
	if (!bytes_parse_u64(name, 10, &number))
		return true;
	struct object *subject = pseudo_inode_of(child)->subject;
	mutex_guard(&d->lock);
	struct pty *p = pty_index_at(&d->ptys, number);
	return p && pty_object(p) == subject;
}

static const struct pseudo_kind root_kind = {
	.lookup = root_lookup, .read_directory = root_read_directory, .revalidate = root_revalidate
};

// --- options and mounting ---------------------------------------------------------------------------
static err_t option_apply(struct devpts *d, bytes_t option, struct user_namespace *ns) REQUIRES(d->lock)
{
	const bytes_t key = mount_option_key(option), value = mount_option_value(option);
	u64 n = 0;

	if (bytes_equal(key, STR("newinstance")))
		return OK;
	if (bytes_equal(key, STR("mode")) || bytes_equal(key, STR("ptmxmode"))) {
		if (!bytes_parse_u64(value, 8, &n))
			return -EINVAL;
		*(bytes_equal(key, STR("mode")) ? &d->mode : &d->ptmx_mode) = n & 07777;
		return OK;
	}
	if (!bytes_parse_u64(value, 10, &n))
		return -EINVAL;
	if (bytes_equal(key, STR("uid")))
		d->uid = user_namespace_uid_in(ns, (u32)n);
	else if (bytes_equal(key, STR("gid")))
		d->gid = user_namespace_gid_in(ns, (u32)n);
	else if (bytes_equal(key, STR("max")) && n <= PTYS_MAX)
		d->max = (u32)n;
	else
		return -EINVAL;
	return (bytes_equal(key, STR("uid")) && d->uid == ID_INVALID) ||
			(bytes_equal(key, STR("gid")) && d->gid == ID_INVALID)
		? (err_t)-EINVAL
		: OK;
}

static err_t options_apply(struct devpts *d, bytes_t options, struct user_namespace *ns)
{
	usize at = 0;
	err_t err = OK;

	mutex_guard(&d->lock);
	while (!err) {
		const bytes_t word = mount_option_next(options, &at);

		if (bytes_len(word) == 0)
			break;
		err = option_apply(d, word, ns);
	}
	return err;
}

static void devpts_show_options(struct superblock *sb, struct text *out borrowed)
{
	struct devpts *d = devpts_from_object(pseudo_superblock_of(sb)->subject);

	mutex_guard(&d->lock);
	if (d->uid != OPTION_UNSET)
		text_printf(out, ",uid=%u", d->uid);
	if (d->gid != OPTION_UNSET)
		text_printf(out, ",gid=%u", d->gid);
	text_printf(out, ",mode=%03o,ptmxmode=%03o", d->mode, d->ptmx_mode);
	if (d->max < PTYS_MAX)
		text_printf(out, ",max=%u", d->max);
}

static err_t devpts_remount(struct superblock *sb, u32 flags, bytes_t options)
{
	return options_apply(devpts_from_object(pseudo_superblock_of(sb)->subject), options, sb->user_ns);
}

static const struct superblock_ops devpts_superblock_ops = {
	.statistics = pseudo_statistics, .remount = devpts_remount, .show_options = devpts_show_options,
};

static exclusive_access void devpts_set_up(struct devpts *d)
{
	d->base.ops = &devpts_owner_ops;
	mutex_init(&d->lock, RANK_SLEEPING_LEAF);
	d->uid = d->gid = OPTION_UNSET;
	d->mode = 0600;
	d->ptmx_mode = 0;
	d->max = PTYS_MAX;
}

static err_t devpts_mount(const struct file_system_type *type, const struct mount_request *request borrowed,
	struct superblock **out borrowed)
{
	struct devpts *d object_auto(devpts) = devpts_alloc();
	err_t err;

	if (!d)
		return -ENOMEM;
	devpts_set_up(d);
	err = options_apply(d, request->options, request->cred->user_ns);
	if (err)
		return err;
	return pseudo_mount(type, request, &devpts_superblock_ops, &root_kind, &d->base.object, out);
}

static const struct file_system_type devpts_type = {
	.name = "devpts", .flags = FILE_SYSTEM_USER_MOUNT, .magic = DEVPTS_MAGIC, .mount = devpts_mount,
};

// --- /dev/ptmx and the slaves' device numbers ----------------------------------------------------------
// The place of an opened ptmx node's instance: the node's own mount, or the one that is at "pts" beside it.
static err_t instance_place(struct file *f, struct path *out borrowed)
{
	struct path parent path_auto = path_none();
	struct lookup_context c = { .cred = f->cred, .fs = thread_fs(), .flags = LOOKUP_FOLLOW | LOOKUP_DIRECTORY };

	if (f->inode->superblock->type == &devpts_type) {
		out->mount = mount_get(f->path.mount);
		out->dentry = dentry_get(f->path.dentry);
		return OK;
	}
	parent.mount = mount_get(f->path.mount);
	parent.dentry = dentry_parent(f->path.dentry);
	c.start.mount = parent.mount;
	c.start.dentry = parent.dentry;
	err_t err = path_lookup(&c, STR("pts"), out);
	if (err)
		return err;
	return path_inode(out)->superblock->type == &devpts_type ? OK : -ENODEV;
}

static struct object *instance_find(struct file *f, err_t *err borrowed) owned;
static struct object *instance_find(struct file *f, err_t *err borrowed)
{
	struct path place path_auto = path_none();

	*err = instance_place(f, &place);
	return *err ? NULL : object_get(pseudo_superblock_of(path_inode(&place)->superblock)->subject);
}

// Straight from the root of the instance: mounts on the node do not count.
static err_t slave_place(struct file *master, struct path *out borrowed)
{
	struct path instance path_auto = path_none();
	u8 name[12] = { };
	struct text t = text_to(array_span(name));
	err_t err = instance_place(master, &instance);

	if (err)
		return err;
	struct dentry *root object_auto(dentry) = superblock_root(path_inode(&instance)->superblock);
	if (!root)
		return -EIO;
	text_printf(&t, "%u", pty_of_master(master)->number);
	err = dentry_lookup(root, text_bytes(&t), &out->dentry);
	if (err)
		return err;
	out->mount = mount_get(instance.mount);
	return OK;
}

err_t devpts_open_peer(struct file *master, u32 flags, struct cred *cred, struct file **out borrowed)
{
	struct path place path_auto = path_none();
	const err_t err = slave_place(master, &place);

	if (err)
		return err;
	// Another instance may be at "pts" by now: its terminal of that number is not this one's.
	struct inode *i = path_inode(&place);
	if (!i || pseudo_inode_of(i)->subject != pty_object(pty_of_master(master)))
		return -EIO;
	return file_open_path(&place, flags, cred, out);
}

static err_t ptmx_open(struct device *device, struct file *f)
{
	err_t err = OK;
	struct object *instance object_ref_auto = instance_find(f, &err);

	return instance ? master_open(devpts_from_object(instance), f) : err;
}

static err_t slave_open(struct device *device, struct file *f)
{
	if (f->inode->superblock->type != &devpts_type)
		return -EIO;
	return pty_open_slave(pty_of_object(pseudo_inode_of(f->inode)->subject), f);
}

// One device for all slave numbers (majors 136 to 143); nodes exist in devpts only.
static exclusive_access void slave_device_set_up(struct device *d)
{
	d->kind = DEVICE_CHAR;
	d->major = 136;
	d->minor = 0;
	d->minor_count = PTYS_MAX;
	d->mode = 0600;
	d->ops = &tty_file_ops;
	d->open = slave_open;
	device_set_class(d, STR("tty"));
}
struct slave_device {
	struct device base;
};
static exclusive_access void slave_device_release(struct slave_device *d) { }
DEFINE_DERIVED(slave_device, device, slave_device_release)

err_t devpts_init(void)
{
	struct slave_device *d object_auto(slave_device) = slave_device_alloc();
	err_t err;

	if (!d)
		return -ENOMEM;
	slave_device_set_up(&d->base);
	err = device_register(&d->base);
	if (!err)
		err = device_register_char(
			STR("ptmx"), STR("tty"), PTMX_MAJOR, PTMX_MINOR, 0666, &tty_file_ops, ptmx_open);
	if (!err)
		file_system_register(&devpts_type);
	return err;
}
