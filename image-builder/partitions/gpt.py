# SPDX-License-Identifier: MPL-2.0
"""Writes a GUID partition table: protective MBR, primary copy in front, backup copy at the end."""
import struct
import uuid
import zlib

SECTOR = 512
ENTRIES = 128
ENTRY_SIZE = 128
ENTRY_SECTORS = ENTRIES * ENTRY_SIZE // SECTOR
FIRST_USABLE = 2 + ENTRY_SECTORS

TYPES = {
    "bios-boot": uuid.UUID("21686148-6449-6e6f-744e-656564454649"),
    "esp": uuid.UUID("c12a7328-f81f-11d2-ba4b-00a0c93ec93b"),
    "linux-root": uuid.UUID("4f68bce3-e8cd-4db1-96e7-fbcaf984b709"),     # root, x86-64
    "linux": uuid.UUID("0fc63daf-8483-4772-8e79-3d69d8477de4"),
}


def entries(placed):
    table = b""
    for at in placed:
        name = at.partition["label"].encode("utf-16-le").ljust(72, b"\0")
        table += struct.pack("<16s16sQQQ72s", TYPES[at.partition["type"]].bytes_le,
                             at.guid.bytes_le, at.first, at.last, 0, name)
    return table.ljust(ENTRIES * ENTRY_SIZE, b"\0")


def header(disk_guid, here, other, entries_at, sectors, table):
    def pack(own_crc):
        return struct.pack("<8sIIIIQQQQ16sQIII", b"EFI PART", 0x00010000, 92, own_crc, 0, here,
                           other, FIRST_USABLE, sectors - ENTRY_SECTORS - 2, disk_guid.bytes_le,
                           entries_at, ENTRIES, ENTRY_SIZE, zlib.crc32(table))
    return pack(zlib.crc32(pack(0))).ljust(SECTOR, b"\0")


def protective_mbr(sectors):
    entry = struct.pack("<B3sB3sII", 0, b"\x00\x02\x00", 0xee, b"\xff\xff\xff", 1,
                        min(sectors - 1, 0xffffffff))
    return b"\0" * 446 + entry + b"\0" * 48 + b"\x55\xaa"


def write(disk, disk_guid, placed, size):
    sectors = size // SECTOR
    table = entries(placed)
    disk.seek(0)
    disk.write(protective_mbr(sectors))
    disk.write(header(disk_guid, 1, sectors - 1, 2, sectors, table))
    disk.write(table)
    backup_entries = sectors - 1 - ENTRY_SECTORS
    disk.seek(backup_entries * SECTOR)
    disk.write(table)
    disk.write(header(disk_guid, sectors - 1, 1, backup_entries, sectors, table))
