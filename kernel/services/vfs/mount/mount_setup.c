// SPDX-License-Identifier: MPL-2.0
// Theory: options are collected as the text that mount(2) would have got and are checked as they come where the type
// can do that. Making the file system gives an internal mount, which keeps it alive for the descriptor; fsmount
// gives another one. After that the descriptor can only reconfigure, like one that fspick gave.
#include <core/buf.h>
#include <services/cred/user_namespace.h>
#include <services/vfs/dentry.h>
#include <services/vfs/mount/mount_internal.h>
#include <services/vfs/mount_setup.h>

enum setup_phase { SETUP_OPTIONS, SETUP_MADE, SETUP_RECONFIGURE, SETUP_FAILED };
#define SETUP_TEXT_MAX PAGE_SIZE
#define SETUP_MESSAGE_MAX 320u
#define SETUP_MESSAGES 8u

struct setup_message {
	u8 text[SETUP_MESSAGE_MAX];
	u32 length;
};

struct mount_setup {
	struct file base;
	const struct file_system_type *type;	// immutable
	struct mutex setup_lock;
	enum setup_phase phase GUARDED_BY(setup_lock);
	struct buf *options GUARDED_BY(setup_lock);	// owned; "key=value,key"
	usize options_length GUARDED_BY(setup_lock);
	struct buf *source GUARDED_BY(setup_lock);	// owned or NULL
	u32 flags GUARDED_BY(setup_lock);		// SUPERBLOCK_*
	u32 flags_given GUARDED_BY(setup_lock);	// which of them were named
	struct mount *keeper GUARDED_BY(setup_lock);	// reference: the file system, once it is there
	struct setup_message messages[SETUP_MESSAGES] GUARDED_BY(setup_lock);
	u32 message_first GUARDED_BY(setup_lock), message_count GUARDED_BY(setup_lock);
};

static exclusive_access void mount_setup_release(struct mount_setup *s)
{
	file_fini(&s->base);
	buf_free(take(s->options));
	buf_free(take(s->source));
	if (s->keeper)
		mount_put(take(s->keeper));
}
DEFINE_DERIVED(mount_setup, file, mount_setup_release)

bool file_is_setup(struct file *f)
{
	return file_is_mount_setup(f);
}

static bytes_t type_name(const struct file_system_type *type)
{
	return bytes_first(array_bytes(type->name), bytes_string_len(array_bytes(type->name)));
}

// --- messages ---------------------------------------------------------------------------------------

// The oldest one goes when there are too many.
static no_inline void setup_tell(struct mount_setup *const s, bytes_t what, bytes_t key) REQUIRES(s->setup_lock);
static no_inline void setup_tell(struct mount_setup *const s, bytes_t what, bytes_t key)
{
	const u32 place = (s->message_first + s->message_count) % SETUP_MESSAGES;
	struct setup_message *const m = array_ptr(s->messages, place);
	struct text t = text_to(array_span(m->text));
	text_put(&t, STR("e "));
	text_put(&t, type_name(s->type));
	text_put(&t, STR(": "));
	text_put(&t, what);
	text_put(&t, STR(" '"));
	text_put(&t, key);
	text_put(&t, STR("'\n"));
	m->length = (u32)bytes_len(text_bytes(&t));
	if (s->message_count < SETUP_MESSAGES)
		s->message_count++;
	else
		s->message_first = (s->message_first + 1) % SETUP_MESSAGES;
}

static ssize_r setup_read(struct file *f, struct iobuf *to borrowed, u64 *position borrowed)
{
	struct mount_setup *const s = mount_setup_from_file(f);
	mutex_guard(&s->setup_lock);
	if (!s->message_count)
		return -ENODATA;
	struct setup_message *const m = array_ptr(s->messages, s->message_first);
	if (m->length > iobuf_remaining(to))
		return -EMSGSIZE;
	if (iobuf_put(to, bytes_first(array_bytes(m->text), m->length)) != m->length)
		return -EFAULT;
	s->message_first = (s->message_first + 1) % SETUP_MESSAGES;
	s->message_count--;
	return (ssize_r)m->length;
}

static const struct file_ops setup_ops = { .read = setup_read };

// --- beginning --------------------------------------------------------------------------------------

exclusive_access static void setup_begin(struct mount_setup *s, const struct file_system_type *type,
	enum setup_phase phase, struct mount *keeper consumes)
{
	mutex_init(&s->setup_lock, RANK_MOUNT_SETUP);
	s->type = type;
	s->phase = phase;
	s->keeper = keeper;
}

static err_t setup_open(const struct mounter *who borrowed, const struct file_system_type *type,
	enum setup_phase phase, struct mount *keeper consumes, struct file **out borrowed)
{
	struct mount *kept object_auto(mount) = take(keeper);
	struct mount_setup *s object_auto(mount_setup) = mount_setup_alloc();
	if (!s)
		return -ENOMEM;
	setup_begin(s, type, phase, take(kept));
	const err_t e = file_init_anonymous(&s->base, &setup_ops, STR("anon_inode:[fscontext]"), 2, who->cred, 0);
	if (e)
		return e;
	*out = &take(s)->base;
	return OK;
}

err_t mount_setup_create(const struct mounter *who borrowed, bytes_t type_text, struct file **out borrowed)
{
	const err_t e = mount_check_privilege(who);
	if (e)
		return e;
	const struct file_system_type *type = file_system_find(type_text);
	return type ? setup_open(who, type, SETUP_OPTIONS, NULL, out) : -ENODEV;
}

err_t mount_setup_pick(const struct mounter *who borrowed, const struct path *at borrowed, struct file **out borrowed)
{
	err_t e = mount_check_privilege(who);
	if (e)
		return e;
	if (!path_is_mount_root(at))
		return -EINVAL;
	struct superblock *sb = at->mount->superblock;
	struct mount *keeper object_auto(mount) = NULL;
	e = mount_create(sb, NULL, bytes_empty(), MOUNT_INTERNAL, &keeper);
	return e ? e : setup_open(who, sb->type, SETUP_RECONFIGURE, take(keeper), out);
}

// --- options ----------------------------------------------------------------------------------------

static bool setup_takes_options(struct mount_setup *const s) REQUIRES(s->setup_lock);
static bool setup_takes_options(struct mount_setup *const s)
{
	return s->phase == SETUP_OPTIONS || s->phase == SETUP_RECONFIGURE;
}

// Words that belong to no type. True: it was one.
static bool setup_common_flag(struct mount_setup *const s, bytes_t key) REQUIRES(s->setup_lock);
static bool setup_common_flag(struct mount_setup *const s, bytes_t key)
{
	if (bytes_equal(key, STR("ro")))
		s->flags |= SUPERBLOCK_READ_ONLY;
	else if (bytes_equal(key, STR("rw")))
		s->flags &= ~(u32)SUPERBLOCK_READ_ONLY;
	else
		return false;
	s->flags_given |= SUPERBLOCK_READ_ONLY;
	return true;
}

static err_t setup_append(struct mount_setup *const s, enum mount_option_kind kind, bytes_t key,
	bytes_t value) REQUIRES(s->setup_lock);
static err_t setup_append(struct mount_setup *const s, enum mount_option_kind kind, bytes_t key, bytes_t value)
{
	if (bytes_find(key, ',') < bytes_len(key) || bytes_find(value, ',') < bytes_len(value))
		return -EINVAL;
	if (!s->options) {
		s->options = buf_alloc(SETUP_TEXT_MAX);
		if (!s->options)
			return -ENOMEM;
	}
	if (s->options_length + bytes_len(key) + bytes_len(value) + 2 > SETUP_TEXT_MAX)
		return -EINVAL;
	struct text t = text_to(span_from(buf_span(s->options), s->options_length));
	if (s->options_length)
		text_char(&t, ',');
	text_put(&t, key);
	if (kind == MOUNT_OPTION_STRING) {
		text_char(&t, '=');
		text_put(&t, value);
	}
	s->options_length += bytes_len(text_bytes(&t));
	return OK;
}

static err_t setup_set_source(struct mount_setup *const s, bytes_t value) REQUIRES(s->setup_lock);
static err_t setup_set_source(struct mount_setup *const s, bytes_t value)
{
	if (s->source)
		return -EINVAL;
	s->source = buf_from(value);
	return s->source ? OK : -ENOMEM;
}

err_t mount_setup_option(struct file *f, enum mount_option_kind kind, bytes_t key, bytes_t value)
{
	struct mount_setup *const s = mount_setup_from_file(f);
	mutex_guard(&s->setup_lock);
	if (!setup_takes_options(s))
		return -EBUSY;
	if (kind == MOUNT_OPTION_OTHER)
		return s->type->check_option ? -EINVAL : -EOPNOTSUPP;
	if (kind == MOUNT_OPTION_STRING && bytes_equal(key, STR("source")) && s->phase == SETUP_OPTIONS)
		return setup_set_source(s, value);
	if (kind == MOUNT_OPTION_FLAG && setup_common_flag(s, key))
		return OK;
	const err_t e = s->type->check_option ? s->type->check_option(key, value, f->cred) : OK;
	if (e == -ENOENT || e == -EINVAL) {
		setup_tell(s, e == -ENOENT ? STR("Unknown parameter") : STR("Bad value for"), key);
		return -EINVAL;
	}
	return e ? e : setup_append(s, kind, key, value);
}

// --- commands ---------------------------------------------------------------------------------------

static bytes_t setup_options(struct mount_setup *const s) REQUIRES(s->setup_lock);
static bytes_t setup_options(struct mount_setup *const s)
{
	return s->options ? bytes_first(buf_bytes(s->options), s->options_length) : bytes_empty();
}

static err_t setup_make(struct mount_setup *const s, const struct mounter *who borrowed) REQUIRES(s->setup_lock);
static err_t setup_make(struct mount_setup *const s, const struct mounter *who borrowed)
{
	err_t e = mount_check_type(who, s->type);
	if (e)
		return e;
	struct mount_request request = { .source = s->source ? buf_bytes(s->source) : bytes_empty(),
		.options = setup_options(s), .flags = s->flags, .cred = who->cred, .fs = who->fs,
			.namespaces = who->namespaces };
	return mount_open(who, s->type, &request, bytes_empty(), MOUNT_INTERNAL, &s->keeper);
}

err_t mount_setup_make(struct file *f, const struct mounter *who borrowed)
{
	struct mount_setup *const s = mount_setup_from_file(f);
	mutex_guard(&s->setup_lock);
	if (s->phase != SETUP_OPTIONS)
		return -EBUSY;
	const err_t e = setup_make(s, who);
	s->phase = e ? SETUP_FAILED : SETUP_MADE;
	return e;
}

err_t mount_setup_reconfigure(struct file *f, const struct mounter *who borrowed)
{
	struct mount_setup *const s = mount_setup_from_file(f);
	mutex_guard(&s->setup_lock);
	if (s->phase != SETUP_RECONFIGURE)
		return -EBUSY;
	struct superblock *sb = s->keeper->superblock;
	if (!cred_has_capability(who->cred, sb->user_ns, CAP_SYS_ADMIN))
		return -EPERM;
	const u32 kept = atomic_u32_load(&sb->flags) & SUPERBLOCK_READ_ONLY & ~s->flags_given;
	const err_t e = mount_remount_superblock(sb, s->flags | kept, setup_options(s));
	if (e)
		s->phase = SETUP_FAILED;
	else
		mount_namespace_note_change(who->namespace);
	s->options_length = 0;
	s->flags_given = 0;
	return e;
}

static err_t check_revealing(const struct mounter *who borrowed, struct mount *m)
{
	mutex_guard(&mount_tree_lock);
	return mount_check_revealing(who, m);
}

static err_t setup_mount(struct mount_setup *const s, const struct mounter *who borrowed, u32 flags,
	struct mount **out borrowed)
{
	mutex_guard(&s->setup_lock);
	if (!s->keeper)
		return -EINVAL;
	if (s->phase != SETUP_MADE)
		return -EBUSY;
	const bytes_t source = s->source ? buf_bytes(s->source) : bytes_empty();
	err_t e = mount_create(s->keeper->superblock, NULL, source, flags, out);
	if (!e)
		e = check_revealing(who, *out);
	if (e)
		return e;
	s->phase = SETUP_RECONFIGURE;
	s->options_length = 0;
	s->flags = 0;
	s->flags_given = 0;
	return OK;
}

err_t mount_setup_mount(struct file *f, const struct mounter *who borrowed, u32 flags, struct file **out borrowed)
{
	struct mount *m object_auto(mount) = NULL;
	err_t e = mount_check_privilege(who);
	if (!e)
		e = setup_mount(mount_setup_from_file(f), who, flags, &m);
	return e ? e : mount_open_unattached(take(m), who->cred, out);
}
