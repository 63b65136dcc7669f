// SPDX-License-Identifier: MPL-2.0
/* execve: what the new program finds, and what keeps it from starting. */
#include "support.h"

#include <elf.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

static char *const no_environment[] = {NULL};

static const char *helper(const char *what, const char *argument)
{
	char *words[] = {"/tests/helper", (char *)what, (char *)argument, NULL};
	return output_of(words, no_environment);
}

static void make_script(const char *path, const char *text)
{
	write_text(path, text);
	CHECK_OK(chmod(path, 0755));
}

static int exec_error(const char *path, char *const words[])
{
	execve(path, words, no_environment);
	return errno;
}

static char *const plain_words[] = {"x", NULL};

TEST(arguments_arrive)
{
	char *words[] = {"/tests/helper", "args", "", "a b", "\xff", NULL};
	CHECK_STR(output_of(words, no_environment), "/tests/helper\nargs\n\na b\n\xff\n");
}

TEST(environment_arrives)
{
	char *words[] = {"/tests/helper", "env", NULL}, *environment[] = {"A=1", "B=two", NULL};
	CHECK_STR(output_of(words, environment), "A=1\nB=two\n");
}

TEST(empty_environment)
{
	char *words[] = {"/tests/helper", "env", NULL};
	CHECK_STR(output_of(words, no_environment), "");
}

TEST(null_argv_becomes_one_empty_argument)
{
	pid_t child = fork_checked();
	if (child == 0) {
		syscall(SYS_execve, "/tests/helper", NULL, NULL);
		_exit(99);
	}
	CHECK_EQ(wait_exit(child), 0);
}

TEST(auxv_page_size)
{
	CHECK_STR(helper("auxv", "6"), "4096\n");
}

TEST(auxv_ids_and_secure)
{
	CHECK_STR(helper("auxv", "11"), "0\n");
	CHECK_STR(helper("auxv", "12"), "0\n");
	CHECK_STR(helper("auxv", "23"), "0\n");
}

TEST(auxv_clock_tick)
{
	CHECK_STR(helper("auxv", "17"), "100\n");
}

TEST(auxv_program_headers)
{
	const Elf64_Phdr *headers = (const void *)getauxval(AT_PHDR);
	CHECK(headers != NULL);
	CHECK_EQ(getauxval(AT_PHENT), sizeof(Elf64_Phdr));
	CHECK(getauxval(AT_PHNUM) >= 2);
	int loads = 0;
	for (unsigned long i = 0; i < getauxval(AT_PHNUM); i++)
		loads += headers[i].p_type == PT_LOAD;
	CHECK(loads >= 2);
	CHECK(getauxval(AT_ENTRY) != 0);
}

TEST(auxv_vdso_is_an_elf_image)
{
	const char *vdso = (const char *)getauxval(AT_SYSINFO_EHDR);
	CHECK(vdso != NULL);
	CHECK(memcmp(vdso, "\177ELF", 4) == 0);
}

TEST(auxv_platform)
{
	CHECK_STR((const char *)getauxval(AT_PLATFORM), "x86_64");
}

TEST(auxv_random_differs)
{
	char first[64];
	snprintf(first, sizeof(first), "%s", helper("auxv-random", NULL));
	CHECK_EQ(strlen(first), 33);
	CHECK(strcmp(first, helper("auxv-random", NULL)) != 0);
}

TEST(auxv_execfn)
{
	CHECK_STR(helper("execfn", NULL), "/tests/helper\n");
}

TEST(stack_is_aligned)
{
	CHECK_STR(helper("stack", NULL), "aligned\n");
	char *words[] = {"/tests/helper", "stack", "odd", "count", NULL};
	CHECK_STR(output_of(words, no_environment), "aligned\n");
}

TEST(static_pie_runs)
{
	char *words[] = {"/tests/helper-pie", "args", NULL};
	CHECK_STR(output_of(words, no_environment), "/tests/helper-pie\nargs\n");
}

TEST(interpreter_runs)
{
	char *words[] = {"/tests/helper-dynamic", "args", NULL};
	CHECK_STR(output_of(words, no_environment), "/tests/helper-dynamic\nargs\n");
}

TEST(interpreter_base_is_told)
{
	char *words[] = {"/tests/helper-dynamic", "auxv", "7", NULL};
	CHECK(strtoul(output_of(words, no_environment), NULL, 10) > 0x10000);
	CHECK_STR(helper("auxv", "7"), "0\n");
}

TEST(addresses_are_randomised)
{
	char *words[] = {"/tests/helper-pie", "auxv", "9", NULL};
	unsigned long one = strtoul(output_of(words, no_environment), NULL, 10);
	unsigned long two = strtoul(output_of(words, no_environment), NULL, 10);
	CHECK(one != two);
}

TEST(handlers_become_default_ignored_stay)
{
	handle_signal(SIGUSR1, count_signal, 0);
	CHECK(signal(SIGUSR2, SIG_IGN) != SIG_ERR);
	CHECK_STR(helper("signal-action", "10"), "default\n");
	CHECK_STR(helper("signal-action", "12"), "ignored\n");
}

TEST(signal_mask_is_kept)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGRTMAX);
	CHECK_OK(sigprocmask(SIG_SETMASK, &set, NULL));
	CHECK_STR(helper("signal-mask", NULL), "8000000000000200\n");
}

TEST(pending_signal_is_kept)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pid_t child = fork_checked();
	if (child == 0) {
		sigprocmask(SIG_BLOCK, &set, NULL);
		raise(SIGUSR1);
		execl("/tests/helper", "helper", "signal-pending", "10", NULL);
		_exit(1);
	}
	CHECK_EQ(wait_exit(child), 55);
}

TEST(close_on_exec_closes)
{
	int fd = make_file("f");
	char number[12];
	snprintf(number, sizeof(number), "%d", fd);
	CHECK_STR(helper("fd", number), "open\n");
	CHECK_OK(fcntl(fd, F_SETFD, FD_CLOEXEC));
	CHECK_STR(helper("fd", number), "closed\n");
}

TEST(close_on_exec_spares_after_failure)
{
	int fd = CHECK_OK(open("f", O_CREAT | O_RDWR | O_CLOEXEC, 0644));
	CHECK_ERR(execve("/missing", plain_words, no_environment), ENOENT);
	CHECK_EQ(write(fd, "x", 1), 1);
}

TEST(pid_and_parent_stay)
{
	pid_t child = fork_checked();
	if (child == 0) {
		execl("/tests/helper", "helper", "exit", "5", NULL);
		_exit(1);
	}
	CHECK_EQ(wait_exit(child), 5);
}

TEST(name_is_the_file_name)
{
	pid_t child = fork_checked();
	char path[40];
	if (child == 0) {
		execl("/tests/helper", "another", "sleep", NULL);
		_exit(1);
	}
	snprintf(path, sizeof(path), "/proc/%d/comm", (int)child);
	WAIT_UNTIL(strcmp(read_text(path), "helper\n") == 0);
	kill(child, SIGKILL);
	CHECK_EQ(wait_signal(child), SIGKILL);
}

TEST(script_runs_its_interpreter)
{
	make_script("script", "#!/tests/helper args\nnonsense\n");
	char *words[] = {"./script", "one", "two", NULL};
	CHECK_STR(output_of(words, no_environment), "/tests/helper\nargs\n./script\none\ntwo\n");
}

TEST(script_argument_is_one_word)
{
	make_script("script", "#! /tests/helper   args  more  \n");
	char *words[] = {"./script", NULL};
	CHECK_ERR(execve("./missing", words, no_environment), ENOENT);
	pid_t child = fork_checked();
	if (child == 0) {
		execve("./script", words, no_environment);
		_exit(99);
	}
	CHECK_EQ(wait_exit(child), 126);
}

TEST(script_without_newline)
{
	make_script("script", "#!/tests/helper");
	char *words[] = {"./script", NULL};
	pid_t child = fork_checked();
	if (child == 0) {
		execve("./script", words, no_environment);
		_exit(99);
	}
	CHECK_EQ(wait_exit(child), 126);
}

TEST(script_of_script)
{
	char path[200], text[300];
	make_script("inner", "#!/tests/helper args\n");
	CHECK(getcwd(path, sizeof(path)));
	snprintf(text, sizeof(text), "#!%s/inner\n", path);
	make_script("outer", text);
	char *words[] = {"./outer", NULL};
	CHECK(strstr(output_of(words, no_environment), "inner\n./outer\n") != NULL);
}

TEST(script_loop_is_eloop)
{
	char path[200], text[300];
	CHECK(getcwd(path, sizeof(path)));
	snprintf(text, sizeof(text), "#!%s/loop\n", path);
	make_script("loop", text);
	CHECK_EQ(exec_error("./loop", plain_words), ELOOP);
}

TEST(script_with_missing_interpreter)
{
	make_script("script", "#!/missing\n");
	CHECK_EQ(exec_error("./script", plain_words), ENOENT);
	make_script("empty", "#!\n");
	CHECK_EQ(exec_error("./empty", plain_words), ENOEXEC);
}

TEST(not_a_program_is_enoexec)
{
	make_script("text", "hello\n");
	CHECK_EQ(exec_error("./text", plain_words), ENOEXEC);
	make_script("nothing", "");
	CHECK_EQ(exec_error("./nothing", plain_words), ENOEXEC);
}

TEST(permission_and_type_errors)
{
	write_text("plain", "#!/tests/helper\n");
	CHECK_EQ(exec_error("./plain", plain_words), EACCES);
	CHECK_EQ(exec_error(".", plain_words), EACCES);
	CHECK_EQ(exec_error("./plain/more", plain_words), ENOTDIR);
	CHECK_EQ(exec_error("", plain_words), ENOENT);
	CHECK_EQ(exec_error("/dev/null", plain_words), EACCES);
}

TEST(running_program_is_text_busy)
{
	CHECK_OK(system("/bin/busybox cp /tests/helper ./copy") == 0 ? 0 : -1);
	CHECK_OK(chmod("copy", 0755));
	int fd = CHECK_OK(open("copy", O_WRONLY));
	CHECK_EQ(exec_error("./copy", plain_words), ETXTBSY);
	close(fd);
	pid_t child = fork_checked();
	if (child == 0) {
		execl("./copy", "copy", "sleep", NULL);
		_exit(1);
	}
	char path[40];
	snprintf(path, sizeof(path), "/proc/%d/comm", (int)child);
	WAIT_UNTIL(strcmp(read_text(path), "copy\n") == 0);
	CHECK_ERR(open("copy", O_WRONLY), ETXTBSY);
	CHECK_ERR(truncate("copy", 0), ETXTBSY);
	kill(child, SIGKILL);
	CHECK_EQ(wait_signal(child), SIGKILL);
	CHECK_OK(open("copy", O_WRONLY));
}

TEST(single_argument_limit_is_128_kib)
{
	enum { LIMIT = 32 * PAGE };
	char *text = malloc(LIMIT + 1);
	memset(text, 'x', LIMIT);
	text[LIMIT] = 0;
	char *words[] = {"/tests/helper", "exit", "0", text, NULL};
	CHECK_EQ(exec_error("/tests/helper", words), E2BIG);
	text[LIMIT - 1] = 0;
	CHECK_STR(output_of(words, no_environment), "");
}

TEST(all_arguments_limit_is_a_quarter_of_the_stack)
{
	enum { COUNT = 40, SIZE = 120000 };
	char *text = malloc(SIZE), *words[COUNT + 1];
	memset(text, 'x', SIZE);
	text[SIZE - 1] = 0;
	for (int i = 0; i < COUNT; i++)
		words[i] = text;
	words[COUNT] = NULL;
	CHECK_EQ(exec_error("/tests/helper", words), E2BIG);
}

TEST(two_thousand_arguments)
{
	enum { COUNT = 2000 };
	char *words[COUNT + 1];
	for (int i = 0; i < COUNT; i++)
		words[i] = "word";
	words[0] = "/tests/helper";
	words[1] = "args";
	words[COUNT] = NULL;
	CHECK_EQ(strlen(output_of(words, no_environment)), 14 + 5 + (COUNT - 2) * 5);
}

TEST(bad_pointers_are_efault)
{
	char *words[] = {"x", bad_address(), NULL};
	CHECK_EQ(exec_error("/tests/helper", words), EFAULT);
	CHECK_ERR(syscall(SYS_execve, bad_address(), plain_words, no_environment), EFAULT);
	CHECK_ERR(syscall(SYS_execve, "/tests/helper", bad_address(), no_environment), EFAULT);
	CHECK_ERR(syscall(SYS_execve, "/tests/helper", plain_words, kernel_address()), EFAULT);
}

TEST(execveat_of_a_descriptor)
{
	int fd = CHECK_OK(open("/tests/helper", O_PATH | O_CLOEXEC));
	char *words[] = {"name", "exit", "6", NULL};
	pid_t child = fork_checked();
	if (child == 0) {
		syscall(SYS_execveat, fd, "", words, no_environment, AT_EMPTY_PATH);
		_exit(99);
	}
	CHECK_EQ(wait_exit(child), 6);
	CHECK_ERR(syscall(SYS_execveat, fd, "", words, no_environment, 0), ENOENT);
	CHECK_ERR(syscall(SYS_execveat, -1, "", words, no_environment, AT_EMPTY_PATH), EBADF);
}

TEST(memory_file_can_be_executed)
{
	int source = CHECK_OK(open("/tests/helper", O_RDONLY));
	int fd = (int)CHECK_OK(syscall(SYS_memfd_create, "program", 1));
	struct stat info;
	CHECK_OK(fstat(source, &info));
	void *image = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, source, 0);
	CHECK(image != MAP_FAILED);
	CHECK_EQ(write(fd, image, (size_t)info.st_size), info.st_size);
	char *words[] = {"name", "exit", "7", NULL};
	pid_t child = fork_checked();
	if (child == 0) {
		syscall(SYS_execveat, fd, "", words, no_environment, AT_EMPTY_PATH);
		_exit(99);
	}
	CHECK_EQ(wait_exit(child), 7);
}

TEST(set_user_id_bit_changes_the_user)
{
	CHECK_OK(system("/bin/busybox cp /tests/helper ./copy") == 0 ? 0 : -1);
	CHECK_OK(chown("copy", 1234, 0));
	CHECK_OK(chmod("copy", 04755));
	char *ids[] = {"./copy", "ids", NULL}, *secure[] = {"./copy", "auxv", "23", NULL};
	CHECK_STR(output_of(ids, no_environment), "0 1234 1234\n");
	CHECK_STR(output_of(secure, no_environment), "1\n");
}

TEST(no_new_privileges_disarms_set_user_id)
{
	CHECK_OK(system("/bin/busybox cp /tests/helper ./copy") == 0 ? 0 : -1);
	CHECK_OK(chown("copy", 1234, 0));
	CHECK_OK(chmod("copy", 04755));
	CHECK_OK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	CHECK_EQ(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
	CHECK_ERR(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0), EINVAL);
	char *ids[] = {"./copy", "ids", NULL};
	CHECK_STR(output_of(ids, no_environment), "0 0 0\n");
}
