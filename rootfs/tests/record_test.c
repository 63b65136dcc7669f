// SPDX-License-Identifier: MPL-2.0
// record: what is written is read again, what is damaged is refused, and the list is in the order of making.
#include "../init/containers/record.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../lib/file.h"
#include "check.h"

static char folder[4096];

static void make_id(char id[RECORD_ID_SIZE], char digit)
{
	memset(id, digit, RECORD_ID_SIZE - 1);
	id[RECORD_ID_SIZE - 1] = '\0';
}

static void write_one(char digit, int64_t created_ns)
{
	struct record record = {.state = RECORD_EXITED, .stopped = 1, .status = 137, .restarts = 4,
				.out_of_memory = 1, .created_ns = created_ns, .begun_ns = 5, .ended_ns = INT64_MAX,
				.text = "name: a\nimage: b\n"};
	struct fault fault = {0};

	make_id(record.id, digit);
	CHECK(record_write(&record, &fault) == 0);
	CHECK(record_is_there(record.id));
}

static void test_round_trip(void)
{
	struct fault fault = {0};
	struct record record;
	char id[RECORD_ID_SIZE];
	char *buffer;

	write_one('a', 1);
	make_id(id, 'a');
	CHECK(record_read(id, &record, &buffer, &fault) == 0);
	CHECK_TEXT(record.id, id);
	CHECK(record.state == RECORD_EXITED && record.stopped == 1 && record.status == 137 && record.restarts == 4);
	CHECK(record.out_of_memory == 1 && record.created_ns == 1 && record.begun_ns == 5);
	CHECK(record.ended_ns == INT64_MAX);
	CHECK_TEXT(record.text, "name: a\nimage: b\n");
	free(buffer);
	record_remove(id);
	CHECK(!record_is_there(id));
	CHECK(!record_is_there("../record_test") && !record_is_there(""));
	CHECK(record_read(id, &record, &buffer, &fault) == -ENOENT);
}

static void test_order(void)
{
	char **ids;
	char path[5000];

	write_one('c', 10);
	write_one('b', 30);
	write_one('d', 20);
	// What a loss of power may leave: half a replacement, an empty file.
	snprintf(path, sizeof(path), "%s/half.new", folder);
	CHECK(file_replace(path, "keel", 0600) == 0);
	CHECK(record_list(&ids) == 3);
	CHECK(ids[0][0] == 'c' && ids[1][0] == 'd' && ids[2][0] == 'b');
	for (int i = 0; i < 3; i++) {
		record_remove(ids[i]);
		free(ids[i]);
	}
	free(ids);
	unlink(path);
	CHECK(record_list(&ids) == 0 && ids == NULL);
}

// Every byte of a record changed, and every beginning of it, is read or refused.
static void test_damage(void)
{
	char path[5000], id[RECORD_ID_SIZE];
	struct record record;
	size_t length;
	char *whole, *buffer;

	write_one('e', 1);
	make_id(id, 'e');
	snprintf(path, sizeof(path), "%s/%s", folder, id);
	CHECK(file_read_all(path, 65536, &whole, &length) == 0);
	for (size_t i = 0; i < length; i++) {
		struct fault fault = {0};
		char *damaged = strdup(whole);

		damaged[i] = (char)(damaged[i] ^ 0x15);
		CHECK(file_replace(path, damaged, 0600) == 0);
		if (record_read(id, &record, &buffer, &fault) == 0)
			free(buffer);
		damaged[i] = '\0';
		CHECK(file_replace(path, damaged, 0600) == 0);
		if (record_read(id, &record, &buffer, &fault) == 0) {
			CHECK(i > length - sizeof("name: a\nimage: b\n"));
			free(buffer);
		}
		free(damaged);
	}
	free(whole);
	record_remove(id);
}

int main(int count, char **arguments)
{
	CHECK(count == 2);
	snprintf(folder, sizeof(folder), "%s/records", arguments[1]);
	record_set_folder(folder);
	test_round_trip();
	test_order();
	test_damage();
	return check_result("record_test");
}
