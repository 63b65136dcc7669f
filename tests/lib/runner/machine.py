# SPDX-License-Identifier: MPL-2.0
"""A virtual machine on QEMU's software processor, watched through its serial console.

Time-outs are about progress, not about the clock: a machine is given up when it has printed
nothing for a while, because the host may be slow, but a silent machine is a hung one. Time in which
the host had no processor for the machine does not count, and on a host whose processors are slower
than those that the limits were written on all limits are as much longer (host_slowness).
"""

import functools
import glob
import os
import re
import select
import subprocess
import time

# A kernel bug that ends only the task that met it is one, too.
PANIC = re.compile(rb"[Kk]ernel (panic|bug: )|^(\[[^]]*\] ?)?panic:|PANIC", re.M)
SILENCE_S = 60
AFTER_PANIC_S = 3
STORY_LINES = 45
TAIL_LINES = 12
# A loop of the interpreter on the processors on which the limits were written, in seconds of processor time.
LOOP_ROUNDS, LOOP_S = 500_000, 0.036
SLOWNESS_MAX = 16


class MachineError(Exception):
    """The machine ended, hung or panicked when it should not have."""


class NotSeen(MachineError):
    """What was waited for did not come in time."""


def _loop_s():
    begin, value = time.process_time(), 0
    for number in range(LOOP_ROUNDS):
        value = (value * 31 + number) & 0xffffffff
    return time.process_time() - begin


@functools.cache
def host_slowness():
    """How many times slower than planned for this host's processors are: at least 1."""
    return min(SLOWNESS_MAX, max(1.0, min(_loop_s() for _ in range(3)) / LOOP_S))


# What runs now, for whoever has to tell why the whole run is ended from outside.
current = []


def kernel_path(kernel):
    """The file to boot for "keelson" or "linux"; the environment may name others."""
    if kernel == "keelson":
        return os.environ.get("KEELSON", "build/kernel/keelson.elf")
    return os.environ.get("LINUX", "build/oracle/vmlinuz")


class Machine:
    """One run of QEMU. Use it with `with`, so that nothing is left running."""

    def __init__(self, arguments, log=None, environment=None):
        self.log = open(log, "wb") if log else None
        self.text = b""
        self.seen = 0  # how far expect() has consumed
        self.process = subprocess.Popen(
            ["qemu-system-x86_64", "-nodefaults", "-display", "none", "-no-reboot",
             "-accel", "tcg", "-chardev", "stdio,id=console,signal=off",
             "-serial", "chardev:console",
             "-device", "isa-debug-exit,iobase=0xf4,iosize=4", *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env=environment)
        os.set_blocking(self.process.stdout.fileno(), False)
        current.append(self)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
        if self in current:
            current.remove(self)
        if self.log:
            self.log.close()
            self.log = None

    def read(self, timeout_s):
        """More bytes of the console; b"" when none came in time; None at the end."""
        data = b""
        while not data:
            ready, _, _ = select.select([self.process.stdout], [], [], timeout_s)
            if not ready:
                return b""
            data = self.process.stdout.read()
            if not data:
                return None
            data = data.replace(b"\r", b"")
        self.text += data
        if self.log:
            self.log.write(data)
            self.log.flush()
        return data

    def _waits_ns(self):
        """How long each thread of the machine has waited for a processor of this host."""
        waits = {}
        for path in glob.glob(f"/proc/{self.process.pid}/task/*/schedstat"):
            try:
                with open(path, encoding="ascii") as stream:
                    waits[path] = int(stream.read().split()[1])
            except (OSError, IndexError):
                pass  # the thread has ended, or this host does not count
        return waits

    def stopwatch(self):
        """=> a function that tells for how many seconds the machine could have run since, as a planned-for host."""
        begin, before = time.monotonic(), self._waits_ns()

        def could_run_s():
            waited_s = max((wait - before.get(path, 0)
                            for path, wait in self._waits_ns().items()), default=0) / 1e9
            return (time.monotonic() - begin - waited_s) / host_slowness()
        return could_run_s

    def read_patiently(self, silence_s):
        """read() whose time-out leaves out what the machine could not run."""
        could_run_s = self.stopwatch()
        while True:
            data = self.read(min(silence_s, 10))
            if data != b"":
                return data
            if could_run_s() > silence_s:
                return b""

    def let_run(self, seconds):
        """Lets the machine run for that long by this host's clock; it must not end."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if self.read(left) is None:
                raise MachineError("ended by itself" + self.tail())
            self._check_panic()

    def lines(self, silence_s=SILENCE_S):
        """Yields lines as text. Raises MachineError on panic and on silence."""
        pending = b""
        while True:
            data = self.read_patiently(silence_s)
            if data == b"":
                raise MachineError(f"no output for {silence_s:.0f} s{self.tail()}")
            if data is None:
                return
            *complete, pending = (pending + data).split(b"\n")
            for line in complete:
                if PANIC.search(line):
                    self._drain()
                    raise MachineError(self._story(self.text.rfind(line)))
                yield line.decode(errors="replace")

    def _drain(self):
        """Lets a panicking kernel finish its back trace into the log."""
        end = time.monotonic() + AFTER_PANIC_S
        while time.monotonic() < end and self.read(0.2) is not None:
            pass

    def send(self, text):
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def expect(self, pattern, silence_s=SILENCE_S, limit_s=None):
        """Waits for a regular expression in what is not yet consumed; returns the match."""
        regex = re.compile(pattern.encode(), re.M | re.S)
        end = time.monotonic() + limit_s if limit_s else None   # no reason to look closer earlier
        could_run_s = self.stopwatch()
        while True:
            match = regex.search(self.text, self.seen)
            if not match and PANIC.search(self.text, self.seen):
                self._drain()  # what a program wrote before may come after
                match = regex.search(self.text, self.seen)
            if match:
                self.seen = match.end()
                return match
            self._check_panic()
            if end and time.monotonic() > end and could_run_s() > limit_s:
                raise NotSeen(f"{pattern!r} not seen in {limit_s} s{self.tail()}")
            data = self.read(min(silence_s, 5)) if end else self.read_patiently(silence_s)
            if data is None:
                raise MachineError(f"ended before {pattern!r}{self.tail()}")
            if data == b"" and not end:
                raise MachineError(f"silent before {pattern!r}{self.tail()}")

    def comes(self, pattern, limit_s):
        """expect() for what need not come."""
        try:
            self.expect(pattern, limit_s=limit_s)
        except NotSeen:
            return False
        return True

    def wait_end(self, silence_s=SILENCE_S):
        """The machine must power off by itself."""
        while True:
            data = self.read_patiently(silence_s)
            if data is None:
                self.process.wait()
                return
            self._check_panic()
            if data == b"":
                raise MachineError("did not power off" + self.tail())

    def _check_panic(self):
        match = PANIC.search(self.text, self.seen)
        if match:
            self._drain()
            raise MachineError(self._story(match.start()))

    def _story(self, panic):
        """All that the kernel told of it: nobody may see the log of a rare one again."""
        story = self.text[panic:].decode(errors="replace").splitlines()[:STORY_LINES]
        return "\n       ".join(["panic: " + story[0].strip(), *story[1:]])

    def tail(self):
        """What it printed last, whether or not it was waited for."""
        last = self.text.decode(errors="replace").strip().splitlines()[-TAIL_LINES:]
        return "; last output:" + "".join("\n       | " + line[:300] for line in last)
