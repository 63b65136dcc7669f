// SPDX-License-Identifier: MPL-2.0
// Theory: the keys typed so far are held back, since they may be the beginning of all of them. When the next one does
// not fit, the longest end of what is held that still is a beginning stays held; what is before it goes through.
#include "detach_keys.h"

#include <errno.h>
#include <string.h>

static int parse_key(const char *word, size_t length)
{
	static const char prefix[] = "ctrl-";
	const size_t prefix_length = sizeof(prefix) - 1;
	char key;

	if (length == 1)
		return (unsigned char)word[0];
	if (length != prefix_length + 1 || strncmp(word, prefix, prefix_length) != 0)
		return -EINVAL;
	key = word[prefix_length];
	if (key >= 'a' && key <= 'z')
		return key - 'a' + 1;
	return key >= '@' && key <= '_' ? key - '@' : -EINVAL;
}

int detach_keys_parse(struct detach_keys *keys, const char *text)
{
	*keys = (struct detach_keys){0};
	while (*text != '\0') {
		size_t length = strcspn(text, ",");
		int key = keys->count < DETACH_KEYS_MAX ? parse_key(text, length) : -EINVAL;

		if (key < 0 || (text[length] == ',' && text[length + 1] == '\0'))
			return -EINVAL;
		keys->keys[keys->count++] = (char)key;
		text += length + (text[length] == ',');
	}
	return 0;
}

// How much of what is held, and `next` behind it, is a beginning of the keys; that is shorter than what is held.
static size_t fall_back(const struct detach_keys *keys, char next)
{
	size_t length = keys->matched;

	for (; length > 0; length--) {
		if (keys->keys[length - 1] == next &&
		    memcmp(keys->keys, keys->keys + keys->matched - (length - 1), length - 1) == 0)
			break;
	}
	return length;
}

size_t detach_keys_filter(struct detach_keys *keys, const char *typed, size_t length, char *through, int *pressed)
{
	size_t put = 0;

	*pressed = 0;
	for (size_t i = 0; i < length && !*pressed; i++) {
		size_t kept;

		if (keys->count > 0 && keys->keys[keys->matched] == typed[i]) {
			*pressed = ++keys->matched == keys->count;
			continue;
		}
		kept = fall_back(keys, typed[i]);
		// Of held and typed together the last `kept` stay.
		if (kept > 0) {
			memcpy(through + put, keys->keys, keys->matched + 1 - kept);
			put += keys->matched + 1 - kept;
		} else {
			memcpy(through + put, keys->keys, keys->matched);
			put += keys->matched;
			through[put++] = typed[i];
		}
		keys->matched = kept;
	}
	if (*pressed)
		keys->matched = 0;
	return put;
}
