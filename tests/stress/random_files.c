// SPDX-License-Identifier: MPL-2.0
/* Files after random operations hold what a model of them in memory holds: writes, mappings, cuts, holes, copies,
 * synchronising, new mounts, copy-up; several files at once, also in a group with less memory than they need.
 *
 * A short run has fixed seeds. `make test T=stress/random_files KERNEL_ARGS='random_files=SEED,STEPS'` (the words reach
 * the kernel's command line) is a longer one; a case ends by itself after its time. A file that differs prints its last
 * steps. */
#include "support.h"

#include <sys/mman.h>
#include <sys/mount.h>

#define GROUP "/sys/fs/cgroup/random"
enum { WORKERS = 3, LARGEST = 1 << 20, STEPS = 400, PIECE = 70000, LOGGED = 24 };
enum { CASE_SECONDS = 40, LONG_SECONDS = 280 };

struct place {
	const char *folder;
	int can_mount_again, largest;
};

/* --- one file and its model; a process has one --- */
static struct {
	unsigned char model[LARGEST];
	long size, largest;
	unsigned long random;
	char path[64], other[64];
	int fd, reader;
	unsigned char *map;
	const char *step;
	long step_number, from, length;
	char log[LOGGED][96];
} file;

static unsigned char buffer[PIECE], seen[LARGEST];

static unsigned long random_below(unsigned long limit)
{
	file.random ^= file.random << 13;
	file.random ^= file.random >> 7;
	file.random ^= file.random << 17;
	return limit ? (file.random >> 11) % limit : 0;
}

static void tell_log(void)
{
	for (long i = 0; i < LOGGED; i++) {
		const char *line = file.log[(file.step_number + 1 + i) % LOGGED];
		if (line[0])
			printf("# %s\n", line);
	}
	fflush(stdout);
}

static void note(const char *step, long from, long length)
{
	file.step = step;
	file.from = from;
	file.length = length;
	snprintf(file.log[file.step_number % LOGGED], sizeof(file.log[0]), "%ld %s %ld+%ld of %ld",
		 file.step_number, step, from, length, file.size);
}

static void fail_step(const char *what, long at, int got, int wanted)
{
	printf("# %s step %ld %s: %s at %ld: %d, not %d\n", file.path, file.step_number, file.step, what, at, got,
	       wanted);
	tell_log();
	_exit(3);
}

static long must(long result)
{
	if (result < 0)
		fail_step(strerror(errno), file.from, errno, 0);
	return result;
}

static void compare(const unsigned char *got, long from, long length, const char *what)
{
	if (!memcmp(got, file.model + from, (size_t)length))
		return;
	for (long i = 0; i < length; i++) {
		if (got[i] != file.model[from + i])
			fail_step(what, from + i, got[i], file.model[from + i]);
	}
}

static void open_file(void)
{
	file.fd = (int)must(open(file.path, O_RDWR));
	file.reader = (int)must(open(file.path, O_RDONLY));
	file.map = mmap(NULL, LARGEST, PROT_READ | PROT_WRITE, MAP_SHARED, file.fd, 0);
	must(file.map == MAP_FAILED ? -1 : 0);
}

static void close_file(void)
{
	must(munmap(file.map, LARGEST));
	must(close(file.fd));
	must(close(file.reader));
}

/* A random range inside `limit`; sometimes whole pages. */
static void range(long limit, long *from, long *length)
{
	*from = (long)random_below((unsigned long)limit + 1);
	long most = limit - *from < PIECE ? limit - *from : PIECE;
	if (random_below(3) == 0 && most > 100)
		most = 100;
	*length = (long)random_below((unsigned long)most + 1);
	if (random_below(4) == 0) {
		*from &= ~4095L;
		*length = *from + 4096 <= limit ? 4096 : 0;
	}
}

static void fill(long length)
{
	for (long i = 0; i < length; i += 8) {
		unsigned long word = random_below(~0ul);
		memcpy(buffer + i, &word, (size_t)(length - i < 8 ? length - i : 8));
	}
}

/* What lies between the old end and `from` is zeros. */
static void put_model(const unsigned char *data, long from, long length)
{
	if (length == 0)
		return;
	if (from > file.size)
		memset(file.model + file.size, 0, (size_t)(from - file.size));
	memmove(file.model + from, data, (size_t)length);
	if (from + length > file.size)
		file.size = from + length;
}

static void step_write(void)
{
	long from, length;
	range(file.largest, &from, &length);
	note("write", from, length);
	fill(length);
	if (must(pwrite(file.fd, buffer, (size_t)length, from)) != length)
		fail_step("a short write", from, 0, (int)length);
	put_model(buffer, from, length);
}

static void step_read(void)
{
	long from, length;
	range(file.largest, &from, &length);
	note("read", from, length);
	long wanted = from >= file.size ? 0 : file.size - from < length ? file.size - from : length;
	long got = must(pread(random_below(2) ? file.fd : file.reader, seen, (size_t)length, from));
	if (got != wanted)
		fail_step("length", from, (int)got, (int)wanted);
	compare(seen, from, got, "read");
}

static void step_map_write(void)
{
	long from, length;
	range(file.size, &from, &length);
	note("write by the mapping", from, length);
	fill(length);
	memcpy(file.map + from, buffer, (size_t)length);
	put_model(buffer, from, length);
}

static void step_map_read(void)
{
	long from, length;
	range(file.size, &from, &length);
	note("read by the mapping", from, length);
	compare(file.map + from, from, length, "the mapping");
	if (length == 0 || random_below(4))
		return;
	long page = from & ~4095L;
	unsigned char *own = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, file.reader, page);
	must(own == MAP_FAILED ? -1 : 0);
	compare(own, page, file.size - page < 4096 ? file.size - page : 4096, "a private mapping");
	for (long i = file.size - page; i < 4096; i++) {
		if (own[i < 0 ? 0 : i])
			fail_step("after the end", page + i, own[i], 0);
	}
	own[0]++;
	must(munmap(own, 4096));
}

static void step_cut(void)
{
	long size = (long)random_below((unsigned long)file.largest + 1);
	note("truncate", size, 0);
	must(random_below(2) ? ftruncate(file.fd, size) : truncate(file.path, size));
	if (size > file.size)
		memset(file.model + file.size, 0, (size_t)(size - file.size));
	file.size = size;
}

static void step_hole(void)
{
	long from, length;
	range(file.largest, &from, &length);
	note("punch", from, length);
	if (length == 0)
		return;
	if (fallocate(file.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, from, length) < 0) {
		must(errno == EOPNOTSUPP ? 0 : -1);
		return;
	}
	long end = from + length < file.size ? from + length : file.size;
	if (end > from)
		memset(file.model + from, 0, (size_t)(end - from));
}

static void step_allocate(void)
{
	long from, length;
	range(file.largest, &from, &length);
	note("allocate", from, length);
	if (length == 0)
		return;
	if (fallocate(file.fd, 0, from, length) < 0) {
		must(errno == EOPNOTSUPP ? 0 : -1);
		return;
	}
	if (from + length > file.size) {
		memset(file.model + file.size, 0, (size_t)(from + length - file.size));
		file.size = from + length;
	}
}

static void step_copy(void)
{
	long from, length, to = (long)random_below((unsigned long)file.largest - PIECE);
	range(file.size, &from, &length);
	note("copy", from, length);
	if ((to < from + length && from < to + length) || length == 0)
		return;
	off_t in = from, out = to;
	long done = must(copy_file_range(file.reader, &in, file.fd, &out, (size_t)length, 0));
	if (done != length)
		fail_step("a short copy", from, (int)done, (int)length);
	put_model(file.model + from, to, length);
}

static void step_seek(void)
{
	long from = (long)random_below((unsigned long)file.size + 1);
	note("seek data", from, 0);
	long data = lseek(file.fd, from, SEEK_DATA);
	if (data < 0)
		must(errno == ENXIO ? 0 : -1);
	long end = data < 0 ? file.size : data;
	for (long i = from; i < end; i++) {
		if (file.model[i])
			fail_step("a hole", i, 0, file.model[i]);
	}
}

static void step_synchronise(void)
{
	note("synchronise", 0, 0);
	switch (random_below(4)) {
	case 0:
		must(fsync(file.fd));
		break;
	case 1:
		must(fdatasync(file.reader));
		break;
	case 2:
		must(msync(file.map, (size_t)file.size, MS_SYNC));
		break;
	default:
		must(sync_file_range(file.fd, 0, 0, SYNC_FILE_RANGE_WRITE));
	}
}

static void step_forget(void)
{
	note("forget", 0, 0);
	switch (random_below(4)) {
	case 0:
		must(put_text("/proc/sys/vm/drop_caches", "3"));
		break;
	case 1:
		must(posix_fadvise(file.fd, 0, 0, POSIX_FADV_DONTNEED));
		break;
	default:
		must(madvise(file.map, LARGEST, MADV_DONTNEED));
	}
}

static void step_again(void)
{
	note("close, rename, open", 0, 0);
	close_file();
	if (random_below(2)) {
		must(rename(file.path, file.other));
		char name[64];
		memcpy(name, file.path, sizeof(name));
		memcpy(file.path, file.other, sizeof(name));
		memcpy(file.other, name, sizeof(name));
	}
	open_file();
}

static void check_whole(const char *what)
{
	struct stat info;
	note(what, 0, file.size);
	must(fstat(file.fd, &info));
	if (info.st_size != file.size)
		fail_step("size", 0, (int)info.st_size, (int)file.size);
	long got = must(pread(file.reader, seen, LARGEST, 0));
	if (got != file.size)
		fail_step("length", 0, (int)got, (int)file.size);
	compare(seen, 0, file.size, "the whole");
	compare(file.map, 0, file.size, "the whole mapping");
}

static void step_any(void)
{
	static void (*const steps[])(void) = {
		step_write, step_write, step_write, step_read, step_read, step_map_write, step_map_write, step_map_read,
		step_map_read, step_cut, step_hole, step_allocate, step_copy, step_seek, step_synchronise, step_forget,
		step_again,
	};
	file.step_number++;
	steps[random_below(sizeof(steps) / sizeof(steps[0]))]();
	if (file.step_number % 50 == 0)
		check_whole("check");
}

/* --- many files --- */

static void seed_and_steps(unsigned long *seed, long *steps)
{
	const char *word = strstr(read_text("/proc/cmdline"), "random_files=");
	if (!word)
		return;
	*seed = strtoul(word + 13, NULL, 0);
	word = strchr(word, ',');
	*steps = word ? strtol(word + 1, NULL, 0) : *steps;
}

static pid_t start_worker(const struct place *place, int number, int is_first)
{
	unsigned long seed = 1;
	long steps = STEPS;
	seed_and_steps(&seed, &steps);
	pid_t child = fork_checked();
	if (child)
		return child;
	file.random = (seed * 64 + (unsigned long)number) * 0x9e3779b97f4a7c15ul + 1;
	file.largest = place->largest;
	snprintf(file.path, sizeof(file.path), "%s/file%d", place->folder, number);
	snprintf(file.other, sizeof(file.other), "%s/name%d", place->folder, number);
	int fd = (int)must(open(file.path, is_first ? O_RDWR | O_CREAT : O_RDWR, 0644));
	file.size = must(pread(fd, file.model, LARGEST, 0));
	must(close(fd));
	open_file();
	const int64_t end = now_ns(CLOCK_MONOTONIC) + (steps > STEPS ? LONG_SECONDS : CASE_SECONDS) * 1000000000ll;
	for (long i = 0; i < steps && now_ns(CLOCK_MONOTONIC) < end; i++)
		step_any();
	check_whole("the end");
	close_file();
	/* The next one begins with it, and with what it holds. */
	snprintf(file.other, sizeof(file.other), "%s/file%d", place->folder, number);
	if (strcmp(file.path, file.other) != 0)
		must(rename(file.path, file.other));
	unsigned long sum = 0;
	for (long i = 0; i < file.size; i++)
		sum = sum * 31 + file.model[i];
	snprintf(file.path, sizeof(file.path), "/tmp/random_sum%d", number);
	char text[64];
	snprintf(text, sizeof(text), "%ld %lu", file.size, sum);
	write_text(file.path, text);
	_exit(0);
}

static void run_all(const struct place *place)
{
	pid_t workers[WORKERS];
	for (int i = 0; i < WORKERS; i++)
		workers[i] = start_worker(place, i, 1);
	for (int i = 0; i < WORKERS; i++)
		CHECK_EQ(wait_exit(workers[i]), 0);
}

/* The files hold what the workers told at their end. */
static void check_sums(const struct place *place)
{
	char path[64], text[64];
	for (int i = 0; i < WORKERS; i++) {
		snprintf(path, sizeof(path), "%s/file%d", place->folder, i);
		int fd = CHECK_OK(open(path, O_RDONLY));
		long size = CHECK_OK(read(fd, seen, LARGEST));
		CHECK_OK(close(fd));
		unsigned long sum = 0;
		for (long k = 0; k < size; k++)
			sum = sum * 31 + seen[k];
		snprintf(text, sizeof(text), "%ld %lu", size, sum);
		snprintf(path, sizeof(path), "/tmp/random_sum%d", i);
		CHECK_STR(read_text(path), text);
	}
}

static void enter_disk(const char *folder)
{
	if (access("/dev/vda", F_OK) != 0)
		test_skip("no disk");
	private_mounts();
	CHECK_OK(mkdir("disk", 0755));
	CHECK_OK(mount("/dev/vda", "disk", "ext2", 0, NULL));
	CHECK_OK(mkdir(folder, 0755));
}

static void mount_again(const struct place *place)
{
	CHECK_OK(umount("disk"));
	CHECK_OK(mount("/dev/vda", "disk", "ext2", 0, NULL));
	check_sums(place);
}

static void leave_disk(const struct place *place)
{
	char path[64];
	for (int i = 0; i < WORKERS; i++) {
		snprintf(path, sizeof(path), "%s/file%d", place->folder, i);
		CHECK_OK(unlink(path));
	}
	CHECK_OK(umount("disk"));
}

TEST_LIMIT(on_tmpfs, LONG_SECONDS + 30)
{
	static const struct place place = {"m", 0, LARGEST};
	private_mounts();
	CHECK_OK(mkdir("m", 0755));
	CHECK_OK(mount("tmpfs", "m", "tmpfs", 0, NULL));
	run_all(&place);
	check_sums(&place);
}

TEST_LIMIT(on_the_disk, LONG_SECONDS + 30)
{
	static const struct place place = {"disk/random", 1, LARGEST};
	enter_disk(place.folder);
	run_all(&place);
	mount_again(&place);
	leave_disk(&place);
}

/* The files alone are more than the group may have. */
TEST_LIMIT(on_the_disk_in_a_small_group, LONG_SECONDS + 60)
{
	static const struct place place = {"disk/random_small", 1, LARGEST};
	enter_disk(place.folder);
	(void)put_text("/sys/fs/cgroup/cgroup.subtree_control", "+memory");
	CHECK_OK(mkdir(GROUP, 0755));
	/* A worker's own memory, model, buffers and stack, is about two and a half megabytes. */
	CHECK_OK(put_text(GROUP "/memory.max", "10M"));
	pid_t child = fork_checked();
	if (child == 0) {
		CHECK_OK(put_text(GROUP "/cgroup.procs", "0"));
		run_all(&place);
		_exit(0);
	}
	CHECK_EQ(wait_exit(child), 0);
	CHECK(strstr(read_text(GROUP "/memory.events"), "oom_kill 0"));
	mount_again(&place);
	WAIT_UNTIL(rmdir(GROUP) == 0);
	leave_disk(&place);
}

/* Files that lie in a lower layer: the first change copies them. */
static void make_layers(const char *base)
{
	static const char *const names[] = {"lower", "upper", "work"};
	char path[64], options[256];
	for (int i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/%s", base, names[i]);
		CHECK_OK(mkdir(path, 0755));
	}
	for (int i = 0; i < WORKERS; i++) {
		snprintf(path, sizeof(path), "%s/lower/file%d", base, i);
		int fd = CHECK_OK(open(path, O_RDWR | O_CREAT, 0644));
		for (int k = 0; k < 4; k++) {
			memset(buffer, 'a' + k, PIECE);
			CHECK_EQ(pwrite(fd, buffer, PIECE, k * 100000L), PIECE);
		}
		CHECK_OK(close(fd));
	}
	CHECK_OK(mkdir("over", 0755));
	snprintf(options, sizeof(options), "lowerdir=%s/lower,upperdir=%s/upper,workdir=%s/work", base, base, base);
	CHECK_OK(mount("overlay", "over", "overlay", 0, options));
}

static void check_lower(const char *base)
{
	char path[64];
	for (int i = 0; i < WORKERS; i++) {
		snprintf(path, sizeof(path), "%s/lower/file%d", base, i);
		int fd = CHECK_OK(open(path, O_RDONLY));
		CHECK_EQ(read(fd, seen, LARGEST), 300000 + PIECE);
		for (int k = 0; k < 4; k++)
			for (int n = 0; n < PIECE; n++)
				CHECK(seen[k * 100000 + n] == 'a' + k);
		CHECK_OK(close(fd));
	}
}

TEST_LIMIT(on_an_overlay, LONG_SECONDS + 30)
{
	static const struct place place = {"over", 0, LARGEST};
	private_mounts();
	CHECK_OK(mkdir("m", 0755));
	CHECK_OK(mount("tmpfs", "m", "tmpfs", 0, NULL));
	make_layers("m");
	run_all(&place);
	check_sums(&place);
	CHECK_OK(umount("over"));
	check_lower("m");
}

TEST_LIMIT(on_an_overlay_on_the_disk, LONG_SECONDS + 30)
{
	static const struct place place = {"over", 0, LARGEST}, upper = {"disk/random_layers/upper", 0, LARGEST};
	enter_disk("disk/random_layers");
	make_layers("disk/random_layers");
	run_all(&place);
	check_sums(&place);
	CHECK_OK(umount("over"));
	check_lower("disk/random_layers");
	mount_again(&upper);
	leave_disk(&upper);
}
