# SPDX-License-Identifier: MPL-2.0
"""Trees of Debian 12, unpacked by debootstrap once, on ext2 disks that are kept in build/debian."""

import os
import shutil
import subprocess

from .scenarios import Skip

FOLDER = "build/debian"
MIRROR = "http://deb.debian.org/debian"
WASTE = ("var/cache/apt/archives", "var/lib/apt/lists", "usr/share/doc", "usr/share/locale")


def unpack(tree, packages):
    """A minbase tree with these packages more; what nobody reads there is removed."""
    if not shutil.which("debootstrap") or os.geteuid() != 0:
        raise Skip("debootstrap needs root and the debootstrap package")
    os.makedirs(FOLDER, exist_ok=True)
    include = [f"--include={','.join(packages)}"] if packages else []
    result = subprocess.run(["debootstrap", "--variant=minbase", *include, "bookworm", tree, MIRROR],
                            capture_output=True, text=True, check=False)
    if result.returncode:
        raise Skip("debootstrap failed: " + result.stdout.strip()[-200:])
    for folder in WASTE:
        shutil.rmtree(f"{tree}/{folder}", ignore_errors=True)
        os.makedirs(f"{tree}/{folder}", exist_ok=True)


def provide(name, size, packages=()):
    """The file of the disk with that tree."""
    disk, tree = f"{FOLDER}/{name}.ext2", f"{FOLDER}/{name}-tree"
    if not os.path.exists(disk):
        unpack(tree, packages)
        subprocess.run(["mke2fs", "-q", "-F", "-t", "ext2", "-d", tree, f"{disk}.new", size], check=True,
                       stdout=subprocess.DEVNULL)
        os.rename(f"{disk}.new", disk)
    return disk
