// SPDX-License-Identifier: MPL-2.0
/* Broken programs: each is refused with an error or dies alone; nothing else happens. */
#include "support.h"

#include <elf.h>
#include <sys/mman.h>

static char *const words[] = {"bad", NULL};
static char *const no_environment[] = {NULL};

/* The smallest good program: one readable, executable segment that calls exit(42). */
struct image {
	Elf64_Ehdr header;
	Elf64_Phdr segment[2];
	unsigned char code[16];
};

static const uint64_t base = 0x400000;

static struct image good_image(void)
{
	struct image image = {
		.header = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
				       EV_CURRENT},
			   .e_type = ET_EXEC,
			   .e_machine = EM_X86_64,
			   .e_version = EV_CURRENT,
			   .e_entry = base + offsetof(struct image, code),
			   .e_phoff = offsetof(struct image, segment),
			   .e_ehsize = sizeof(Elf64_Ehdr),
			   .e_phentsize = sizeof(Elf64_Phdr),
			   .e_phnum = 1},
		.segment = {{.p_type = PT_LOAD,
			     .p_flags = PF_R | PF_X,
			     .p_vaddr = base,
			     .p_filesz = sizeof(struct image),
			     .p_memsz = sizeof(struct image),
			     .p_align = PAGE}},
		/* mov $42,%edi; mov $60,%eax; syscall; hlt */
		.code = {0xbf, 42, 0, 0, 0, 0xb8, 60, 0, 0, 0, 0x0f, 0x05, 0xf4},
	};
	return image;
}

static void write_image(const struct image *image, size_t size)
{
	int fd = make_file("bad");
	CHECK_EQ(write(fd, image, size), size);
	CHECK_OK(fchmod(fd, 0755));
	close(fd);
}

/* Executes it in a child: the errno of execve, or 1000 + code, or 2000 + signal. */
static int outcome(const struct image *image)
{
	int status;
	write_image(image, sizeof(*image));
	pid_t child = fork_checked();
	if (child == 0) {
		execve("./bad", words, no_environment);
		_exit(errno);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	if (WIFSIGNALED(status))
		return 2000 + WTERMSIG(status);
	return WEXITSTATUS(status) == 42 ? 1042 : WEXITSTATUS(status);
}

/* An error before the point of no return, or death after it: both keep the program from running. */
static int is_refusal(int result)
{
	return result == 2000 + SIGKILL || result == 2000 + SIGSEGV || result == ENOMEM ||
	       result == EINVAL || result == ENOEXEC;
}

TEST(smallest_program_runs)
{
	struct image image = good_image();
	CHECK_EQ(outcome(&image), 1042);
}

TEST(wrong_magic)
{
	struct image image = good_image();
	image.header.e_ident[1] = 'F';
	CHECK_EQ(outcome(&image), ENOEXEC);
}

TEST(wrong_machine)
{
	struct image image = good_image();
	image.header.e_machine = EM_AARCH64;
	CHECK_EQ(outcome(&image), ENOEXEC);
}

TEST(relocatable_object_is_refused)
{
	struct image image = good_image();
	image.header.e_type = ET_REL;
	CHECK_EQ(outcome(&image), ENOEXEC);
}

TEST(wrong_header_entry_size)
{
	struct image image = good_image();
	image.header.e_phentsize = 32;
	CHECK_EQ(outcome(&image), ENOEXEC);
}

TEST(no_program_headers)
{
	struct image image = good_image();
	image.header.e_phnum = 0;
	CHECK_EQ(outcome(&image), ENOEXEC);
}

TEST(program_headers_beyond_the_file)
{
	struct image image = good_image();
	image.header.e_phoff = 1 << 20;
	int result = outcome(&image);
	CHECK(result == ENOEXEC || result == EIO);
}

TEST(program_headers_offset_overflows)
{
	struct image image = good_image();
	image.header.e_phoff = ~0ull - 8;
	int result = outcome(&image);
	CHECK(result == ENOEXEC || result == EIO || result == EINVAL);
}

TEST(too_many_program_headers)
{
	struct image image = good_image();
	image.header.e_phnum = 0xffff;
	int result = outcome(&image);
	CHECK(result == ENOEXEC || result == EIO);
}

TEST(segment_in_the_kernels_half)
{
	struct image image = good_image();
	image.segment[0].p_vaddr = 0xffffffff80000000;
	CHECK(is_refusal(outcome(&image)));
}

TEST(segment_larger_than_the_address_space)
{
	struct image image = good_image();
	image.segment[0].p_memsz = 1ull << 47;
	CHECK(is_refusal(outcome(&image)));
}

TEST(file_size_above_memory_size)
{
	struct image image = good_image();
	image.segment[0].p_memsz = 16;
	CHECK(is_refusal(outcome(&image)));
}

TEST(entry_outside_any_segment)
{
	struct image image = good_image();
	image.header.e_entry = 0x10000000;
	CHECK_EQ(outcome(&image), 2000 + SIGSEGV);
}

TEST(entry_in_the_kernels_half)
{
	struct image image = good_image();
	image.header.e_entry = 0xffffffff81000000;
	CHECK_EQ(outcome(&image), 2000 + SIGSEGV);
}

TEST(entry_not_canonical)
{
	struct image image = good_image();
	image.header.e_entry = 0x8000000000000000;
	CHECK_EQ(outcome(&image), 2000 + SIGSEGV);
}

TEST(entry_without_execute_permission)
{
	struct image image = good_image();
	image.segment[0].p_flags = PF_R;
	CHECK_EQ(outcome(&image), 2000 + SIGSEGV);
}

TEST(segment_beyond_the_end_of_file)
{
	struct image image = good_image();
	image.segment[0].p_filesz = image.segment[0].p_memsz = 16 * PAGE;
	image.header.e_entry = base + 8 * PAGE;
	CHECK_EQ(outcome(&image), 2000 + SIGBUS);
}

TEST(offset_and_address_disagree)
{
	struct image image = good_image();
	image.segment[0].p_vaddr = base + 1;
	CHECK(is_refusal(outcome(&image)));
}

TEST(missing_interpreter)
{
	struct image image = good_image();
	image.header.e_phnum = 2;
	image.segment[1] = (Elf64_Phdr){.p_type = PT_INTERP,
					.p_offset = offsetof(struct image, code),
					.p_filesz = 9};
	memcpy(image.code, "/missing", 9);
	CHECK_EQ(outcome(&image), ENOENT);
}

TEST(interpreter_name_without_end)
{
	struct image image = good_image();
	image.header.e_phnum = 2;
	image.segment[1] = (Elf64_Phdr){.p_type = PT_INTERP,
					.p_offset = offsetof(struct image, code),
					.p_filesz = 8};
	memcpy(image.code, "/missing", 8);
	CHECK_EQ(outcome(&image), ENOEXEC);
}

TEST(every_truncation_is_harmless)
{
	struct image image = good_image();
	for (size_t size = 0; size < sizeof(image); size += 7) {
		write_image(&image, size);
		pid_t child = fork_checked();
		if (child == 0) {
			execve("./bad", words, no_environment);
			_exit(errno);
		}
		int status;
		CHECK_EQ(waitpid(child, &status, 0), child);
		CHECK(!WIFEXITED(status) || WEXITSTATUS(status) != 42 ||
		      size >= offsetof(struct image, code));
	}
}

TEST(random_damage_is_harmless)
{
	unsigned seed = 12345;
	for (int round = 0; round < 150; round++) {
		struct image image = good_image();
		for (int i = 0; i < 3; i++) {
			seed = seed * 1103515245 + 12345;
			((unsigned char *)&image)[(seed >> 8) % offsetof(struct image, code)] =
				(unsigned char)(seed >> 24);
		}
		write_image(&image, sizeof(image));
		pid_t child = fork_checked();
		if (child == 0) {
			alarm(2);
			execve("./bad", words, no_environment);
			_exit(errno);
		}
		CHECK_EQ(waitpid(child, NULL, 0), child);
	}
}
