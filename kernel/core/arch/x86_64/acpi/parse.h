// SPDX-License-Identifier: MPL-2.0
// Private to acpi/: readers of single tables. A table has at least its 36-byte header.
#pragma once

#include <core/span.h>

// A table by physical address, whole and with a good checksum, or empty.
bytes_t acpi_table_map(u64 physical);
void acpi_read_interrupts(bytes_t table);
void acpi_read_fixed(bytes_t table);
void acpi_read_ecam(bytes_t table);
void acpi_scan_code(bytes_t table);
