// SPDX-License-Identifier: MPL-2.0
// The root and its fixed folders; devices and disks are in files of their own.
#include <core/cpu.h>
#include <core/text.h>
#include <services/fs/sysfs/sysfs.h>
#include <services/fs/sysfs/sysfs_internal.h>
#include <services/net/device/net_namespace.h>
#include <services/process/thread.h>

#define SYSFS_MAGIC 0x62656572u
#define FOLDER(text, kind_) { .name = text, .mode = S_IFDIR | 0755, .kind = &(kind_) }
#define FILE_OF(text, kind_) { .name = text, .mode = S_IFREG | 0444, .kind = &(kind_) }
#define TABLE(name_, ...)                                                                      \
	static const struct pseudo_entry name_##_entries[] = { __VA_ARGS__ };                  \
	static const struct pseudo_entry *name_##_entry(u32 index)                             \
	{                                                                                      \
		return index < array_len(name_##_entries) ? array_ptr(name_##_entries, index) : NULL; \
	}                                                                                      \
	static const struct pseudo_kind name_##_kind = { .entry_at = name_##_entry }

static err_t cpus_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	if (cpu_count() == 1)
		text_put(out, STR("0\n"));
	else
		text_printf(out, "0-%u\n", cpu_count() - 1);
	return OK;
}

static err_t kernel_max_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	text_printf(out, "%u\n", CPU_COUNT_MAX - 1);
	return OK;
}

static const struct pseudo_kind cpus_kind = { .show = cpus_show };
static const struct pseudo_kind kernel_max_kind = { .show = kernel_max_show };
static const struct pseudo_kind empty_kind = { };

// What the owner of a delegated group may write in it, and what mount options of cgroup2 mean something.
static err_t cgroup_delegate_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	text_put(out, STR("cgroup.procs\ncgroup.threads\ncgroup.subtree_control\nmemory.oom.group\nmemory.reclaim\n"));
	return OK;
}

static err_t cgroup_features_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	text_put(out, STR("nsdelegate\nmemory_localevents\nmemory_recursiveprot\n"));
	return OK;
}

static const struct pseudo_kind cgroup_delegate_kind = { .show = cgroup_delegate_show };
static const struct pseudo_kind cgroup_features_kind = { .show = cgroup_features_show };

static bool cpu_named(bytes_t name, u64 *number borrowed)
{
	return bytes_start_with(name, STR("cpu")) && bytes_parse_u64(bytes_from(name, 3), 10, number) &&
		*number < cpu_count();
}

static err_t cpu_lookup(struct pseudo_inode *dir, bytes_t name, struct inode **out borrowed)
{
	u64 number = 0;

	if (!cpu_named(name, &number))
		return -ENOENT;
	return pseudo_create(dir, name, S_IFDIR | 0755, &empty_kind, NULL, number, out);
}

static err_t cpus_list(struct pseudo_inode *dir, u32 type, u64 *position borrowed, struct directory_sink *sink borrowed)
{
	for (; *position < cpu_count(); *position += 1) {
		u8 name[12] = { };
		struct text t = text_to(array_span(name));

		text_printf(&t, "cpu%lu", *position);
		if (!sink->add(sink, text_bytes(&t), pseudo_number(dir, text_bytes(&t)), type >> 12, *position + 1))
			return OK;
	}
	return OK;
}

static err_t cpu_read_directory(struct pseudo_inode *dir, u64 *position borrowed, struct directory_sink *sink borrowed)
{
	return cpus_list(dir, S_IFDIR, position, sink);
}

static const struct pseudo_entry cpu_entries[] = {
	FILE_OF("online", cpus_kind),
	FILE_OF("possible", cpus_kind),
	FILE_OF("present", cpus_kind),
	FILE_OF("kernel_max", kernel_max_kind),
};
static const struct pseudo_entry *cpu_entry(u32 index)
{
	return index < array_len(cpu_entries) ? array_ptr(cpu_entries, index) : NULL;
}
static const struct pseudo_kind cpu_kind = {
	.entry_at = cpu_entry, .lookup = cpu_lookup, .read_directory = cpu_read_directory
};

// bus/cpu/devices: links to the folders above.
static ssize_r cpu_link_read(struct pseudo_inode *n, span_t out)
{
	struct text t = text_to(out);

	text_printf(&t, "../../../devices/system/cpu/cpu%lu", n->value[0]);
	return (ssize_r)bytes_len(text_bytes(&t));
}

static const struct pseudo_kind cpu_link_kind = { .read_link = cpu_link_read };

static err_t cpu_link_lookup(struct pseudo_inode *dir, bytes_t name, struct inode **out borrowed)
{
	u64 number = 0;

	if (!cpu_named(name, &number))
		return -ENOENT;
	return pseudo_create(dir, name, S_IFLNK | 0777, &cpu_link_kind, NULL, number, out);
}

static err_t cpu_link_list(struct pseudo_inode *dir, u64 *position borrowed, struct directory_sink *sink borrowed)
{
	return cpus_list(dir, S_IFLNK, position, sink);
}

static const struct pseudo_kind cpu_links_kind = { .lookup = cpu_link_lookup, .read_directory = cpu_link_list };

TABLE(system, FOLDER("cpu", cpu_kind));
TABLE(cpu_bus, FOLDER("devices", cpu_links_kind));
TABLE(bus, FOLDER("cpu", cpu_bus_kind));
TABLE(devices, FOLDER("system", system_kind));
TABLE(fs, FOLDER("cgroup", empty_kind));
TABLE(cgroup_folder, FILE_OF("delegate", cgroup_delegate_kind), FILE_OF("features", cgroup_features_kind));
// The processor's sizes of huge pages. The pools are empty and stay so: MAP_HUGETLB finds no memory.
static err_t no_pages_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	text_put(out, STR("0\n"));
	return OK;
}
static const struct pseudo_kind no_pages_kind = { .show = no_pages_show };
TABLE(pool, FILE_OF("free_hugepages", no_pages_kind), FILE_OF("nr_hugepages", no_pages_kind),
	FILE_OF("nr_overcommit_hugepages", no_pages_kind), FILE_OF("resv_hugepages", no_pages_kind),
	FILE_OF("surplus_hugepages", no_pages_kind));
TABLE(hugepages, FOLDER("hugepages-2048kB", pool_kind), FOLDER("hugepages-1048576kB", pool_kind));
TABLE(mm, FOLDER("hugepages", hugepages_kind));
TABLE(kernel, FOLDER("mm", mm_kind), FOLDER("cgroup", cgroup_folder_kind), FOLDER("config", empty_kind),
	FOLDER("debug", empty_kind));
TABLE(root, FOLDER("block", sysfs_block_kind), FOLDER("bus", bus_kind), FOLDER("class", sysfs_class_kind),
	FOLDER("dev", sysfs_dev_kind), FOLDER("devices", devices_kind), FOLDER("fs", fs_kind),
	FOLDER("kernel", kernel_kind));

static const struct superblock_ops sysfs_superblock_ops = { .statistics = pseudo_statistics };

static err_t sysfs_mount(const struct file_system_type *type, const struct mount_request *request borrowed,
	struct superblock **out borrowed)
{
	struct net_namespace *net = net_namespace_from(thread_namespace(NAMESPACE_NET));

	return pseudo_mount(type, request, &sysfs_superblock_ops, &root_kind, &net->base.object, out);
}

struct net_namespace *sysfs_net_namespace(struct superblock *sb)
{
	return net_namespace_from_subject(pseudo_superblock_of(sb)->subject);
}

static const struct file_system_type sysfs_type = {
	.name = "sysfs", .flags = FILE_SYSTEM_USER_MOUNT | FILE_SYSTEM_REVEALING, .magic = SYSFS_MAGIC,
		.mount = sysfs_mount,
};

void sysfs_init(void)
{
	file_system_register(&sysfs_type);
}
