// SPDX-License-Identifier: MPL-2.0
// Mount options: hidepid=, gid=, subset=pid. source: proc(5)
#include <core/text.h>
#include <services/fs/procfs/procfs_internal.h>

struct stack_only proc_options {
	u32 hide, group, only_processes;
};

static bool parse_hide(bytes_t value, u32 *out borrowed)
{
	static const struct hide_word {
		u8 word[12], digit[2];
		u32 hide;
	} words[] = {
		{ "off", "0", PROC_HIDE_OFF },
		{ "noaccess", "1", PROC_HIDE_CONTENT },
		{ "invisible", "2", PROC_HIDE_FOLDERS },
		{ "ptraceable", "4", PROC_HIDE_UNTRACEABLE },
	};
	for (u32 n = 0; n < array_len(words); n++) {
		const struct hide_word *w = array_ptr(words, n);
		*out = w->hide;
		if (bytes_equal(bytes_first(array_bytes(w->word), bytes_string_len(array_bytes(w->word))), value) ||
			bytes_equal(bytes_first(array_bytes(w->digit), 1), value))
			return true;
	}
	return false;
}

static err_t parse_option(bytes_t key, bytes_t value, const struct cred *cred borrowed, struct proc_options *o borrowed)
{
	u64 number = 0;
	if (bytes_equal(key, STR("hidepid")))
		return parse_hide(value, &o->hide) ? OK : -EINVAL;
	if (bytes_equal(key, STR("subset"))) {
		o->only_processes = 1;
		return bytes_equal(value, STR("pid")) ? OK : -EINVAL;
	}
	if (!bytes_equal(key, STR("gid")))
		return -ENOENT;
	if (!bytes_parse_u64(value, 10, &number) || number >= ID_INVALID)
		return -EINVAL;
	o->group = user_namespace_gid_in(cred->user_ns, (u32)number);
	return o->group == ID_INVALID ? -EINVAL : OK;
}

err_t proc_option_check(bytes_t key, bytes_t value, const struct cred *cred borrowed)
{
	struct proc_options ignored = { 0 };
	return parse_option(key, value, cred, &ignored);
}

err_t proc_options_apply(struct proc_instance *i, bytes_t options, const struct cred *cred borrowed)
{
	struct proc_options o = { atomic_u32_load(&i->hide), atomic_u32_load(&i->hide_group),
		atomic_u32_load(&i->only_processes) };
	for (usize at = 0; at < bytes_len(options);) {
		const bytes_t word = mount_option_next(options, &at);
		if (bytes_len(word) == 0)
			break;
		if (parse_option(mount_option_key(word), mount_option_value(word), cred, &o) != OK)
			return -EINVAL;
	}
	atomic_u32_store(&i->hide, o.hide);
	atomic_u32_store(&i->hide_group, o.group);
	atomic_u32_store(&i->only_processes, o.only_processes);
	return OK;
}

void proc_options_show(struct proc_instance *i, struct text *out borrowed)
{
	const u32 group = atomic_u32_load(&i->hide_group);
	if (group)
		text_printf(out, ",gid=%u", user_namespace_gid_show(proc_user_namespace(), group));
	switch (atomic_u32_load(&i->hide)) {
	case PROC_HIDE_CONTENT:
		text_put(out, STR(",hidepid=noaccess"));
		break;
	case PROC_HIDE_FOLDERS:
		text_put(out, STR(",hidepid=invisible"));
		break;
	case PROC_HIDE_UNTRACEABLE:
		text_put(out, STR(",hidepid=ptraceable"));
		break;
	default:
		break;
	}
	if (atomic_u32_load(&i->only_processes))
		text_put(out, STR(",subset=pid"));
}

bool proc_is_shown(struct proc_instance *i, struct thread *t, enum proc_hide level)
{
	const u32 hide = atomic_u32_load_relaxed(&i->hide);
	if (hide < level)
		return true;
	if (hide != PROC_HIDE_UNTRACEABLE && cred_in_group(cred_current(), atomic_u32_load(&i->hide_group)))
		return true;
	return t ? thread_may_access(t, THREAD_ACCESS_READ) == OK : cred_capable(cred_current(), CAP_SYS_PTRACE);
}
