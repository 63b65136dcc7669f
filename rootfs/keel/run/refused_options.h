// SPDX-License-Identifier: MPL-2.0
// Options of podman run that keel does not have, and why: nothing is taken and then not done.
#pragma once

// Complains about the word at which getopt_long(3) stopped; `stop` is what it returned, '?' or ':'. => STATUS_FAILED
int refused_option_complain(const char *verb, const char *word, int stop);

// The option's reason, "" where there is none to give, or NULL for what podman does not know either.
const char *refused_option_reason(const char *name);
