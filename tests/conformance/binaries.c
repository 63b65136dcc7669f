// SPDX-License-Identifier: MPL-2.0
/* Unmodified Linux binaries run: glibc static and dynamic, Go, bash, busybox. */
#include "support.h"

static char *const environment[] = {"PATH=/bin:/sbin:/usr/bin", "HOME=/", NULL};

static const char *shell(char *command)
{
	return output_of((char *[]){"/bin/busybox", "sh", "-c", command, NULL}, environment);
}

static const char *bash(char *command)
{
	return output_of((char *[]){"/bin/bash", "-c", command, NULL}, environment);
}

TEST(glibc_static)
{
	CHECK_STR(output_of((char *[]){"/conformance/glibc-static", NULL}, environment),
		  "glibc absolute 2 glibc-static\n");
}

TEST(glibc_dynamic)
{
	CHECK_STR(output_of((char *[]){"/conformance/glibc-dynamic", NULL}, environment),
		  "glibc absolute 2 glibc-dynamic\n");
}

TEST(glibc_static_pie)
{
	CHECK_STR(output_of((char *[]){"/conformance/glibc-static-pie", NULL}, environment),
		  "glibc absolute 2 glibc-static-pi\n");
}

TEST_LIMIT(go, 60)
{
	if (access("/conformance/go", X_OK) != 0)
		test_skip("no Go compiler on the machine that built this");
	CHECK_STR(output_of((char *[]){"/conformance/go", NULL}, environment),
		  "goroutines 4950\ntimers true\nmemory 20\nfiles written by go\n"
		  "pipes through a pipe\nprocesses a child\nsignals user defined signal 1\n"
		  "preemption true\n");
}

TEST(bash_runs_commands)
{
	CHECK_STR(bash("echo $((6*7)) ${BASH_VERSION%%.*}"), "42 5\n");
}

TEST(bash_pipes_and_subshells)
{
	CHECK_STR(bash("for i in 3 1 2; do echo $i; done | (while read x; do echo \"<$x>\"; done)"),
		  "<3>\n<1>\n<2>\n");
	CHECK_STR(bash("x=$(cat <(echo inner)); echo ${x^^}"), "INNER\n");
}

TEST(bash_waits_and_traps)
{
	CHECK_STR(bash("trap 'echo caught' USR1; kill -USR1 $$; sleep 0.1 & wait $!; echo $?"),
		  "caught\n0\n");
	CHECK_STR(bash("(exit 3); echo $?; sleep 5 & kill %1; wait %1; echo $?"), "3\n143\n");
}

TEST(busybox_text_tools)
{
	CHECK_STR(shell("seq 100 | sort -rn | head -3 | tr '\\n' ' '"), "100 99 98 ");
	CHECK_STR(shell("echo hello | sed s/l/L/g | md5sum | cut -c1-8"), "d55a991b\n");
	CHECK_STR(shell("printf 'a b\\nc d\\n' | awk '{print $2}' | xargs"), "b d\n");
}

TEST(busybox_files)
{
	CHECK_STR(shell("mkdir -p a/b && echo x > a/b/c && cp -r a d && find d -type f && rm -r a d"),
		  "d/b/c\n");
	CHECK_STR(shell("echo one > f; ln -s f s; ln f h; ls | tr '\\n' ' '; stat -c %h f"),
		  "f h s 2\n");
	CHECK_STR(shell("seq 10000 > f; gzip f; gunzip f.gz; wc -l < f"), "10000\n");
	CHECK_STR(shell("mkdir t; seq 9 > t/n; tar c t | tar t; dd if=t/n bs=1 count=3 2>/dev/null"),
		  "t/\nt/n\n1\n2");
}

TEST(busybox_processes)
{
	CHECK_STR(shell("sleep 10 & kill -9 $!; wait $!; echo $?"), "137\n");
	CHECK_STR(shell("timeout 0.2 sleep 10; echo $?"), "143\n");
	CHECK_STR(shell("ps | grep -q init && echo seen"), "seen\n");
}

TEST(busybox_unshare)
{
	CHECK_STR(shell("unshare -u sh -c 'hostname inner; hostname'"), "inner\n");
	CHECK_STR(shell("unshare -p -f sh -c 'echo $$'"), "1\n");
	CHECK_STR(shell("unshare -U -r id -u"), "0\n");
}

TEST(strace_follows)
{
	CHECK_STR(bash("strace -f -o log -e trace=execve,exit_group bash -c '(exit 3); exit 4'; echo $?;"
		       "grep -c 'execve(' log; grep -c 'exited with' log; grep -o 'exited with [34]' log | sort"),
		  "4\n1\n2\nexited with 3\nexited with 4\n");
	CHECK_STR(bash("strace -c -o log true; grep -c execve log"), "1\n");
	CHECK_STR(bash("sleep 100 & strace -q -o log -p $! & sleep 1; kill -TERM %1; wait %1; wait %2;"
		       "grep -o 'SIGTERM {si_signo=SIGTERM, si_code=SI_USER' log"),
		  "SIGTERM {si_signo=SIGTERM, si_code=SI_USER\n");
}
