// SPDX-License-Identifier: MPL-2.0
// sha256, names of images, and archives that are unpacked into a folder of the test, whatever they say.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../archive/beneath.h"
#include "../archive/unpack.h"
#include "../image/reference.h"
#include "check.h"

enum { BLOCK = 512, ARCHIVE_MAX = 64 * BLOCK };

static char archive[ARCHIVE_MAX];
static size_t archive_length;

static void add_header(const char *name, char type, size_t size, const char *link)
{
	char *header = archive + archive_length;
	unsigned sum = 0;

	memset(header, 0, BLOCK);
	snprintf(header, 100, "%s", name);
	snprintf(header + 100, 8, "%07o", 0644);
	snprintf(header + 108, 8, "%07o", 0);
	snprintf(header + 116, 8, "%07o", 0);
	snprintf(header + 124, 12, "%011o", (unsigned)size);
	snprintf(header + 136, 12, "%011o", 1700000000u);
	memset(header + 148, ' ', 8);
	header[156] = type;
	snprintf(header + 157, 100, "%s", link);
	memcpy(header + 257, "ustar", 6);
	memcpy(header + 263, "00", 2);
	for (int i = 0; i < BLOCK; i++)
		sum += (unsigned char)header[i];
	snprintf(header + 148, 8, "%06o", sum);
	archive_length += BLOCK;
}

static void add(const char *name, char type, const char *data, const char *link)
{
	size_t length = strlen(data);

	add_header(name, type, length, link);
	memset(archive + archive_length, 0, BLOCK);
	memcpy(archive + archive_length, data, length);
	archive_length += length > 0 ? BLOCK : 0;
}

// Unpacks what was added, as plain files, into an empty folder. => the error
static int unpack_added(int *folder, size_t length)
{
	struct unpack_result result;
	struct fault fault = {0};
	char path[] = "/tmp/keelson-archive-XXXXXX";
	int fd = open("/tmp", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600), error;

	CHECK(fd >= 0 && mkdtemp(path) != NULL);
	CHECK(write(fd, archive, length) == (ssize_t)length && lseek(fd, 0, SEEK_SET) == 0);
	*folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	error = unpack(*folder, fd, UNPACK_FILES, &result, &fault);
	close(fd);
	CHECK((error == 0) == (fault.text[0] == '\0'));
	beneath_remove(AT_FDCWD, path);
	return error;
}

static void test_sum(void)
{
	struct sha256 sum;
	char text[SHA256_TEXT_SIZE];

	sha256_begin(&sum);
	sha256_add(&sum, "a", 1);
	sha256_add(&sum, "bc", 2);
	sha256_end(&sum, text);
	CHECK_TEXT(text, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void test_references(void)
{
	static const char *const bad[] = {"", ":", "a:", "/a", "a/", "a//b", "A", "a:b:c", "-a", "a:-t", "a b", "../a",
					  "host:1/", "a@sha256:1"};
	char whole[REFERENCE_SIZE];

	CHECK(reference_complete("alpine", REFERENCE_DOCKER, whole) == 0);
	CHECK_TEXT(whole, "docker.io/library/alpine:latest");
	CHECK(reference_complete("team/app:2", REFERENCE_DOCKER, whole) == 0);
	CHECK_TEXT(whole, "docker.io/team/app:2");
	CHECK(reference_complete("host:5000/app", REFERENCE_LOCAL, whole) == 0);
	CHECK_TEXT(whole, "host:5000/app:latest");
	CHECK(reference_complete("app_1.x-y:Tag", REFERENCE_LOCAL, whole) == 0);
	CHECK_TEXT(reference_split(whole), "Tag");
	CHECK_TEXT(whole, "localhost/app_1.x-y");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(reference_complete(bad[i], REFERENCE_LOCAL, whole) == -EINVAL);
}

static void test_hostile(void)
{
	static const struct {
		const char *names[2];
		char types[2];
		const char *links[2];
		int error;
	} cases[] = {
		{{"../a", NULL}, "0", {"", NULL}, -EPERM},
		{{"/a", NULL}, "0", {"", NULL}, -EPERM},
		{{"a/../../b", NULL}, "0", {"", NULL}, -EPERM},
		{{"a", "a/b"}, "20", {"/etc", ""}, -ELOOP},
		{{"a", "a/b"}, "25", {"..", ""}, -ELOOP},
		{{"a", "a/b"}, "00", {"", ""}, -ENOTDIR},
		{{"a", NULL}, "1", {"/etc/passwd", NULL}, -EPERM},
		{{"a", NULL}, "1", {"../x", NULL}, -EPERM},
		{{"a", NULL}, "1", {"missing", NULL}, -ENOENT},
		{{"a", NULL}, "3", {"", NULL}, -EPERM},
		{{"a", NULL}, "S", {"", NULL}, -EOPNOTSUPP},
	};
	int folder;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		archive_length = 0;
		for (int j = 0; j < 2 && cases[i].names[j] != NULL; j++)
			add(cases[i].names[j], cases[i].types[j], "", cases[i].links[j]);
		CHECK(unpack_added(&folder, archive_length) == cases[i].error);
		close(folder);
	}
}

static void test_records(void)
{
	int folder;

	archive_length = 0;
	add("x", 'x', "30 path=a/long/name/of/a/file\n19 mtime=17.500000\n", "");
	add("short", '0', "data", "");
	CHECK(unpack_added(&folder, archive_length) == 0);
	close(folder);
	archive_length = 0;
	add("x", 'x', "99 path=too long\n", "");
	add("short", '0', "data", "");
	CHECK(unpack_added(&folder, archive_length) == -EINVAL);
	close(folder);
}

// An archive with any byte changed, or cut anywhere, is unpacked or refused.
static void test_any_bytes(void)
{
	int folder;

	for (size_t at = 0; at < 6 * BLOCK; at += 37) {
		archive_length = 0;
		add("x", 'x', "18 path=some/name\n", "");
		add("short", '0', "data", "");
		add("link", '2', "", "some/name");
		archive[at % archive_length] ^= (char)(1 << at % 8);
		if (unpack_added(&folder, archive_length) == 0)
			CHECK(access("/tmp/short", F_OK) != 0);
		close(folder);
		if (unpack_added(&folder, at % archive_length) == 0)
			CHECK(access("/tmp/short", F_OK) != 0);
		close(folder);
	}
}

int main(void)
{
	test_sum();
	test_references();
	test_hostile();
	test_records();
	test_any_bytes();
	return check_result("archive_test");
}
