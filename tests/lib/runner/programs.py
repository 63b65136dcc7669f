# SPDX-License-Identifier: MPL-2.0
"""Builds the guest programs with musl-gcc and packs them into the initramfs of a test machine."""

import concurrent.futures
import glob
import os
import shutil
import subprocess

from . import cpio

BUILD = "build/tests"
FLAGS = ["-std=gnu2x", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-fno-strict-aliasing",
         "-D_GNU_SOURCE", "-Itests/lib", f"-I{BUILD}/generated", "-idirafter", "/usr/include/x86_64-linux-gnu",
         "-idirafter", "/usr/include"]
LIBRARY = ["tests/lib/test.c", "tests/lib/support.c"]
HEADERS = ["tests/lib/test.h", "tests/lib/support.h"]
BUSYBOX = "/bin/busybox"
LINUX_MODULES = """
drivers/virtio/virtio_ring drivers/virtio/virtio drivers/virtio/virtio_pci_modern_dev
drivers/virtio/virtio_pci_legacy_dev drivers/virtio/virtio_pci drivers/block/virtio_blk
lib/crc16 crypto/crc32c_generic fs/mbcache fs/jbd2/jbd2 fs/ext4/ext4 fs/overlayfs/overlay
net/ipv4/inet_diag net/ipv4/tcp_diag net/ipv4/udp_diag net/unix/unix_diag
net/llc/llc net/802/stp net/bridge/bridge drivers/net/veth drivers/net/dummy
""".split()


CALLS = f"{BUILD}/generated/calls.inc"


class BuildError(Exception):
    """A program does not compile."""


def names(suite):
    """The programs of a suite: "syscalls/files/open" and so on."""
    sources = glob.glob(f"tests/{suite}/**/*.c", recursive=True)
    return sorted(source[len("tests/"):-len(".c")] for source in sources
                  if "/programs/" not in source)


def _is_newer(output, inputs):
    return os.path.exists(output) and all(os.path.getmtime(path) < os.path.getmtime(output)
                                          for path in inputs)


def _compile(output, sources, flags):
    beside = glob.glob(f"{os.path.dirname(sources[0])}/*.h") + [CALLS] * sources[0].startswith("tests/stress/random")
    if _is_newer(output, sources + HEADERS + beside):
        return
    os.makedirs(os.path.dirname(output), exist_ok=True)
    command = ["musl-gcc", *FLAGS, *flags, "-o", output, *sources, "-lm"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise BuildError(f"{output}:\n{result.stderr}")


def _build_foreign():
    """Programs made by other compilers and C libraries: what users bring along."""
    source = "tests/conformance/programs/glibc.c"
    os.makedirs(f"{BUILD}/foreign", exist_ok=True)
    for name, flags in (("glibc-static", ["-static"]), ("glibc-dynamic", []),
                        ("glibc-static-pie", ["-static-pie", "-fPIE"])):
        output = f"{BUILD}/foreign/{name}"
        if not _is_newer(output, [source]):
            subprocess.run(["gcc", "-O1", *flags, "-o", output, source, "-pthread"], check=True)
    source, output = "tests/conformance/programs/go/main.go", f"{BUILD}/foreign/go"
    if shutil.which("go") and not _is_newer(output, [source]):
        subprocess.run(["go", "build", "-o", output, source], check=True,
                       env={**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-mod=mod"})


def _libraries(program):
    """The shared libraries of a program of this machine."""
    lines = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    return {line.split()[2] for line in lines.splitlines() if "=> /" in line}


def _add_foreign(archive):
    """The foreign programs, bash, and the libraries that they ask for, from this machine."""
    for path in sorted(glob.glob(f"{BUILD}/foreign/*")):
        archive.copy(f"/conformance/{os.path.basename(path)}", path)
    archive.copy("/bin/bash", "/bin/bash")
    archive.copy("/lib64/ld-linux-x86-64.so.2", os.path.realpath("/lib64/ld-linux-x86-64.so.2"))
    tools = ("/sbin/ip", "/bin/ss", "/usr/bin/strace")
    for tool in tools:
        archive.copy(tool, tool)
    for library in sorted(_libraries("/bin/bash").union(*map(_libraries, tools))):
        archive.copy(library, os.path.realpath(library))


def _write_calls():
    """All implemented system calls as C, for the programs that make them at random."""
    table = "kernel/linux_abi/syscalls.tbl"
    if _is_newer(CALLS, [table, __file__]):
        return
    lines = []
    with open(table, encoding="utf-8") as stream:
        for line in stream:
            words = line.split("#")[0].split(None, 4)
            if len(words) < 4 or words[3] == "none":
                continue
            arguments = [word.split() for word in words[4].split(",")] if len(words) > 4 else []
            shapes = ", ".join(f'{{TYPE_{"POINTER" if kind == "user_addr_t" else kind.upper()}, "{name}"}}'
                               for kind, name in arguments)
            lines.append(f'\t{{{words[0]}, "{words[1]}", {{{shapes}}}}},\n')
    os.makedirs(os.path.dirname(CALLS), exist_ok=True)
    with open(CALLS, "w", encoding="utf-8") as stream:
        stream.writelines(lines)


def build(suites):
    """Compiles the guest's own programs and those of the suites; returns the programs' names."""
    jobs = [(f"{BUILD}/init", ["tests/lib/guest/init.c"], ["-static"]),
            (f"{BUILD}/helper", ["tests/lib/guest/helper.c"], ["-static"]),
            (f"{BUILD}/helper-pie", ["tests/lib/guest/helper.c"], ["-static-pie", "-fPIE"]),
            (f"{BUILD}/helper-dynamic", ["tests/lib/guest/helper.c"], ["-pie", "-fPIE"])]
    _write_calls()
    programs = [name for suite in suites for name in names(suite)]
    for name in programs:
        jobs.append((f"{BUILD}/{name}", [f"tests/{name}.c", *LIBRARY], ["-static"]))
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for future in [pool.submit(_compile, *job) for job in jobs]:
            future.result()
    if "conformance" in suites:
        _build_foreign()
    return programs


def cases(program):
    """The names of a program's cases, asked of the program itself on this machine."""
    result = subprocess.run([f"{BUILD}/{program}", "-l"], capture_output=True, text=True,
                            check=True)
    return result.stdout.split()


def add_linux_modules(archive):
    roots = glob.glob("build/oracle/x/lib/modules/*/kernel")
    order = []
    for name in LINUX_MODULES if roots else []:
        path = f"/modules/{os.path.basename(name)}.ko"
        archive.copy(path, f"{roots[0]}/{name}.ko", 0o644)
        order.append(path + "\n")
    archive.file("/modules/order", "".join(order).encode())


def base_archive(kernel):
    """An initramfs with everything but test programs."""
    archive = cpio.Archive()
    archive.character_device("/dev/console", 5, 1)
    archive.character_device("/dev/null", 1, 3, 0o666)
    archive.folder("/tmp", 0o1777)
    archive.folder("/root", 0o700)
    archive.copy("/init", f"{BUILD}/init")
    archive.copy("/bin/busybox", BUSYBOX)
    applets = subprocess.run([BUSYBOX, "--list"], capture_output=True, text=True, check=True)
    for applet in applets.stdout.split():
        if applet not in ("busybox", "bash"):
            archive.link(f"/bin/{applet}", "busybox")
    archive.file("/etc/passwd", b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n")
    archive.file("/etc/group", b"root:x:0:\nnogroup:x:65534:\n")
    for name in ("helper", "helper-pie", "helper-dynamic"):
        archive.copy(f"/tests/{name}", f"{BUILD}/{name}")
    archive.copy("/lib/ld-musl-x86_64.so.1", "/lib/x86_64-linux-musl/libc.so")
    if kernel == "linux":
        add_linux_modules(archive)
    return archive


def initramfs(kernel, programs, plan, path):
    """Writes the initramfs that runs the plan, a list of command lines."""
    archive = base_archive(kernel)
    for name in programs:
        archive.copy(f"/tests/{name}", f"{BUILD}/{name}")
    if any(name.startswith("conformance/") for name in programs):
        _add_foreign(archive)
    archive.file("/plan", "".join(line + "\n" for line in plan).encode())
    archive.write(path)
