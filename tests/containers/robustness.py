# SPDX-License-Identifier: MPL-2.0
"""What goes wrong around containers: a full disk, killed supervisors, everything killed, very large folders."""

import json

from runner import archives, image
from runner.stock import attach, files_disk, lower_layer

TREE = "rootfs:/var/lib/images/busybox"
STORE = "find /var/data/keel/ | grep -v /staging | sort | md5sum"
LEFT = "ls /run/keel/bundles /run/keel/crun /sys/fs/cgroup/keel | grep -c victim"


def scenario_full_disk(options):
    """A load that the disk cannot hold, at whatever point it is full, says so and leaves the store as it was."""
    layout = archives.Layout()
    layout.image("small", [lower_layer()], {"Cmd": ["/bin/echo", "still works"]})
    files = {"small": layout.archive()}
    layout = archives.Layout()
    noise = b"".join(bytes([(i * i + i // 7) % 251 for i in range(k, k + 4096)]) for k in range(64))
    layout.image("large", [lower_layer(), archives.Layer().add("noise", noise * 16).close()], how=("gzip", "plain"))
    files["large"] = layout.archive()
    with image.boot(options, [image.layer("full"), files_disk("full", files)], "full") as guest:
        shell = image.Shell(guest).wait_ready()
        attach(shell)
        shell.check("keel load -i /run/files/small && keel run --rm small", r"^still works$")
        shell.check("dd if=/dev/zero of=/var/data/fill bs=64k 2>/dev/null; test -s /var/data/fill")
        before = shell.check(STORE)
        for free_kib in (1, 64, 1024, 6144, 10240):
            shell.check(f"truncate -s $(($(stat -c %s /var/data/fill) - {free_kib << 10})) /var/data/fill")
            text, status = shell.run("keel load -i /run/files/large")
            if status != 125 or "No space left" not in text and "bytes, and" not in text:
                raise AssertionError(f"with {free_kib} KiB more the load ended with {status}: {text}")
            if shell.check(STORE) != before:
                raise AssertionError("the refused load has left something: " + shell.check("find /var/data/keel"))
            shell.check("dd if=/dev/zero bs=64k >> /var/data/fill 2>/dev/null; true")
        text, status = shell.run("keel run -d --name none small sleep 1000")
        if status != 125 or "No space left" not in text:
            raise AssertionError(f"a container on a full disk ended with {status}: {text}")
        shell.check("keel ps -a | grep -c none; test $? = 0 -o $? = 1", r"^0$")
        shell.check("rm /var/data/fill && keel load -i /run/files/large && keel run --rm large /bin/ls / | grep noise")
        shell.check("keel run --rm small", r"^still works$")
        shell.power_off()


def supervisor_of(shell, name):
    pid = json.loads(shell.check(f"keel inspect {name}"))[0]["State"]["Pid"]
    return shell.check(f"awk '/^PPid/{{print $2}}' /proc/{pid}/status").strip()


def scenario_killed_supervisors(options):
    """A container dies with its supervisor, is told so, leaves nothing, and can start again; others do not notice."""
    with image.boot(options, [image.layer("killed")], "killed") as guest:
        shell = image.Shell(guest).wait_ready()
        shell.check(f"keel run -d --name other {TREE} sleep 10000")
        shell.check(f"keel run -d --name victim {TREE} sh -c 'sleep 10000 & sleep 10000'")
        shell.check(f"kill -9 {supervisor_of(shell, 'victim')}; keel wait victim", r"^125$")
        shell.check("for i in $(seq 60); do ps | grep -v grep | grep -c 'sleep 10000' | grep -qx 1 && break; sleep 1; "
                    "done; ps | grep -v grep | grep -c 'sleep 10000'", r"^1$")
        shell.check("keel start victim && keel exec victim true && keel stop -t 0 victim && keel rm victim")
        shell.check(f"{LEFT}; true", r"^0$")
        shell.check(f"keel run -d --name victim --restart always {TREE} sleep 10001")
        shell.check(f"kill -9 {supervisor_of(shell, 'victim')}; for i in $(seq 50); do keel exec victim true && break; "
                    "sleep 0.2; done")
        shell.check("keel inspect -f '{{.RestartCount}}' victim", r"^1$")
        shell.check("keel rm -f victim; keel exec other true && keel rm -f other")
        # While it starts, at whatever step.
        shell.check(f"for i in $(seq 0 0.03 0.3); do keel run -d --name victim {TREE} sleep 10002 & "
                    "sleep $i; kill -9 $(ps -o pid,args | awk '/[k]eel-supervise/ {pid = $1} END {print pid}'); "
                    "wait $!; keel rm -f victim; done",
                    limit_s=200)
        shell.check(f"keel run --rm --name victim {TREE} echo again", r"^again$")
        shell.check(f"{LEFT}; pidof crun; true", r"^0$")
        shell.power_off()


def scenario_everything_killed(options):
    """kill -9 of every process but init: the console comes back, what is to run runs again, keel works."""
    with image.boot(options, [image.layer("all-killed")], "all-killed") as guest:
        shell = image.Shell(guest).wait_ready()
        shell.check(f"keel run -d --name always --restart always {TREE} sleep 10000")
        shell.check(f"keel run -d --name once {TREE} sleep 10000")
        guest.send("kill -9 -1\n")
        guest.expect(image.PROMPT, limit_s=60)
        shell.run("stty -echo 2>/dev/null; PS2=")
        shell.check("for i in $(seq 50); do keel exec always true && break; sleep 0.2; done")
        shell.check("keel inspect -f '{{.State.Status}}' once; keel wait once", r"^exited\n125$")
        shell.check("keel start once && keel exec once true && keel rm -f once always")
        shell.check(f"keel run --rm {TREE} echo works", r"^works$")
        shell.power_off()


def scenario_very_large_folder(options):
    """An image with a folder of 10,000 entries loads, runs, and is removed."""
    layout, layer = archives.Layout(), archives.Layer()
    layer.folder("many")
    for number in range(10000):
        layer.add(f"many/entry-{number:05d}", b"")
    layout.image("many", [lower_layer(), layer.close()])
    disks = [image.layer("many"), files_disk("many", {"l": layout.archive()})]
    with image.boot(options, disks, "many-files") as guest:
        shell = image.Shell(guest).wait_ready()
        attach(shell)
        shell.check("keel load -i /run/files/l", limit_s=300)
        shell.check("keel run --rm many sh -c 'ls /many | wc -l; ls /many | head -n 1; rm /many/entry-00000; "
                    "ls /many | wc -l'", r"^10000\nentry-00000\n9999$", limit_s=120)
        shell.check("keel rmi many && ls /var/data/keel/layers | wc -l", r"^0$", limit_s=300)
        shell.power_off()
