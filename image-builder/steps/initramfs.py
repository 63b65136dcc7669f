# SPDX-License-Identifier: MPL-2.0
"""Packs initramfs/contents.txt as a gzip-compressed cpio archive ("newc"), byte for byte the same
at every build: inode numbers count up, times are the epoch, owners are root."""
import gzip
import os
import stat

from steps.problem import Problem

TYPES = {"dir": stat.S_IFDIR, "file": stat.S_IFREG, "slink": stat.S_IFLNK}
DEVICES = {"c": stat.S_IFCHR, "b": stat.S_IFBLK}


def padding(length):
    return b"\0" * (-length % 4)


def record(inode, mode, epoch, name, data=b"", device=(0, 0)):
    encoded = name.encode() + b"\0"
    links = 2 if stat.S_ISDIR(mode) else 1
    fields = (inode, mode, 0, 0, links, epoch, len(data), 0, 0, device[0], device[1],
              len(encoded), 0)
    head = b"070701" + "".join(f"{field:08x}" for field in fields).encode() + encoded
    return head + padding(len(head)) + data + padding(len(data))


def entry(plan, words, inode, where):
    """One line of the contents file -> one record."""
    kind, path, mode = words[0], words[1].lstrip("/"), int(words[2], 8)
    if kind == "dir":
        return record(inode, TYPES[kind] | mode, plan.epoch, path)
    if kind == "file":
        source = os.path.join(plan.build, words[3])
        try:
            with open(source, "rb") as file:
                return record(inode, TYPES[kind] | mode, plan.epoch, path, file.read())
        except OSError as error:
            raise Problem(f"{where}: cannot read {source}: {error.strerror}") from error
    if kind == "slink":
        return record(inode, TYPES[kind] | mode, plan.epoch, path, words[3].encode())
    if kind == "nod":
        return record(inode, DEVICES[words[3]] | mode, plan.epoch, path,
                      device=(int(words[4]), int(words[5])))
    raise Problem(f"{where}: unknown type '{kind}'")


def archive(plan):
    records = []
    with open(plan.contents, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            words = line.split("#")[0].split()
            where = f"{plan.contents}:{number}"
            if not words:
                continue
            try:
                records.append(entry(plan, words, len(records) + 1, where))
            except (IndexError, ValueError, KeyError) as error:
                raise Problem(f"{where}: not understood: {line.strip()}") from error
    records.append(record(0, 0, 0, "TRAILER!!!"))
    whole = b"".join(records)
    return whole + b"\0" * (-len(whole) % 512)


def build(plan):
    data = gzip.compress(archive(plan), compresslevel=9, mtime=0)
    os.makedirs(plan.build, exist_ok=True)
    with open(plan.initramfs + ".new", "wb") as file:
        file.write(data)
    os.replace(plan.initramfs + ".new", plan.initramfs)
    print(f"built {os.path.relpath(plan.initramfs)}: {len(data)} bytes")
