// SPDX-License-Identifier: MPL-2.0
// Mounting an overlay: its layers are looked up as the mounter sees them, and checked against each other.
#include <services/fs/overlayfs/overlay_internal.h>
#include <services/fs/overlayfs/overlayfs.h>

#define LAYER_PATH_MAX 4096u

static exclusive_access void overlay_layer_release(struct overlay_layer *l)
{
	if (l->mount)
		mount_put(take(l->mount));
}
DEFINE_OBJECT(overlay_layer, overlay_layer_release)

static void upper_let_go(struct overlay_superblock *s borrowed)
{
	if (s->holds_upper)
		atomic_u32_and(&s->upper->mount->root->inode->state, ~(u32)INODE_LAYER);
	s->holds_upper = 0;
}

static exclusive_access void overlay_superblock_release(struct overlay_superblock *s)
{
	superblock_fini(&s->base);
	overlay_options_end(&s->options);
	upper_let_go(s);
	if (s->work)
		dentry_put(take(s->work));
	if (s->index)
		dentry_put(take(s->index));
	if (s->upper)
		overlay_layer_put(take(s->upper));
	for (struct overlay_layer *l = overlay_layer_list_pop(&s->layers); l; l = overlay_layer_list_pop(&s->layers))
		overlay_layer_put(take(l));
	if (s->context)
		fs_context_put(take(s->context));
	if (s->cred)
		cred_put(take(s->cred));
}
DEFINE_DERIVED(overlay_superblock, superblock, overlay_superblock_release)

struct overlay_superblock *overlay_of(struct superblock *sb)
{
	return overlay_superblock_from_superblock(sb);
}

// --- operations -------------------------------------------------------------------------------------

static err_t overlay_statistics(struct superblock *base, struct file_system_statistics *out borrowed)
{
	struct overlay_superblock *s = overlay_of(base);
	struct overlay_layer *top = s->upper ? s->upper : overlay_layer_list_first(&s->layers);
	struct superblock *real = top->mount->superblock;
	if (!real->ops->statistics)
		return -ENOSYS;
	const err_t e = real->ops->statistics(real, out);
	out->magic = OVERLAY_MAGIC;
	return e;
}

static err_t overlay_sync(struct superblock *base)
{
	struct overlay_superblock *s = overlay_of(base);
	if (!s->upper || (s->options.flags & OVERLAY_VOLATILE))
		return OK;
	struct superblock *real = s->upper->mount->superblock;
	return atomic_u32_load(&real->flags) & SUPERBLOCK_READ_ONLY ? OK : superblock_sync(real);
}

static err_t overlay_remount(struct superblock *base, u32 flags, bytes_t options)
{
	struct overlay_superblock *s = overlay_of(base);
	if (!(flags & SUPERBLOCK_READ_ONLY) && !s->upper)
		return -EROFS;
	atomic_u32_and(&base->flags, ~(u32)SUPERBLOCK_READ_ONLY);
	atomic_u32_or(&base->flags, flags & SUPERBLOCK_READ_ONLY);
	return OK;
}

static void overlay_unmount(struct superblock *base)
{
	upper_let_go(overlay_of(base));
	inode_put(take(base->root));
}

static void overlay_show_options(struct superblock *base, struct text *out borrowed)
{
	overlay_options_show(&overlay_of(base)->options, out);
}

static const struct superblock_ops overlay_ops = { .statistics = overlay_statistics, .sync = overlay_sync,
	.remount = overlay_remount, .unmount = overlay_unmount, .show_options = overlay_show_options };

// With nfs_export=on.
static const struct superblock_ops overlay_export_ops = { .statistics = overlay_statistics, .sync = overlay_sync,
	.remount = overlay_remount, .unmount = overlay_unmount, .show_options = overlay_show_options,
	.make_handle = overlay_make_handle, .find_handle = overlay_find_handle };

// --- layers -----------------------------------------------------------------------------------------

static err_t look_folder(const struct mount_request *request borrowed, bytes_t name, struct path *out borrowed)
{
	struct cred *cred object_auto(cred) = cred_copy(request->cred);
	if (!cred)
		return -ENOMEM;
	const struct lookup_context c = { .cred = cred, .fs = request->fs, .flags = LOOKUP_FOLLOW };
	const err_t e = path_lookup(&c, name, out);
	if (e)
		return e;
	return path_inode(out)->type == S_IFDIR ? OK : -EINVAL;
}

static err_t layer_make(const struct path *p borrowed, u32 index, u32 flags, struct overlay_layer **out borrowed)
{
	struct overlay_layer *l object_auto(overlay_layer) = overlay_layer_alloc();
	if (!l)
		return -ENOMEM;
	l->index = index;
	const err_t e = mount_create_private(p, flags, &l->mount);
	if (!e)
		*out = take(l);
	return e;
}

// Layers of one file system share a device: the upper one's has index 0.
static void layer_find_device(struct overlay_superblock *s, struct overlay_layer *l)
{
	struct superblock *real = l->mount->superblock;
	struct overlay_layer *same = s->upper && s->upper->mount->superblock == real ? s->upper : NULL;
	list_for_each(overlay_layer_list, other, &s->layers) {
		if (!same && other->mount->superblock == real)
			same = other;
	}
	if (same) {
		l->device_index = same->device_index;
		l->device = same->device;
		return;
	}
	l->device_index = l->index ? s->device_count + !s->upper : 0;
	l->device = superblock_anonymous_device();
	s->device_count++;
}

static err_t depth_note(struct overlay_superblock *s, const struct path *p borrowed)
{
	const u32 depth = p->mount->superblock->stack_depth + 1;
	if (depth > OVERLAY_DEPTH_MAX)
		return -EINVAL;
	s->base.stack_depth = max(s->base.stack_depth, depth);
	return OK;
}

static no_inline err_t lower_add(struct overlay_superblock *s, const struct mount_request *request borrowed,
	bytes_t name)
{
	struct path p path_auto = path_none();
	struct overlay_layer *l object_auto(overlay_layer) = NULL;
	err_t e = look_folder(request, name, &p);
	if (!e)
		e = depth_note(s, &p);
	if (!e)
		e = layer_make(&p, (u32)overlay_layer_list_count(&s->layers) + 1, MOUNT_READ_ONLY | MOUNT_NO_ATIME, &l);
	if (e)
		return e;
	layer_find_device(s, l);
	overlay_layer_list_append(&s->layers, take(l));
	return OK;
}

static err_t lowers_add(struct overlay_superblock *s, const struct mount_request *request borrowed)
{
	const bytes_t list = buf_bytes(s->options.lower);
	const usize count = overlay_count_paths(list);
	if (count > OVERLAY_LAYERS_MAX || (count < 2 && !s->options.upper))
		return -EINVAL;
	struct buf *name buf_auto = buf_alloc(LAYER_PATH_MAX);
	if (!name)
		return -ENOMEM;
	for (usize at = 0; at <= bytes_len(list);) {
		const ssize_r length = overlay_next_path(list, &at, buf_span(name));
		if (length <= 0)
			return length ? (err_t)length : -EINVAL;
		const err_t e = lower_add(s, request, bytes_first(buf_bytes(name), (usize)length));
		if (e)
			return e;
	}
	return OK;
}

// The upper layer and the folder for the work folder: one mount, neither within the other.
static no_inline err_t upper_add(struct overlay_superblock *s, const struct mount_request *request borrowed)
{
	struct path upper path_auto = path_none(), work path_auto = path_none();
	err_t e = look_folder(request, buf_bytes(s->options.upper), &upper);
	if (!e)
		e = look_folder(request, buf_bytes(s->options.work), &work);
	if (e)
		return e;
	// An overlay cannot be changed from below by another; owners are not mapped on the way down.
	if (upper.mount->superblock->stack_depth || upper.mount->idmap || mount_check_writable(upper.mount))
		return -EINVAL;
	if (upper.mount != work.mount || dentry_is_below(upper.dentry, work.dentry) ||
		dentry_is_below(work.dentry, upper.dentry))
		return -EINVAL;
	const u32 kept = MOUNT_NO_ATIME | MOUNT_NO_DIRATIME | MOUNT_RELATIME;
	struct overlay_layer *l object_auto(overlay_layer) = NULL;
	e = layer_make(&upper, 0, atomic_u32_load(&upper.mount->flags) & kept, &l);
	if (!e)
		e = depth_note(s, &upper);
	if (e)
		return e;
	layer_find_device(s, l);
	// Without an index two overlays on one upper layer do what they do; with one they would spoil it.
	if (atomic_u32_or(&l->mount->root->inode->state, INODE_LAYER) & INODE_LAYER) {
		if (s->options.flags & OVERLAY_INDEX)
			return -EBUSY;
	} else {
		s->holds_upper = 1;
	}
	s->upper = take(l);
	s->work = dentry_get(work.dentry);	// until its own folder inside is made
	return OK;
}

// One layer inside another would be seen twice, and change behind the other's back.
static bool overlaps(struct dentry *a, struct dentry *b)
{
	return a->superblock == b->superblock && (dentry_is_below(a, b) || dentry_is_below(b, a));
}

static err_t check_overlaps(struct overlay_superblock *s)
{
	list_for_each(overlay_layer_list, l, &s->layers) {
		struct dentry *root = l->mount->root;
		if (s->upper && (overlaps(root, s->upper->mount->root) || overlaps(root, s->work)))
			return -ELOOP;
		for (struct overlay_layer *o = overlay_layer_list_next(l); o; o = overlay_layer_list_next(o)) {
			if (overlaps(root, o->mount->root))
				return -ELOOP;
		}
	}
	return OK;
}

// --- the whole --------------------------------------------------------------------------------------

static err_t context_make(struct overlay_superblock *s, const struct mount_request *request borrowed)
{
	struct cred *cred object_auto(cred) = cred_copy(request->cred);
	if (!cred)
		return -ENOMEM;
	cred->effective &= ~(1ul << CAP_SYS_RESOURCE);	// its limits are the user's
	s->cred = take(cred);
	struct overlay_layer *top = s->upper ? s->upper : overlay_layer_list_first(&s->layers);
	const struct path place = { top->mount, top->mount->root };
	s->context = fs_context_create(&place);
	if (!s->context)
		return -ENOMEM;
	fs_context_set_mask(s->context, 0);
	return OK;
}

static err_t work_make(struct overlay_superblock *s)
{
	struct dentry *base object_auto(dentry) = take(s->work);
	return overlay_work_prepare(s, base);
}

static err_t root_make(struct overlay_superblock *s)
{
	struct overlay_found found overlay_found_auto = {};
	if (s->upper)
		found.upper = dentry_get(s->upper->mount->root);
	list_for_each(overlay_layer_list, l, &s->layers) {
		const err_t e = overlay_place_add(&found.lower, l, l->mount->root);
		if (e)
			return e;
	}
	return overlay_inode_make(s, NULL, bytes_empty(), &found, &s->base.root);
}

// What the layers cannot carry is as if it had not been asked for.
static void drop_unsupported(struct overlay_superblock *s)
{
	const bool has_handles = overlay_has_origins(s);
	if (!s->upper || !has_handles)
		s->options.flags &= ~(u32)OVERLAY_INDEX;
	if (!has_handles)
		s->options.flags &= ~(u32)OVERLAY_NFS_EXPORT;
	if (s->upper && !s->upper->mount->root->inode->ops->set_xattr)
		s->options.flags &= ~(u32)(OVERLAY_METACOPY | OVERLAY_NFS_EXPORT | OVERLAY_INDEX);
}

static exclusive_access err_t set_up(struct overlay_superblock *s, const struct mount_request *request borrowed)
{
	err_t e = overlay_options_parse(request->options, &s->options);
	if (!e && s->options.upper)
		e = upper_add(s, request);
	if (!e)
		e = lowers_add(s, request);
	if (!e)
		e = check_overlaps(s);
	if (!e)
		e = context_make(s, request);
	if (!e)
		drop_unsupported(s);
	if (!e && (s->options.flags & OVERLAY_INDEX))
		e = overlay_check_origin(s);
	if (!e && s->upper)
		e = work_make(s);
	if (e)
		return e;
	const bool is_outer = s->base.stack_depth > 1;
	mutex_init(&s->base.rename_lock, is_outer ? RANK_STACK_2_RENAME : RANK_STACK_1_RENAME);
	mutex_init(&s->base.sync_lock, is_outer ? RANK_STACK_2_SUPERBLOCK : RANK_STACK_1_SUPERBLOCK);
	// Numbers of several file systems in one: the highest bits tell them apart.
	if (s->options.xino != OVERLAY_XINO_OFF && s->device_count > 1) {
		for (u32 n = s->device_count; n; n >>= 1)
			s->xino_bits++;
		s->xino_bits++;
	}
	if (s->options.flags & OVERLAY_NFS_EXPORT)
		s->base.ops = &overlay_export_ops;
	return root_make(s);
}

static err_t overlay_mount(const struct file_system_type *type, const struct mount_request *request borrowed,
	struct superblock **out borrowed)
{
	struct overlay_superblock *s object_auto(overlay_superblock) = overlay_superblock_alloc();
	if (!s)
		return -ENOMEM;
	if (!request->fs)
		return -EINVAL;
	superblock_init(&s->base, type, &overlay_ops, request->cred->user_ns);
	spin_init(&s->inodes_lock, RANK_SERVICE_LEAF);
	s->base.device = superblock_anonymous_device();
	const err_t e = set_up(s, request);
	if (e)
		return e;
	atomic_u32_store(&s->base.flags, request->flags | SUPERBLOCK_ACL | (s->upper ? 0 : (u32)SUPERBLOCK_READ_ONLY));
	*out = &take(s)->base;
	return OK;
}

static const struct file_system_type overlay_type = { .name = "overlay", .flags = FILE_SYSTEM_USER_MOUNT,
	.magic = OVERLAY_MAGIC, .mount = overlay_mount };

void overlayfs_init(void)
{
	file_system_register(&overlay_type);
}
