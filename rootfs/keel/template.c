// SPDX-License-Identifier: MPL-2.0
#include "template.h"

#include <stdlib.h>
#include <string.h>

#include "commands.h"

enum { PATH_SIZE = 128, COLUMNS_MAX = 32, GAP = 2 };

int template_begin(struct template *template, const char *command, const char *format)
{
	static const char word[] = "table ";

	*template = (struct template){.command = command, .format = format, .out = stdout};
	if (strncmp(format, word, sizeof(word) - 1) != 0)
		return 0;
	template->format += sizeof(word) - 1;
	template->is_table = 1;
	template->out = open_memstream(&template->text, &template->length);
	return template->out != NULL ? 0 : complain("no memory");
}

static int refuse(const struct template *template, const char *action, size_t length)
{
	return complain("%s: --format: {{%.*s}} is not understood", template->command,
			length < PATH_SIZE ? (int)length : PATH_SIZE, action);
}

// What stands between the braces: ".A.B" or "json .A".
static int print_action(const struct template *template, const char *action, size_t length,
			template_lookup *lookup, const void *row)
{
	enum template_form form = TEMPLATE_TEXT;
	const char *at = action + strspn(action, " ");
	size_t left = length - (size_t)(at - action);
	char path[PATH_SIZE];

	while (left > 0 && at[left - 1] == ' ')
		left--;
	if (left > 5 && strncmp(at, "json ", 5) == 0) {
		form = TEMPLATE_JSON;
		left -= 5 + strspn(at + 5, " ");
		at += 5 + strspn(at + 5, " ");
	}
	if (left == 0 || left >= sizeof(path) || at[0] != '.' || memchr(at, ' ', left) != NULL)
		return refuse(template, action, length);
	snprintf(path, sizeof(path), "%.*s", (int)left - 1, at + 1);
	return lookup(row, path, form, template->out) == 0 ? 0 : refuse(template, action, length);
}

int template_row(struct template *template, template_lookup *lookup, const void *row)
{
	for (const char *at = template->format; *at != '\0'; at++) {
		const char *end;

		if (at[0] == '\\' && (at[1] == 't' || at[1] == 'n')) {
			fputc(*++at == 't' ? '\t' : '\n', template->out);
			continue;
		}
		if (at[0] != '{' || at[1] != '{') {
			fputc(*at, template->out);
			continue;
		}
		end = strstr(at, "}}");
		if (end == NULL)
			return complain("%s: --format: {{ without }}", template->command);
		if (print_action(template, at + 2, (size_t)(end - at - 2), lookup, row) != 0)
			return STATUS_FAILED;
		at = end + 1;
	}
	fputc('\n', template->out);
	return 0;
}

static size_t cell_width(const char *cell)
{
	return strcspn(cell, "\t\n");
}

static const char *next_cell(const char *cell)
{
	cell += cell_width(cell);
	return *cell != '\0' ? cell + 1 : cell;
}

static void print_columns(const char *text)
{
	size_t widths[COLUMNS_MAX] = {0}, column = 0;

	for (const char *cell = text; *cell != '\0'; cell = next_cell(cell)) {
		size_t width = cell_width(cell);

		if (cell[width] == '\t' && column < COLUMNS_MAX && width > widths[column])
			widths[column] = width;
		column = cell[width] == '\t' ? column + 1 : 0;
	}
	column = 0;
	for (const char *cell = text; *cell != '\0'; cell = next_cell(cell)) {
		size_t width = cell_width(cell), wanted = column < COLUMNS_MAX ? widths[column] : width;

		printf("%.*s", (int)width, cell);
		if (cell[width] == '\t')
			printf("%*s", (int)(wanted - width) + GAP, "");
		else
			putchar('\n');
		column = cell[width] == '\t' ? column + 1 : 0;
	}
}

void template_end(struct template *template)
{
	if (!template->is_table || template->out == NULL)
		return;
	fclose(template->out);
	if (template->text != NULL)
		print_columns(template->text);
	free(template->text);
}

static const struct template_field *find_field(const struct template_field *fields, const char *path)
{
	while (fields->name != NULL && strcmp(fields->name, path) != 0)
		fields++;
	return fields->name != NULL ? fields : NULL;
}

int template_field_value(const void *row, const char *path, enum template_form form, FILE *out)
{
	const struct template_field *field = find_field(row, path);

	if (field == NULL || form != TEMPLATE_TEXT)
		return -1;
	fputs(field->value, out);
	return 0;
}

int template_field_heading(const void *row, const char *path, enum template_form form, FILE *out)
{
	const struct template_field *field = find_field(row, path);

	if (field == NULL || form != TEMPLATE_TEXT)
		return -1;
	fputs(field->heading, out);
	return 0;
}
