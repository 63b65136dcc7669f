// SPDX-License-Identifier: MPL-2.0
// Paths: pairs of references, and their names.
#include <core/text.h>
#include <services/vfs/dentry.h>
#include <services/vfs/mount.h>
#include <services/vfs/path.h>

void path_get(struct path *p borrowed)
{
	if (p->mount)
		p->mount = mount_get(p->mount);
	if (p->dentry)
		p->dentry = dentry_get(p->dentry);
}

void path_put(struct path *p borrowed)
{
	struct dentry *dentry = take(p->dentry);
	struct mount *mount = take(p->mount);
	if (dentry)
		dentry_put(take(dentry));
	if (mount)
		mount_put(take(mount));
}

void path_auto_put(struct path *p borrowed)
{
	path_put(p);
}

struct path path_copy(const struct path *p borrowed)
{
	struct path copy = { p->mount, p->dentry };
	path_get(&copy);
	return copy;
}

struct inode *path_inode(const struct path *p borrowed)
{
	return p->dentry->inode;
}

bool path_equal(const struct path *a borrowed, const struct path *b borrowed)
{
	return a->mount == b->mount && a->dentry == b->dentry;
}

// Is `at` in the part of root's own mount that lies below root?
static bool path_is_in_root(const struct path *at borrowed, const struct path *root borrowed)
{
	return at->mount == root->mount && (at->dentry == root->dentry || dentry_is_below(at->dentry, root->dentry));
}

// Puts the name in front of out[begin]: mount by mount upward. The new begin, or -ENAMETOOLONG.
static ssize_r path_name_build(struct path *at borrowed, const struct path *root borrowed, span_t out, usize begin,
	bool *reachable borrowed)
{
	for (;;) {
		const bool last = path_is_in_root(at, root);
		const ssize_r length = dentry_name_from(at->dentry, last ? root->dentry : at->mount->root,
			span_first(out, begin));
		if (length < 0)
			return length;
		begin -= (usize)length;
		if (last)
			break;
		struct dentry *top object_auto(dentry) = dentry_get(at->mount->root);
		dentry_put(take(at->dentry));
		at->dentry = take(top);
		if (!mount_cross_up(at)) {
			*reachable = false;
			break;
		}
	}
	return (ssize_r)begin;
}

// A file of no folder is called by its label: "pipe:[7]", "/memfd:x (deleted)".
static ssize_r path_name_anonymous(struct dentry *d, span_t out)
{
	struct text t = text_to(out);
	u8 label[256] = {};
	const bytes_t name = bytes_first(array_bytes(label), dentry_name(d, array_span(label)));
	const bool is_memory = bytes_start_with(name, STR("memfd:"));
	text_put(&t, is_memory ? STR("/") : bytes_empty());
	text_put(&t, name);
	text_put(&t, is_memory ? STR(" (deleted)") : bytes_empty());
	return text_fits(&t) ? (ssize_r)text_needed(&t) : (ssize_r)-ENAMETOOLONG;
}

// The name grows from the end of `out` towards its beginning and is moved there in the end.
ssize_r path_name(const struct path *p borrowed, const struct path *root borrowed, span_t out, u32 flags)
{
	if (mount_has(p->mount, MOUNT_INTERNAL) && (atomic_u32_load(&p->dentry->flags) & DENTRY_ANONYMOUS) &&
		p->dentry != p->mount->root)
		return path_name_anonymous(p->dentry, out);
	// A file of no folder is called what it is: "pipe:[7]".
	if (mount_has(p->mount, MOUNT_INTERNAL) && p->dentry->name_length)
		return (ssize_r)dentry_name(p->dentry, out);
	const bool deleted = (flags & PATH_NAME_MARK_DELETED) && dentry_is_deleted(p->dentry);
	const bytes_t mark = deleted ? STR(" (deleted)") : bytes_empty();
	if (span_len(out) <= bytes_len(mark))
		return -ENAMETOOLONG;
	const usize end = span_len(out) - bytes_len(mark);
	span_copy(span_from(out, end), mark);
	struct path at path_auto = path_copy(p);
	bool reachable = true;
	const ssize_r built = path_name_build(&at, root, out, end, &reachable);
	if (built < 0)
		return built;
	usize begin = (usize)built;
	if (begin == end) {
		if (begin == 0)
			return -ENAMETOOLONG;
		begin--;
		span_at(out, begin) = '/';
	}
	const bytes_t prefix = !reachable && (flags & PATH_NAME_MARK_UNREACHABLE) ?
		STR("(unreachable)") : bytes_empty();
	const usize length = span_len(out) - begin;
	if (bytes_len(prefix) > begin)
		return -ENAMETOOLONG;
	span_copy(span_from(out, bytes_len(prefix)), bytes_of(span_slice(out, begin, length)));
	span_copy(out, prefix);
	return (ssize_r)(bytes_len(prefix) + length);
}
