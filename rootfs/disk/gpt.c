// SPDX-License-Identifier: MPL-2.0
#include "gpt.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>

#include "../lib/file.h"

#ifndef BLKSSZGET
#define BLKSSZGET _IO(0x12, 104)
#endif

enum {
	HEADER_SIZE_MIN = 92,
	SECTOR_SIZE_MIN = 512,
	SECTOR_SIZE_MAX = 4096,
	ENTRY_SIZE_MIN = 128,
	ENTRY_SIZE_MAX = 4096,

	HEADER_SIZE_AT = 12,
	HEADER_CRC_AT = 16,
	MY_SECTOR_AT = 24,
	ENTRIES_SECTOR_AT = 72,
	ENTRIES_COUNT_AT = 80,
	ENTRY_SIZE_AT = 84,
	ENTRIES_CRC_AT = 88,

	ENTRY_UUID_AT = 16,
	ENTRY_FIRST_AT = 32,
	ENTRY_LAST_AT = 40,
	ENTRY_NAME_AT = 56,
	ENTRY_NAME_UNITS = 36,
};

static uint32_t get_le32(const unsigned char *at)
{
	return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
	       (uint32_t)at[3] << 24;
}

static uint64_t get_le64(const unsigned char *at)
{
	return get_le32(at) | (uint64_t)get_le32(at + 4) << 32;
}

uint32_t gpt_crc32(const unsigned char *bytes, size_t length)
{
	uint32_t crc = 0xffffffff;

	for (size_t i = 0; i < length; i++) {
		crc ^= bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ ((crc & 1) != 0 ? 0xedb88320 : 0);
	}
	return ~crc;
}

// A GUID's first three fields are stored little endian, the rest as they are written.
static void format_guid(const unsigned char *g, char *text)
{
	snprintf(text, UUID_TEXT_SIZE,
		 "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
		 g[3], g[2], g[1], g[0], g[5], g[4], g[7], g[6], g[8], g[9], g[10], g[11], g[12],
		 g[13], g[14], g[15]);
}

// UTF-16 little endian to UTF-8; surrogates are kept as three bytes each, never a reason to fail.
static void format_label(const unsigned char *units, char *text)
{
	size_t at = 0;

	for (size_t i = 0; i < ENTRY_NAME_UNITS; i++) {
		unsigned unit = units[2 * i] | (unsigned)units[2 * i + 1] << 8;

		if (unit == 0)
			break;
		if (unit < 0x80) {
			text[at++] = (char)unit;
		} else if (unit < 0x800) {
			text[at++] = (char)(0xc0 | unit >> 6);
			text[at++] = (char)(0x80 | (unit & 0x3f));
		} else {
			text[at++] = (char)(0xe0 | unit >> 12);
			text[at++] = (char)(0x80 | (unit >> 6 & 0x3f));
			text[at++] = (char)(0x80 | (unit & 0x3f));
		}
	}
	text[at] = '\0';
}

static void take_entry(struct gpt_table *table, const unsigned char *entry, unsigned number)
{
	static const unsigned char unused_type[16];
	struct gpt_partition *partition = &table->partition[table->count];

	if (memcmp(entry, unused_type, sizeof(unused_type)) == 0)
		return;
	partition->number = number;
	partition->first_sector = get_le64(entry + ENTRY_FIRST_AT);
	partition->last_sector = get_le64(entry + ENTRY_LAST_AT);
	if (partition->last_sector < partition->first_sector)
		return;
	format_guid(entry + ENTRY_UUID_AT, partition->uuid);
	format_label(entry + ENTRY_NAME_AT, partition->label);
	table->count++;
}

static int read_entries(int fd, const unsigned char *header, unsigned sector_size,
			struct gpt_table *table, struct fault *fault)
{
	uint32_t count = get_le32(header + ENTRIES_COUNT_AT);
	uint32_t size = get_le32(header + ENTRY_SIZE_AT);
	uint64_t sector = get_le64(header + ENTRIES_SECTOR_AT);
	unsigned char *entries;
	int error;

	if (count == 0 || count > 4 * GPT_PARTITIONS_MAX || size < ENTRY_SIZE_MIN ||
	    size > ENTRY_SIZE_MAX || sector > INT64_MAX / SECTOR_SIZE_MAX)
		return fault_set(fault, -EINVAL, "GPT header has impossible values");
	entries = malloc((size_t)count * size);
	if (entries == NULL)
		return fault_set(fault, -ENOMEM, "no memory for the GPT entries");
	error = file_read_exactly_at(fd, entries, (size_t)count * size,
				     (off_t)(sector * sector_size));
	if (error != 0) {
		free(entries);
		return fault_set(fault, error, "cannot read the GPT entries: %s",
				 strerror(-error));
	}
	if (gpt_crc32(entries, (size_t)count * size) != get_le32(header + ENTRIES_CRC_AT)) {
		free(entries);
		return fault_set(fault, -EINVAL, "GPT entries fail their checksum");
	}
	table->count = 0;
	for (uint32_t i = 0; i < count && table->count < GPT_PARTITIONS_MAX; i++)
		take_entry(table, entries + (size_t)i * size, i + 1);
	free(entries);
	return 0;
}

static int read_copy(int fd, uint64_t sector, unsigned sector_size, struct gpt_table *table,
		     struct fault *fault)
{
	unsigned char header[SECTOR_SIZE_MAX];
	uint32_t header_size, header_crc;
	int error;

	error = file_read_exactly_at(fd, header, sector_size, (off_t)(sector * sector_size));
	if (error != 0)
		return fault_set(fault, error, "cannot read sector %llu: %s",
				 (unsigned long long)sector, strerror(-error));
	if (memcmp(header, "EFI PART", 8) != 0)
		return fault_set(fault, -ENOENT, "no GPT in sector %llu",
				 (unsigned long long)sector);
	header_size = get_le32(header + HEADER_SIZE_AT);
	header_crc = get_le32(header + HEADER_CRC_AT);
	if (header_size < HEADER_SIZE_MIN || header_size > sector_size)
		return fault_set(fault, -EINVAL, "GPT header size %u is impossible", header_size);
	memset(header + HEADER_CRC_AT, 0, 4);
	if (gpt_crc32(header, header_size) != header_crc)
		return fault_set(fault, -EINVAL, "GPT header in sector %llu fails its checksum",
				 (unsigned long long)sector);
	if (get_le64(header + MY_SECTOR_AT) != sector)
		return fault_set(fault, -EINVAL, "GPT header in sector %llu says it is elsewhere",
				 (unsigned long long)sector);
	return read_entries(fd, header, sector_size, table, fault);
}

int gpt_read(int fd, struct gpt_table *table, struct fault *fault)
{
	struct fault backup_fault = {0};
	int sector_size = 0;
	off_t end;
	int error, backup_error;

	if (ioctl(fd, BLKSSZGET, &sector_size) < 0 || sector_size < SECTOR_SIZE_MIN ||
	    sector_size > SECTOR_SIZE_MAX)
		sector_size = SECTOR_SIZE_MIN;
	error = read_copy(fd, 1, (unsigned)sector_size, table, fault);
	if (error == 0)
		return 0;
	end = lseek(fd, 0, SEEK_END);
	if (end < (off_t)sector_size * 4)
		return error;
	backup_error = read_copy(fd, (uint64_t)(end / sector_size) - 1, (unsigned)sector_size, table,
				 &backup_fault);
	return backup_error == 0 ? 0 : error;
}
