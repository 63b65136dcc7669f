// SPDX-License-Identifier: MPL-2.0
// /proc/PID/ns: magic links to nsfs files, whose inode number is the namespace's number (source: namespaces(7)).
// An nsfs file keeps its namespace alive while it is open or bind-mounted.
#include <core/text.h>
#include <services/fs/procfs/process/process_folder.h>
#include <services/fs/nsfs/nsfs.h>

struct link_entry {
	u8 name[24];
	enum namespace_kind kind;
	u32 is_for_children;
};
static const struct link_entry links[] = {
	{ "cgroup", NAMESPACE_CGROUP, 0 },
	{ "ipc", NAMESPACE_IPC, 0 },
	{ "mnt", NAMESPACE_MOUNT, 0 },
	{ "net", NAMESPACE_NET, 0 },
	{ "pid", NAMESPACE_PID, 0 },
	{ "pid_for_children", NAMESPACE_PID, 1 },
	{ "time", NAMESPACE_TIME, 0 },
	{ "time_for_children", NAMESPACE_TIME, 1 },
	{ "user", NAMESPACE_USER, 0 },
	{ "uts", NAMESPACE_UTS, 0 },
};

static struct namespace *namespace_of(struct pseudo_inode *n, const struct link_entry *l) owned;
static struct namespace *namespace_of(struct pseudo_inode *n, const struct link_entry *l)
{
	struct thread *t object_auto(thread) = proc_thread(n);
	struct namespace_set *set object_auto(namespace_set) = t ? thread_namespaces_of(t) : NULL;
	struct cred *c object_auto(cred) = t ? thread_cred_of(t) : NULL;
	struct namespace *found = NULL;

	if (!set || !c)
		return NULL;
	if (l->kind == NAMESPACE_USER)
		return namespace_get(&c->user_ns->base);
	found = set->slot[l->kind];
	if (l->is_for_children)
		found = l->kind == NAMESPACE_PID ? set->pid_for_children : set->time_for_children;
	if (found && l->kind == NAMESPACE_PID && !pid_namespace_is_begun(pid_namespace_from(found)))
		return NULL;	// nobody could enter it yet
	return found ? namespace_get(found) : NULL;
}

// Whose namespaces these are is told to who may trace it.
static err_t ns_may_read(struct pseudo_inode *n)
{
	err_t err = proc_may_read(n);

	return err == -EPERM ? (err_t)-EACCES : err;
}

static err_t ns_follow(struct pseudo_inode *n, struct path *out borrowed)
{
	struct namespace *ns object_auto(namespace) = namespace_of(n, array_ptr(links, n->value[0]));
	err_t err = ns_may_read(n);

	if (err)
		return err;
	return ns ? nsfs_path(ns, out) : (err_t)-ENOENT;
}

static ssize_r ns_read_link(struct pseudo_inode *n, span_t out)
{
	struct namespace *ns object_auto(namespace) = namespace_of(n, array_ptr(links, n->value[0]));
	struct text t = text_to(out);
	u8 kind[16] = { };
	err_t err = ns_may_read(n);

	if (err)
		return (ssize_r)err;
	if (!ns)
		return -ENOENT;
	text_put(&t, bytes_first(array_bytes(kind), namespace_kind_name(ns->kind, array_span(kind))));
	text_printf(&t, ":[%lu]", ns->number);
	return (ssize_r)bytes_len(text_bytes(&t));
}

static const struct pseudo_kind link_kind = { .read_link = ns_read_link, .follow_link = ns_follow };

#define link_name(l) bytes_first(array_bytes((l)->name), bytes_string_len(array_bytes((l)->name)))

static err_t ns_lookup(struct pseudo_inode *dir, bytes_t name, struct inode **out borrowed)
{
	for (u32 i = 0; i < array_len(links); i++)
		if (bytes_equal(name, link_name(array_ptr(links, i))))
			return pseudo_create(dir, name, S_IFLNK | 0777, &link_kind, dir->subject, i, out);
	return -ENOENT;
}

static err_t ns_read_directory(struct pseudo_inode *dir, u64 *position borrowed, struct directory_sink *sink borrowed)
{
	for (; *position < array_len(links); *position += 1) {
		const struct link_entry *l = array_ptr(links, *position);

		if (!sink->add(sink, link_name(l), pseudo_number(dir, link_name(l)), S_IFLNK >> 12, *position + 1))
			return OK;
	}
	return OK;
}

const struct pseudo_kind proc_ns_kind = { .lookup = ns_lookup, .read_directory = ns_read_directory };
