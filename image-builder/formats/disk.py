# SPDX-License-Identifier: MPL-2.0
"""Puts the disk together: file systems, partition table, boot loader, then each wanted format."""
import os
import shutil
import subprocess

from boot import grub
from formats import beside, ext2, fat
from partitions import gpt, layout
from steps.problem import Problem

HOLE = 1 << 16


def copy_sparse(source, disk, offset):
    """Copies a partition's file, leaving holes for zeroes."""
    with open(source, "rb") as file:
        while chunk := file.read(HOLE):
            if chunk.count(0) != len(chunk):
                disk.seek(offset)
                disk.write(chunk)
            offset += len(chunk)


def install_kernel(plan, path):
    """Our ELF without its debug information (GRUB would load that too); others as they are."""
    if plan.protocol == "multiboot2":
        subprocess.run(["objcopy", "--strip-all", plan.kernel, path], check=True)
    else:
        shutil.copyfile(plan.kernel, path)


def stage_boot(plan):
    """The root tree plus what the boot loader reads from it."""
    boot = os.path.join(plan.rootfs, "boot")
    os.makedirs(os.path.join(boot, "grub"), exist_ok=True)
    if plan.without_kernel:
        return
    if not os.path.exists(plan.kernel):
        raise Problem(f"{plan.kernel} is not there: `make kernel` builds it, --without-kernel "
                      "makes a disk without one")
    install_kernel(plan, os.path.join(boot, os.path.basename(plan.kernel)))
    shutil.copyfile(plan.initramfs, os.path.join(boot, "initramfs.cpio.gz"))
    with open(os.path.join(boot, "grub", "grub.cfg"), "w", encoding="utf-8") as file:
        file.write(grub.configuration(plan))


def make_partition(plan, partition):
    path = plan.partition_path(partition)
    kind = partition.get("format", "none")
    if kind == "ext2":
        source = plan.rootfs if partition.get("content") == "rootfs" else None
        ext2.make(path, partition, plan, source)
    elif kind == "fat":
        fat.make(path, partition, plan)
    else:
        return None
    return path


def write_raw(plan, path):
    placed, size = layout.place(plan)
    with open(path, "w+b") as disk:
        disk.truncate(size)
        gpt.write(disk, plan.uuid("disk"), placed, size)
        for at in placed:
            source = make_partition(plan, at.partition)
            if source:
                copy_sparse(source, disk, at.first * gpt.SECTOR)
                os.remove(source)
        if not plan.without_kernel:
            grub.install(plan, disk, placed)


def build(plan):
    os.makedirs(plan.work, exist_ok=True)
    os.makedirs(plan.images, exist_ok=True)
    stage_boot(plan)
    write_raw(plan, plan.raw + ".new")
    os.replace(plan.raw + ".new", plan.raw)
    made = [plan.raw]
    if "qcow2" in plan.image["formats"]:
        subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", "qcow2", plan.raw,
                        plan.qcow2 + ".new"], check=True)
        os.replace(plan.qcow2 + ".new", plan.qcow2)
        made.append(plan.qcow2)
    beside.write_all(plan, made)
    for path in made:
        stored = os.stat(path).st_blocks * 512 >> 10
        print(f"built {os.path.relpath(path)}: {os.path.getsize(path) >> 20} MiB, "
              f"{stored} KiB on disk")
