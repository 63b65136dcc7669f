# SPDX-License-Identifier: MPL-2.0
"""GRUB for BIOS: boot.img in the MBR loads core.img from the BIOS-boot partition, core.img reads
/boot/grub/grub.cfg from the root. Its installer needs a mounted disk and root; writing the three
block addresses into the two images is all that it would do here."""
import os
import struct
import subprocess

from steps.problem import Problem

MODULES = ["biosdisk", "part_gpt", "ext2", "normal", "multiboot2", "linux", "serial", "terminal",
           "echo", "test", "boot", "configfile", "search", "search_label", "halt", "reboot"]
GRUB_FILES = "/usr/lib/grub/i386-pc"

SECTOR = 512
MBR_CODE = 440                  # bytes of boot.img that are code; a partition table follows
MBR_PARAMETERS_END = 0x5a       # BIOS parameter block, left as it is
MBR_KERNEL_SECTOR = 0x5c        # where boot.img finds the sector of core.img
MBR_DRIVE_CHECK = 0x66          # a jump that trusts DL; two NOPs on hard disks
CORE_BLOCKLIST = SECTOR - 12    # in core.img's first sector: sector, length, segment
CORE_SEGMENT = 0x820


def configuration(plan):
    name = os.path.basename(plan.kernel)
    if plan.protocol == "multiboot2":
        load = (f"\tmultiboot2 /boot/{name} {plan.command_line}\n"
                "\tmodule2 /boot/initramfs.cpio.gz\n")
    else:
        load = f"\tlinux /boot/{name} {plan.command_line}\n\tinitrd /boot/initramfs.cpio.gz\n"
    return ("serial --unit=0 --speed=115200\n"
            "terminal_input serial console\n"
            "terminal_output serial console\n"
            "set timeout=0\n"
            "set default=0\n"
            f"menuentry 'Keelson' {{\n{load}}}\n")


def core_image(plan, root):
    core = os.path.join(plan.work, "core.img")
    missing = [name for name in MODULES
               if not os.path.exists(os.path.join(GRUB_FILES, f"{name}.mod"))]
    if missing:
        raise Problem(f"{GRUB_FILES} lacks {', '.join(missing)}: install grub-pc-bin")
    subprocess.run(["grub-mkimage", "-O", "i386-pc", "-o", core, "-p",
                    f"(,gpt{root.number})/boot/grub", *MODULES], check=True)
    with open(core, "rb") as file:
        return bytearray(file.read())


def find(placed, what):
    for at in placed:
        if what(at.partition):
            return at
    raise Problem("the image has no bios-boot partition or no root to boot from")


def install(plan, disk, placed):
    home = find(placed, lambda partition: partition["type"] == "bios-boot")
    root = find(placed, lambda partition: partition.get("content") == "rootfs")
    core = core_image(plan, root)
    if len(core) > home.size:
        raise Problem(f"GRUB's core image ({len(core)} bytes) does not fit its partition")
    sectors = -(-len(core) // SECTOR)
    struct.pack_into("<QHH", core, CORE_BLOCKLIST, home.first + 1, sectors - 1, CORE_SEGMENT)
    disk.seek(home.first * SECTOR)
    disk.write(core)

    with open(os.path.join(GRUB_FILES, "boot.img"), "rb") as file:
        code = bytearray(file.read(MBR_CODE))
    struct.pack_into("<Q", code, MBR_KERNEL_SECTOR, home.first)
    code[MBR_DRIVE_CHECK:MBR_DRIVE_CHECK + 2] = b"\x90\x90"
    disk.seek(0)
    old = disk.read(MBR_PARAMETERS_END)
    code[3:MBR_PARAMETERS_END] = old[3:MBR_PARAMETERS_END]
    disk.seek(0)
    disk.write(code)
