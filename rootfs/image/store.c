// SPDX-License-Identifier: MPL-2.0
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../archive/beneath.h"
#include "../archive/sha256.h"
#include "../lib/file.h"

enum { COPY_SIZE = 64 * 1024 };

static const char *store_path = STORE_FOLDER;

const char *store_folder(void)
{
	return store_path;
}

void store_set_folder(const char *path)
{
	store_path = path;
}

static int lock_file(int folder, const char *name, int how, struct fault *fault)
{
	int fd = openat(folder, name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return fault_errno(fault, "cannot open %s/%s", store_path, name);
	while (flock(fd, how) < 0) {
		if (errno != EINTR) {
			close(fd);
			return fault_errno(fault, "cannot lock %s/%s", store_path, name);
		}
	}
	return fd;
}

static int make_folders(int folder, struct fault *fault)
{
	static const char *const names[] = {"blobs", "blobs/sha256", "layers", "containers", "staging"};
	static const char layout[] = "{\"imageLayoutVersion\":\"1.0.0\"}";
	int fd;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (mkdirat(folder, names[i], 0700) < 0 && errno != EEXIST)
			return fault_errno(fault, "cannot make %s/%s", store_path, names[i]);
	}
	fd = openat(folder, "oci-layout", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return errno == EEXIST ? 0 : fault_errno(fault, "cannot make %s/oci-layout", store_path);
	if (file_write_all(fd, layout, strlen(layout)) != 0) {
		close(fd);
		unlinkat(folder, "oci-layout", 0);
		return fault_set(fault, -ENOSPC, "cannot write %s/oci-layout", store_path);
	}
	close(fd);
	return 0;
}

static int open_locked(struct store *store, enum store_use use, struct fault *fault)
{
	int error = make_folders(store->folder, fault);

	if (error != 0)
		return error;
	if (use == STORE_READ) {
		store->reading = lock_file(store->folder, "lock", LOCK_SH, fault);
		return store->reading < 0 ? store->reading : 0;
	}
	store->changing = lock_file(store->folder, "change", LOCK_EX, fault);
	if (store->changing < 0)
		return store->changing;
	// What a process that was killed has left.
	if (beneath_remove(store->folder, "staging") != 0 || mkdirat(store->folder, "staging", 0700) < 0)
		return fault_errno(fault, "cannot empty %s/staging", store_path);
	return 0;
}

int store_open(struct store *store, enum store_use use, struct fault *fault)
{
	int error = file_make_directories(store_path, 0711);

	*store = (struct store){.folder = -1, .reading = -1, .changing = -1};
	if (error != 0)
		return fault_set(fault, error, "cannot make %s: %s", store_path, strerror(-error));
	store->folder = open(store_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (store->folder < 0)
		return fault_errno(fault, "cannot open %s", store_path);
	error = open_locked(store, use, fault);
	if (error != 0)
		store_close(store);
	return error;
}

void store_close(struct store *store)
{
	int *const fds[] = {&store->reading, &store->changing, &store->folder};

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
		if (*fds[i] >= 0)
			close(*fds[i]);
		*fds[i] = -1;
	}
}

int store_lock_readers(struct store *store, struct fault *fault)
{
	store->reading = lock_file(store->folder, "lock", LOCK_EX, fault);
	return store->reading < 0 ? store->reading : 0;
}

int digest_is_valid(const char *digest)
{
	static const size_t prefix = sizeof(DIGEST_PREFIX) - 1;

	return strncmp(digest, DIGEST_PREFIX, prefix) == 0 && strlen(digest) == prefix + 64 &&
	       strspn(digest + prefix, "0123456789abcdef") == 64;
}

void store_blob_path(char path[BLOB_PATH_SIZE], const char *digest)
{
	snprintf(path, BLOB_PATH_SIZE, "blobs/sha256/%s", digest + strlen(DIGEST_PREFIX));
}

// Sums up a file, writing it to `to` as well unless that is -1.
static int sum_file(int from, int to, struct blob *blob, struct fault *fault)
{
	char *bytes = malloc(COPY_SIZE);
	struct sha256 sum;
	ssize_t got;
	int error = 0;

	if (bytes == NULL)
		return fault_set(fault, -ENOMEM, "no memory");
	sha256_begin(&sum);
	blob->size_bytes = 0;
	while (error == 0 && (got = read(from, bytes, COPY_SIZE)) != 0) {
		if (got < 0) {
			error = errno == EINTR ? 0 : fault_errno(fault, "cannot read a blob");
			continue;
		}
		sha256_add(&sum, bytes, (size_t)got);
		blob->size_bytes += (uint64_t)got;
		error = to >= 0 ? file_write_all(to, bytes, (size_t)got) : 0;
		if (error != 0)
			fault_set(fault, error, "cannot write a blob: %s", strerror(-error));
	}
	free(bytes);
	strcpy(blob->digest, DIGEST_PREFIX);
	sha256_end(&sum, blob->digest + strlen(DIGEST_PREFIX));
	return error;
}

static int check_blob(const struct blob *blob, const struct blob *wanted, const char *path, struct fault *fault)
{
	if (wanted == NULL)
		return 0;
	if (wanted->size_bytes != 0 && wanted->size_bytes != blob->size_bytes)
		return fault_set(fault, -EINVAL, "%.100s has %llu bytes, not %llu as its manifest says", path,
				 (unsigned long long)blob->size_bytes, (unsigned long long)wanted->size_bytes);
	if (strcmp(wanted->digest, blob->digest) != 0)
		return fault_set(fault, -EINVAL, "%.100s is corrupt: its digest is %s, not %s", path, blob->digest,
				 wanted->digest);
	return 0;
}

static int copy_blob(struct store *store, int from, const char *path, const struct blob *wanted, struct blob *blob,
		     struct fault *fault)
{
	static const char name[] = "staging/blob";
	char to[BLOB_PATH_SIZE];
	int fd = openat(store->folder, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int error;

	if (fd < 0)
		return fault_errno(fault, "cannot make %s/%s", store_path, name);
	error = sum_file(from, fd, blob, fault);
	if (error == 0)
		error = check_blob(blob, wanted, path, fault);
	if (close(fd) < 0 && error == 0)
		error = fault_errno(fault, "cannot write %s/%s", store_path, name);
	store_blob_path(to, blob->digest);
	if (error == 0 && renameat(store->folder, name, store->folder, to) < 0)
		error = fault_errno(fault, "cannot keep a blob");
	if (error != 0)
		unlinkat(store->folder, name, 0);
	return error;
}

// The file in the staging folder has more names than one where an archive had links to it; a link in the store shares
// what both hold, and nobody writes to either.
static int move_blob(struct store *store, int from, const char *path, const struct blob *wanted,
		     struct blob *blob, struct fault *fault)
{
	char to[BLOB_PATH_SIZE], link[64];
	int error = sum_file(from, -1, blob, fault);

	if (error == 0)
		error = check_blob(blob, wanted, path, fault);
	if (error != 0)
		return error;
	store_blob_path(to, blob->digest);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", from);
	if (linkat(AT_FDCWD, link, store->folder, to, AT_SYMLINK_FOLLOW) < 0 && errno != EEXIST)
		return fault_errno(fault, "cannot keep a blob");
	return 0;
}

int store_add_blob(struct store *store, int folder, const char *path, enum blob_source source,
		   const struct blob *wanted, struct blob *blob, struct fault *fault)
{
	struct stat status;
	int from = beneath_open(folder, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, BENEATH_LINKS_INSIDE);
	int error;

	if (from < 0)
		return fault_set(fault, from, "cannot open %.160s of the image: %s", path, strerror(-from));
	if (fstat(from, &status) < 0 || !S_ISREG(status.st_mode))
		error = fault_set(fault, -EINVAL, "%.160s of the image is no file", path);
	else
		error = source == BLOB_COPY ? copy_blob(store, from, path, wanted, blob, fault)
					    : move_blob(store, from, path, wanted, blob, fault);
	close(from);
	return error;
}

int store_add_text(struct store *store, const char *text, struct blob *blob, struct fault *fault)
{
	static const char name[] = "staging/text";
	int fd = openat(store->folder, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int error;

	if (fd < 0)
		return fault_errno(fault, "cannot make %s/%s", store_path, name);
	error = file_write_all(fd, text, strlen(text));
	close(fd);
	if (error == 0)
		error = store_add_blob(store, store->folder, name, BLOB_MOVE, NULL, blob, fault);
	else
		fault_set(fault, error, "cannot write %s/%s: %s", store_path, name, strerror(-error));
	unlinkat(store->folder, name, 0);
	return error;
}

int store_read_file(int folder, const char *path, char **text, size_t *length, struct fault *fault)
{
	int fd = beneath_open(folder, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, BENEATH_LINKS_INSIDE);
	struct stat status;
	char link[64];
	int error;

	if (fd < 0)
		return fault_set(fault, fd, "cannot open %.160s: %s", path, strerror(-fd));
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode))
		error = fault_set(fault, -EINVAL, "%.160s is no file", path);
	else
		error = file_read_all(link, STORE_TEXT_MAX, text, length);
	close(fd);
	if (error == 0 && strlen(*text) != *length) {
		free(*text);
		return fault_set(fault, -EINVAL, "%.160s holds a zero byte", path);
	}
	return error == 0 ? 0 : fault_set(fault, error, "cannot read %.160s: %s", path, strerror(-error));
}

int store_read_blob(const struct store *store, const char *digest, char **text, size_t *length,
		    struct fault *fault)
{
	char path[BLOB_PATH_SIZE];

	store_blob_path(path, digest);
	return store_read_file(store->folder, path, text, length, fault);
}

int store_open_blob(const struct store *store, const char *digest, struct fault *fault)
{
	char path[BLOB_PATH_SIZE];
	int fd;

	store_blob_path(path, digest);
	fd = openat(store->folder, path, O_RDONLY | O_CLOEXEC);
	return fd >= 0 ? fd : fault_errno(fault, "cannot open %s", path);
}

int store_stage(struct store *store, const char *name, struct fault *fault)
{
	char path[NAME_MAX + 16];
	int fd;

	snprintf(path, sizeof(path), "staging/%s", name);
	if (beneath_remove(store->folder, path) != 0 || mkdirat(store->folder, path, 0755) < 0)
		return fault_errno(fault, "cannot make %s/%s", store_path, path);
	fd = openat(store->folder, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd >= 0 ? fd : fault_errno(fault, "cannot open %s/%s", store_path, path);
}

void store_unstage(struct store *store, const char *name)
{
	char path[NAME_MAX + 16];

	snprintf(path, sizeof(path), "staging/%s", name);
	beneath_remove(store->folder, path);
}
