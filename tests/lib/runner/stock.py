# SPDX-License-Identifier: MPL-2.0
"""What scenarios of images of containers have in stock: a disk of files, a layer with a busybox."""

import os
import shutil
import subprocess

from . import archives, image

FOLDER = f"{image.FOLDER}/archives"


def files_disk(name, files):
    """A disk with these files, mounted at /run/files by `attach`."""
    folder, disk = f"{FOLDER}/{name}", f"{FOLDER}/{name}.ext2"
    shutil.rmtree(folder, ignore_errors=True)
    for path, data in files.items():
        os.makedirs(os.path.dirname(f"{folder}/{path}"), exist_ok=True)
        with open(f"{folder}/{path}", "wb") as file:
            file.write(data)
    if os.path.exists(disk):
        os.unlink(disk)
    subprocess.run(["mke2fs", "-q", "-F", "-t", "ext2", "-d", folder, disk, "64M"], check=True,
                   stdout=subprocess.DEVNULL)
    return disk


def attach(shell):
    shell.check("mkdir -p /run/files && mount -t ext2 /dev/vdb /run/files")


def lower_layer(applets=()):
    base = archives.busybox_layer(["sh", "ls", "cat", "echo", "id", "stat", "env", "pwd", "sleep", "true", "touch",
                                   "head", "ps", "hostname", "kill", "mkdir", "rm", "grep", "getfattr", "wc", "dd",
                                   "mount", "unshare", "yes", "seq", "test", *applets])
    return base
