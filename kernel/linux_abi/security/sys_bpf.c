// SPDX-License-Identifier: MPL-2.0
// source: bpf(2), <linux/bpf.h>. One program type exists, BPF_PROG_TYPE_CGROUP_DEVICE, and no maps: what else Linux
// knows is answered as by a Linux without it.
#include <generated/syscall_prototypes.h>
#include <linux_abi/file/file_arguments.h>
#include <services/bpf/bpf.h>
#include <services/fs/cgroupfs/cgroupfs.h>

#define ATTR_SIZE 144u
#define INFO_SIZE 232u
#define ATTACH_CGROUP_DEVICE 6u
#define PROGRAM_FLAGS 0x3fu		// none of them changes anything for this type
#define QUERY_EFFECTIVE 1u
#define INSTRUCTIONS_MAX 1000000u	// of those with CAP_BPF; more than we take: -E2BIG either way
#define LOG_SIZE_MIN 128u
#define LOG_SIZE_KEPT 65536u

enum bpf_command {
	BPF_MAP_CREATE = 0, BPF_PROG_LOAD = 5, BPF_PROG_ATTACH = 8, BPF_PROG_DETACH = 9, BPF_PROG_GET_NEXT_ID = 11,
	BPF_PROG_GET_FD_BY_ID = 13, BPF_OBJ_GET_INFO_BY_FD = 15, BPF_PROG_QUERY = 16
};
struct load_layout {
	u32 type, instruction_count;
	u64 instructions, license;
	u32 log_level, log_size;
	u64 log_buffer;
	u32 kernel_version, flags;
	u8 name[16];
	u32 interface_index, expected_attach_type, btf_fd, function_size;
	u64 functions;
	u32 function_count, line_size;
	u64 lines;
	u32 line_count, attach_btf_id, attach_fd, relocation_count;
	u64 fd_array, relocations;
	u32 relocation_size, reserved;
};
struct attach_layout {
	u32 target_fd, program_fd, type, flags, replaced_fd;
};
struct query_layout {
	u32 target_fd, type, query_flags, attach_flags;
	u64 ids;
	u32 count, reserved;
	u64 id_flags;
};
struct info_layout {
	u32 type, id;
	u8 tag[8];
	u32 jited_length, original_length;
	u64 jited, original, load_time_ns;
	u32 uid, map_count;
	u64 maps;
	u8 name[16];
	u32 interface_index, is_gpl;
	u8 rest[128];
	u32 verified, pad;
	u64 attach;
};
_Static_assert(sizeof(struct load_layout) == ATTR_SIZE && sizeof(struct info_layout) == INFO_SIZE, "as in Linux 6.1");

static bool capable(u32 capability)
{
	return cred_has_capability(thread_cred(), user_namespace_initial(), capability);
}

static bool bpf_capable(void)
{
	return capable(CAP_BPF) || capable(CAP_SYS_ADMIN);
}

// Everything past the fields of a command is zero.
static bool rest_is_zero(bytes_t attr, usize used)
{
	for (usize n = used; n < bytes_len(attr); n++) {
		if (byte_at(attr, n))
			return false;
	}
	return true;
}

// What a newer program says beyond what we know must be zero: -E2BIG.
static err_t check_tail(user_addr_t at, u64 known, u64 size)
{
	if (size > PAGE_SIZE)
		return -E2BIG;
	for (u64 n = known; n < size; n++) {
		u8 one[1];
		const err_t e = user_copy_in(array_span(one), user_offset(at, n));
		if (e)
			return e;
		if (one[0])
			return -E2BIG;
	}
	return OK;
}

static err_t program_of_fd(u32 fd, struct bpf_program **out borrowed)
{
	struct file_borrow f file_borrow_auto = file_of(fd);
	if (!f.file)
		return -EBADF;
	struct bpf_program *p = bpf_program_of_file(f.file);
	if (!p)
		return -EINVAL;
	*out = bpf_program_get(p);
	return OK;
}

static s64 install(struct bpf_program *p)
{
	struct file *f object_auto(file) = NULL;
	const err_t e = bpf_file_create(p, thread_cred(), &f);
	if (e)
		return e;
	return file_table_add(thread_files(), take(f), process_rlimit(process_current(), RLIMIT_NOFILE),
			      OPEN_CLOSE_ON_EXEC);
}

// --- loading -----------------------------------------------------------------------------------------

static bool name_is_well_formed(bytes_t name)
{
	const usize length = bytes_string_len(name);

	for (usize n = 0; n < length; n++) {
		const u8 c = byte_at(name, n);
		const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
		if (!is_letter && !(c >= '0' && c <= '9') && c != '_' && c != '.')
			return false;
	}
	return length < bytes_len(name);
}

static err_t check_load(const struct load_layout *a borrowed)
{
	if ((a->flags & ~PROGRAM_FLAGS) || a->reserved)
		return -EINVAL;
	if (!a->instruction_count || a->instruction_count > INSTRUCTIONS_MAX)
		return -E2BIG;
	if (!bpf_capable() || (!capable(CAP_NET_ADMIN) && !capable(CAP_SYS_ADMIN)))
		return -EPERM;
	if (a->attach_fd || a->attach_btf_id || (a->type != BPF_TYPE_CGROUP_DEVICE &&
		a->type != BPF_TYPE_CGROUP_PACKET) ||
		!name_is_well_formed(array_bytes(a->name)) || a->interface_index)
		return -EINVAL;
	if (a->instruction_count > BPF_PROGRAM_INSTRUCTIONS_MAX)
		return -E2BIG;
	return OK;
}

static err_t read_license(user_addr_t from, u32 *is_gpl borrowed)
{
	u8 license[128] = {};
	const ssize_r n = user_copy_string(array_span(license), from);
	if (n == (ssize_r)-EFAULT)
		return -EFAULT;
	const bytes_t text = bytes_first(array_bytes(license), bytes_string_len(array_bytes(license)));
	*is_gpl = bytes_equal(text, STR("GPL")) || bytes_equal(text, STR("GPL v2")) ||
		bytes_equal(text, STR("GPL and additional rights")) || bytes_equal(text, STR("Dual BSD/GPL")) ||
		bytes_equal(text, STR("Dual MIT/GPL")) || bytes_equal(text, STR("Dual MPL/GPL"));
	return OK;
}

// The log goes out whatever became of the program. -EFAULT; -ENOSPC when it is longer than there is room.
static err_t write_log(const struct load_layout *a borrowed, const struct text *log borrowed)
{
	if (!a->log_level)
		return OK;
	const usize room = a->log_size - 1;
	const bytes_t text = text_bytes(log);
	const usize length = min(bytes_len(text), room);
	err_t e = user_copy_out(user_addr(a->log_buffer), bytes_first(text, length));
	if (!e)
		e = user_zero(user_addr(a->log_buffer + length), 1);
	if (e)
		return e;
	return text_needed(log) > length ? -ENOSPC : OK;
}

static err_t check_log(const struct load_layout *a borrowed)
{
	if (!a->log_level && !a->log_buffer && !a->log_size)
		return OK;
	if (a->log_level && !a->log_buffer)
		return -EINVAL;
	if (a->log_size < LOG_SIZE_MIN || a->log_size > U32_MAX >> 2 || !a->log_level || (a->log_level & ~7u))
		return -EINVAL;
	return OK;
}

static err_t load(const struct load_layout *a borrowed, bytes_t instructions, u32 is_gpl,
	struct bpf_program **out borrowed)
{
	struct bpf_load l = { .type = (enum bpf_type)a->type, .instructions = instructions,
		.expected_attach_type = a->expected_attach_type,
		.is_gpl = is_gpl, .uid = thread_cred()->uid };
	struct buf *room buf_auto = a->log_level ? buf_alloc(min(a->log_size, LOG_SIZE_KEPT)) : NULL;
	err_t e = check_log(a);

	if (e)
		return e;
	if (a->log_level && !room)
		return -ENOMEM;
	span_copy(array_span(l.name), array_bytes(a->name));
	struct text log = text_to(room ? buf_span(room) : span_empty());
	e = bpf_program_load(&l, &log, out);
	const err_t logged = write_log(a, &log);
	return logged ? logged : e;
}

static no_inline s64 bpf_load_command(bytes_t attr)
{
	struct load_layout a;
	u32 is_gpl = 0;
	struct bpf_program *p object_auto(bpf_program) = NULL;

	span_copy(object_span(&a), attr);
	if (a.reserved || (a.flags & ~PROGRAM_FLAGS))
		return -EINVAL;
	err_t e = read_license(user_addr(a.license), &is_gpl);
	if (!e)
		e = check_load(&a);
	if (e)
		return e;
	struct buf *code buf_auto = buf_alloc((usize)a.instruction_count * 8);
	if (!code)
		return -ENOMEM;
	e = user_copy_in(buf_span(code), user_addr(a.instructions));
	if (!e)
		e = load(&a, buf_bytes(code), is_gpl, &p);
	return e ? e : install(p);
}

// --- on a group --------------------------------------------------------------------------------------

static err_t group_of_fd(u32 fd, struct cgroup **out borrowed)
{
	struct file_borrow f file_borrow_auto = file_of(fd);

	return f.file ? cgroupfs_group_of_folder(f.file, out) : -EBADF;
}

static no_inline s64 bpf_attach_command(bytes_t attr)
{
	struct attach_layout a;
	struct bpf_program *p object_auto(bpf_program) = NULL;
	struct bpf_program *replaced object_auto(bpf_program) = NULL;
	struct cgroup *g object_auto(cgroup) = NULL;

	span_copy(object_span(&a), bytes_first(attr, sizeof(a)));
	if (!rest_is_zero(attr, sizeof(a)) || (a.flags & ~(BPF_ALLOW_OVERRIDE | BPF_ALLOW_MULTI | BPF_REPLACE)) ||
		a.type != ATTACH_CGROUP_DEVICE)
		return -EINVAL;
	err_t e = program_of_fd(a.program_fd, &p);
	if (!e)
		e = group_of_fd(a.target_fd, &g);
	if (!e && (a.flags & BPF_ALLOW_MULTI) && (a.flags & BPF_REPLACE))
		e = program_of_fd(a.replaced_fd, &replaced);
	return e ? e : bpf_group_attach(g, p, replaced, a.flags);
}

static no_inline s64 bpf_detach_command(bytes_t attr)
{
	struct attach_layout a;
	struct bpf_program *p object_auto(bpf_program) = NULL;
	struct cgroup *g object_auto(cgroup) = NULL;

	span_copy(object_span(&a), bytes_first(attr, sizeof(a)));
	if (!rest_is_zero(attr, 12) || a.type != ATTACH_CGROUP_DEVICE)
		return -EINVAL;
	// Linux lets everybody do this who can open the folder.
	if (!bpf_capable() && !capable(CAP_NET_ADMIN))
		return -EPERM;
	const err_t e = group_of_fd(a.target_fd, &g);
	if (e)
		return e;
	const err_t absent = program_of_fd(a.program_fd, &p);
	(void)absent; // a group with one program gives it up without being told which
	return bpf_group_detach(g, p);
}

static err_t write_ids(const struct query_layout *q borrowed, const struct bpf_group_programs *found borrowed)
{
	const u32 count = min(q->count, found->count);

	for (u32 n = 0; n < count && n < BPF_GROUP_PROGRAMS_MAX; n++) {
		err_t e = user_write_u32(user_addr(q->ids + n * 4ul), found->id[n]);
		if (!e && q->id_flags)
			e = user_write_u32(user_addr(q->id_flags + n * 4ul), found->flags);
		if (e)
			return e;
	}
	return q->count < found->count ? -ENOSPC : OK;
}

static no_inline s64 bpf_query_command(bytes_t attr, user_addr_t at)
{
	struct query_layout q;
	struct bpf_group_programs found;
	struct cgroup *g object_auto(cgroup) = NULL;

	if (!capable(CAP_NET_ADMIN))
		return -EPERM;
	span_copy(object_span(&q), bytes_first(attr, sizeof(q)));
	if (!rest_is_zero(attr, sizeof(q)) || (q.query_flags & ~QUERY_EFFECTIVE) || q.type != ATTACH_CGROUP_DEVICE)
		return -EINVAL;
	err_t e = group_of_fd(q.target_fd, &g);
	if (e)
		return e;
	if ((q.query_flags & QUERY_EFFECTIVE) && q.id_flags)
		return -EINVAL;
	bpf_group_query(g, q.query_flags & QUERY_EFFECTIVE ? BPF_QUERY_EFFECTIVE : BPF_QUERY_OWN, &found);
	e = user_write_u32(user_offset(at, 12), found.flags);
	if (!e)
		e = user_write_u32(user_offset(at, 24), found.count);
	if (e || !q.count || !q.ids || !found.count)
		return e;
	return write_ids(&q, &found);
}

// --- by number, and facts ----------------------------------------------------------------------------

static no_inline s64 bpf_find_command(bytes_t attr)
{
	if (!rest_is_zero(attr, 4))
		return -EINVAL;
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	struct bpf_program *p object_auto(bpf_program) = bpf_program_find(bytes_get_u32le(attr, 0));
	return p ? install(p) : -ENOENT;
}

static no_inline s64 bpf_next_command(bytes_t attr, user_addr_t at)
{
	u32 id = bytes_get_u32le(attr, 0);

	if (!rest_is_zero(attr, 8) || id >= BPF_PROGRAM_ID_MAX)
		return -EINVAL;
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	return bpf_program_next_id(&id) ? user_write_u32(user_offset(at, 4), id) : -ENOENT;
}

static err_t copy_instructions(struct bpf_program *p, u64 to, u32 room, u32 length)
{
	if (!room)
		return OK;
	struct buf *b buf_auto = buf_alloc(min(room, length));
	if (!b)
		return -ENOMEM;
	bpf_program_copy(p, buf_span(b));
	return user_copy_out(user_addr(to), buf_bytes(b));
}

static no_inline err_t write_info(struct bpf_program *p, user_addr_t to, u32 size)
{
	struct info_layout out = {};
	struct bpf_program_facts facts;
	err_t e = user_copy_in(span_first(object_span(&out), size), to);
	if (e)
		return e;
	const u32 room = out.original_length;
	const u64 instructions = out.original;
	bpf_program_read(p, &facts);
	const u32 length = facts.instruction_count * 8;
	out = (struct info_layout){ .type = facts.type, .id = facts.id,
		.load_time_ns = facts.load_time_ns, .is_gpl = facts.is_gpl, .verified = facts.instruction_count,
		.original = instructions };
	out.uid = user_namespace_uid_show(thread_cred()->user_ns, facts.uid);
	span_copy(array_span(out.tag), array_bytes(facts.tag));
	span_copy(array_span(out.name), array_bytes(facts.name));
	if (bpf_capable()) {
		out.original_length = length;
		e = copy_instructions(p, instructions, room, length);
	}
	return e ? e : user_copy_out(to, bytes_first(object_bytes(&out), size));
}

static no_inline s64 bpf_info_command(bytes_t attr, user_addr_t at)
{
	struct bpf_program *p object_auto(bpf_program) = NULL;
	const u32 length = bytes_get_u32le(attr, 4), size = min(length, INFO_SIZE);
	const user_addr_t info = user_addr(bytes_get_u64le(attr, 8));

	if (!rest_is_zero(attr, 16))
		return -EINVAL;
	err_t e = program_of_fd(bytes_get_u32le(attr, 0), &p);
	if (e == (err_t)-EBADF)
		e = -EBADFD;
	if (!e)
		e = check_tail(info, INFO_SIZE, length);
	if (!e)
		e = write_info(p, info, size);
	return e ? e : user_write_u32(user_offset(at, 4), size);
}

s64 sys_bpf(s32 cmd, user_addr_t attr, u32 size)
{
	u8 raw[ATTR_SIZE] = {};
	const bytes_t a = array_bytes(raw);

	if (!bpf_capable() && (cmd == BPF_MAP_CREATE || cmd == BPF_PROG_LOAD))
		return -EPERM;
	err_t e = check_tail(attr, ATTR_SIZE, size);
	if (!e)
		e = user_copy_in(span_first(array_span(raw), min(size, ATTR_SIZE)), attr);
	if (e)
		return e;
	switch (cmd) {
	case BPF_PROG_LOAD:
		return bpf_load_command(a);
	case BPF_PROG_ATTACH:
		return bpf_attach_command(a);
	case BPF_PROG_DETACH:
		return bpf_detach_command(a);
	case BPF_PROG_GET_NEXT_ID:
		return bpf_next_command(a, attr);
	case BPF_PROG_GET_FD_BY_ID:
		return bpf_find_command(a);
	case BPF_OBJ_GET_INFO_BY_FD:
		return bpf_info_command(a, attr);
	case BPF_PROG_QUERY:
		return bpf_query_command(a, attr);
	default:
		return -EINVAL;
	}
}
