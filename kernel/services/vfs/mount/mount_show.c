// SPDX-License-Identifier: MPL-2.0
// The text of /proc/PID/mounts, mountinfo and mountstats: which mounts, and where they are seen.
#include <services/vfs/dentry.h>
#include <services/vfs/mount/mount_internal.h>

#define SHOW_PATH_MAX 4096u

bool mount_is_visible(struct mount *m, const struct path *root borrowed)
{
	struct dentry *d = m->root;
	while (m != root->mount && m->parent) {
		d = m->mountpoint;
		m = m->parent;
	}
	return m == root->mount && (d == root->dentry || dentry_is_below(d, root->dentry) || d == m->root);
}

static void show_one(struct mount *m, const struct path *root borrowed, enum mount_show_kind kind, struct buf *names,
	struct text *out borrowed) REQUIRES(mount_tree_lock);
static void show_one(struct mount *m, const struct path *root borrowed, enum mount_show_kind kind, struct buf *names,
	struct text *out borrowed)
{
	const struct path top = { m, m->root };
	const span_t outer = span_first(buf_span(names), SHOW_PATH_MAX), inner = span_slice(buf_span(names),
		SHOW_PATH_MAX, SHOW_PATH_MAX);
	const span_t name = span_from(buf_span(names), 2 * SHOW_PATH_MAX);
	ssize_r length = path_name(&top, root, outer, 0);
	if (length < 0)
		return;
	const bytes_t place = bytes_first(bytes_of(outer), (usize)length);
	if (kind == MOUNT_SHOW_MOUNTS) {
		mount_show_mounts_line(m, place, out);
	} else if (kind == MOUNT_SHOW_MOUNTSTATS) {
		mount_show_mountstats_line(m, place, out);
	} else {
		length = dentry_name_from(m->root, m->superblock->root_dentry, inner);
		const usize n = length < 0 ? 0 : (usize)length;
		bytes_t within = bytes_from(bytes_of(inner), span_len(inner) - n);
		// A file of no folder (a namespace): its name is all there is.
		if (n == 0 && m->root != m->superblock->root_dentry)
			within = bytes_first(bytes_of(name), dentry_name(m->root, name));
		mount_show_mountinfo_line(m, place, within, mount_dominating_group(m, root), out);
	}
}

void mount_namespace_show(struct mount_namespace *ns, const struct path *root borrowed, enum mount_show_kind kind,
	struct text *out borrowed)
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
