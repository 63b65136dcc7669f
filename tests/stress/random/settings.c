// SPDX-License-Identifier: MPL-2.0
/*
 * Every file of /proc, /sys, /dev and the control groups, as somebody with all capabilities in a user namespace of its
 * own finds them: read in pieces, written with all kinds of text, waited for, mapped, controlled by ioctl, while
 * processes come and go and others do the same.
 */
#include "scene.h"
#include "texts.h"
#include "values.h"

#include <poll.h>
#include <sys/ioctl.h>

enum { PATHS_MAX = 6000, PATH_ROOM = 200, DEPTH_MAX = 6 };
static char (*paths)[PATH_ROOM];
static unsigned path_count;

static void collect(const char *path, int depth)
{
	char inner[PATH_ROOM];
	DIR *folder = opendir(path);
	for (struct dirent *e; folder && (e = readdir(folder)) && path_count < PATHS_MAX;) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..") ||
		    snprintf(inner, sizeof(inner), "%s/%s", path, e->d_name) >= (int)sizeof(inner))
			continue;
		strcpy(paths[path_count++], inner);
		if (e->d_type == DT_DIR && depth < DEPTH_MAX)
			collect(inner, depth + 1);
	}
	if (folder)
		closedir(folder);
}

static void write_anything(struct dice *d, int fd)
{
	char text[5000];
	switch (below(d, 4)) {
	case 0:
		snprintf(text, sizeof(text), "%s %s", PICK(d, setting_words), PICK(d, setting_words));
		break;
	case 1:
		snprintf(text, sizeof(text), "%lld\n", (long long)any_number(d));
		break;
	default:
		snprintf(text, sizeof(text), "%s", PICK(d, setting_words));
	}
	size_t length = strlen(text);
	if (one_in(d, 20)) {
		length = below(d, sizeof(text));
		memset(text, (int)below(d, 256), length);
	}
	if (one_in(d, 4))
		(void)!pwrite(fd, text, length, (off_t)below(d, 10));
	else
		(void)!write(fd, text, length);
}

static void use_file(struct dice *d, const char *path)
{
	static const int modes[] = {O_RDONLY, O_WRONLY, O_RDWR, O_RDWR, O_RDWR | O_TRUNC};
	char bytes[8192];
	int fd = open(path, PICK(d, modes) | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return;
	for (uint64_t i = below(d, 6); i < 6; i++) {
		struct pollfd p = {fd, (short)any_bits(d), 0};
		switch (below(d, 10)) {
		case 0: (void)!lseek(fd, (off_t)any_number(d), (int)below(d, 5)); break;
		case 1: (void)!pread(fd, bytes, below(d, sizeof(bytes)), (off_t)below(d, 20000)); break;
		case 2: (void)poll(&p, 1, 1); break;
		case 3: (void)!mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0); break;
		case 4: (void)ioctl(fd, any_ioctl(d), bytes); break;
		case 5: case 6: case 7: write_anything(d, fd); break;
		case 8: (void)!syscall(SYS_getdents64, fd, bytes, 1 + below(d, sizeof(bytes))); break;
		default: (void)!read(fd, bytes, 1 + below(d, sizeof(bytes) - 1));
		}
		atomic_fetch_add(&scene->calls, 1);
	}
	close(fd);
}

/* Names come and go where folders are control groups. */
static void change_groups(struct dice *d)
{
	char path[100], other[100];
	snprintf(path, sizeof(path), CGROUP "/%s%c", one_in(d, 2) ? "a/" : "", (char)('a' + below(d, 4)));
	snprintf(other, sizeof(other), CGROUP "/%c", (char)('a' + below(d, 4)));
	switch (below(d, 6)) {
	case 0: case 1: (void)mkdir(path, 0755); break;
	case 2: (void)rmdir(path); break;
	case 3: (void)rename(path, other); break;
	case 4: (void)chmod(path, 0755 & (unsigned)roll(d)); break;
	default:
		strcat(path, "/cgroup.procs");
		(void)put_text(path, "0");
	}
}

static void nothing(int number)
{
	(void)number;
}

static void play(uint64_t seed, int actor)
{
	struct dice d;
	dice_start(&d, seed, 0);
	signal(SIGUSR1, nothing);
	siginterrupt(SIGUSR1, 1);
	signal(SIGPIPE, SIG_IGN);
	paths = mmap(NULL, (size_t)PATHS_MAX * PATH_ROOM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (paths == MAP_FAILED)
		_exit(1);
	atomic_store(&scene->tids[actor][0], getpid());
	collect(actor == 1 ? "/sys" : actor == 2 ? CGROUP : "/proc", 0);
	if (actor == 1)
		collect("/dev", 0);
	for (;;) {
		if (one_in(&d, 40) && fork() == 0)
			_exit(0);
		if (actor == 2 && one_in(&d, 6))
			change_groups(&d);
		if (one_in(&d, 300)) {
			path_count = 0;
			collect(CGROUP, 0);
			collect("/proc/self", 1);
			collect("/proc/sys", 1);
		}
		if (path_count)
			use_file(&d, paths[below(&d, path_count)]);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
}

TEST_LIMIT(all_files, 100000)
{
	scene_case(play, STANDING_NAMESPACE_ROOT, 8);
}
