// SPDX-License-Identifier: MPL-2.0
// /proc/PID/maps, smaps and smaps_rollup: the areas of an address space, and what of them is in memory. Pages are all
// of one size here, and there is no swap: the lines that would count others are 0. source: proc(5)
#include <core/text.h>
#include <services/fs/procfs/procfs_internal.h>
#include <services/fs/procfs/process/process_folder.h>
#include <services/vfs/dentry.h>
#include <services/vfs/fs_context.h>
#include <services/vm/vm_space.h>

static err_t place_put(const struct path *p borrowed, struct text *out borrowed)
{
	struct path root path_auto = path_none();
	struct buf *name buf_auto = buf_alloc(PAGE_SIZE);
	ssize_r length;

	if (!name)
		return -ENOMEM;
	fs_context_root(thread_fs(), &root);
	length = path_name(p, &root, buf_span(name), PATH_NAME_MARK_DELETED);
	if (length < 0)
		return (err_t)length;
	text_put_escaped(out, bytes_first(buf_bytes(name), (usize)length), STR("\n"));
	return OK;
}

static no_inline void area_put(const struct vm_area_info *a borrowed, struct file *f, struct text *out borrowed)
{
	u64 device = f ? f->inode->superblock->device : 0;

	text_printf(out, "%08lx-%08lx %c%c%c%c %08lx %02x:%02x %lu", a->start, a->end,
		a->protection & PAGE_READ ? 'r' : '-', a->protection & PAGE_WRITE ? 'w' : '-',
		a->protection & PAGE_EXECUTE ? 'x' : '-', a->flags & VM_MAP_SHARED ? 's' : 'p', a->offset,
		device_major(device), device_minor(device), f ? f->inode->number : 0ul);
}

// One line; the name begins at a column that Linux's readers expect.
static no_inline err_t area_line(const struct vm_area_info *a borrowed, struct file *f, struct text *out borrowed)
{
	usize begin = text_needed(out);
	err_t err = OK;

	area_put(a, f, out);
	if (f || a->name_length) {
		do {
			text_char(out, ' ');
		} while (text_needed(out) - begin < 73);
	}
	if (f)
		err = place_put(&f->path, out);
	else
		text_put(out, bytes_first(array_bytes(a->name), a->name_length));
	text_char(out, '\n');
	return err;
}

#define KIB_OF_PAGES(pages) ((pages) * (PAGE_SIZE / 1024))
#define KIB_OF_SHARE(share) ((share) / (1024ul * VM_SHARE_UNIT))

static u64 share_sum(const struct vm_usage *u borrowed)
{
	return u->share[VM_SHARE_ANONYMOUS] + u->share[VM_SHARE_FILE] + u->share[VM_SHARE_SHARED_MEMORY];
}

static no_inline void usage_begin(const struct vm_usage *u borrowed, struct text *out borrowed)
{
	text_printf(out, "Rss:            %8lu kB\nPss:            %8lu kB\nPss_Dirty:      %8lu kB\n",
		KIB_OF_PAGES(u->resident), KIB_OF_SHARE(share_sum(u)), KIB_OF_SHARE(u->share_dirty));
}

static no_inline void usage_end(const struct vm_usage *u borrowed, struct text *out borrowed)
{
	text_printf(out, "Shared_Clean:   %8lu kB\nShared_Dirty:   %8lu kB\nPrivate_Clean:  %8lu kB\n",
		KIB_OF_PAGES(u->shared_clean), KIB_OF_PAGES(u->shared_dirty), KIB_OF_PAGES(u->private_clean));
	text_printf(out, "Private_Dirty:  %8lu kB\nReferenced:     %8lu kB\nAnonymous:      %8lu kB\n",
		KIB_OF_PAGES(u->private_dirty), KIB_OF_PAGES(u->referenced), KIB_OF_PAGES(u->anonymous));
	text_put(out, STR("LazyFree:              0 kB\nAnonHugePages:         0 kB\nShmemPmdMapped:        0 kB\n"
		"FilePmdMapped:         0 kB\nShared_Hugetlb:        0 kB\nPrivate_Hugetlb:       0 kB\n"
		"Swap:                  0 kB\nSwapPss:               0 kB\n"));
	text_printf(out, "Locked:         %8lu kB\n", KIB_OF_SHARE(u->share_locked));
}

static void flag_put(u32 is_set, bytes_t name, struct text *out borrowed)
{
	if (is_set)
		text_put(out, name);
}

static void flags_put(const struct vm_area_info *a borrowed, struct text *out borrowed)
{
	text_put(out, STR("VmFlags: "));
	flag_put(a->protection & PAGE_READ, STR("rd "), out);
	flag_put(a->protection & PAGE_WRITE, STR("wr "), out);
	flag_put(a->protection & PAGE_EXECUTE, STR("ex "), out);
	flag_put(a->flags & VM_MAP_SHARED, STR("sh "), out);
	flag_put(a->max_protection & PAGE_READ, STR("mr "), out);
	flag_put(a->max_protection & PAGE_WRITE, STR("mw "), out);
	flag_put(a->max_protection & PAGE_EXECUTE, STR("me "), out);
	flag_put(a->flags & VM_MAP_SHARED, STR("ms "), out);
	flag_put(a->flags & VM_MAP_GROWSDOWN, STR("gd "), out);
	flag_put(a->flags & VM_MAP_LOCKED, STR("lo "), out);
	flag_put(a->flags & VM_AREA_DONT_FORK, STR("dc "), out);
	flag_put(a->flags & VM_MAP_NORESERVE, STR("nr "), out);
	flag_put(a->flags & VM_AREA_WIPE_ON_FORK, STR("wf "), out);
	flag_put(a->flags & VM_AREA_DONT_DUMP, STR("dd "), out);
	text_char(out, '\n');
}

static no_inline void area_usage(struct vm_space *s, const struct vm_area_info *a borrowed, struct text *out borrowed)
{
	struct vm_usage u = { };

	vm_space_add_usage(s, a->start, a->end, &u);
	text_printf(out, "Size:           %8lu kB\nKernelPageSize:        4 kB\nMMUPageSize:           4 kB\n",
		(a->end - a->start) / 1024);
	usage_begin(&u, out);
	usage_end(&u, out);
	text_put(out, STR("THPeligible:    0\n"));
	flags_put(a, out);
}

enum area_detail { AREA_LINES, AREA_USAGE };

static err_t areas_show(struct file *about, enum area_detail detail, struct text *out borrowed)
{
	struct vm_space *space object_auto(vm_space) = proc_space_of_file(about);
	err_t err = OK;

	for (u64 at = 0; space && !err;) {
		struct vm_area_info a = { };
		struct file *f object_auto(file) = NULL;

		if (!vm_space_area_at(space, at, &a, &f))
			return OK;
		err = area_line(&a, f, out);
		if (!err && detail == AREA_USAGE)
			area_usage(space, &a, out);
		at = a.end;
	}
	return err;
}

static err_t maps_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	return areas_show(f, AREA_LINES, out);
}

static err_t smaps_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	return areas_show(f, AREA_USAGE, out);
}

// From the first area to the end of the last.
static bool span_of(struct vm_space *s, struct vm_area_info *all borrowed)
{
	struct vm_area_info a = { };
	bool any = false;

	*all = (struct vm_area_info){ .name_length = 8, .name = "[rollup]" };
	for (;;) {
		struct file *f object_auto(file) = NULL;

		if (!vm_space_area_at(s, a.end, &a, &f))
			return any;
		if (!any)
			all->start = a.start;
		all->end = a.end;
		any = true;
	}
}

// All of it in one record. Nobody's memory (a kernel thread, an ended process): no such process, as on Linux.
static err_t smaps_rollup_show(struct pseudo_inode *n, struct file *about, struct text *out borrowed)
{
	struct vm_space *space object_auto(vm_space) = proc_space_of_file(about);
	struct vm_area_info all;
	struct vm_usage u = { };

	if (!space || !span_of(space, &all))
		return -ESRCH;
	vm_space_add_usage(space, 0, all.end, &u);
	const err_t err = area_line(&all, NULL, out);
	usage_begin(&u, out);
	text_printf(out, "Pss_Anon:       %8lu kB\nPss_File:       %8lu kB\nPss_Shmem:      %8lu kB\n",
		KIB_OF_SHARE(u.share[VM_SHARE_ANONYMOUS]), KIB_OF_SHARE(u.share[VM_SHARE_FILE]),
		KIB_OF_SHARE(u.share[VM_SHARE_SHARED_MEMORY]));
	usage_end(&u, out);
	return err;
}

const struct pseudo_kind proc_maps_kind = { .show = maps_show, .open = proc_space_open };
const struct pseudo_kind proc_smaps_kind = { .show = smaps_show, .open = proc_space_open };
const struct pseudo_kind proc_smaps_rollup_kind = { .show = smaps_rollup_show, .open = proc_space_open };
