// SPDX-License-Identifier: MPL-2.0
// Superblocks of tmpfs, ramfs and rootfs; their options.
#include <core/memory.h>
#include <services/fs/tmpfs/tmpfs_internal.h>
#include <services/vfs/dentry.h>
#include <services/vfs/mount.h>

static exclusive_access void tmpfs_superblock_release(struct tmpfs_superblock *sb)
{
	superblock_fini(&sb->base);
}
DEFINE_DERIVED(tmpfs_superblock, superblock, tmpfs_superblock_release)

struct tmpfs_superblock *tmpfs_superblock_of(struct superblock *sb)
{
	return tmpfs_superblock_from_superblock(sb);
}

// --- options ----------------------------------------------------------------------------------------

// "64m", "50%", "1g": bytes.
bool tmpfs_parse_size(bytes_t text, u64 *bytes borrowed)
{
	u32 shift = 0;
	const usize length = bytes_len(text);
	if (length == 0)
		return false;
	const u8 unit = byte_at(text, length - 1) | 0x20;
	if (byte_at(text, length - 1) == '%') {
		u64 percent;
		if (!bytes_parse_u64(bytes_first(text, length - 1), 10, &percent) || percent > 100000)
			return false;
		*bytes = memory_read_totals().total_pages * PAGE_SIZE / 100 * percent;
		return true;
	}
	shift = unit == 'k' ? 10 : unit == 'm' ? 20 : unit == 'g' ? 30 : unit == 't' ? 40 : 0;
	if (!bytes_parse_u64(bytes_first(text, shift ? length - 1 : length), 0, bytes))
		return false;
	if (*bytes > U64_MAX >> shift)
		return false;
	*bytes <<= shift;
	return true;
}

static err_t parse_id(bytes_t value, const struct cred *cred borrowed, bool is_group, u32 *id borrowed)
{
	u64 number;
	if (!bytes_parse_u64(value, 0, &number) || number >= ID_INVALID)
		return -EINVAL;
	*id = is_group ? user_namespace_gid_in(cred->user_ns, (u32)number) : user_namespace_uid_in(cred->user_ns,
		(u32)number);
	return *id == ID_INVALID ? -EINVAL : OK;
}

err_t tmpfs_parse_owner(bytes_t key, bytes_t value, const struct cred *cred borrowed, u32 *mode borrowed,
	u32 *uid borrowed, u32 *gid borrowed)
{
	u64 number = 0;
	if (bytes_equal(key, STR("mode"))) {
		if (!bytes_parse_u64(value, 8, &number) || number > 07777)
			return -EINVAL;
		*mode = (u32)number;
		return OK;
	}
	if (bytes_equal(key, STR("uid")))
		return parse_id(value, cred, false, uid);
	if (bytes_equal(key, STR("gid")))
		return parse_id(value, cred, true, gid);
	return -ENOENT;
}

static err_t parse_option(bytes_t key, bytes_t value, const struct cred *cred borrowed,
	struct tmpfs_options *o borrowed)
{
	u64 number = 0;
	if (bytes_equal(key, STR("size"))) {
		if (!tmpfs_parse_size(value, &number))
			return -EINVAL;
		o->pages = number ? page_round_up(number) >> PAGE_SHIFT : U64_MAX;
		return OK;
	}
	if (bytes_equal(key, STR("nr_blocks")) || bytes_equal(key, STR("nr_inodes"))) {
		if (!tmpfs_parse_size(value, &number))
			return -EINVAL;
		if (bytes_equal(key, STR("nr_blocks")))
			o->pages = number ? number : U64_MAX;
		else
			o->inodes = number ? number : U64_MAX;
		return OK;
	}
	return tmpfs_parse_owner(key, value, cred, &o->mode, &o->uid, &o->gid);
}

static err_t tmpfs_check_option(bytes_t key, bytes_t value, const struct cred *cred borrowed)
{
	struct tmpfs_options ignored = {};
	return parse_option(key, value, cred, &ignored);
}

static err_t parse_options(bytes_t text, const struct cred *cred borrowed, struct tmpfs_options *o borrowed)
{
	for (usize at = 0; at < bytes_len(text);) {
		const bytes_t word = mount_option_next(text, &at);
		if (bytes_len(word) == 0)
			break;
		const err_t e = parse_option(mount_option_key(word), mount_option_value(word), cred, o);
		if (e)
			return e == -ENOENT ? -EINVAL : e;
	}
	return OK;
}

// --- operations of the superblock -------------------------------------------------------------------

static err_t tmpfs_statistics(struct superblock *base, struct file_system_statistics *out borrowed)
{
	struct tmpfs_superblock *sb = tmpfs_superblock_of(base);
	const u64 pages = atomic_u64_load(&sb->page_limit), inodes = atomic_u64_load(&sb->inode_limit);
	out->magic = base->type->magic;
	out->block_size = PAGE_SIZE;
	out->name_max = DENTRY_NAME_MAX;
	if (pages != U64_MAX) {
		const u64 used = min(atomic_u64_load(&sb->pages), pages);
		out->blocks = pages;
		out->blocks_free = pages - used;
		out->blocks_available = pages - used;
	}
	if (inodes != U64_MAX) {
		out->files = inodes;
		out->files_free = inodes - min(atomic_u64_load(&sb->inodes), inodes);
	}
	return OK;
}

static err_t tmpfs_remount(struct superblock *base, u32 flags, bytes_t options)
{
	struct tmpfs_superblock *sb = tmpfs_superblock_of(base);
	struct tmpfs_options o = { .pages = atomic_u64_load(&sb->page_limit), .inodes =
		atomic_u64_load(&sb->inode_limit) };
	const err_t e = parse_options(options, cred_initial(), &o);
	if (e)
		return e;
	if (o.pages < atomic_u64_load(&sb->pages) || o.inodes < atomic_u64_load(&sb->inodes))
		return -EINVAL;
	atomic_u64_store(&sb->page_limit, o.pages);
	atomic_u64_store(&sb->inode_limit, o.inodes);
	return OK;
}

void tmpfs_unmount(struct superblock *base)
{
	tmpfs_tear_down(base->root);
	inode_put(take(base->root));
}

static void tmpfs_show_options(struct superblock *base, struct text *out borrowed)
{
	struct tmpfs_superblock *sb = tmpfs_superblock_of(base);
	const u64 pages = atomic_u64_load(&sb->page_limit), inodes = atomic_u64_load(&sb->inode_limit);
	if (pages != U64_MAX && pages != memory_read_totals().total_pages / 2)
		text_printf(out, ",size=%luk", pages * (PAGE_SIZE / 1024));
	if (inodes != U64_MAX && inodes != memory_read_totals().total_pages / 2)
		text_printf(out, ",nr_inodes=%lu", inodes);
	if (sb->root_mode != (base->type->magic == TMPFS_MAGIC ? 01777u : 0755u))
		text_printf(out, ",mode=%o", sb->root_mode);
	if (sb->root_uid)
		text_printf(out, ",uid=%u", sb->root_uid);
	if (sb->root_gid)
		text_printf(out, ",gid=%u", sb->root_gid);
}

static const struct superblock_ops tmpfs_ops = {
	.statistics = tmpfs_statistics, .find_inode = tmpfs_find_inode, .find_parent = tmpfs_find_parent,
	.remount = tmpfs_remount,
		.unmount = tmpfs_unmount, .show_options =
		tmpfs_show_options,
};

// --- mounting ---------------------------------------------------------------------------------------

err_t tmpfs_mount_with(const struct file_system_type *type, const struct superblock_ops *ops,
	const struct mount_request *request borrowed, const struct tmpfs_options *o borrowed,
	struct superblock **out borrowed)
{
	struct tmpfs_superblock *sb object_auto(tmpfs_superblock) = tmpfs_superblock_alloc();
	if (!sb)
		return -ENOMEM;
	superblock_init(&sb->base, type, ops, request->cred->user_ns);
	spin_init(&sb->numbers_lock, RANK_SERVICE_LEAF);
	sb->base.device = superblock_anonymous_device();
	atomic_u32_store(&sb->base.flags, request->flags | SUPERBLOCK_VFS_DOTS | (o->huge_shift ? 0 : SUPERBLOCK_ACL));
	atomic_u64_store(&sb->page_limit, o->pages);
	atomic_u64_store(&sb->inode_limit, o->inodes);
	sb->huge_shift = o->huge_shift;
	sb->root_mode = o->mode;
	sb->root_uid = o->uid;
	sb->root_gid = o->gid;
	const err_t e = tmpfs_inode_create(sb, S_IFDIR | o->mode, 0, &sb->base.root);
	if (e)
		return e;
	struct inode *root = sb->base.root;
	const struct attribute_change owner = { .valid = ATTRIBUTE_UID | ATTRIBUTE_GID, .uid = o->uid, .gid = o->gid };
	inode_set_attributes_generic(root, &owner);
	inode_add_links(root, 1);
	*out = &take(sb)->base;
	return OK;
}

static err_t tmpfs_mount(const struct file_system_type *type, const struct mount_request *request borrowed,
	struct superblock **out borrowed)
{
	const u64 half = memory_read_totals().total_pages / 2;
	struct tmpfs_options o = { .pages = half, .inodes = half, .mode = 01777, .uid = request->cred->fsuid, .gid =
		request->cred->fsgid };
	const err_t e = parse_options(request->options, request->cred, &o);
	if (e)
		return e;
	return tmpfs_mount_with(type, &tmpfs_ops, request, &o, out);
}

static err_t ramfs_mount(const struct file_system_type *type, const struct mount_request *request borrowed,
	struct superblock **out borrowed)
{
	const struct tmpfs_options o = { .pages = U64_MAX, .inodes = U64_MAX, .mode = 0755 };
	return tmpfs_mount_with(type, &tmpfs_ops, request, &o, out);
}

static const struct file_system_type tmpfs_type = { .name = "tmpfs",
	.flags = FILE_SYSTEM_USER_MOUNT | FILE_SYSTEM_ID_MAP,
	.magic = TMPFS_MAGIC, .mount = tmpfs_mount, .check_option = tmpfs_check_option };
static const struct file_system_type ramfs_type = { .name = "ramfs", .flags = FILE_SYSTEM_USER_MOUNT, .magic =
	RAMFS_MAGIC, .mount = ramfs_mount };
static const struct file_system_type rootfs_type = { .name = "rootfs", .magic = RAMFS_MAGIC, .mount = ramfs_mount };

void tmpfs_init(void)
{
	file_system_register(&rootfs_type);
	file_system_register(&tmpfs_type);
	file_system_register(&ramfs_type);
	file_system_register(&hugetlbfs_type);
}

// --- memfd ------------------------------------------------------------------------------------------

static struct spinlock memfd_lock = SPINLOCK_INIT(RANK_SERVICE_LEAF);
static struct mount *memfd_home GUARDED_BY(memfd_lock);

static struct mount *memfd_home_get(void)
{
	spin_guard(&memfd_lock);
	return memfd_home;
}

// The internal mount of all memfds, made at the first; it stays.
static err_t memfd_mount(struct mount **out borrowed)
{
	*out = memfd_home_get();
	if (*out)
		return OK;
	struct mount *m object_auto(mount) = NULL;
	const err_t e = mount_create_internal(&ramfs_type, &m);
	if (e)
		return e;
	spin_guard(&memfd_lock);
	if (!memfd_home)
		memfd_home = take(m);
	*out = memfd_home;
	return OK;
}

err_t tmpfs_memfd_create(bytes_t name, u32 flags, u32 open_flags, struct cred *cred, struct file **out borrowed)
{
	struct mount *home = NULL;
	err_t e = memfd_mount(&home);
	if (e)
		return e;
	struct inode *i object_auto(inode) = NULL;
	e = tmpfs_inode_create(tmpfs_superblock_of(home->superblock), S_IFREG | 0777, 0, &i);
	if (e)
		return e;
	inode_init_owner(i, NULL, cred, 0777);
	inode_add_links(i, -1);
	if (flags & TMPFS_MEMFD_SEALING)
		atomic_u32_store(&tmpfs_inode_of(i)->seals, 0);
	u8 label[256];
	struct text t = text_to(array_span(label));
	text_put(&t, STR("/memfd:"));
	text_put(&t, name);
	text_put(&t, STR(" (deleted)"));
	struct path place path_auto = path_none();
	place.dentry = dentry_create_anonymous(home->superblock, i, bytes_first(text_bytes(&t),
		min(bytes_len(text_bytes(&t)), 255ul)));
	if (!place.dentry)
		return -ENOMEM;
	place.mount = mount_get(home);
	return file_open_path(&place, open_flags, cred, out);
}
