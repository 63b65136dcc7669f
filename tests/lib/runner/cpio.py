# SPDX-License-Identifier: MPL-2.0
"""Writes a newc cpio archive, the form in which Linux and Keelson take an initramfs."""

import os
import stat


class Archive:
    """Entries are added in order; folders above a file are made as needed."""

    def __init__(self):
        self.parts = []
        self.inode = 0
        self.folders = set()

    def _add(self, path, mode, data=b"", device=(0, 0)):
        self.inode += 1
        name = path.strip("/").encode() + b"\0"
        fields = (self.inode, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(name), 0)
        entry = b"070701" + b"".join(b"%08X" % field for field in fields) + name
        entry += b"\0" * (-len(entry) % 4) + data
        self.parts.append(entry + b"\0" * (-len(data) % 4))

    def folder(self, path, mode=0o755):
        path = path.strip("/")
        if path in self.folders or not path:
            return
        self.folder(os.path.dirname(path))
        self.folders.add(path)
        self._add(path, stat.S_IFDIR | mode)

    def file(self, path, data, mode=0o644):
        self.folder(os.path.dirname(path))
        self._add(path, stat.S_IFREG | mode, data)

    def copy(self, path, source, mode=0o755):
        with open(source, "rb") as stream:
            self.file(path, stream.read(), mode)

    def link(self, path, target):
        self.folder(os.path.dirname(path))
        self._add(path, stat.S_IFLNK | 0o777, target.encode())

    def character_device(self, path, major, minor, mode=0o600):
        self.folder(os.path.dirname(path))
        self._add(path, stat.S_IFCHR | mode, device=(major, minor))

    def write(self, path):
        self._add("TRAILER!!!", 0)
        data = b"".join(self.parts)
        with open(path, "wb") as stream:
            stream.write(data + b"\0" * (-len(data) % 512))
