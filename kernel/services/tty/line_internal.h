// SPDX-License-Identifier: MPL-2.0
// Between line_discipline.c (input) and line_echo.c (what the screen sees).
#pragma once
#include <services/tty/line_discipline.h>

// Echoes a byte as the settings ask; control characters as ^X with ECHOCTL.
void line_echo(struct line_discipline *l borrowed, u8 c, struct text *out borrowed);
// ERASE, WERASE or KILL (by the character typed) on the line being edited.
void line_erase(struct line_discipline *l borrowed, u8 c, struct text *out borrowed);
// Shows the line being edited again on a fresh line.
void line_reprint(struct line_discipline *l borrowed, u8 c, struct text *out borrowed);
