// SPDX-License-Identifier: MPL-2.0
// The base type of poll requests.
#include <services/poll/poll.h>

DEFINE_BASE(poll_request)
