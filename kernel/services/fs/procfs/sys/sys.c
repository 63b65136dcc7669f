// SPDX-License-Identifier: MPL-2.0
// /proc/sys: the settings that act, and the constants that programs read (source: proc(5), sysctl names).
#include <core/random.h>
#include <core/text.h>
#include <services/fs/procfs/procfs_internal.h>
#include <services/fs/procfs/sys/sys_setting.h>
#include <services/pagecache/writeback.h>
#include <services/namespace/uts.h>
#include <services/vfs/file_table.h>
#include <services/vfs/mount_namespace.h>
#include <services/vm/vm_space.h>

// --- constants: value[0] is the number shown -------------------------------------------------------------
static err_t number_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	text_printf(out, "%lu\n", n->value[0]);
	return OK;
}
static const struct pseudo_kind number_kind = { .show = number_show, .permission = proc_setting_permission };
#define SYS_NUMBER(text, number) { .name = text, .mode = S_IFREG | 0444, .kind = &number_kind, .value = (number) }

static err_t release_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	text_put(out, STR(UTS_RELEASE "\n"));
	return OK;
}

static err_t type_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	text_put(out, STR(UTS_SYSTEM_NAME "\n"));
	return OK;
}

static err_t version_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	text_put(out, STR(UTS_VERSION "\n"));
	return OK;
}

// --- the names of the caller's UTS namespace --------------------------------------------------------------
static err_t name_show(enum uts_name which, struct text *out borrowed)
{
	u8 name[UTS_NAME_MAX + 1] = { };
	usize length = uts_name_get(uts_namespace_from(thread_namespace(NAMESPACE_UTS)), which, array_span(name));

	text_put(out, bytes_first(array_bytes(name), length));
	text_char(out, '\n');
	return OK;
}

static ssize_r name_store(struct file *f, enum uts_name which, bytes_t data)
{
	struct uts_namespace *u = uts_namespace_from(thread_namespace(NAMESPACE_UTS));
	struct user_namespace *owner = u->base.owner ? u->base.owner : user_namespace_initial();
	err_t err;

	if (!cred_has_capability(f->cred, owner, CAP_SYS_ADMIN))
		return -EPERM;
	err = uts_name_set(u, which, bytes_first(data, bytes_find(data, '\n')));
	return err ? (ssize_r)err : (ssize_r)bytes_len(data);
}

static err_t hostname_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	return name_show(UTS_HOST_NAME, out);
}

static ssize_r hostname_store(struct pseudo_inode *n, struct file *f, bytes_t data)
{
	return name_store(f, UTS_HOST_NAME, data);
}

static err_t domainname_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	return name_show(UTS_DOMAIN_NAME, out);
}

static ssize_r domainname_store(struct pseudo_inode *n, struct file *f, bytes_t data)
{
	return name_store(f, UTS_DOMAIN_NAME, data);
}

// --- random identifiers -------------------------------------------------------------------------------------
static void uuid_put(bytes_t b, struct text *out borrowed)
{
	for (u32 i = 0; i < 16; i++) {
		u8 c = byte_at(b, i);

		if (i == 6)
			c = (c & 0x0f) | 0x40;
		if (i == 8)
			c = (c & 0x3f) | 0x80;
		if (i == 4 || i == 6 || i == 8 || i == 10)
			text_char(out, '-');
		text_printf(out, "%02x", c);
	}
	text_char(out, '\n');
}

static err_t uuid_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	u8 bytes[16] = { };

	random_fill(array_span(bytes));
	uuid_put(array_bytes(bytes), out);
	return OK;
}

static struct synchronised boot_identity {
	struct spinlock lock;
	u8 bytes[16] GUARDED_BY(lock);
	u32 is_made GUARDED_BY(lock);
} boot_identity = { .lock = SPINLOCK_INIT(RANK_SERVICE_LEAF) };

static err_t boot_id_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	spin_guard(&boot_identity.lock);
	if (!boot_identity.is_made) {
		random_fill(array_span(boot_identity.bytes));
		boot_identity.is_made = 1;
	}
	uuid_put(array_bytes(boot_identity.bytes), out);
	return OK;
}

// The number given out last in the caller's pid namespace; who may choose numbers there may set it.
static u64 last_pid_get(u32 of)
{
	return pid_namespace_last(thread_pid_namespace());
}

static err_t last_pid_set(u32 of, u64 value)
{
	struct pid_namespace *ns = thread_pid_namespace();
	const struct user_namespace *owner = pid_namespace_base(ns)->owner;

	if (!owner)
		owner = user_namespace_initial();
	if (!cred_has_capability(thread_cred(), owner, CAP_SYS_ADMIN) &&
	    !cred_has_capability(thread_cred(), owner, CAP_CHECKPOINT_RESTORE))
		return -EPERM;
	pid_namespace_set_last(ns, (u32)value);
	return OK;
}

static const struct proc_setting last_pid_settings[] = {
	{ .get = last_pid_get, .set = last_pid_set, .most = PID_MAX },
};
PROC_SETTINGS(last_pid, last_pid_settings);

// drop_caches: 1 file pages, 2 names, 3 both.
static ssize_r drop_caches_store(struct pseudo_inode *n, struct file *f, bytes_t data)
{
	u64 what = 0;

	if (!bytes_parse_u64(bytes_first(data, bytes_find(data, '\n')), 10, &what) || what < 1 || what > 3)
		return (ssize_r)-EINVAL;
	vm_drop_caches((u32)what);
	return (ssize_r)bytes_len(data);
}

static const struct pseudo_kind drop_caches_kind = { .store = drop_caches_store,
	.permission = proc_setting_permission };
static const struct pseudo_kind release_kind = { .show = release_show, .permission = proc_setting_permission };
static const struct pseudo_kind type_kind = { .show = type_show, .permission = proc_setting_permission };
static const struct pseudo_kind version_kind = { .show = version_show, .permission = proc_setting_permission };
static const struct pseudo_kind uuid_kind = { .show = uuid_show, .permission = proc_setting_permission };
static const struct pseudo_kind boot_id_kind = { .show = boot_id_show, .permission = proc_setting_permission };
static const struct pseudo_kind hostname_kind = { .show = hostname_show, .store = hostname_store };
static const struct pseudo_kind domainname_kind = { .show = domainname_show, .store = domainname_store };

// --- the tree -------------------------------------------------------------------------------------------------
static const struct pseudo_entry random_entries[] = {
	PROC_FILE("boot_id", 0444, boot_id_kind),
	PROC_FILE("uuid", 0444, uuid_kind),
	SYS_NUMBER("poolsize", 256),
	SYS_NUMBER("entropy_avail", 256),
};
PROC_SYS_FOLDER(random, random_entries);
static const struct pseudo_entry kernel_entries[] = {
	PROC_FILE("hostname", 0644, hostname_kind),
	PROC_FILE("domainname", 0644, domainname_kind),
	PROC_FILE("osrelease", 0444, release_kind),
	PROC_FILE("ostype", 0444, type_kind),
	PROC_FILE("version", 0444, version_kind),
	SYS_NUMBER("pid_max", PID_MAX),
	{ .name = "ns_last_pid", .mode = S_IFREG | 0666, .kind = &last_pid_kind },
	SYS_NUMBER("cap_last_cap", CAPABILITY_LAST),
	SYS_NUMBER("overflowuid", 65534),
	SYS_NUMBER("overflowgid", 65534),
	SYS_NUMBER("ngroups_max", 65536),
	SYS_NUMBER("randomize_va_space", 2),
	SYS_NUMBER("unprivileged_bpf_disabled", 2),
	PROC_FOLDER("random", 0555, random_kind),
	PROC_FOLDER("keys", 0555, proc_sys_keys_kind),
	PROC_FOLDER("seccomp", 0555, proc_sys_seccomp_kind),
	PROC_FOLDER("yama", 0555, proc_sys_yama_kind),
};
static const struct pseudo_entry *kernel_entry(u32 index)
{
	if (index < array_len(kernel_entries))
		return array_ptr(kernel_entries, index);
	return proc_sys_ipc_entry(index - (u32)array_len(kernel_entries));
}
static const struct pseudo_kind kernel_kind = { .entry_at = kernel_entry };
static const struct proc_setting file_settings[] = { { .value = &file_limit, .most = S32_MAX },
	{ .value = &mount_limit, .least = 1, .most = S32_MAX } };
PROC_SETTINGS(file_limit, file_settings);
static err_t file_nr_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	text_printf(out, "%lu\t0\t%u\n", file_count(), atomic_u32_load(&file_limit));
	return OK;
}
PROC_TEXT(file_nr, file_nr_show);
static const struct pseudo_entry fs_entries[] = {
	PROC_SETTING("file-max", file_limit_kind, 0), PROC_SETTING("mount-max", file_limit_kind, 1),
	PROC_FILE("file-nr", 0444, file_nr_kind), SYS_NUMBER("nr_open", FILE_TABLE_MAX),
	SYS_NUMBER("overflowuid", 65534), SYS_NUMBER("overflowgid", 65534),
	PROC_FOLDER("inotify", 0555, proc_sys_inotify_kind), PROC_FOLDER("mqueue", 0555, proc_sys_mqueue_kind) };
PROC_SYS_FOLDER(fs, fs_entries);
static const struct proc_setting writeback_rows[] = {
	{ .value = &writeback_settings.background_percent, .most = 100 },
	{ .value = &writeback_settings.dirty_percent, .most = 100 },
	{ .value = &writeback_settings.expire_centiseconds, .most = S32_MAX },
	{ .value = &writeback_settings.period_centiseconds, .most = S32_MAX },
};
PROC_SETTINGS(writeback, writeback_rows);
static const struct pseudo_entry vm_entries[] = { SYS_NUMBER("overcommit_memory", 0),
	SYS_NUMBER("max_map_count", 65530), SYS_NUMBER("mmap_min_addr", 65536),
	PROC_SETTING("dirty_background_ratio", writeback_kind, 0), PROC_SETTING("dirty_ratio", writeback_kind, 1),
	PROC_SETTING("dirty_expire_centisecs", writeback_kind, 2),
	PROC_SETTING("dirty_writeback_centisecs", writeback_kind, 3),
	PROC_FILE("drop_caches", 0200, drop_caches_kind) };
PROC_SYS_FOLDER(vm, vm_entries);
static const struct pseudo_entry root_entries[] = {
	PROC_FOLDER("kernel", 0555, kernel_kind), PROC_FOLDER("fs", 0555, fs_kind), PROC_FOLDER("vm", 0555, vm_kind),
	PROC_FOLDER("net", 0555, proc_sys_net_kind), PROC_FOLDER("user", 0555, proc_sys_user_kind),
};

static const struct pseudo_entry *sys_entry(u32 index)
{
	return index < array_len(root_entries) ? array_ptr(root_entries, index) : NULL;
}
const struct pseudo_kind proc_sys_kind = { .entry_at = sys_entry };
