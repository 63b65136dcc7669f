# SPDX-License-Identifier: MPL-2.0
"""How the image boots, and what damage to it does: a precise message, nothing lost."""

import gzip
import os
import subprocess

from runner import image, machine
from runner.scenarios import Skip

SECTOR = 512


def boot_and_stop(options, disks, name, **more):
    with image.boot(options, disks, name, **more) as guest:
        shell = image.Shell(guest).wait_ready()
        text = shell.check("cat /proc/cmdline; nproc; mount")
        shell.power_off()
    return text


def expect_refusal(options, disks, name, pattern, **more):
    """The machine must say why it cannot go on; it must not hang without a word or panic oddly."""
    with image.boot(options, disks, name, **more) as guest:
        try:
            guest.expect(pattern, limit_s=120)
        except machine.MachineError as error:
            text = guest.text.decode(errors="replace")
            raise AssertionError(f"no message like {pattern!r}: {error}; {text[-300:]}") from error


def scenario_on_1_2_4_and_8_processors(options):
    for smp in (1, 2, 4, 8):
        text = boot_and_stop(options, [image.layer(f"smp{smp}")], f"smp{smp}", smp=smp)
        if f"\n{smp}\n" not in text:
            raise AssertionError(f"nproc is not {smp}: {text[:200]}")


def scenario_root_by_label_and_uuid_and_device(options):
    for word in ("LABEL=KEELSON-ROOT", "/dev/vda3", "PARTLABEL=root-a"):
        line = image.COMMAND_LINE.replace("PARTLABEL=root-a", word)
        boot_and_stop(options, [image.layer("root")], "root", command_line=line)


def scenario_boot_loader(options):
    """GRUB on the disk loads the kernel from the disk: no -kernel."""
    if options.kernel != "keelson":
        raise Skip("the image carries Keelson's kernel only")
    words = ["-M", "q35", "-m", str(options.mem), "-smp", str(options.smp), "-cpu", "max",
             "-drive", f"file={image.layer('grub')},format=qcow2,if=none,id=disk",
             "-device", "virtio-blk-pci,drive=disk"]
    with machine.Machine(words, f"{image.FOLDER}/grub.log") as guest:
        image.Shell(guest).wait_ready().power_off()


def scenario_machine_q35(options):
    words = ["-M", "q35", "-m", str(options.mem), "-smp", str(options.smp), "-cpu", "max,-la57",
             "-kernel", machine.kernel_path(options.kernel),
             "-initrd", image.initramfs_for(options.kernel), "-append", image.COMMAND_LINE,
             "-drive", f"file={image.layer('q35')},format=qcow2,if=none,id=disk",
             "-device", "virtio-blk-pci,drive=disk"]
    with machine.Machine(words, f"{image.FOLDER}/q35-{options.kernel}.log") as guest:
        image.Shell(guest).wait_ready().power_off()


def scenario_machine_microvm(options):
    """No PCI: the disk is virtio over MMIO."""
    words = ["-M", "microvm", "-m", str(options.mem), "-smp", str(options.smp),
             "-cpu", "max,-la57", "-kernel", machine.kernel_path(options.kernel),
             "-initrd", image.initramfs_for(options.kernel), "-append", image.COMMAND_LINE,
             "-drive", f"file={image.layer('microvm')},format=qcow2,if=none,id=disk",
             "-device", "virtio-blk-device,drive=disk"]
    with machine.Machine(words, f"{image.FOLDER}/microvm-{options.kernel}.log") as guest:
        shell = image.Shell(guest).wait_ready()
        shell.check("mount", r" on / type ext2 \(rw")
        shell.power_off()


def scenario_what_is_written_survives(options):
    disk = image.layer("survive")
    with image.boot(options, [disk], "survive-1") as guest:
        shell = image.Shell(guest).wait_ready()
        shell.check("for i in $(seq 100); do echo $i > /var/data/f$i; done; mkdir /var/data/d")
        shell.check("dd if=/dev/urandom of=/var/data/big bs=64k count=64 2>/dev/null")
        wanted = shell.check("md5sum /var/data/big").split()[0]
        shell.power_off()
    image.check_clean(disk, "root-a")
    image.check_clean(disk, "data")
    with image.boot(options, [disk], "survive-2") as guest:
        shell = image.Shell(guest).wait_ready()
        shell.check("cat /var/data/f77", r"^77$")
        shell.check("md5sum /var/data/big", wanted)
        shell.power_off()


def scenario_three_disks_in_1_gib(options):
    """A root, a disk with files and a raw disk; what sync wrote is there at once."""
    files, raw = f"{image.FOLDER}/files.ext2", f"{image.FOLDER}/raw.disk"
    for path in (files, raw):
        with open(path, "wb") as stream:
            stream.truncate(100 << 20)
    subprocess.run(["mke2fs", "-q", "-F", "-t", "ext2", files], check=True, stdout=subprocess.DEVNULL)
    with image.boot(options, [image.layer("three"), files, raw], "three", mem=1024) as guest:
        shell = image.Shell(guest).wait_ready()
        shell.check("mkdir -p /run/files && mount -t ext2 /dev/vdb /run/files")
        shell.check("yes 0123456789abcde | dd of=/dev/vdc bs=1M count=64 iflag=fullblock 2>/dev/null", limit_s=300)
        shell.check("dd if=/dev/vdc of=/run/files/copy bs=1M count=64 2>/dev/null", limit_s=300)
        wanted = shell.check("md5sum < /dev/vdc", limit_s=300).split()[0]
        shell.check("echo written | dd of=/dev/vdc bs=512 seek=200000 conv=notrunc 2>/dev/null; sync", limit_s=120)
        guest.stop()    # as if the power went
    with open(raw, "rb") as stream:
        stream.seek(512 * 200000)
        if stream.read(8) != b"written\n":
            raise AssertionError("sync did not write the raw disk")
    subprocess.run(["e2fsck", "-fy", files], capture_output=True, check=False)
    with image.boot(options, [image.layer("three"), files], "three-again", mem=1024) as guest:
        shell = image.Shell(guest).wait_ready()
        shell.check("mkdir -p /run/files && mount -t ext2 /dev/vdb /run/files")
        size, end = 64 << 20, (100 - 64) << 20
        shell.check(f"(cat /run/files/copy; head -c {end} /dev/zero) | md5sum", wanted, limit_s=300)
        shell.check("stat -c %s /run/files/copy", rf"^{size}$")
        shell.power_off()
    for path in (files, raw):
        os.unlink(path)


def scenario_power_loss_keeps_synced_data(options):
    """The machine is killed in a storm of writes, at several moments; what was synced is there."""
    for moment_s in (1, 3):
        disk = image.layer("power")
        with image.boot(options, [disk], "power-1") as guest:
            shell = image.Shell(guest).wait_ready()
            shell.check("echo kept > /var/data/synced; sync")
            guest.send("while :; do for i in 1 2 3 4 5 6 7 8; do echo $i > /var/data/x$i; "
                       "mkdir -p /var/data/d$i; mv /var/data/x$i /var/data/d$i/; "
                       "rm -rf /var/data/d$((i-1)); done; done\n")
            guest.let_run(moment_s)
            guest.stop()
        image.check_clean(disk, "root-a", "-fy")
        image.check_clean(disk, "data", "-fy")
        path = image.partition_file(disk, "data")
        text = ""
        subprocess.run(["e2fsck", "-fy", path], capture_output=True, check=False)
        for place in ("synced", "data/synced"):
            shown = subprocess.run(["debugfs", "-R", f"cat /{place}", path], capture_output=True,
                                   text=True, check=False)
            text += shown.stdout
        root = image.partition_file(disk, "root-a")
        subprocess.run(["e2fsck", "-fy", root], capture_output=True, check=False)
        shown = subprocess.run(["debugfs", "-R", "cat /var/data/synced", root],
                               capture_output=True, text=True, check=False)
        if "kept" not in text + shown.stdout:
            raise AssertionError("synced data was lost")
        os.unlink(path)
        os.unlink(root)


def scenario_power_loss_keeps_what_is_old(options):
    """Nobody says sync: names, sizes and content are written by themselves when they have been dirty for long."""
    disk = image.layer("power-old")
    with image.boot(options, [disk], "power-old-1") as guest:
        shell = image.Shell(guest).wait_ready()
        shell.check("cd /proc/sys/vm && echo 100 > dirty_expire_centisecs && echo 50 > dirty_writeback_centisecs")
        shell.check("mkdir /var/data/old && cd /var/data/old && yes kept | head -c 100000 > a && echo more >> a && "
                    "touch b && mv b c")
        # In parts: a host that has no time for this machine takes away one of them, not all.
        shell.check("for i in $(seq 16); do sleep 0.5; done")
        guest.stop()
    image.check_clean(disk, "root-a", "-fy")
    image.check_clean(disk, "data", "-fy")
    with image.boot(options, [disk], "power-old-2") as guest:
        shell = image.Shell(guest).wait_ready()
        shell.check("cd /var/data/old && ls -x", r"^a +c$")
        shell.check("stat -c %s a", r"^100005$")
        shell.check("(yes kept | head -c 100000; echo more) | cmp - a")
        shell.power_off()


def scenario_power_loss_under_an_overlay(options):
    """The machine is killed while an overlay's upper layer on the disk changes; both layers' synced files are there."""
    disk = image.layer("power-overlay")
    with image.boot(options, [disk], "power-overlay") as guest:
        shell = image.Shell(guest).wait_ready()
        shell.check("cd /var/data && mkdir l u w m && for i in 1 2 3 4 5 6 7 8; do echo low > l/f$i; done; sync")
        shell.check("mount -t overlay overlay -o lowerdir=l,upperdir=u,workdir=w m && echo kept > m/synced; sync")
        guest.send("while :; do for i in 1 2 3 4 5 6 7 8; do echo $i >> m/f$i; mv m/f$i m/g$i; "
                   "mkdir -p m/f$i; rm -rf m/f$i; ln -s g$i m/f$i; rm m/f$i m/g$i; cp l/f$i m/f$i; done; done\n")
        guest.let_run(2)
        guest.stop()
    image.check_clean(disk, "root-a", "-fy")
    image.check_clean(disk, "data", "-fy")
    found = ""
    for name in ("data", "root-a"):
        path = image.partition_file(disk, name)
        subprocess.run(["e2fsck", "-fy", path], capture_output=True, check=False)
        for place in ("", "data/", "var/data/"):
            for file in ("u/synced", "l/f1", "l/f8"):
                shown = subprocess.run(["debugfs", "-R", f"cat /{place}{file}", path],
                                       capture_output=True, text=True, check=False)
                found += shown.stdout
        os.unlink(path)
    if found.count("kept") != 1 or found.count("low") != 2:
        raise AssertionError(f"synced files were lost: {found!r}")


def damaged(name, first, count, byte=0):
    """A copy of the raw image with some sectors overwritten."""
    image.provide()
    path = f"{image.FOLDER}/{name}.raw"
    subprocess.run(["cp", "--sparse=always", image.RAW, path], check=True)
    with open(path, "r+b") as disk:
        disk.seek(first * SECTOR)
        disk.write(bytes([byte]) * (count * SECTOR))
    return path


def scenario_primary_partition_table_gone(options):
    """The backup table at the end of the disk is used, or the message says what is wrong."""
    disk = damaged("gpt", 1, 33)
    with image.boot(options, [disk], "gpt") as guest:
        guest.expect(r"keelson: ready|partition|root-a|PARTLABEL", limit_s=200)
    os.unlink(disk)


def scenario_both_partition_tables_gone(options):
    disk = damaged("gpt2", 1, 33)
    sectors = os.path.getsize(disk) // SECTOR
    with open(disk, "r+b") as stream:
        stream.seek((sectors - 33) * SECTOR)
        stream.write(bytes(33 * SECTOR))
    expect_refusal(options, [disk], "gpt2", r"root-a|PARTLABEL")
    os.unlink(disk)


def scenario_garbage_in_the_partition_table(options):
    disk = damaged("gpt3", 2, 32, 0xff)
    with image.boot(options, [disk], "gpt3") as guest:
        guest.expect(r"keelson: ready|partition|root-a|PARTLABEL", limit_s=200)
    os.unlink(disk)


def root_start():
    image.provide()
    return next(first for name, first, _ in image.partitions(image.RAW) if name == "root-a")


def scenario_damaged_root_superblock(options):
    disk = damaged("super", root_start() // SECTOR + 2, 2)
    expect_refusal(options, [disk], "super", r"(?i)root|ext2|superblock",
                   command_line=image.COMMAND_LINE)
    os.unlink(disk)


def scenario_garbage_in_group_descriptors(options):
    disk = damaged("groups", root_start() // SECTOR + 8, 8, 0xff)
    with image.boot(options, [disk], "groups") as guest:
        guest.expect(r"(?i)keelson: ready|ext2|root|error", limit_s=200)
    os.unlink(disk)


def scenario_no_disk(options):
    expect_refusal(options, [], "nodisk", r"root-a|PARTLABEL")


def scenario_truncated_disk(options):
    image.provide()
    path = f"{image.FOLDER}/short.raw"
    subprocess.run(["cp", "--sparse=always", image.RAW, path], check=True)
    os.truncate(path, root_start() + (20 << 20))
    with image.boot(options, [path], "short") as guest:
        guest.expect(r"(?i)keelson: ready|partition|root|error", limit_s=200)
    os.unlink(path)


def damaged_initramfs(options, name, change):
    with open(image.initramfs_for(options.kernel), "rb") as stream:
        data = stream.read()
    path = f"{image.FOLDER}/{name}.cpio"
    with open(path, "wb") as stream:
        stream.write(change(data))
    return path


def scenario_truncated_initramfs(options):
    path = damaged_initramfs(options, "cut", lambda data: data[:len(data) // 2])
    expect_refusal(options, [image.layer("cut")], "cut", r"(?i)initramfs|init|panic", initrd=path)


def scenario_garbage_initramfs(options):
    path = damaged_initramfs(options, "junk", lambda data: b"\x5a" * 5000)
    expect_refusal(options, [image.layer("junk")], "junk", r"(?i)initramfs|init|panic", initrd=path)


def scenario_uncompressed_initramfs(options):
    def unpacked(data):
        return gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    if options.kernel != "keelson":
        raise Skip("Linux's initramfs is two archives")
    path = damaged_initramfs(options, "plain", unpacked)
    boot_and_stop(options, [image.layer("plain")], "plain", initrd=path)


def scenario_broken_unit_file(options):
    """One bad unit is reported by name; the others start."""
    disk = image.layer("unit")
    with image.boot(options, [disk], "unit-1") as guest:
        shell = image.Shell(guest).wait_ready()
        shell.check("printf 'name: [broken\\n  image' > /etc/containers.d/broken.yaml")
        shell.power_off()
    with image.boot(options, [disk], "unit-2") as guest:
        guest.expect("broken.yaml", limit_s=300)
        guest.expect(image.READY, limit_s=300)
        guest.send("\n")
        guest.expect(image.PROMPT, limit_s=60)
        shell = image.Shell(guest)
        shell.check("for i in $(seq 60); do keel exec web true && break; sleep 1; done")
