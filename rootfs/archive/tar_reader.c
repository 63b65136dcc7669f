// SPDX-License-Identifier: MPL-2.0
// Theory: blocks of 512 bytes. A header says what follows it; headers of type x, L and K only bring values for the
// next real one, which then count instead of its own fields (the bits of `has`).
#include "tar_reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK_SIZE = 512, TRAILER_BYTES_MAX = 64 * 1024 * 1024 };

enum {
	HAS_PATH = 1 << 0,
	HAS_LINK = 1 << 1,
	HAS_SIZE = 1 << 2,
	HAS_UID = 1 << 3,
	HAS_GID = 1 << 4,
	HAS_TIME = 1 << 5,
};

struct header {
	char name[100], mode[8], uid[8], gid[8], size[12], time[12], checksum[8], type, link[100];
	char magic[6], version[2], user[32], group[32], major[8], minor[8], prefix[155], unused[12];
};
_Static_assert(sizeof(struct header) == BLOCK_SIZE, "a header is a block");

void tar_begin(struct tar_reader *reader, int fd)
{
	memset(reader, 0, sizeof(*reader));
	reader->fd = fd;
	sha256_begin(&reader->sum);
}

void tar_destroy(struct tar_reader *reader)
{
	free(reader->records);
	reader->records = NULL;
}

// => 1 while there is something in the buffer, 0 at the end of the stream
static int fill(struct tar_reader *reader, struct fault *fault)
{
	ssize_t got;

	if (reader->at < reader->used)
		return 1;
	do {
		got = read(reader->fd, reader->buffer, sizeof(reader->buffer));
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return fault_errno(fault, "cannot read the archive");
	sha256_add(&reader->sum, reader->buffer, (size_t)got);
	reader->at = 0;
	reader->used = (size_t)got;
	return got > 0;
}

// => the length, less than `length` only at the end of the stream
static ssize_t take(struct tar_reader *reader, char *bytes, size_t length, struct fault *fault)
{
	size_t taken = 0;

	while (taken < length) {
		size_t part;
		int more = fill(reader, fault);

		if (more < 0)
			return more;
		if (more == 0)
			break;
		part = reader->used - reader->at;
		part = part < length - taken ? part : length - taken;
		if (bytes != NULL)
			memcpy(bytes + taken, reader->buffer + reader->at, part);
		reader->at += part;
		taken += part;
	}
	return (ssize_t)taken;
}

static int take_all(struct tar_reader *reader, char *bytes, uint64_t length, struct fault *fault)
{
	while (length > 0) {
		size_t part = length < BLOCK_SIZE * 64 ? (size_t)length : BLOCK_SIZE * 64;
		ssize_t got = take(reader, bytes, part, fault);

		if (got < 0)
			return (int)got;
		if ((size_t)got < part)
			return fault_set(fault, -EINVAL, "the archive ends in the middle of an entry");
		bytes = bytes != NULL ? bytes + part : NULL;
		length -= part;
	}
	return 0;
}

static int skip_data(struct tar_reader *reader, struct fault *fault)
{
	int error = take_all(reader, NULL, reader->data_left, fault);

	if (error == 0)
		error = take_all(reader, NULL, reader->padding_left, fault);
	reader->data_left = reader->padding_left = 0;
	return error;
}

static void expect_data(struct tar_reader *reader, uint64_t size)
{
	reader->data_left = size;
	reader->padding_left = -size % BLOCK_SIZE;
}

// Octal digits between blanks, or GNU's big endian number behind a byte 0x80. => -EINVAL
static int parse_number(const char *field, size_t size, uint64_t *value)
{
	size_t at = 0;

	*value = 0;
	if ((unsigned char)field[0] == 0x80) {
		for (at = 1; at < size; at++) {
			if (*value >> 56 != 0)
				return -EINVAL;
			*value = *value << 8 | (unsigned char)field[at];
		}
		return *value <= INT64_MAX ? 0 : -EINVAL;
	}
	while (at < size && field[at] == ' ')
		at++;
	for (; at < size && field[at] >= '0' && field[at] <= '7'; at++) {
		if (*value >> 60 != 0)
			return -EINVAL;
		*value = *value << 3 | (unsigned)(field[at] - '0');
	}
	return at == size || field[at] == ' ' || field[at] == '\0' ? 0 : -EINVAL;
}

static int check_sum(const struct header *header)
{
	const unsigned char *bytes = (const unsigned char *)header;
	const unsigned char *own = (const unsigned char *)header->checksum;
	uint64_t wanted;
	unsigned sum = 0;

	for (size_t i = 0; i < sizeof(*header); i++)
		sum += bytes + i >= own && bytes + i < own + sizeof(header->checksum) ? ' ' : bytes[i];
	return parse_number(header->checksum, sizeof(header->checksum), &wanted) == 0 && wanted == sum;
}

static int is_zero(const struct header *header)
{
	const char *bytes = (const char *)header;

	for (size_t i = 0; i < sizeof(*header); i++) {
		if (bytes[i] != 0)
			return 0;
	}
	return 1;
}

static int parse_decimal(const char *text, uint64_t *value)
{
	char *end;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	*value = strtoull(text, &end, 10);
	return errno == 0 && *end == '\0' ? 0 : -EINVAL;
}

// Seconds with a fraction, also before 1970.
static int parse_time(const char *text, struct timespec *time)
{
	char *end;
	long scale = 100000000;

	errno = 0;
	time->tv_sec = strtoll(text, &end, 10);
	time->tv_nsec = 0;
	if (end == text || errno != 0)
		return -EINVAL;
	if (*end == '.') {
		for (end++; *end >= '0' && *end <= '9'; end++, scale /= 10)
			time->tv_nsec += (*end - '0') * scale;
	}
	if (text[0] == '-' && time->tv_nsec != 0) {
		time->tv_sec--;
		time->tv_nsec = 1000000000 - time->tv_nsec;
	}
	return *end == '\0' ? 0 : -EINVAL;
}

static int set_text(char text[PATH_MAX], const char *value, size_t length, struct fault *fault)
{
	if (length >= PATH_MAX)
		return fault_set(fault, -ENAMETOOLONG, "a name in the archive has %zu characters", length);
	if (memchr(value, '\0', length) != NULL)
		return fault_set(fault, -EINVAL, "a name in the archive holds a zero character");
	memcpy(text, value, length);
	text[length] = '\0';
	return 0;
}

static int add_attribute(struct tar_entry *entry, const char *name, const char *value, size_t length,
			 struct fault *fault)
{
	if (entry->attributes_count == TAR_ATTRIBUTES_MAX)
		return fault_set(fault, -E2BIG, "an entry has more than %d attributes", TAR_ATTRIBUTES_MAX);
	entry->attributes[entry->attributes_count++] =
		(struct tar_attribute){.name = name, .value = value, .length = length};
	return 0;
}

// What says less than the entry itself (names of user and group, comments, times that are not kept) is passed over.
static int take_record(struct tar_reader *reader, const char *key, const char *value, size_t length,
		       struct fault *fault)
{
	static const char attribute[] = "SCHILY.xattr.";
	struct tar_entry *entry = &reader->entry;
	uint64_t number = 0;
	int error = 0;

	if (strcmp(key, "path") == 0) {
		reader->has |= HAS_PATH;
		return set_text(entry->path, value, length, fault);
	}
	if (strcmp(key, "linkpath") == 0) {
		reader->has |= HAS_LINK;
		return set_text(entry->link, value, length, fault);
	}
	if (strncmp(key, attribute, sizeof(attribute) - 1) == 0)
		return add_attribute(entry, key + sizeof(attribute) - 1, value, length, fault);
	if (strncmp(key, "GNU.sparse.", 11) == 0)
		return fault_set(fault, -EOPNOTSUPP, "the archive holds a sparse file, which is not supported");
	if (strcmp(key, "mtime") == 0) {
		reader->has |= HAS_TIME;
		error = parse_time(value, &entry->modified);
	} else if (strcmp(key, "size") == 0) {
		reader->has |= HAS_SIZE;
		error = parse_decimal(value, &entry->size_bytes);
	} else if (strcmp(key, "uid") == 0 || strcmp(key, "gid") == 0) {
		reader->has |= key[0] == 'u' ? HAS_UID : HAS_GID;
		error = parse_decimal(value, &number);
		if (number >= UINT32_MAX)
			error = -EINVAL;
		*(key[0] == 'u' ? &entry->uid : &entry->gid) = (uint32_t)number;
	}
	return error == 0 ? 0 : fault_set(fault, -EINVAL, "the archive says %.16s=%.40s", key, value);
}

// "LENGTH KEY=VALUE\n", the length counting all of it.
static int take_records(struct tar_reader *reader, size_t size, struct fault *fault)
{
	char *at = reader->records, *end = at + size;

	while (at < end) {
		char *rest, *equals;
		unsigned long length = *at >= '0' && *at <= '9' ? strtoul(at, &rest, 10) : 0;
		int error;

		if (length < 5 || length > (unsigned long)(end - at) || *rest != ' ' || at[length - 1] != '\n')
			return fault_set(fault, -EINVAL, "a pax header of the archive is damaged");
		equals = memchr(rest + 1, '=', (size_t)(at + length - rest - 1));
		if (equals == NULL)
			return fault_set(fault, -EINVAL, "a pax header of the archive is damaged");
		at[length - 1] = '\0';
		*equals = '\0';
		error = take_record(reader, rest + 1, equals + 1, (size_t)(at + length - 1 - (equals + 1)), fault);
		if (error != 0)
			return error;
		at += length;
	}
	return 0;
}

// Reads the data of a header that only describes the next one, into fresh memory with a zero behind it.
static int take_description(struct tar_reader *reader, uint64_t size, char **text, struct fault *fault)
{
	int error;

	if (size > TAR_HEADER_BYTES_MAX)
		return fault_set(fault, -E2BIG, "a header of the archive has %llu bytes", (unsigned long long)size);
	*text = malloc((size_t)size + 1);
	if (*text == NULL)
		return fault_set(fault, -ENOMEM, "no memory");
	(*text)[size] = '\0';
	expect_data(reader, size);
	error = take_all(reader, *text, size, fault);
	reader->data_left = 0;
	if (error == 0)
		error = skip_data(reader, fault);
	if (error != 0)
		free(*text);
	return error;
}

static int take_pax(struct tar_reader *reader, uint64_t size, struct fault *fault)
{
	char *text;
	int error;

	if (reader->records != NULL)
		return fault_set(fault, -EINVAL, "two pax headers for one entry of the archive");
	error = take_description(reader, size, &text, fault);
	if (error != 0)
		return error;
	reader->records = text;
	return take_records(reader, (size_t)size, fault);
}

static int take_long_name(struct tar_reader *reader, char type, uint64_t size, struct fault *fault)
{
	char *text;
	int error = take_description(reader, size, &text, fault);

	if (error != 0)
		return error;
	reader->has |= type == 'L' ? HAS_PATH : HAS_LINK;
	error = set_text(type == 'L' ? reader->entry.path : reader->entry.link, text, strlen(text), fault);
	free(text);
	return error;
}

static int take_kind(struct tar_entry *entry, const struct header *header, struct fault *fault)
{
	size_t length = strlen(entry->path);

	switch (header->type) {
	case '\0':
	case '0':
	case '7':
		// Before ustar a folder was a file whose name ends with a stroke.
		entry->kind = entry->path[length - 1] == '/' ? TAR_FOLDER : TAR_FILE;
		return 0;
	case '1':
		entry->kind = TAR_HARD_LINK;
		break;
	case '2':
		entry->kind = TAR_SYMLINK;
		break;
	case '3':
		entry->kind = TAR_CHARACTER;
		break;
	case '4':
		entry->kind = TAR_BLOCK;
		break;
	case '5':
		entry->kind = TAR_FOLDER;
		break;
	case '6':
		entry->kind = TAR_FIFO;
		break;
	default:
		return fault_set(fault, -EOPNOTSUPP, "'%.80s' in the archive is of the unknown type '%c'", entry->path,
				 header->type >= ' ' && header->type < 127 ? header->type : '?');
	}
	if ((entry->kind == TAR_HARD_LINK || entry->kind == TAR_SYMLINK) && entry->link[0] == '\0')
		return fault_set(fault, -EINVAL, "the link '%.80s' in the archive leads nowhere", entry->path);
	return 0;
}

static int take_names(struct tar_reader *reader, const struct header *header, struct fault *fault)
{
	struct tar_entry *entry = &reader->entry;
	size_t used = 0;

	if ((reader->has & HAS_PATH) == 0) {
		// GNU's own form has other things where POSIX keeps the prefix.
		if (memcmp(header->magic, "ustar", 6) == 0 && header->prefix[0] != '\0') {
			used = strnlen(header->prefix, sizeof(header->prefix));
			memcpy(entry->path, header->prefix, used);
			entry->path[used++] = '/';
		}
		memcpy(entry->path + used, header->name, sizeof(header->name));
		entry->path[used + sizeof(header->name)] = '\0';
	}
	if ((reader->has & HAS_LINK) == 0) {
		memcpy(entry->link, header->link, sizeof(header->link));
		entry->link[sizeof(header->link)] = '\0';
	}
	return entry->path[0] != '\0' ? 0 : fault_set(fault, -EINVAL, "an entry of the archive has no name");
}

static int take_numbers(struct tar_reader *reader, const struct header *header, uint64_t size,
			struct fault *fault)
{
	struct tar_entry *entry = &reader->entry;
	uint64_t mode, uid, gid, time, major = 0, minor = 0;

	if (parse_number(header->mode, sizeof(header->mode), &mode) != 0 ||
	    parse_number(header->uid, sizeof(header->uid), &uid) != 0 ||
	    parse_number(header->gid, sizeof(header->gid), &gid) != 0 ||
	    parse_number(header->time, sizeof(header->time), &time) != 0 ||
	    parse_number(header->major, sizeof(header->major), &major) != 0 ||
	    parse_number(header->minor, sizeof(header->minor), &minor) != 0)
		return fault_set(fault, -EINVAL, "'%.80s' in the archive has a number that is none", entry->path);
	if (uid >= UINT32_MAX || gid >= UINT32_MAX || major > UINT32_MAX || minor > UINT32_MAX)
		return fault_set(fault, -EINVAL, "'%.80s' in the archive has a number that is too large", entry->path);
	entry->mode = (mode_t)(mode & 07777);
	if ((reader->has & HAS_UID) == 0)
		entry->uid = (uint32_t)uid;
	if ((reader->has & HAS_GID) == 0)
		entry->gid = (uint32_t)gid;
	if ((reader->has & HAS_TIME) == 0)
		entry->modified = (struct timespec){.tv_sec = (time_t)time};
	if ((reader->has & HAS_SIZE) == 0)
		entry->size_bytes = size;
	entry->major = (uint32_t)major;
	entry->minor = (uint32_t)minor;
	return 0;
}

static int take_entry(struct tar_reader *reader, const struct header *header, uint64_t size, struct fault *fault)
{
	struct tar_entry *entry = &reader->entry;
	int error = take_names(reader, header, fault);

	if (error == 0)
		error = take_kind(entry, header, fault);
	if (error == 0)
		error = take_numbers(reader, header, size, fault);
	if (error != 0)
		return error;
	if (entry->size_bytes > INT64_MAX)
		return fault_set(fault, -EFBIG, "'%.80s' in the archive is too large", entry->path);
	// Some writers give links the size of what they lead to, without the data.
	if (entry->kind != TAR_FILE)
		entry->size_bytes = 0;
	expect_data(reader, entry->size_bytes);
	return 1;
}

static void forget_entry(struct tar_reader *reader)
{
	free(reader->records);
	reader->records = NULL;
	reader->has = 0;
	reader->entry.attributes_count = 0;
	reader->entry.path[0] = reader->entry.link[0] = '\0';
}

int tar_next(struct tar_reader *reader, struct fault *fault)
{
	struct header header;
	uint64_t size;
	ssize_t got;
	int error = skip_data(reader, fault);

	forget_entry(reader);
	while (error == 0) {
		got = take(reader, (char *)&header, sizeof(header), fault);
		if (got < 0)
			return (int)got;
		if (got == 0 || (got == sizeof(header) && is_zero(&header)))
			return 0;
		if (got != sizeof(header) || !check_sum(&header))
			return fault_set(fault, -EINVAL, "this is no tar archive, or it is damaged");
		if (parse_number(header.size, sizeof(header.size), &size) != 0)
			return fault_set(fault, -EINVAL, "an entry of the archive has a size that is no number");
		if (header.type == 'x')
			error = take_pax(reader, size, fault);
		else if (header.type == 'L' || header.type == 'K')
			error = take_long_name(reader, header.type, size, fault);
		else if (header.type == 'g')
			expect_data(reader, size), error = skip_data(reader, fault);
		else
			return take_entry(reader, &header, size, fault);
	}
	return error;
}

ssize_t tar_read(struct tar_reader *reader, void *bytes, size_t size, struct fault *fault)
{
	size_t length = reader->data_left < size ? (size_t)reader->data_left : size;
	ssize_t got = take(reader, bytes, length, fault);

	if (got >= 0 && (size_t)got < length)
		return fault_set(fault, -EINVAL, "the archive ends in the middle of '%.80s'", reader->entry.path);
	if (got > 0)
		reader->data_left -= (uint64_t)got;
	return got;
}

int tar_finish(struct tar_reader *reader, char digest[SHA256_TEXT_SIZE], struct fault *fault)
{
	uint64_t length = 0;
	int more;

	do {
		length += reader->used - reader->at;
		if (length > TRAILER_BYTES_MAX)
			return fault_set(fault, -EFBIG, "the archive goes on for too long behind its end");
		reader->at = reader->used;
		more = fill(reader, fault);
	} while (more > 0);
	if (more == 0)
		sha256_end(&reader->sum, digest);
	return more;
}
