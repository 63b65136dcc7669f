# SPDX-License-Identifier: MPL-2.0
"""A Debian minbase tree, unpacked by debootstrap once and cached in build/, runs as a container."""

import os
import shutil
import subprocess

from runner import image
from runner.scenarios import Skip

TREE = "build/debian/tree"
DISK = "build/debian/debian.ext2"
MIRROR = "http://deb.debian.org/debian"


def provide():
    if os.path.exists(DISK):
        return
    if not shutil.which("debootstrap") or os.geteuid() != 0:
        raise Skip("debootstrap needs root and the debootstrap package")
    if not os.path.exists(f"{TREE}/var/lib/dpkg/status"):
        os.makedirs(os.path.dirname(TREE), exist_ok=True)
        result = subprocess.run(["debootstrap", "--variant=minbase", "bookworm", TREE, MIRROR],
                                capture_output=True, text=True, check=False)
        if result.returncode:
            raise Skip("debootstrap failed: " + result.stdout.strip()[-200:])
    for folder in ("var/cache/apt/archives", "var/lib/apt/lists", "usr/share/doc", "usr/share/locale"):
        shutil.rmtree(f"{TREE}/{folder}", ignore_errors=True)
        os.makedirs(f"{TREE}/{folder}", exist_ok=True)
    subprocess.run(["mke2fs", "-q", "-F", "-t", "ext2", "-d", TREE, DISK, "400M"], check=True,
                   stdout=subprocess.DEVNULL)


def disk():
    provide()
    path = f"{image.FOLDER}/debian.qcow2"
    os.makedirs(image.FOLDER, exist_ok=True)
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b",
                    os.path.abspath(DISK), path], check=True)
    return path


def scenario_minbase_as_a_container(options):
    """bash, ls -R /, dpkg -l: dynamic glibc binaries from Debian, unmodified."""
    second = disk()
    with image.boot(options, [image.layer("debian-host"), second], "debian") as guest:
        shell = image.Shell(guest).wait_ready()
        shell.check("mkdir -p /run/debian && mount -t ext2 /dev/vdb /run/debian")
        run = "keel run --rm --name deb rootfs:/run/debian"
        shell.check(f"{run} bash -c 'echo $BASH_VERSION; echo $((6*7))'", r"^5\.2.*\n42$")
        shell.check(f"{run} bash -c 'ls -R / 2>/dev/null | wc -l'", r"^\d{4,}$", limit_s=300)
        shell.check(f"{run} bash -c 'dpkg -l | grep -c ^ii'", r"^\d{2,3}$", limit_s=120)
        shell.check(f"{run} bash -c 'apt-get --version | head -1'", r"^apt 2\.", limit_s=120)
        shell.check(f"{run} perl -e 'print join(\",\", map {{$_*$_}} 1..5), \"\\n\"'",
                    r"^1,4,9,16,25$", limit_s=120)
        shell.check(f"{run} bash -c 'for i in $(seq 200); do /bin/true; done; echo done'",
                    r"^done$", limit_s=300)
        shell.check("chroot /run/debian bash -c 'cat /etc/debian_version'", r"^12\.")
        shell.check("umount /run/debian")
        shell.power_off()
    result = subprocess.run(["qemu-img", "convert", "-O", "raw", second, second + ".raw"],
                            check=True)
    result = subprocess.run(["e2fsck", "-fn", second + ".raw"], capture_output=True, text=True,
                            check=False)
    os.unlink(second + ".raw")
    if result.returncode:
        raise AssertionError("e2fsck: " + result.stdout.strip()[-300:])
