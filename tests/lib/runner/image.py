# SPDX-License-Identifier: MPL-2.0
"""A machine that boots the disk image, with a shell on its console.

Each boot writes to a throw-away layer above the image, so scenarios do not disturb each other. The
same disk boots on Linux and on Keelson with the same command line; for Linux the initramfs gets
the modules of the disk driver in front.
"""

import os
import re
import subprocess

from . import machine, oracle, scenarios

RAW = "build/images/keelson-x86_64.raw"
INITRAMFS = "build/initramfs.cpio.gz"
FOLDER = "build/tests/images"
COMMAND_LINE = "root=PARTLABEL=root-a rw console=ttyS0 quiet panic=-1"
READY = r"keelson: ready"
PROMPT = r"keelson:\S* ?# "
SECTOR = 512


def provide():
    """The image must be there and no older than what it is made from (without a kernel if none is built)."""
    os.makedirs(FOLDER, exist_ok=True)
    words = ["image-builder/build-image", "--if-changed", "configs/images/keelson-x86_64.yml"]
    if not os.path.exists("build/kernel/keelson.elf"):
        words.insert(1, "--without-kernel")
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)


def other(name):
    """The image NAME of configs/images in a build folder of its own, made again when it would differ."""
    provide()
    os.makedirs(f"build/{name}", exist_ok=True)
    if os.path.isdir("build/download") and not os.path.exists(f"build/{name}/download"):
        os.symlink("../download", f"build/{name}/download")
    subprocess.run(["image-builder/build-image", "--without-kernel", "--if-changed",
                    "--output", f"build/{name}", f"configs/images/{name}-x86_64.yml"],
                   check=True, stdout=subprocess.DEVNULL)
    return f"build/{name}/images/{name}-x86_64.raw"


def layer(name, base=RAW):
    """A new writable disk above the image; what is written there stays there."""
    provide()
    path = f"{FOLDER}/{name}.qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b",
                    os.path.abspath(base), path], check=True)
    return path


def initramfs_for(kernel):
    if kernel == "keelson":
        return INITRAMFS
    oracle.provide()
    path = f"{FOLDER}/initramfs-linux.cpio"
    subprocess.run(["image-builder/linux-initramfs", "build/oracle/x", path], check=True,
                   stdout=subprocess.DEVNULL)
    return path


def boot(options, disks, name, command_line=COMMAND_LINE, initrd=None, smp=None,
         mem=None, more=()):
    """Starts QEMU; disks are paths of qcow2 or raw files, the first is /dev/vda."""
    words = ["-M", "pc", "-m", str(mem or options.mem), "-smp", str(smp or options.smp),
             "-cpu", "max,-la57", "-device", "virtio-rng-pci",
             "-kernel", machine.kernel_path(options.kernel),
             "-initrd", initrd or initramfs_for(options.kernel), "-append", command_line]
    for number, disk in enumerate(disks):
        kind = "qcow2" if disk.endswith(".qcow2") else "raw"
        words += ["-drive", f"file={disk},format={kind},if=none,id=disk{number}",
                  "-device", f"virtio-blk-pci,drive=disk{number}"]
    words += more
    return machine.Machine(words, f"{FOLDER}/{name}-{options.kernel}.log")


class Shell:
    """The prompt of a booted image."""

    def __init__(self, guest):
        self.guest = guest
        self.count = 0

    def wait_ready(self, limit_s=300):
        self.guest.expect(READY, limit_s=limit_s)
        self.guest.expect(PROMPT, limit_s=60)
        # a very wide terminal, so that long lines are not folded into the output
        self.run("stty -echo 2>/dev/null; PS2=")
        return self

    def run(self, command, limit_s=120):
        """The output and the exit status of a command line."""
        self.count += 1
        mark = f"end-{self.count}"
        self.guest.send(f"{command}\necho \"{mark[:2]}\"\"{mark[2:]}=$?\"\n")
        match = self.guest.expect(rf"(.*?){mark}=(\d+)\n", limit_s=limit_s)
        self.guest.expect(PROMPT, limit_s=30)
        text = match.group(1).decode(errors="replace")
        text = re.sub(PROMPT, "", text)
        return text, int(match.group(2))

    def check(self, command, pattern=None, limit_s=120):
        """The command must succeed and its output must match."""
        text, status = self.run(command, limit_s)
        if status != 0:
            raise AssertionError(f"{command!r} ended with {status}: {text.strip()[-300:]}")
        if pattern and not re.search(pattern, text, re.M):
            raise AssertionError(f"{command!r} printed {text.strip()[-300:]!r}, "
                                 f"wanted {pattern!r}")
        return text

    def power_off(self):
        self.guest.send("poweroff\n")
        self.guest.wait_end()


def partitions(raw):
    """(name, first byte, size in bytes) of each GPT partition of a raw disk."""
    listing = subprocess.run(["sgdisk", "-p", raw], capture_output=True, text=True, check=True)
    found = []
    for line in listing.stdout.splitlines():
        match = re.match(r"\s+\d+\s+(\d+)\s+(\d+)\s+\S+ \S+\s+\S+\s+(\S+)", line)
        if match:
            first, last = int(match.group(1)), int(match.group(2))
            found.append((match.group(3), first * SECTOR, (last - first + 1) * SECTOR))
    return found


def raw_file(disk):
    """A raw copy of a whole disk."""
    raw = disk + ".raw"
    subprocess.run(["qemu-img", "convert", "-O", "raw", disk, raw], check=True)
    return raw


def partition_file(disk, name):
    """A copy of one partition of a disk as a file of its own."""
    raw = raw_file(disk)
    for found, first, size in partitions(raw):
        if found == name:
            path = f"{disk}.{name}"
            subprocess.run(["dd", f"if={raw}", f"of={path}", "bs=64K", "iflag=skip_bytes,count_bytes",
                            f"skip={first}", f"count={size}", "conv=sparse", "status=none"],
                           check=True)
            os.unlink(raw)
            return path
    raise AssertionError(f"no partition {name} on {disk}")


def check_clean(disk, name=None, repair="-fn"):
    """e2fsck must find nothing wrong (-fn) in the partition or on the whole disk, or be able to repair it (-fy)."""
    path = partition_file(disk, name) if name else raw_file(disk)
    result = subprocess.run(["e2fsck", repair, path], capture_output=True, text=True, check=False)
    accepted = (0,) if repair == "-fn" else (0, 1, 2)
    if result.returncode not in accepted:
        raise AssertionError(f"e2fsck {repair} on {name}: {result.stdout.strip()[-400:]}")
    os.unlink(path)


Skip = scenarios.Skip
