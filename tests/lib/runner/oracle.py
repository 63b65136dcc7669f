# SPDX-License-Identifier: MPL-2.0
"""Debian's Linux 6.1, unpacked (not installed) from Debian's archive into build/oracle."""

import glob
import lzma
import os
import re
import shutil
import subprocess

FOLDER = "build/oracle"


def provide():
    """Makes build/oracle/vmlinuz exist. Uses the network the first time only."""
    if os.path.exists(f"{FOLDER}/vmlinuz"):
        return
    os.makedirs(FOLDER, exist_ok=True)
    depends = subprocess.run(["apt-cache", "depends", "linux-image-amd64"], capture_output=True,
                             text=True, check=True).stdout
    package = re.search(r"Depends: (linux-image-\S+)", depends).group(1)
    subprocess.run(["apt-get", "-o", "Acquire::Retries=5", "download", package], cwd=FOLDER, check=True)
    archive = glob.glob(f"{FOLDER}/{package}_*.deb")[0]
    subprocess.run(["dpkg", "-x", archive, f"{FOLDER}/x"], check=True)
    shutil.copy(glob.glob(f"{FOLDER}/x/boot/vmlinuz-*")[0], f"{FOLDER}/vmlinuz")


def uncompressed():
    """The path of the ELF file inside vmlinuz, for boot by PVH."""
    provide()
    path = f"{FOLDER}/vmlinux"
    if not os.path.exists(path):
        with open(f"{FOLDER}/vmlinuz", "rb") as stream:
            image = stream.read()
        start = image.index(b"\xfd7zXZ\x00")
        with open(path, "wb") as stream:
            stream.write(lzma.LZMADecompressor().decompress(image[start:]))
    return path
