// SPDX-License-Identifier: MPL-2.0
// The containers of earlier boots.
#pragma once

// Adds all that are recorded, in the order of their making, and starts those whose policy wants it. Units come first:
// a name that is one's stays one's.
void recall_all(void);
