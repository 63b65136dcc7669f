# SPDX-License-Identifier: MPL-2.0
"""The first whole: boot, two containers, a shell, power off, clean file systems."""

import re

from runner import image
from runner.scenarios import long

SETTLE_TRIES = 10
COUNTERS = r"""
echo mem=$(awk '/^MemAvailable/{print $2}' /proc/meminfo)
echo slab=$(awk '/^Slab:/{print $2}' /proc/meminfo)
echo mounts=$(wc -l < /proc/self/mountinfo)
echo tasks=$(ls -d /proc/[0-9]* | wc -l)
echo groups=$(find /sys/fs/cgroup -type d | wc -l)
""".strip().replace("\n", "; ")


def scenario_boot_to_power_off(options):
    """`keelson: ready`, a prompt, `keel ps` lists both units, power off leaves clean disks."""
    disk = image.layer("boot")
    with image.boot(options, [disk], "boot") as guest:
        shell = image.Shell(guest).wait_ready()
        listing = shell.check("keel ps -a")
        for name in ("web", "hello"):
            if not re.search(rf"\b{name}\b", listing):
                raise AssertionError(f"keel ps does not list {name}: {listing}")
        shell.check("uname -s", r"^Linux$")
        shell.check("mount", r" on / type ext2 \(rw")
        shell.check("id", r"uid=0")
        shell.power_off()
    image.check_clean(disk, "root-a")
    image.check_clean(disk, "data")


def scenario_container_sees_its_own_world(options):
    with image.boot(options, [image.layer("world")], "world") as guest:
        shell = image.Shell(guest).wait_ready()
        shell.check("for i in $(seq 60); do keel exec web true && break; sleep 1; done")
        shell.check("keel exec web hostname", r"^web$")
        shell.check("keel exec web id", r"uid=65534")
        processes = shell.check("keel exec web ps")
        if re.search(r"keelson|/sbin/init", processes):
            raise AssertionError(f"the container sees the host's processes: {processes}")
        shell.check("keel exec web ps", r"^\s*1 ")
        mounts = shell.check("keel exec web mount")
        if "/dev/vda2" in mounts.replace("on / ", "") and "/boot" in mounts:
            raise AssertionError(f"the container sees the host's mounts: {mounts}")
        _, status = shell.run("keel exec web touch /file")
        if status == 0:
            raise AssertionError("a read-only container's root could be written")
        shell.check("for i in $(seq 20); do keel exec web wget -qO- http://127.0.0.1/ && break; sleep 1; done",
            r"Served by a container")


def scenario_container_cannot_reach_beyond(options):
    """The default seccomp filter refuses mounts and namespaces; ordinary programs do not notice it."""
    with image.boot(options, [image.layer("filter")], "filter") as guest:
        shell = image.Shell(guest).wait_ready()
        run = "keel run --rm rootfs:/var/lib/images/busybox"
        shell.check(f"{run} grep Seccomp: /proc/self/status", r"^Seccomp:\s*2$")
        for command in ("mount -t tmpfs none /tmp", "unshare -n true", "unshare -U true", "umount /sys"):
            text, status = shell.run(f"{run} {command}")
            if status == 0 or not re.search("not permitted|denied", text):
                raise AssertionError(f"{command} ended with {status}: {text}")
        shell.check(f"{run} sh -c 'sleep 0 & wait; echo threads and forks work'", r"^threads and forks work$")


def scenario_container_output_and_codes(options):
    with image.boot(options, [image.layer("codes")], "codes") as guest:
        shell = image.Shell(guest).wait_ready()
        shell.check("keel wait hello; keel logs hello", r"Hello from hello, process 1 ")
        run = "keel run --rm rootfs:/var/lib/images/busybox"
        shell.check(f"{run} echo from-inside", r"^from-inside$")
        for command, wanted in (("sh -c 'exit 7'", 7), ("/no/such/file", 127)):
            _, status = shell.run(f"{run} {command}")
            if status != wanted:
                raise AssertionError(f"{command!r} ended with {status}, wanted {wanted}")
        shell.check(f"{run} sh -c 'echo $$'", r"^1$")
        shell.check("echo through | keel run --rm -i rootfs:/var/lib/images/busybox cat",
                    r"^through$")
        shell.check("keel run --rm --hostname other rootfs:/var/lib/images/busybox hostname",
                    r"^other$")


def scenario_stop_and_start(options):
    with image.boot(options, [image.layer("stop")], "stop") as guest:
        shell = image.Shell(guest).wait_ready()
        shell.check("for i in $(seq 60); do keel exec web true && break; sleep 1; done")
        shell.check("keel stop web")
        _, status = shell.run("keel exec web true")
        if status == 0:
            raise AssertionError("exec in a stopped container succeeded")
        shell.check("keel start web")
        shell.check("for i in $(seq 60); do keel exec web true && break; sleep 1; done")


def scenario_limits_hold(options):
    """A fork bomb and a memory hog end inside their container; the machine goes on."""
    with image.boot(options, [image.layer("limits")], "limits") as guest:
        shell = image.Shell(guest).wait_ready()
        run = "keel run --rm --pids-limit 20 --memory 32m rootfs:/var/lib/images/busybox"
        shell.run(f"{run} sh -c 'f() {{ f | f & }}; f; sleep 2'", limit_s=180)
        _, status = shell.run(f"{run} sh -c 'x=a; while :; do x=$x$x; done'", limit_s=180)
        if status == 0:
            raise AssertionError("a memory hog ended well under memory.max")
        shell.check("keel ps", r"\bweb\b")


def counters(shell):
    text = shell.check(COUNTERS)
    return {name: int(value) for name, value in re.findall(r"^(\w+)=(\d+)$", text, re.M)}


def settled_counters(shell, before):
    """What ends may still be ending when the command that started it has come back."""
    after = counters(shell)
    for _ in range(SETTLE_TRIES):
        if all(after[key] <= before[key] for key in ("mounts", "tasks", "groups")):
            break
        shell.check("sleep 1")
        after = counters(shell)
    return after


def start_many(options, rounds, name):
    """Many containers come and go; tasks, mounts and groups return exactly, memory nearly."""
    with image.boot(options, [image.layer(name)], name) as guest:
        shell = image.Shell(guest).wait_ready()
        one = "keel run --rm --network none rootfs:/var/lib/images/busybox true"
        shell.check(f"for i in $(seq 20); do {one} || break; done", limit_s=300)
        before = counters(shell)
        done = 0
        while done < rounds:
            part = min(50, rounds - done)
            shell.check(f"for i in $(seq {part}); do {one} || exit 1; done", limit_s=600)
            done += part
        after = settled_counters(shell, before)
        for key in ("mounts", "tasks", "groups"):
            if after[key] > before[key] + (2 if key == "tasks" else 0):
                raise AssertionError(f"{key} grew from {before[key]} to {after[key]}")
        lost_kib = before["mem"] - after["mem"]
        if lost_kib > 2048 + rounds // 2:
            raise AssertionError(f"{lost_kib} KiB of memory are gone after {rounds} starts")


def scenario_two_hundred_starts_leak_nothing(options):
    start_many(options, 200, "starts")


@long
def scenario_ten_thousand_starts_leak_nothing(options):
    start_many(options, 10000, "many-starts")
