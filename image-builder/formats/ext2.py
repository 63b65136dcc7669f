# SPDX-License-Identifier: MPL-2.0
"""An ext2 file system from a folder, the same bytes at every build: fixed UUID and hash seed, fixed
time, and every inode's change time (which no host lets us choose) rewritten to the epoch."""
import os
import struct
import subprocess

SUPERBLOCK = 1024
INODE_TIMES = (8, 12, 16)       # access, change, modification: offsets in an inode
EXTRA_TIMES = (132, 136, 140, 144)      # change, modification, access (ns parts), creation


def make(path, partition, plan, source=None):
    with open(path, "wb") as file:
        file.truncate(partition["size"])
    label = partition.get("filesystem_label", "")
    command = ["mke2fs", "-q", "-F", "-t", "ext2", "-b", "4096", "-m", "1", "-L", label,
               "-U", str(plan.uuid(f"filesystem/{partition['label']}")),
               "-E", f"hash_seed={plan.uuid('hash-seed')},root_owner=0:0,lazy_itable_init=0"]
    if source:
        command += ["-d", source]
    command.append(path)
    if os.geteuid() != 0:
        # In a user namespace of our own the files we hold belong to root.
        command = ["unshare", "--map-root-user"] + command
    environment = dict(os.environ, E2FSPROGS_FAKE_TIME=str(plan.epoch), LC_ALL="C")
    subprocess.run(command, check=True, env=environment)
    set_inode_times(path, plan.epoch)
    subprocess.run(["e2fsck", "-fn", path], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)


def set_inode_times(path, epoch):
    with open(path, "r+b") as file:
        file.seek(SUPERBLOCK)
        superblock = file.read(1024)
        inodes, blocks = struct.unpack_from("<II", superblock, 0)
        first_block, = struct.unpack_from("<I", superblock, 20)
        block_size = 1024 << struct.unpack_from("<I", superblock, 24)[0]
        blocks_per_group, = struct.unpack_from("<I", superblock, 32)
        inodes_per_group, = struct.unpack_from("<I", superblock, 40)
        inode_size, = struct.unpack_from("<H", superblock, 88)
        groups = -(-(blocks - first_block) // blocks_per_group)
        for group in range(groups):
            file.seek((first_block + 1) * block_size + group * 32 + 8)
            table, = struct.unpack("<I", file.read(4))
            set_table_times(file, table * block_size, inodes_per_group, inode_size, epoch)
        assert inodes == groups * inodes_per_group


def set_table_times(file, start, count, inode_size, epoch):
    file.seek(start)
    table = bytearray(file.read(count * inode_size))
    changed = False
    for at in range(0, len(table), inode_size):
        mode, links = struct.unpack_from("<H", table, at)[0], struct.unpack_from("<H", table,
                                                                                 at + 26)[0]
        if mode == 0 or links == 0:
            continue
        changed = True
        for offset in INODE_TIMES:
            struct.pack_into("<I", table, at + offset, epoch)
        if inode_size > 128:
            for offset in EXTRA_TIMES:
                struct.pack_into("<I", table, at + offset,
                                 epoch if offset == EXTRA_TIMES[-1] else 0)
    if changed:
        file.seek(start)
        file.write(table)
