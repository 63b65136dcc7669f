# SPDX-License-Identifier: MPL-2.0
"""Runs cases in test machines until each has a result: a panic or a hang costs one case its pass,
and the rest go on in the next machine."""

import os
import re
import subprocess

from . import machine, programs

DISK_MIB, DISK_INODES = 96, 16384
# The second disk of machines that measure: slow, so that it is what programs wait for.
SMALL_DISK_MIB = 2
SLOW_DISK_MIB, SLOW_DISK_BYTES_A_SECOND = 256, 4 << 20
# Suites and programs that measure. The clock of their machines counts instructions, four nanoseconds each, and the
# processors take turns: the guest sees two slow processors, and nothing of how busy this machine is.
MEASURING = ("limits/", "stress/groups/", "syscalls/cgroup/cpu/", "syscalls/cgroup/io/",
             "syscalls/cgroup/pressure/", "syscalls/cgroup/cgroup/cpu_max_throttles",
             "syscalls/cgroup/memory/high_slows_down_and_does_not_kill", "syscalls/time/")
# Programs about more processors than the usual two.
FOUR_PROCESSORS = ("syscalls/cgroup/partition/",)
INSTRUCTION_CLOCK = ["-accel", "tcg,thread=single", "-icount", "shift=2,sleep=on"]
RESULT = re.compile(r"^(ok|not ok) \d+ (\S+?)(?:: (.*)| # skip: (.*))?$")
MEASURED = re.compile(r"^= (.*)$")
BEGIN = re.compile(r"^# (\S+/\S+)$")


def _plan(cases):
    """One command line a program, with the cases it is to run."""
    chosen = {}
    for case in cases:
        program, _, name = case.rpartition("/")
        chosen.setdefault(program, []).append(name)
    lines = []
    for program, chosen_names in chosen.items():
        names = [] if chosen_names == programs.cases(program) else chosen_names
        lines.append(" ".join([f"/tests/{program}", "-g", f"{program}/", *names]))
    return lines


def _make_disk(path):
    """An empty ext2 file system, the disk of the test machine."""
    if os.path.exists(path):
        os.unlink(path)
    subprocess.run(["mke2fs", "-q", "-t", "ext2", "-N", str(DISK_INODES), "-L", "testdisk", path, f"{DISK_MIB}M"],
                   stdout=subprocess.DEVNULL, check=True)


def _slow_disk(path):
    """The QEMU words for a disk of zeros with a limited speed."""
    with open(path, "wb") as stream:
        stream.truncate(SLOW_DISK_MIB << 20)
    speed = f"throttling.bps-total={SLOW_DISK_BYTES_A_SECOND}"
    return ["-drive", f"file={path},format=raw,if=none,id=disk1,{speed}",
            "-device", "virtio-blk-pci,drive=disk1"]


def _small_disk(path):
    """The QEMU words for a second disk with an empty ext2 file system, which a case damages."""
    with open(path, "wb") as stream:
        stream.truncate(SMALL_DISK_MIB << 20)
    subprocess.run(["mke2fs", "-q", "-F", "-t", "ext2", "-b", "1024", "-I", "256", "-N", "64", path],
                   stdout=subprocess.DEVNULL, check=True)
    return ["-drive", f"file={path},format=raw,if=none,id=disk1", "-device", "virtio-blk-pci,drive=disk1"]


def _check_disk(path):
    """What e2fsck finds wrong, or the empty text."""
    result = subprocess.run(["e2fsck", "-fn", path], capture_output=True, text=True, check=False)
    return result.stdout.strip() if result.returncode else ""


PATIENCE_MIN, PATIENCE_MAX = 3, 24      # others may come to this host after the machine has started


def _patience():
    """How much longer than alone, on a planned-for host, a case may take while others use this host, too."""
    busy = max(1, os.getloadavg()[0] / os.cpu_count())
    return min(PATIENCE_MAX, max(PATIENCE_MIN, round(busy * machine.host_slowness())))


def _silence_s(options, clock):
    """Longer than a usual case may take by its own limit, which tells more; this clock takes its time."""
    return options.silence * (4 if clock else 1) + 30


def arguments(options, kernel_file, initrd, disk, name, count=None):
    """The QEMU words of a test machine."""
    count = count or options.smp
    # Errors are shown, for a kernel bug that ends only a task is told as one; Linux's are not asked for.
    level = 4 if options.kernel == "keelson" else 1
    append = f"console=ttyS0 quiet loglevel={level} panic=-1 psi=1 patience={_patience()} "
    append += os.environ.get("KERNEL_ARGS", "")
    return ["-M", "pc", "-m", str(options.mem), "-smp", str(count), "-cpu", "max,-la57",
            "-kernel", kernel_file, "-initrd", initrd, "-append", append,
            "-drive", f"file={disk},format=raw,if=none,id=disk0",
            "-device", "virtio-blk-pci,drive=disk0", "-name", name]


def _boot(options, cases, report):
    """One machine. Returns the cases that have a result now, and why the machine ended early.

    A machine that dies before its first case gives no results: the next would die too.
    """
    folder = f"{programs.BUILD}/{options.kernel}"
    os.makedirs(folder, exist_ok=True)
    initrd, disk, log = f"{folder}/initramfs.cpio", f"{folder}/disk.ext2", f"{folder}/console.log"
    programs.initramfs(options.kernel, sorted({case.rpartition("/")[0] for case in cases}),
                       _plan(cases), initrd)
    _make_disk(disk)
    words = arguments(options, machine.kernel_path(options.kernel), initrd, disk, "keelson-tests",
                      processors(options, cases[0]))
    clock = clock_words(options, cases[0])
    words += clock
    if any(case.startswith("limits/") for case in cases):
        words += _slow_disk(f"{folder}/slow.disk")
    elif any(case.startswith("stress/damage/") for case in cases):
        words += _small_disk(f"{folder}/small.disk")
    wanted, finished, current, trouble = set(cases), set(), None, "the machine ended early"
    with machine.Machine(words, log) as guest:
        try:
            for line in guest.lines(_silence_s(options, clock)):
                begin, result = BEGIN.match(line), RESULT.match(line)
                if begin and begin.group(1) in wanted:
                    report.running = current = begin.group(1)
                elif result and result.group(2) in wanted - finished:
                    kind, case, reason, skip = result.groups()
                    current = None
                    finished.add(case)
                    word = "fail" if kind == "not ok" else "skip" if skip else "ok"
                    report.add(case, word, reason or skip or "")
                elif MEASURED.match(line):
                    print(f"measured {current}: {MEASURED.match(line).group(1)}", flush=True)
                elif "test-init: done" in line:
                    break
        except machine.MachineError as error:
            trouble = str(error)
    left = [case for case in cases if case not in finished]
    if left and (current or finished):
        blamed = current or left[0]
        where = "" if current else "before the case: "
        finished.add(blamed)
        report.add(blamed, "fail", f"{where}{trouble}\n       console: {log}")
    problem = _check_disk(disk)
    if problem and any("/disk/" in case for case in finished):
        report.add("syscalls/disk/e2fsck", "fail", problem)
    return finished, f"{trouble}\n       console: {log}"


def clock_words(options, case):
    """The QEMU words for the clock of the machine that this case runs in."""
    clock = options.clock or ("instructions" if case.startswith(MEASURING) else "host")
    return INSTRUCTION_CLOCK if clock == "instructions" else []


def processors(options, case):
    """How many the machine has that this case runs in."""
    if options.kernel == "linux" and clock_words(options, case):
        return 1    # Linux starts no second one by this clock
    return max(options.smp, 4) if case.startswith(FOUR_PROCESSORS) else options.smp


def run(options, cases, report):
    """Cases that need another clock or more processors run in machines of their own."""
    kinds = {}
    for case in cases:
        kind = (tuple(clock_words(options, case)), processors(options, case))
        kinds.setdefault(kind, []).append(case)
    for chosen in kinds.values():
        _run_alike(options, chosen, report)


def _run_alike(options, cases, report):
    runnable = []
    for case in cases:
        if report.must_not_run(case):
            report.add_unrun(case)
        else:
            runnable.append(case)
    finished, trouble = {None}, ""
    for _ in range(options.max_boots):
        if runnable and finished:
            finished, trouble = _boot(options, runnable, report)
            runnable = [case for case in runnable if case not in finished]
    if runnable:
        report.add_not_run(runnable, trouble)
