// SPDX-License-Identifier: MPL-2.0
// The text of /proc/PID/mounts, mountinfo and mountstats (proc(5)).
#include <services/vfs/dentry.h>
#include <services/vfs/mount/mount_internal.h>

#define SHOW_PATH_MAX 4096u
#define SHOW_SPECIAL STR(" \t\n\\")

// Everything but ro and rw.
static void show_flags(const struct mount *m, struct text *out borrowed)
{
	const u32 flags = atomic_u32_load(&m->flags);
	if (flags & MOUNT_NO_SUID)
		text_put(out, STR(",nosuid"));
	if (flags & MOUNT_NO_DEVICES)
		text_put(out, STR(",nodev"));
	if (flags & MOUNT_NO_EXEC)
		text_put(out, STR(",noexec"));
	if (flags & MOUNT_NO_ATIME)
		text_put(out, STR(",noatime"));
	if (flags & MOUNT_NO_DIRATIME)
		text_put(out, STR(",nodiratime"));
	if (flags & MOUNT_RELATIME)
		text_put(out, STR(",relatime"));
	if (flags & MOUNT_NO_SYMLINK_FOLLOW)
		text_put(out, STR(",nosymfollow"));
}

static void show_superblock_options(struct superblock *sb, struct text *out borrowed)
{
	if (sb->ops->show_options)
		sb->ops->show_options(sb, out);
}

static void show_type(const struct mount *m, struct text *out borrowed)
{
	const struct file_system_type *type = m->superblock->type;
	text_put(out, bytes_first(array_bytes(type->name), bytes_string_len(array_bytes(type->name))));
}

static void show_source(const struct mount *m, struct text *out borrowed)
{
	if (m->source)
		text_put_escaped(out, buf_bytes(m->source), SHOW_SPECIAL);
	else
		text_put(out, STR("none"));
}

static void show_mounts_line(struct mount *m, bytes_t place, struct text *out borrowed)
{
	show_source(m, out);
	text_char(out, ' ');
	text_put_escaped(out, place, SHOW_SPECIAL);
	text_char(out, ' ');
	show_type(m, out);
	text_put(out, mount_check_writable(m) != OK ? STR(" ro") : STR(" rw"));
	show_flags(m, out);
	show_superblock_options(m->superblock, out);
	text_put(out, STR(" 0 0\n"));
}

static void show_optional_fields(struct mount *m, struct text *out borrowed)
{
	if (m->group)
		text_printf(out, " shared:%u", m->group);
	if (m->master)
		text_printf(out, " master:%u", m->master->group);
	if (m->unbindable)
		text_put(out, STR(" unbindable"));
}

static void show_mountinfo_line(struct mount *m, bytes_t place, bytes_t inner, struct text *out borrowed)
{
	struct superblock *sb = m->superblock;
	text_printf(out, "%lu %lu %u:%u ", m->id, m->parent ? m->parent->id : m->id, device_major(sb->device), device_minor(sb->device));
	text_put_escaped(out, bytes_len(inner) ? inner : STR("/"), SHOW_SPECIAL);
	text_char(out, ' ');
	text_put_escaped(out, place, SHOW_SPECIAL);
	text_put(out, mount_has(m, MOUNT_READ_ONLY) ? STR(" ro") : STR(" rw"));
	show_flags(m, out);
	show_optional_fields(m, out);
	text_put(out, STR(" - "));
	show_type(m, out);
	text_char(out, ' ');
	show_source(m, out);
	text_put(out, atomic_u32_load(&sb->flags) & SUPERBLOCK_READ_ONLY ? STR(" ro") : STR(" rw"));
	show_superblock_options(sb, out);
	text_char(out, '\n');
}

static void show_mountstats_line(struct mount *m, bytes_t place, struct text *out borrowed)
{
	text_put(out, m->source ? STR("device ") : STR("no device"));
	if (m->source)
		show_source(m, out);
	text_put(out, STR(" mounted on "));
	text_put_escaped(out, place, SHOW_SPECIAL);
	text_put(out, STR(" with fstype "));
	show_type(m, out);
	text_char(out, '\n');
}

// Is m's place in the part of the tree that `root` shows?
static bool mount_is_visible(struct mount *m, const struct path *root borrowed) REQUIRES(mount_tree_lock);
static bool mount_is_visible(struct mount *m, const struct path *root borrowed)
{
	struct dentry *d = m->root;
	while (m != root->mount && m->parent) {
		d = m->mountpoint;
		m = m->parent;
	}
	return m == root->mount && (d == root->dentry || dentry_is_below(d, root->dentry) || d == m->root);
}

static void show_one(struct mount *m, const struct path *root borrowed, enum mount_show_kind kind, struct buf *names, struct text *out borrowed) REQUIRES(mount_tree_lock);
static void show_one(struct mount *m, const struct path *root borrowed, enum mount_show_kind kind, struct buf *names, struct text *out borrowed)
{
	const struct path top = { m, m->root };
	const span_t outer = span_first(buf_span(names), SHOW_PATH_MAX), inner = span_slice(buf_span(names), SHOW_PATH_MAX, SHOW_PATH_MAX);
	const span_t name = span_from(buf_span(names), 2 * SHOW_PATH_MAX);
	ssize_r length = path_name(&top, root, outer, 0);
	if (length < 0)
		return;
	const bytes_t place = bytes_first(bytes_of(outer), (usize)length);
	if (kind == MOUNT_SHOW_MOUNTS) {
		show_mounts_line(m, place, out);
	} else if (kind == MOUNT_SHOW_MOUNTSTATS) {
		show_mountstats_line(m, place, out);
	} else {
		length = dentry_name_from(m->root, m->superblock->root_dentry, inner);
		const usize n = length < 0 ? 0 : (usize)length;
		bytes_t within = bytes_from(bytes_of(inner), span_len(inner) - n);
		// A file of no folder (a namespace): its name is all there is.
		if (n == 0 && m->root != m->superblock->root_dentry)
			within = bytes_first(bytes_of(name), dentry_name(m->root, name));
		show_mountinfo_line(m, place, within, out);
	}
}

void mount_namespace_show(struct mount_namespace *ns, const struct path *root borrowed, enum mount_show_kind kind, struct text *out borrowed)
{
	struct buf *names buf_auto = buf_alloc(2 * SHOW_PATH_MAX + DENTRY_NAME_MAX);
	if (!names)
		return;
	mutex_guard(&mount_tree_lock);
	list_for_each(mount_order_list, m, &ns->mounts) {
		if (mount_is_visible(m, root))
			show_one(m, root, kind, names, out);
	}
}
