// SPDX-License-Identifier: MPL-2.0
// Numbers under /proc/sys: how they are read, written and bounded.
#include <services/fs/procfs/procfs_internal.h>
#include <services/fs/procfs/sys/sys_setting.h>

err_t proc_setting_permission(struct pseudo_inode *n, u32 mask, const struct cred *cred borrowed)
{
	if ((mask & PERMISSION_WRITE) && !(n->base.mode & 0222))
		return -EACCES;
	return inode_permission_generic(&n->base, mask, cred);
}

err_t proc_setting_show(const struct proc_setting *s, struct text *out borrowed)
{
	text_printf(out, "%lu\n", s->value ? (u64)atomic_u32_load(s->value) : s->get(s->of));
	return OK;
}

static bool is_blank(u8 c)
{
	return c == ' ' || c == '\n' || c == '\t' || c == 0;
}

ssize_r proc_setting_store(const struct proc_setting *s, bytes_t data)
{
	bytes_t number = data;
	u64 value = 0;
	while (bytes_len(number) && is_blank(byte_at(number, 0)))
		number = bytes_from(number, 1);
	while (bytes_len(number) && is_blank(byte_at(number, bytes_len(number) - 1)))
		number = bytes_first(number, bytes_len(number) - 1);
	if (!bytes_parse_u64(number, 10, &value) || value < s->least || value > s->most)
		return -EINVAL;
	if (s->value) {
		atomic_u32_store(s->value, (u32)value);
		return (ssize_r)bytes_len(data);
	}
	const err_t err = s->set(s->of, value);
	return err ? (ssize_r)err : (ssize_r)bytes_len(data);
}
