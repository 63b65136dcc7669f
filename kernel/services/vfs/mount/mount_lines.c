// SPDX-License-Identifier: MPL-2.0
// The lines of /proc/PID/mounts, mountinfo and mountstats (proc(5)).
#include <services/vfs/dentry.h>
#include <services/vfs/mount/mount_internal.h>

#define SHOW_SPECIAL STR(" \t\n\\")

static const struct mount_flag_word {
	u32 flag;
	u32 length;
	u8 word[16];
} flag_words[] = {
	{ MOUNT_NO_SUID, 7, ",nosuid" }, { MOUNT_NO_DEVICES, 6, ",nodev" }, { MOUNT_NO_EXEC, 7, ",noexec" },
	{ MOUNT_NO_ATIME, 8, ",noatime" }, { MOUNT_NO_DIRATIME, 11, ",nodiratime" }, { MOUNT_RELATIME, 9, ",relatime" },
	{ MOUNT_NO_SYMLINK_FOLLOW, 12, ",nosymfollow" },
};

// Everything but ro and rw.
static void show_flags(const struct mount *m, struct text *out borrowed)
{
	for (u32 n = 0; n < array_len(flag_words); n++) {
		const struct mount_flag_word *w = array_ptr(flag_words, n);
		if (mount_has(m, w->flag))
			text_put(out, bytes_first(array_bytes(w->word), w->length));
	}
	if (m->idmap)
		text_put(out, STR(",idmapped"));
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

void mount_show_mounts_line(struct mount *m, bytes_t place, struct text *out borrowed)
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

static void show_optional_fields(struct mount *m, u32 dominating, struct text *out borrowed)
{
	if (m->group)
		text_printf(out, " shared:%u", m->group);
	if (m->master)
		text_printf(out, " master:%u", m->master->group);
	if (m->master && dominating && dominating != m->master->group)
		text_printf(out, " propagate_from:%u", dominating);
	if (m->unbindable)
		text_put(out, STR(" unbindable"));
}

void mount_show_mountinfo_line(
	struct mount *m, bytes_t place, bytes_t inner, u32 dominating, struct text *out borrowed)
{
	struct superblock *sb = m->superblock;
	text_printf(out, "%lu %lu %u:%u ", m->id, m->parent ? m->parent->id : m->id, device_major(sb->device),
		device_minor(sb->device));
	text_put_escaped(out, bytes_len(inner) ? inner : STR("/"), SHOW_SPECIAL);
	text_char(out, ' ');
	text_put_escaped(out, place, SHOW_SPECIAL);
	text_put(out, mount_has(m, MOUNT_READ_ONLY) ? STR(" ro") : STR(" rw"));
	show_flags(m, out);
	show_optional_fields(m, dominating, out);
	text_put(out, STR(" - "));
	show_type(m, out);
	text_char(out, ' ');
	show_source(m, out);
	text_put(out, atomic_u32_load(&sb->flags) & SUPERBLOCK_READ_ONLY ? STR(" ro") : STR(" rw"));
	show_superblock_options(sb, out);
	text_char(out, '\n');
}

void mount_show_mountstats_line(struct mount *m, bytes_t place, struct text *out borrowed)
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
