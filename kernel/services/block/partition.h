// SPDX-License-Identifier: MPL-2.0
// Partition tables: GPT (UEFI specification, chapter 5) and MBR with extended partitions. Pure parsing of
// sectors read through a callback-free reader: the caller gives the disk.
#pragma once
#include <services/block/block_device.h>

// Registers a block_device for each partition of the disk. A table that is damaged is reported to the
// log and skipped (GPT: the backup header is tried). => may sleep
void partition_scan(struct block_device *disk);
