// SPDX-License-Identifier: MPL-2.0
// Archives of hostile entries in any order, with bytes changed and ends cut off: each is unpacked or refused with a
// sentence, and nothing appears beside the folder. FUZZ_ROUNDS says how many.
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../archive/beneath.h"
#include "../archive/unpack.h"
#include "check.h"

enum { BLOCK = 512, ENTRIES_MAX = 6, ARCHIVE_SIZE = (2 * ENTRIES_MAX + 2) * BLOCK, ROUNDS_DEFAULT = 400 };

static const char *const names[] = {
	"a", "a/b", "a/b/c", "../escaped", "a/../../escaped", "/tmp/../escaped", "./a", "a/.", "a//b", "..", ".", "",
	".wh.a", "a/.wh..wh..opq", ".wh...", ".wh.", "link", "link/escaped", "link/../escaped", "a/b/../../../escaped",
};
static const char *const targets[] = {"", "..", "../escaped", "/", "a", "a/b", "link", "../../../../etc/passwd", "."};
static const char *const bodies[] = {
	"", "data", "18 path=some/name\n", "20 path=../escaped1\n", "21 linkpath=../escape\n", "17 size=99999999\n",
	"12 size=-1\n", "99 path=too long\n", "27 GNU.sparse.realsize=1000\n", "0 a=b\n", "11 path=\n\n",
	"39 SCHILY.xattr.trusted.overlay.opaque=\n", "24 mtime=99999999999999\n", "a/very/long/name/as/GNU/has/it",
};
static const char types[] = "0125xgLK3467S\0z";

static char archive[ARCHIVE_SIZE];
static size_t length;
static unsigned long accepted;

#define PICK(list) list[check_random(state) % (sizeof(list) / sizeof(list[0]))]

// A changed head is looked at only if its sum is right.
static void set_sum(char *head)
{
	unsigned sum = 0;

	memset(head + 148, ' ', 8);
	for (int i = 0; i < BLOCK; i++)
		sum += (unsigned char)head[i];
	snprintf(head + 148, 8, "%06o", sum);
}

static void add_entry(uint32_t *state)
{
	const char *body = PICK(bodies);
	char *head = archive + length;

	memset(head, 0, 2 * BLOCK);
	strcpy(head, PICK(names));
	snprintf(head + 100, 8, "%07o", (unsigned)check_random(state) & 07777);
	snprintf(head + 108, 8, "%07o", (unsigned)check_random(state) & 07777);
	snprintf(head + 116, 8, "%07o", (unsigned)check_random(state) & 07777);
	snprintf(head + 124, 12, "%011o", (unsigned)strlen(body));
	snprintf(head + 136, 12, "%011o", 1700000000u);
	head[156] = types[check_random(state) % sizeof(types)];
	strcpy(head + 157, PICK(targets));
	memcpy(head + 257, "ustar\00000", 8);
	for (unsigned changes = check_random(state) % 4; changes > 1; changes--)
		head[check_random(state) % BLOCK] = (char)check_random(state);
	set_sum(head);
	strcpy(head + BLOCK, body);
	length += body[0] != '\0' ? 2 * BLOCK : BLOCK;
}

static size_t count_entries(const char *path)
{
	DIR *stream = opendir(path);
	size_t count = 0;

	while (stream != NULL && readdir(stream) != NULL)
		count++;
	if (stream != NULL)
		closedir(stream);
	return count;
}

static void unpack_once(enum unpack_mode form)
{
	struct unpack_result result;
	struct fault fault = {0};
	char outer[] = "/tmp/keelson-fuzz-XXXXXX", inner[64];
	int fd = open("/tmp", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600), folder, error;

	CHECK(fd >= 0 && mkdtemp(outer) != NULL);
	CHECK(write(fd, archive, length) == (ssize_t)length && lseek(fd, 0, SEEK_SET) == 0);
	snprintf(inner, sizeof(inner), "%s/in", outer);
	CHECK(mkdir(inner, 0700) == 0);
	folder = open(inner, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	error = unpack(folder, fd, form, &result, &fault);
	accepted += error == 0;
	CHECK((error == 0) == (fault.text[0] == '\0'));
	CHECK(count_entries(outer) == 3 && access("/tmp/escaped", F_OK) != 0);
	close(folder);
	close(fd);
	CHECK(beneath_remove(AT_FDCWD, outer) == 0);
}

int main(void)
{
	const char *given = getenv("FUZZ_ROUNDS");
	unsigned long rounds = given != NULL ? strtoul(given, NULL, 10) : ROUNDS_DEFAULT;
	uint32_t state = 2463534242u;

	for (unsigned long round = 0; round < rounds && checks_failed == 0; round++) {
		length = 0;
		for (uint32_t count = 1 + check_random(&state) % ENTRIES_MAX; count > 0; count--)
			add_entry(&state);
		if (check_random(&state) % 4 == 0)
			length = check_random(&state) % length;
		unpack_once(round % 2 == 0 ? UNPACK_FILES : UNPACK_LAYER);
	}
	// Else it would be the first look at a head that is tested, over and over.
	CHECK(accepted >= rounds / 20 && (rounds < 100 || accepted < rounds));
	printf("%lu of %lu archives were unpacked\n", accepted, rounds);
	return check_result("archive_fuzz_test");
}
