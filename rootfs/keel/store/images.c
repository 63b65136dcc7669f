// SPDX-License-Identifier: MPL-2.0
// keel load, images, tag and rmi: the store of images.
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../container/journal.h"
#include "../../control/control.h"
#include "../../image/collect.h"
#include "../../image/image.h"
#include "../../image/load.h"
#include "../../lib/json/json_writer.h"
#include "../../lib/unit/unit.h"
#include "../client.h"
#include "../commands.h"
#include "../template.h"
#include "../text.h"

static void say_event(const char *status, const char *id, const char *name)
{
	journal_write(&(struct journal_entry){.type = "image", .status = status, .exit_code = JOURNAL_NO_CODE,
				    .id = strncmp(id, DIGEST_PREFIX, 7) == 0 ? id + 7 : id, .name = name});
}

int command_load(int count, char **arguments)
{
	static const struct option options[] = {{"input", required_argument, NULL, 'i'},
						{"quiet", no_argument, NULL, 'q'}, {0}};
	struct fault fault = {0};
	const char *path = NULL;
	char *report = NULL;
	size_t length;
	FILE *out;
	int option, error;

	while ((option = getopt_long(count, arguments, "i:q", options, NULL)) != -1) {
		if (option == '?')
			return STATUS_FAILED;
		if (option == 'i')
			path = optarg;
	}
	if (optind != count)
		return complain("load: '%s' is one word too many (keel load -i FILE)", arguments[optind]);
	out = open_memstream(&report, &length);
	if (out == NULL)
		return complain("no memory");
	error = load_images(path, out, &fault);
	fclose(out);
	if (error == 0) {
		fputs(report, stdout);
		say_event("loadfromarchive", "", path != NULL ? path : "-");
	}
	free(report);
	return error == 0 ? 0 : complain("load: %s", fault.text);
}

enum images_flags { IMAGES_QUIET = 1 << 0, IMAGES_NO_TRUNC = 1 << 1, IMAGES_NO_HEADING = 1 << 2, IMAGES_JSON = 1 << 3 };

// When the image was made, as its configuration says; 0 where it does not.
static time_t created_at(const struct image *image)
{
	const char *text = json_find_string(json_root(image->document), "created");

	return text != NULL ? text_parse_time(text) : 0;
}

static void print_image_json(struct json_writer *json, const struct store *store, const struct image *image)
{
	json_begin_object(json, NULL);
	json_string(json, "Id", image->id + strlen(DIGEST_PREFIX));
	json_begin_list(json, "Names");
	if (image->entry.name[0] != '\0')
		json_string(json, NULL, image->entry.name);
	json_end_list(json);
	json_string(json, "Digest", image->entry.digest);
	json_number(json, "Size", (int64_t)image_size(store, image));
	json_number(json, "Created", (int64_t)created_at(image));
	json_end_object(json);
}

static void print_image(const struct store *store, const struct image *image, unsigned flags)
{
	char name[REFERENCE_SIZE], id[IMAGE_ID_SHOWN + 1], age[TEXT_AGE_SIZE], size[TEXT_SIZE_SIZE];
	const char *tag = "<none>", *shown = flags & IMAGES_NO_TRUNC ? image->id : image_short_id(image, id);
	time_t created = created_at(image);

	if ((flags & IMAGES_QUIET) != 0) {
		printf("%s\n", shown);
		return;
	}
	strcpy(name, image->entry.name[0] != '\0' ? image->entry.name : "<none>");
	if (image->entry.name[0] != '\0')
		tag = reference_split(name);
	text_format_age(age, created > 0 && created < time(NULL) ? (long)(time(NULL) - created) : 0);
	text_format_size(size, image_size(store, image));
	printf("%-34s  %-12s  %-12s  %-18s  %s\n", name, tag, shown, age, size);
}

static int print_templated(struct template *template, const struct store *store, const struct image *image,
			   unsigned flags)
{
	char name[REFERENCE_SIZE], id[IMAGE_ID_SHOWN + 1], age[TEXT_AGE_SIZE], size[TEXT_SIZE_SIZE];
	const char *tag = "<none>", *shown = flags & IMAGES_NO_TRUNC ? image->id : image_short_id(image, id);
	time_t created = created_at(image);

	strcpy(name, image->entry.name[0] != '\0' ? image->entry.name : "<none>");
	if (image->entry.name[0] != '\0')
		tag = reference_split(name);
	text_format_age(age, created > 0 && created < time(NULL) ? (long)(time(NULL) - created) : 0);
	text_format_size(size, image_size(store, image));
	return template_row(template, template_field_value, (const struct template_field[]){
		{"ID", "", shown}, {"Id", "", shown}, {"Repository", "", name}, {"Tag", "", tag}, {"Size", "", size},
		{"Digest", "", image->entry.digest}, {"Created", "", age}, {"CreatedSince", "", age}, {0}});
}

static const struct template_field headings[] = {
	{"ID", "IMAGE ID"}, {"Id", "IMAGE ID"}, {"Repository", "REPOSITORY"}, {"Tag", "TAG"}, {"Size", "SIZE"},
	{"Digest", "DIGEST"}, {"Created", "CREATED"}, {"CreatedSince", "CREATED"}, {0}};

static int is_wanted(const struct image *image, const char *wanted)
{
	char name[REFERENCE_SIZE], full[REFERENCE_SIZE];

	if (wanted == NULL)
		return 1;
	strcpy(name, image->entry.name);
	reference_split(name);
	// By the whole name, or by the end of its path.
	for (int home = REFERENCE_LOCAL; home <= REFERENCE_DOCKER_PLAIN; home++) {
		if (reference_complete(wanted, (enum reference_home)home, full) != 0)
			return 0;
		if (strcmp(full, image->entry.name) == 0)
			return 1;
		reference_split(full);
		if (strchr(wanted, ':') == NULL && strcmp(full, name) == 0)
			return 1;
	}
	return 0;
}

static int list_templated(const struct store *store, const struct index *index, unsigned flags, const char *wanted,
			  const char *format)
{
	struct template template;
	int status = template_begin(&template, "images", format);

	if (status == 0 && template.is_table && (flags & IMAGES_NO_HEADING) == 0)
		status = template_row(&template, template_field_heading, headings);
	for (size_t i = index->count; i-- > 0 && status == 0;) {
		struct fault fault = {0};
		struct image image;

		if (image_read(store, &index->entries[i], &image, &fault) != 0) {
			status = complain("images: %s", fault.text);
			break;
		}
		if (is_wanted(&image, wanted))
			status = print_templated(&template, store, &image, flags);
		image_free(&image);
	}
	template_end(&template);
	return status;
}

static int list_images(const struct store *store, const struct index *index, unsigned flags, const char *wanted)
{
	struct json_writer json = {.out = stdout};
	int status = 0;

	if ((flags & (IMAGES_QUIET | IMAGES_NO_HEADING | IMAGES_JSON)) == 0)
		printf("%-34s  %-12s  %-12s  %-18s  %s\n", "REPOSITORY", "TAG", "IMAGE ID", "CREATED", "SIZE");
	if ((flags & IMAGES_JSON) != 0)
		json_begin_list(&json, NULL);
	for (size_t i = index->count; i-- > 0;) {
		struct fault fault = {0};
		struct image image;

		if (image_read(store, &index->entries[i], &image, &fault) != 0) {
			status = complain("images: %s", fault.text);
			continue;
		}
		if (is_wanted(&image, wanted) && (flags & IMAGES_JSON) != 0)
			print_image_json(&json, store, &image);
		else if (is_wanted(&image, wanted))
			print_image(store, &image, flags);
		image_free(&image);
	}
	if ((flags & IMAGES_JSON) != 0) {
		json_end_list(&json);
		putchar('\n');
	}
	return status;
}

int command_images(int count, char **arguments)
{
	enum { NO_TRUNC = 256, NO_HEADING, FORMAT };
	static const struct option options[] = {
		{"quiet", no_argument, NULL, 'q'}, {"all", no_argument, NULL, 'a'},
		{"no-trunc", no_argument, NULL, NO_TRUNC}, {"noheading", no_argument, NULL, NO_HEADING},
		{"format", required_argument, NULL, FORMAT}, {0}};
	struct fault fault = {0};
	struct store store;
	struct index index;
	const char *format = NULL;
	unsigned flags = 0;
	int option, status;

	while ((option = getopt_long(count, arguments, "qan", options, NULL)) != -1) {
		if (option == '?')
			return STATUS_FAILED;
		format = option == FORMAT ? optarg : format;
		flags |= option == 'q' ? IMAGES_QUIET : option == NO_TRUNC ? IMAGES_NO_TRUNC
			 : option == NO_HEADING || option == 'n' ? IMAGES_NO_HEADING : 0;
	}
	if (format != NULL && strcmp(format, "json") == 0) {
		flags |= IMAGES_JSON;
		format = NULL;
	}
	if (store_open(&store, STORE_READ, &fault) != 0)
		return complain("images: %s", fault.text);
	if (index_read(&store, &index, &fault) != 0)
		status = complain("images: %s", fault.text);
	else if (format != NULL)
		status = list_templated(&store, &index, flags, arguments[optind], format);
	else
		status = list_images(&store, &index, flags, arguments[optind]);
	index_free(&index);
	store_close(&store);
	return status;
}

static int tag_image(struct store *store, const char *name, const char *wanted, struct fault *fault)
{
	struct image image;
	struct index index;
	int error = image_find(store, name, &image, fault);

	if (error != 0)
		return error;
	error = index_read(store, &index, fault);
	if (error == 0 && reference_complete(wanted, REFERENCE_LOCAL, image.entry.name) != 0)
		error = fault_set(fault, -EINVAL, "'%.100s' is no name for an image", wanted);
	if (error == 0)
		error = index_set(&index, &image.entry, fault);
	if (error == 0)
		error = store_lock_readers(store, fault);
	if (error == 0)
		error = index_write(store, &index, fault);
	if (error == 0)
		say_event("tag", image.id, image.entry.name);
	index_free(&index);
	image_free(&image);
	return error;
}

int command_tag(int count, char **arguments)
{
	struct fault fault = {0};
	int error = 0;

	if (count < 3)
		return complain("tag: expected an image and a name for it");
	for (int i = 2; i < count && error == 0; i++) {
		struct store store;

		error = store_open(&store, STORE_CHANGE, &fault);
		if (error == 0)
			error = tag_image(&store, arguments[1], arguments[i], &fault);
		store_close(&store);
	}
	return error == 0 ? 0 : complain("tag: %s", fault.text);
}

// Init knows the image of what was run; of a unit it knows the name, which means whatever has it now.
static int is_made_of(const struct store *store, char *columns[CONTROL_COLUMNS], const char *id)
{
	struct fault fault = {0};
	struct image image;
	int same;

	if (columns[COLUMN_IMAGE_ID][0] != '-')
		return strcmp(columns[COLUMN_IMAGE_ID], id) == 0;
	if (strncmp(columns[COLUMN_IMAGE], "rootfs:", 7) == 0 ||
	    image_find(store, columns[COLUMN_IMAGE], &image, &fault) != 0)
		return 0;
	same = strcmp(image.id, id) == 0;
	image_free(&image);
	return same;
}

// The name of a container that is made of the image, in `user`. => 0, 1 or an exit status
static int find_user(const struct store *store, const char *id, char user[UNIT_NAME_SIZE])
{
	char *text, *rest = NULL;
	int found = 0, status = client_ask("list", &text);

	if (status != 0)
		return status;
	for (char *row = strtok_r(text, "\n", &rest); row != NULL && !found; row = strtok_r(NULL, "\n", &rest)) {
		char *columns[CONTROL_COLUMNS];

		if (!text_split_row(row, columns, CONTROL_COLUMNS) || !is_made_of(store, columns, id))
			continue;
		snprintf(user, UNIT_NAME_SIZE, "%s", columns[COLUMN_NAME]);
		found = 1;
	}
	free(text);
	return found;
}

enum { STATUS_UNKNOWN = 1, STATUS_IN_USE = 2 };
enum removal { REMOVE_ONE_NAME, REMOVE_ALL_NAMES };

static size_t count_names(const struct index *index, const char *digest)
{
	size_t count = 0;

	for (size_t i = 0; i < index->count; i++)
		count += strcmp(index->entries[i].digest, digest) == 0;
	return count;
}

// Takes one name, or all, from the index and says so.
static void drop_names(struct index *index, const struct image *image, long named)
{
	for (size_t i = index->count; i-- > 0;) {
		const struct index_entry *entry = &index->entries[i];

		if (named >= 0 ? (long)i != named : strcmp(entry->digest, image->entry.digest) != 0)
			continue;
		if (entry->name[0] != '\0') {
			printf("Untagged: %s\n", entry->name);
			say_event("untag", image->id, entry->name);
		}
		index_remove(index, i);
	}
}

static int remove_image(struct store *store, struct index *index, const struct image *image, const char *name,
			enum removal how, struct fault *fault)
{
	long named = how == REMOVE_ONE_NAME ? index_find_name(index, name) : -1;
	size_t names = count_names(index, image->entry.digest);
	char user[UNIT_NAME_SIZE];
	int used = named >= 0 && names > 1 ? 0 : find_user(store, image->id, user);

	if (used > 1)
		return used;
	if (used == 1) {
		complain("rmi: image %s is in use by the container %s", name, user);
		return STATUS_IN_USE;
	}
	if (named < 0 && names > 1 && how == REMOVE_ONE_NAME) {
		complain("rmi: image %s has %zu names; rmi -f removes them all", name, names);
		return STATUS_IN_USE;
	}
	drop_names(index, image, named);
	if (store_lock_readers(store, fault) != 0 || index_write(store, index, fault) != 0 ||
	    collect_garbage(store, fault) != 0)
		return complain("rmi: %s", fault->text);
	if (named < 0 || names == 1)
		say_event("remove", image->id, name);
	if (named < 0 || names == 1)
		printf("Deleted: %s\n", image->id + strlen(DIGEST_PREFIX));
	return 0;
}

static int remove_named(const char *name, enum removal how)
{
	struct fault fault = {0};
	struct store store;
	struct image image;
	struct index index;
	int status = STATUS_UNKNOWN;

	if (store_open(&store, STORE_CHANGE, &fault) != 0)
		return complain("rmi: %s", fault.text);
	if (image_find(&store, name, &image, &fault) != 0) {
		complain("rmi: %s", fault.text);
	} else {
		status = index_read(&store, &index, &fault) != 0 ? complain("rmi: %s", fault.text)
					: remove_image(&store, &index, &image, name, how, &fault);
		index_free(&index);
		image_free(&image);
	}
	store_close(&store);
	return status;
}

int command_rmi(int count, char **arguments)
{
	static const struct option options[] = {{"force", no_argument, NULL, 'f'}, {0}};
	enum removal how = REMOVE_ONE_NAME;
	int option, worst = 0;

	while ((option = getopt_long(count, arguments, "+f", options, NULL)) != -1) {
		if (option != 'f')
			return STATUS_FAILED;
		how = REMOVE_ALL_NAMES;
	}
	if (optind == count)
		return complain("rmi: which image?");
	for (int i = optind; i < count; i++) {
		int status = remove_named(arguments[i], how);

		worst = status != 0 ? status : worst;
	}
	return worst;
}
