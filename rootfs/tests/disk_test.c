// SPDX-License-Identifier: MPL-2.0
// root=, the command line, GPT and ext2 recognition, on images made here: valid, damaged, truncated,
// random. The folder for the images is the only argument.
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "../disk/disk_spec.h"
#include "../disk/ext2_probe.h"
#include "../disk/gpt.h"
#include "../disk/kernel_words.h"
#include "check.h"

enum { SECTOR = 512, SECTORS = 256, ENTRIES_BYTES = 128 * 128 };

static void test_words(void)
{
	struct kernel_words *words = malloc(sizeof(*words));

	kernel_words_parse(words, "root=LABEL=x ro  quiet console=tty0 console=ttyS0,115200 "
				  "opt=\"a b\" \"c d\"=e root-delay=5 bad=-3 init=\n");
	CHECK(words->count == 10);
	CHECK_TEXT(kernel_words_value(words, "root", NULL), "LABEL=x");
	CHECK_TEXT(kernel_words_value(words, "console", NULL), "ttyS0,115200");
	CHECK_TEXT(kernel_words_value(words, "opt", NULL), "a b");
	CHECK_TEXT(kernel_words_value(words, "c d", NULL), "e");
	CHECK_TEXT(kernel_words_value(words, "init", NULL), "");
	CHECK(kernel_words_find(words, "quiet")->value == NULL);
	CHECK(kernel_words_find(words, "qui") == NULL);
	CHECK(kernel_words_number(words, "root_delay", 1) == 5);
	CHECK(kernel_words_number(words, "bad", 1) == 1);
	kernel_words_parse(words, "");
	CHECK(words->count == 0);
	free(words);
}

static void test_long_line(void)
{
	struct kernel_words *words = malloc(sizeof(*words));
	char *line = malloc(3 * KERNEL_LINE_SIZE);

	memset(line, 'x', 3 * KERNEL_LINE_SIZE);
	line[3 * KERNEL_LINE_SIZE - 1] = '\0';
	kernel_words_parse(words, line);
	CHECK(words->count == 1 && strlen(words->word[0].name) < KERNEL_LINE_SIZE);
	for (size_t i = 0; i < 3 * KERNEL_LINE_SIZE - 1; i += 2)
		line[i] = ' ';
	kernel_words_parse(words, line);
	CHECK(words->count == KERNEL_WORDS_MAX);
	free(line);
	free(words);
}

static void check_spec(const char *text, enum disk_spec_kind kind, const char *value)
{
	struct fault fault = {0};
	struct disk_spec spec;

	CHECK(disk_spec_parse(text, &spec, &fault) == 0);
	CHECK(spec.kind == kind);
	CHECK_TEXT(spec.value, value);
}

static void test_specs(void)
{
	struct fault fault = {0};
	struct disk_spec spec;
	char path[PATH_MAX];

	check_spec("/dev/vda3", DISK_SPEC_PATH, "/dev/vda3");
	check_spec("LABEL=KEELSON-ROOT", DISK_SPEC_LABEL, "KEELSON-ROOT");
	check_spec("PARTLABEL=root-a", DISK_SPEC_PARTLABEL, "root-a");
	check_spec("UUID=0a-1", DISK_SPEC_UUID, "0a-1");
	check_spec("PARTUUID=0a-1", DISK_SPEC_PARTUUID, "0a-1");
	CHECK(disk_spec_parse("vda3", &spec, &fault) == -EINVAL);
	CHECK(disk_spec_parse("LABEL=", &spec, &fault) == -EINVAL);
	CHECK_TEXT(fault.text, "'LABEL=' names nothing");
	CHECK(disk_spec_parse("LABEL=no-such-label", &spec, &fault) == 0);
	CHECK(disk_spec_find(&spec, path, &fault) == -ENOENT);
	CHECK(disk_spec_parse("/dev/null", &spec, &fault) == 0);
	CHECK(disk_spec_find(&spec, path, &fault) == -ENOTBLK);
}

static void put_le(unsigned char *at, uint64_t value, int bytes)
{
	for (int i = 0; i < bytes; i++)
		at[i] = (unsigned char)(value >> 8 * i);
}

// One partition "root-a" in entry 3, in both copies of the table.
static void make_table(unsigned char *disk, uint64_t here, uint64_t entries_at)
{
	unsigned char *header = disk + here * SECTOR;
	unsigned char *entries = disk + entries_at * SECTOR;
	unsigned char *entry = entries + 2 * 128;
	const char *name = "root-a";

	entry[0] = 1;
	for (int i = 0; i < 16; i++)
		entry[16 + i] = (unsigned char)(0x10 + i);
	put_le(entry + 32, 40, 8);
	put_le(entry + 40, 99, 8);
	for (size_t i = 0; i < strlen(name); i++)
		entry[56 + 2 * i] = (unsigned char)name[i];
	memcpy(header, "EFI PART", 8);
	put_le(header + 8, 0x10000, 4);
	put_le(header + 12, 92, 4);
	put_le(header + 24, here, 8);
	put_le(header + 72, entries_at, 8);
	put_le(header + 80, 128, 4);
	put_le(header + 84, 128, 4);
	put_le(header + 88, gpt_crc32(entries, ENTRIES_BYTES), 4);
	put_le(header + 16, gpt_crc32(header, 92), 4);
}

static int open_disk(const char *folder, const unsigned char *disk, size_t length)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/disk_test.img", folder);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	CHECK(fd >= 0 && write(fd, disk, length) == (ssize_t)length);
	return fd;
}

static int read_table(const char *folder, const unsigned char *disk, size_t length,
		      struct gpt_table *table, struct fault *fault)
{
	int fd = open_disk(folder, disk, length);
	int error = gpt_read(fd, table, fault);

	close(fd);
	return error;
}

static void test_gpt(const char *folder)
{
	unsigned char *disk = calloc(SECTORS, SECTOR);
	struct gpt_table *table = malloc(sizeof(*table));
	struct fault fault = {0};

	CHECK(gpt_crc32((const unsigned char *)"123456789", 9) == 0xcbf43926);
	CHECK(read_table(folder, disk, SECTORS * SECTOR, table, &fault) == -ENOENT);
	make_table(disk, 1, 2);
	make_table(disk, SECTORS - 1, SECTORS - 33);
	CHECK(read_table(folder, disk, SECTORS * SECTOR, table, &fault) == 0);
	CHECK(table->count == 1 && table->partition[0].number == 3);
	CHECK(table->partition[0].first_sector == 40 && table->partition[0].last_sector == 99);
	CHECK_TEXT(table->partition[0].label, "root-a");
	CHECK_TEXT(table->partition[0].uuid, "13121110-1514-1716-1819-1a1b1c1d1e1f");
	disk[SECTOR + 40] ^= 1;		// the primary header is damaged: the backup counts
	table->count = 0;
	CHECK(read_table(folder, disk, SECTORS * SECTOR, table, &fault) == 0 && table->count == 1);
	CHECK(read_table(folder, disk, 100 * SECTOR, table, &fault) == -EINVAL);
	disk[(SECTORS - 33) * SECTOR + 7] ^= 1;		// and the backup's entries too
	CHECK(read_table(folder, disk, SECTORS * SECTOR, table, &fault) == -EINVAL);
	CHECK_TEXT(fault.text, "GPT header in sector 1 fails its checksum");
	CHECK(read_table(folder, disk, 700, table, &fault) == -ENODATA);
	free(table);
	free(disk);
}

static void make_superblock(unsigned char *disk)
{
	unsigned char *superblock = disk + 1024;

	put_le(superblock + 0, 64, 4);
	put_le(superblock + 4, 1024, 4);
	put_le(superblock + 24, 2, 4);
	put_le(superblock + 32, 32768, 4);
	put_le(superblock + 40, 64, 4);
	put_le(superblock + 56, 0xef53, 2);
	put_le(superblock + 96, 2, 4);
	for (int i = 0; i < 16; i++)
		superblock[104 + i] = (unsigned char)(0xa0 + i);
	memcpy(superblock + 120, "SIXTEEN-LETTERS!", 16);
}

static void test_ext2(const char *folder)
{
	unsigned char disk[4096] = {0};
	struct ext2_identity identity;
	struct fault fault = {0};
	int fd = open_disk(folder, disk, sizeof(disk));

	CHECK(ext2_probe(fd, &identity, &fault) == -EINVAL);
	close(fd);
	make_superblock(disk);
	fd = open_disk(folder, disk, sizeof(disk));
	CHECK(ext2_probe(fd, &identity, &fault) == 0);
	CHECK_TEXT(identity.label, "SIXTEEN-LETTERS!");
	CHECK_TEXT(identity.uuid, "a0a1a2a3-a4a5-a6a7-a8a9-aaabacadaeaf");
	CHECK_TEXT(identity.type, "ext2");
	CHECK(ftruncate(fd, 1500) == 0 && ext2_probe(fd, &identity, &fault) == -ENODATA);
	close(fd);
	put_le(disk + 1024 + 96, 0x42, 4);
	fd = open_disk(folder, disk, sizeof(disk));
	CHECK(ext2_probe(fd, &identity, &fault) == 0);
	CHECK_TEXT(identity.type, "ext4");
	close(fd);
	put_le(disk + 1024 + 32, 0, 4);
	fd = open_disk(folder, disk, sizeof(disk));
	CHECK(ext2_probe(fd, &identity, &fault) == -EINVAL);
	close(fd);
}

// Random damage to a valid table with checksums made right again: only the checks of the values help.
static void test_damage(const char *folder)
{
	unsigned char *disk = calloc(SECTORS, SECTOR);
	struct gpt_table *table = malloc(sizeof(*table));
	uint32_t state = 99;

	for (int round = 0; round < 300; round++) {
		unsigned char *header = disk + SECTOR;
		struct fault fault = {0};

		memset(disk, 0, SECTORS * SECTOR);
		make_table(disk, 1, 2);
		for (int change = 0; change < 4; change++)
			header[12 + check_random(&state) % 80] = (unsigned char)check_random(&state);
		put_le(header + 12, 92, 4);
		put_le(header + 16, 0, 4);
		put_le(header + 16, gpt_crc32(header, 92), 4);
		if (read_table(folder, disk, SECTORS * SECTOR, table, &fault) == 0)
			CHECK(table->count <= GPT_PARTITIONS_MAX);
		else
			CHECK(fault.text[0] != '\0');
	}
	free(table);
	free(disk);
}

int main(int count, char **arguments)
{
	const char *folder = count > 1 ? arguments[1] : "/tmp";

	test_words();
	test_long_line();
	test_specs();
	test_gpt(folder);
	test_ext2(folder);
	test_damage(folder);
	return check_result("disk_test");
}
