// SPDX-License-Identifier: MPL-2.0
// --format of the commands that look: the part of Go's templates that people type.
//
//   text {{.Field}} {{ .A.B }} {{json .A}}     \t and \n stand for themselves in C
//   table {{.Field}}\t{{.Field}}               with headings, in columns
#pragma once

#include <stddef.h>
#include <stdio.h>

enum template_form { TEMPLATE_TEXT, TEMPLATE_JSON };

// Prints the field of `row` whose path is "A.B" ("" for all of it). => -1: there is none of that name
typedef int template_lookup(const void *row, const char *path, enum template_form form, FILE *out);

struct template {
	const char *command, *format;	// for complaints; what is left of the format
	int is_table;
	FILE *out;			// of a table: its text, until all of it is there
	char *text;
	size_t length;
};

// => 0, or a status after a complaint; template_end() in both cases
int template_begin(struct template *template, const char *command, const char *format);

// One line. => 0, or a status after a complaint
int template_row(struct template *template, template_lookup *lookup, const void *row);
void template_end(struct template *template);

// Rows that are lists of names and values: an array of these, ended by a NULL name. `heading` is that of a table.
struct template_field {
	const char *name, *heading, *value;
};
template_lookup template_field_value;
template_lookup template_field_heading;
