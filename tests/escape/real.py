# SPDX-License-Identifier: MPL-2.0
"""The attempts of this folder from inside containers that real engines made: crun on the unedited output of its
`spec` (but for the terminal), keel and podman with their defaults, each with limits added. One program with all
attempts runs inside; guest/drive.sh, on the host, starts one after the other and looks at the host after each."""

import glob
import os
import re
import subprocess

from runner import image, programs

PROGRAM = "build/tests/escape/inside"
DISK = "build/tests/escape/inside.ext2"
LIMIT_S = 1500
HUNT_S, ENTRIES = 20, 5     # a runtime enters for so long, and so often at least


def build_disk():
    """A small file system with the program and the driver."""
    sources = sorted(glob.glob("tests/escape/*.c")) + programs.LIBRARY
    os.makedirs("build/tests/escape/disk", exist_ok=True)
    subprocess.run(["musl-gcc", "-static", "-DINSIDE", *programs.FLAGS, "-o", PROGRAM, *sources, "-lm"], check=True)
    for path in [PROGRAM, *glob.glob("tests/escape/guest/*")]:
        subprocess.run(["cp", path, "build/tests/escape/disk/"], check=True)
    if os.path.exists(DISK):
        os.unlink(DISK)
    subprocess.run(["mke2fs", "-q", "-t", "ext2", "-d", "build/tests/escape/disk", DISK, "4M"], check=True)


def attempts():
    listed = subprocess.run([PROGRAM, "-l"], capture_output=True, text=True, check=True).stdout.split()
    return [name for name in listed if not name.startswith(("bait_", "hunt_"))], \
           [name for name in listed if name.startswith("bait_")]


def boot(options, name, base, mem=1024):
    build_disk()
    return image.boot(options, [image.layer(f"escape-{name}", base), DISK], f"escape-{name}", mem=mem)


def prepare(guest):
    """The driver's disk is mounted, the program lies in the container's root, the host's bait is laid."""
    shell = image.Shell(guest).wait_ready()
    shell.check("mkdir -p /run/escape && mount -t ext2 -o ro /dev/vdb /run/escape")
    shell.check("echo 'what only the host knows' > /host-secret; chmod 644 /host-secret")
    shell.check("cp -a /var/lib/images/busybox /var/lib/images/escape && "
                "cp /run/escape/inside /var/lib/images/escape/attempts")
    for bait in attempts()[1]:
        shell.run(f"/run/escape/inside {bait} > /run/{bait}.log 2>&1 &")
    return shell


def drive(shell, command, skip=()):
    """Every attempt in a container made by the command; nothing may succeed and the host may not be harmed."""
    names = [name for name in attempts()[0] if name not in skip]
    shell.check(f"printf '%s\\n' {' '.join(names)} > /run/names")
    text, status = shell.run(f"sh /run/escape/drive.sh {command} < /run/names 2>/dev/null", limit_s=LIMIT_S)
    bad = re.findall(r"^(?:not ok|HARM).*$", text, re.M)
    if bad or status or f"driven {len(names)}" not in text:
        raise AssertionError("; ".join(bad) or f"the driver ended with {status}: {text.strip()[-300:]}")
    shell.check("touch /run/escape-ends")
    for bait in attempts()[1]:
        shell.check(f"for i in $(seq 50); do grep passed /run/{bait}.log && break; sleep 0.2; done; "
                    f"cat /run/{bait}.log", r"1 passed, 0 failed")
    return text


def scenario_from_inside_crun(options):
    with boot(options, "crun", image.RAW) as guest:
        shell = prepare(guest)
        shell.check("mkdir -p /var/tmp/b && cd /var/tmp/b && mv /var/lib/images/escape rootfs && crun spec && "
                    "sed -i 's/\"terminal\": true/\"terminal\": false/' config.json")
        shell.check("printf '#!/bin/sh\\ncrun delete -f one 2>/dev/null\\n"
                    "( for i in $(seq 100); do sleep 0.1; crun update --memory 50331648 --pids-limit 48 one && break; "
                    "done ) 2>/dev/null &\\nexec crun run --bundle /var/tmp/b one\\n' > /run/start")
        drive(shell, "sh /run/start")


def scenario_from_inside_keel(options):
    with boot(options, "keel", image.RAW) as guest:
        shell = prepare(guest)
        drive(shell, "keel run --rm -i --memory 48m --pids-limit 48 rootfs:/var/lib/images/escape sh")


def scenario_from_inside_podman(options):
    with boot(options, "podman", image.other("podman"), mem=2048) as guest:
        shell = prepare(guest)
        shell.check("tar -C /var/lib/images/escape -cf /run/bb.tar . && podman import /run/bb.tar bb < /dev/null",
                    r"sha256:", limit_s=300)
        drive(shell, "podman run --rm -i --network none --memory 48m --pids-limit 48 bb sh")


def prepare_bundle(shell):
    """A bundle whose root is on a device of its own."""
    shell.check("mkdir -p /var/tmp/b/rootfs && mount -t tmpfs tmpfs /var/tmp/b/rootfs && "
                "cp -a /var/lib/images/escape/. /var/tmp/b/rootfs && cd /var/tmp/b")


def check_working_folders(shell, runtime, numbers):
    """CVE-2024-21626: a working folder that is a descriptor of the runtime."""
    shell.check(f"rm -f config.json; {runtime} spec && sed -i 's/\"terminal\": true/\"terminal\": false/; "
                "s|^\\(\\s*\\)\"sh\"|\\1\"sh\", \"-c\", \"cat host-secret ../host-secret ../../host-secret "
                "../../../../../../host-secret\"|' config.json && cp config.json plain.json")
    for number in numbers:
        shell.check(f"sed 's|\"cwd\": \"/\"|\"cwd\": \"/proc/self/fd/{number}\"|' plain.json > config.json && "
                    f"grep -q fd/{number} config.json")
        text, _ = shell.run(f"{runtime} run two < /dev/null 2>&1; {runtime} delete -f two > /dev/null 2>&1",
                            limit_s=120)
        if "what only the host knows" in text:
            raise AssertionError(f"{runtime}: descriptor {number} as a working folder leads to the host")


def scenario_working_folders_do_not_lead_out(options):
    with boot(options, "runtimes", image.other("runtimes")) as guest:
        shell = prepare(guest)
        prepare_bundle(shell)
        check_working_folders(shell, "crun", range(3, 12))
        check_working_folders(shell, "runc", (3, 6, 7, 8))


def check_entering(shell, runtime):
    """Somebody inside looks at every process while the runtime enters, again and again."""
    shell.check(f"rm -f config.json; {runtime} spec && sed -i 's/\"terminal\": true/\"terminal\": false/; "
                "s|^\\(\\s*\\)\"sh\"|\\1\"/attempts\", \"hunt_runtime\"|' config.json && grep -q hunt_ config.json")
    shell.check(f"rm -f rootfs/hunt-ends; {runtime} run -d three > /run/hunt.log 2>&1 < /dev/null")
    shell.check(f"n=0; end=$(($(date +%s) + {HUNT_S})); while [ $n -lt {ENTRIES} ] || [ $(date +%s) -lt $end ]; do "
                f"{runtime} exec three true < /dev/null 2> /run/hunt.err || break; n=$((n + 1)); done; "
                f"touch rootfs/hunt-ends; cat /run/hunt.err; test $n -ge {ENTRIES}", limit_s=600)
    shell.check("for i in $(seq 300); do grep -q passed /run/hunt.log && break; sleep 0.2; done; cat /run/hunt.log",
                r"1 passed, 0 failed")
    shell.run(f"{runtime} delete -f three < /dev/null")


def scenario_a_runtime_enters_unseen(options):
    with boot(options, "runtimes", image.other("runtimes")) as guest:
        shell = prepare(guest)
        prepare_bundle(shell)
        check_entering(shell, "crun")
        check_entering(shell, "runc")
