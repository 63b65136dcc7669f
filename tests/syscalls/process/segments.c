// SPDX-License-Identifier: MPL-2.0
/* Bases of the fs and gs segments: arch_prctl, instructions where the kernel offers them, threads, forks. */
#include "support.h"

#include <sched.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum { ARCH_SET_GS = 0x1001, ARCH_SET_FS = 0x1002, ARCH_GET_FS = 0x1003, ARCH_GET_GS = 0x1004 };

static uint64_t words[4] = { 11, 22, 33, 44 };

static long arch_prctl(int code, unsigned long address)
{
	return syscall(SYS_arch_prctl, code, address);
}

static uint64_t read_gs(void)
{
	uint64_t value;
	asm volatile("movq %%gs:8, %0" : "=r"(value));
	return value;
}

static uint64_t get_gs(void)
{
	uint64_t value = 0;
	CHECK_OK(arch_prctl(ARCH_GET_GS, (unsigned long)&value));
	return value;
}

TEST(gs_is_set_read_and_inherited)
{
	CHECK_EQ(get_gs(), 0);
	CHECK_OK(arch_prctl(ARCH_SET_GS, (unsigned long)words));
	CHECK_EQ(get_gs(), (unsigned long)words);
	CHECK_EQ(read_gs(), 22);
	pid_t child = fork_checked();
	if (child == 0)
		_exit(read_gs() == 22 ? 0 : 1);
	CHECK_EQ(wait_exit(child), 0);
	for (int i = 0; i < 100; i++) {
		sched_yield();
		CHECK_EQ(read_gs(), 22);
	}
}

TEST(bad_bases_are_refused)
{
	CHECK_ERR(arch_prctl(ARCH_SET_GS, 0x800000000000ul), EPERM);
	CHECK_ERR(arch_prctl(ARCH_SET_FS, ~0ul), EPERM);
	CHECK_ERR(arch_prctl(ARCH_GET_GS, 8), EFAULT);
	CHECK_ERR(arch_prctl(0x777, 0), EINVAL);
}

static void write_gs_base(uint64_t base)
{
	asm volatile("wrgsbase %0" : : "r"(base));
}

static uint64_t read_gs_base(void)
{
	uint64_t base;
	asm volatile("rdgsbase %0" : "=r"(base));
	return base;
}

TEST(instructions_change_bases)
{
	if (!(getauxval(AT_HWCAP2) & 2))
		test_skip("the processor has no FSGSBASE");
	write_gs_base((uint64_t)words + 8);
	CHECK_EQ(read_gs(), 33);
	CHECK_EQ(get_gs(), (unsigned long)words + 8);
	pid_t child = fork_checked();
	if (child == 0) {
		if (read_gs() != 33)
			_exit(1);
		write_gs_base(0xffff800000001000ul);	/* its own business: nothing is read through it */
		for (int i = 0; i < 200; i++)
			sched_yield();
		_exit(read_gs_base() == 0xffff800000001000ul ? 0 : 2);
	}
	for (int i = 0; i < 200; i++) {
		sched_yield();
		CHECK_EQ(read_gs_base(), (uint64_t)words + 8);
	}
	CHECK_EQ(wait_exit(child), 0);
	CHECK_OK(arch_prctl(ARCH_SET_GS, (unsigned long)words));
	CHECK_EQ(read_gs_base(), (unsigned long)words);
}
