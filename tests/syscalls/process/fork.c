// SPDX-License-Identifier: MPL-2.0
/* How processes begin: fork, vfork, clone, clone3. */
#include "support.h"

#include <linux/sched.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>

static long clone3_raw(struct clone_args *args)
{
	return syscall(SYS_clone3, args, sizeof(*args));
}

TEST(child_gets_zero_parent_gets_pid)
{
	pid_t parent = getpid(), child = fork_checked();
	if (child == 0)
		_exit(getppid() == parent ? 0 : 1);
	CHECK(child > 0 && child != parent);
	CHECK_EQ(wait_exit(child), 0);
}

TEST(memory_is_copied)
{
	volatile int *value = map_pages(1);
	*value = 1;
	pid_t child = fork_checked();
	if (child == 0) {
		*value = 2;
		_exit(*value);
	}
	CHECK_EQ(wait_exit(child), 2);
	CHECK_EQ(*value, 1);
}

TEST(parent_writes_stay_out_of_child)
{
	volatile int *value = map_pages(1);
	struct turn turn = turn_create();
	*value = 1;
	pid_t child = fork_checked();
	if (child == 0) {
		turn_take(turn);
		_exit(*value);
	}
	*value = 2;
	turn_give(turn);
	CHECK_EQ(wait_exit(child), 1);
}

TEST(shared_memory_is_shared)
{
	volatile int *value = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
				   -1, 0);
	CHECK((void *)value != MAP_FAILED);
	pid_t child = fork_checked();
	if (child == 0) {
		*value = 7;
		_exit(0);
	}
	CHECK_EQ(wait_exit(child), 0);
	CHECK_EQ(*value, 7);
}

TEST(descriptors_share_the_offset)
{
	int fd = make_file("f");
	CHECK_EQ(write(fd, "abcdef", 6), 6);
	CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
	pid_t child = fork_checked();
	if (child == 0) {
		char text[3];
		_exit(read(fd, text, 3) == 3 ? 0 : 1);
	}
	CHECK_EQ(wait_exit(child), 0);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 3);
}

TEST(descriptor_table_is_copied)
{
	int fd = make_file("f");
	pid_t child = fork_checked();
	if (child == 0)
		_exit(close(fd) == 0 ? 0 : 1);
	CHECK_EQ(wait_exit(child), 0);
	CHECK_EQ(write(fd, "x", 1), 1);
}

TEST(pending_signals_are_not_inherited)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	CHECK_OK(sigprocmask(SIG_BLOCK, &set, NULL));
	CHECK_OK(raise(SIGUSR1));
	pid_t child = fork_checked();
	if (child == 0) {
		sigpending(&set);
		_exit(sigismember(&set, SIGUSR1));
	}
	CHECK_EQ(wait_exit(child), 0);
	CHECK_OK(sigpending(&set));
	CHECK_EQ(sigismember(&set, SIGUSR1), 1);
}

TEST(handlers_and_mask_are_inherited)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	CHECK_OK(sigprocmask(SIG_SETMASK, &set, NULL));
	handle_signal(SIGUSR1, count_signal, 0);
	pid_t child = fork_checked();
	if (child == 0) {
		sigset_t now;
		raise(SIGUSR1);
		sigprocmask(SIG_BLOCK, NULL, &now);
		_exit(caught_count == 1 && sigismember(&now, SIGUSR2) ? 0 : 1);
	}
	CHECK_EQ(wait_exit(child), 0);
	CHECK_EQ(caught_count, 0);
}

TEST(alarm_is_not_inherited)
{
	alarm(100);
	pid_t child = fork_checked();
	if (child == 0)
		_exit(alarm(0) == 0 ? 0 : 1);
	CHECK_EQ(wait_exit(child), 0);
	CHECK(alarm(0) > 0);
}

TEST(many_children_at_once)
{
	enum { COUNT = 100 };
	pid_t children[COUNT];
	for (int i = 0; i < COUNT; i++) {
		children[i] = fork_checked();
		if (children[i] == 0)
			_exit(i);
	}
	for (int i = COUNT - 1; i >= 0; i--)
		CHECK_EQ(wait_exit(children[i]), i);
	CHECK_ERR(wait(NULL), ECHILD);
}

TEST(chain_of_thirty_generations)
{
	int depth = 0;
	for (; depth < 30; depth++) {
		pid_t child = fork_checked();
		if (child > 0) {
			int code = wait_exit(child);
			if (depth == 0)
				CHECK_EQ(code, 30);
			else
				_exit(code);
			return;
		}
	}
	_exit(depth);
}

TEST(large_memory_survives_both_writers)
{
	enum { PAGES = 512 };
	unsigned char *memory = map_pages(PAGES);
	for (int i = 0; i < PAGES; i++)
		memory[i * PAGE] = (unsigned char)i;
	pid_t child = fork_checked();
	for (int i = 0; i < PAGES; i++) {
		if (memory[i * PAGE] != (unsigned char)i)
			_exit(1);
		memory[i * PAGE] = child ? 0xaa : 0x55;
	}
	for (int i = 0; i < PAGES; i++)
		if (memory[i * PAGE] != (child ? 0xaa : 0x55))
			_exit(2);
	if (child == 0)
		_exit(0);
	CHECK_EQ(wait_exit(child), 0);
}

TEST(vfork_parent_waits_and_sees_memory)
{
	volatile int value = 1;
	pid_t child = vfork();
	if (child == 0) {
		value = 2;
		_exit(3);
	}
	CHECK(child > 0);
	CHECK_EQ(value, 2);
	CHECK_EQ(wait_exit(child), 3);
}

TEST(vfork_then_exec)
{
	pid_t child = vfork();
	if (child == 0) {
		execl("/tests/helper", "helper", "exit", "9", NULL);
		_exit(127);
	}
	CHECK_EQ(wait_exit(child), 9);
}

static int child_returns(void *argument)
{
	*(volatile int *)argument += 1;
	return 5;
}

static char *make_stack(void)
{
	return (char *)map_pages(16) + (size_t)16 * PAGE;
}

TEST(clone_vm_shares_memory)
{
	volatile int value = 10;
	pid_t child = CHECK_OK(clone(child_returns, make_stack(), CLONE_VM | SIGCHLD, (void *)&value));
	CHECK_EQ(wait_exit(child), 5);
	CHECK_EQ(value, 11);
}

static int close_descriptor(void *argument)
{
	return close(*(int *)argument) == 0 ? 0 : 1;
}

TEST(clone_files_shares_descriptors)
{
	int fd = make_file("f");
	pid_t child = CHECK_OK(clone(close_descriptor, make_stack(), CLONE_FILES | SIGCHLD, &fd));
	CHECK_EQ(wait_exit(child), 0);
	CHECK_ERR(write(fd, "x", 1), EBADF);
}

static int change_directory(void *argument)
{
	return chdir(argument) == 0 ? 0 : 1;
}

TEST(clone_fs_shares_directory)
{
	char path[100];
	pid_t child = CHECK_OK(clone(change_directory, make_stack(), CLONE_FS | SIGCHLD, "/"));
	CHECK_EQ(wait_exit(child), 0);
	CHECK(getcwd(path, sizeof(path)));
	CHECK_STR(path, "/");
}

TEST(fork_copies_directory)
{
	char before[100], after[100];
	CHECK(getcwd(before, sizeof(before)));
	pid_t child = fork_checked();
	if (child == 0)
		_exit(chdir("/"));
	CHECK_EQ(wait_exit(child), 0);
	CHECK(getcwd(after, sizeof(after)));
	CHECK_STR(after, before);
}

TEST(clone_exit_signal_can_be_another)
{
	handle_signal(SIGUSR1, count_signal, 0);
	volatile int value = 0;
	pid_t child = CHECK_OK(clone(child_returns, make_stack(), CLONE_VM | SIGUSR1, (void *)&value));
	CHECK_EQ(waitpid(child, NULL, __WALL), child);
	CHECK_EQ(caught_number, SIGUSR1);
}

TEST(clone_child_needs_wclone)
{
	volatile int value = 0;
	pid_t child = CHECK_OK(clone(child_returns, make_stack(), CLONE_VM, (void *)&value));
	CHECK_ERR(waitpid(child, NULL, 0), ECHILD);
	CHECK_EQ(waitpid(child, NULL, __WCLONE), child);
}

TEST(clone_parent_makes_a_sibling)
{
	pid_t child = fork_checked();
	if (child == 0) {
		struct clone_args args = {.flags = CLONE_PARENT};
		long sibling = clone3_raw(&args);
		if (sibling == 0)
			_exit(6);
		_exit(waitpid((pid_t)sibling, NULL, __WALL) < 0 ? 4 : 0);
	}
	int codes = 0;
	for (int i = 0; i < 2; i++) {
		int status;
		CHECK_OK(waitpid(-1, &status, __WALL));
		codes += WEXITSTATUS(status);
	}
	CHECK_EQ(codes, 10);
}

TEST(clone_settid_words)
{
	pid_t in_parent = 0, in_child = 0;
	struct clone_args args = {.flags = CLONE_PARENT_SETTID | CLONE_CHILD_SETTID,
				  .parent_tid = (uintptr_t)&in_parent,
				  .child_tid = (uintptr_t)&in_child,
				  .exit_signal = SIGCHLD};
	pid_t child = (pid_t)CHECK_OK(clone3_raw(&args));
	if (child == 0)
		_exit(in_child == getpid() ? 0 : 1);
	CHECK_EQ(in_parent, child);
	CHECK_EQ(in_child, 0);
	CHECK_EQ(wait_exit(child), 0);
}

TEST(clone3_pidfd)
{
	int pidfd = -1;
	struct clone_args args = {
		.flags = CLONE_PIDFD, .pidfd = (uintptr_t)&pidfd, .exit_signal = SIGCHLD};
	pid_t child = (pid_t)CHECK_OK(clone3_raw(&args));
	if (child == 0)
		_exit(8);
	CHECK(pidfd >= 0);
	CHECK_EQ(fcntl(pidfd, F_GETFD), FD_CLOEXEC);
	siginfo_t info;
	CHECK_OK(waitid((idtype_t)3 /* P_PIDFD */, (id_t)pidfd, &info, WEXITED));
	CHECK_EQ(info.si_pid, child);
	CHECK_EQ(info.si_status, 8);
}

TEST(clone3_set_tid_chooses_the_pid)
{
	pid_t wanted = 7777;
	struct clone_args args = {
		.exit_signal = SIGCHLD, .set_tid = (uintptr_t)&wanted, .set_tid_size = 1};
	pid_t child = (pid_t)CHECK_OK(clone3_raw(&args));
	if (child == 0)
		_exit(0);
	CHECK_EQ(child, 7777);
	CHECK_EQ(wait_exit(child), 0);
}

TEST(clone3_clear_sighand)
{
	handle_signal(SIGUSR1, count_signal, 0);
	CHECK(signal(SIGUSR2, SIG_IGN) != SIG_ERR);
	struct clone_args args = {.flags = CLONE_CLEAR_SIGHAND, .exit_signal = SIGCHLD};
	pid_t child = (pid_t)CHECK_OK(clone3_raw(&args));
	if (child == 0) {
		struct sigaction one, two;
		sigaction(SIGUSR1, NULL, &one);
		sigaction(SIGUSR2, NULL, &two);
		_exit(one.sa_handler == SIG_DFL && two.sa_handler == SIG_IGN ? 0 : 1);
	}
	CHECK_EQ(wait_exit(child), 0);
}

TEST(clone3_bad_arguments)
{
	struct clone_args args = {.flags = CLONE_THREAD};
	CHECK_ERR(clone3_raw(&args), EINVAL);
	args = (struct clone_args){.flags = CLONE_SIGHAND};
	CHECK_ERR(clone3_raw(&args), EINVAL);
	args = (struct clone_args){.flags = CLONE_NEWNS | CLONE_FS};
	CHECK_ERR(clone3_raw(&args), EINVAL);
	args = (struct clone_args){.exit_signal = 65};
	CHECK_ERR(clone3_raw(&args), EINVAL);
	args = (struct clone_args){.flags = 1ull << 50, .exit_signal = SIGCHLD};
	CHECK_ERR(clone3_raw(&args), EINVAL);
	CHECK_ERR(syscall(SYS_clone3, &args, 8), EINVAL);
	CHECK_ERR(syscall(SYS_clone3, &args, 2 * PAGE), E2BIG);
	CHECK_ERR(syscall(SYS_clone3, bad_address(), sizeof(args)), EFAULT);
}

TEST(clone3_larger_struct_must_be_zero)
{
	struct {
		struct clone_args args;
		uint64_t more;
	} large = {.args = {.exit_signal = SIGCHLD}, .more = 1};
	CHECK_ERR(syscall(SYS_clone3, &large, sizeof(large)), E2BIG);
	large.more = 0;
	long child = CHECK_OK(syscall(SYS_clone3, &large, sizeof(large)));
	if (child == 0)
		_exit(0);
	CHECK_EQ(wait_exit((pid_t)child), 0);
}
