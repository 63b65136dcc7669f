// SPDX-License-Identifier: MPL-2.0
// Unpacks tar archives from strangers into a folder, and never touches anything outside of it: names that are absolute
// or climb by "..", and names that lie behind a symbolic link, are refused, and hard links obey the same. What is there
// after a refusal is for the caller to remove.
#pragma once

#include "../lib/fault.h"
#include "tar_reader.h"

enum unpack_mode {
	// A layer of an image: owners, times, attributes and devices as the archive says, and its white-outs
	// (".wh.NAME", ".wh..wh..opq") as overlayfs wants them. Source: image-spec layer.md; overlayfs.rst.
	UNPACK_LAYER,
	// Folders, files and links alone, all of them owned by the caller: an archive that only carries files.
	UNPACK_FILES,
};

struct unpack_result {
	uint64_t size_bytes;			// of all files' data
	uint64_t entries;
	char digest[SHA256_TEXT_SIZE];		// of the archive, as it was read
};

// `folder` is an open, empty folder; `fd` gives the archive. => a negative errno with a sentence
int unpack(int folder, int fd, enum unpack_mode mode, struct unpack_result *result, struct fault *fault);
