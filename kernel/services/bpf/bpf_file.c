// SPDX-License-Identifier: MPL-2.0
// The file behind a program's descriptor: nothing to read or write, a reference that keeps the program.
#include <services/bpf/bpf_instruction.h>
#include <services/bpf/bpf_internal.h>

struct bpf_file {
	struct file base;
	struct bpf_program *program;	// reference; immutable
};

static exclusive_access void bpf_file_release(struct bpf_file *f)
{
	if (f->program)
		bpf_program_put(take(f->program));
	file_fini(&f->base);
}
DEFINE_DERIVED(bpf_file, file, bpf_file_release)

static ssize_r bpf_file_read(struct file *f, struct iobuf *to borrowed, u64 *position borrowed)
{
	return -EINVAL;
}

static ssize_r bpf_file_write(struct file *f, struct iobuf *from borrowed, u64 *position borrowed)
{
	return -EINVAL;
}

static void bpf_file_show(struct file *f, struct text *out borrowed)
{
	const struct bpf_program *p = bpf_file_from_file(f)->program;

	text_printf(out, "prog_type:\t15\nprog_jited:\t0\nprog_tag:\t");
	for (u32 n = 0; n < BPF_TAG_SIZE; n++)
		text_printf(out, "%02x", p->tag[n]);
	text_printf(out, "\nmemlock:\t%lu\nprog_id:\t%u\n",
		page_round_up((u64)p->instruction_count * BPF_INSTRUCTION_SIZE * 2), p->id);
}

static const struct file_ops bpf_file_ops = {
	.read = bpf_file_read, .write = bpf_file_write, .show_info = bpf_file_show,
};

err_t bpf_file_create(struct bpf_program *p, struct cred *cred, struct file **out borrowed)
{
	struct bpf_file *f object_auto(bpf_file) = bpf_file_alloc();
	if (!f)
		return -ENOMEM;
	f->program = bpf_program_get(p);
	const err_t e = file_init_anonymous(&f->base, &bpf_file_ops, STR("anon_inode:bpf-prog"), 2, cred, 0);
	if (e)
		return e;
	*out = &take(f)->base;
	return OK;
}

struct bpf_program *bpf_program_of_file(struct file *f)
{
	return file_is_bpf_file(f) ? bpf_file_from_file(f)->program : NULL;
}
