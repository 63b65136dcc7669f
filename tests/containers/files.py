# SPDX-License-Identifier: MPL-2.0
"""Files around containers: cp both ways, volumes with names, save."""

import json
import re

from runner import archives, image
from runner.stock import attach, files_disk, lower_layer

TREE = "rootfs:/var/lib/images/busybox"


def boot_with(options, name, layout):
    return image.boot(options, [image.layer(name), files_disk(name, {"l.tar": layout.archive()})], name)


def base_layout():
    layout = archives.Layout()
    data = archives.Layer().folder("data", uid=1234, gid=1300, mode=0o750)
    data.add("data/first", b"from the image\n", uid=1234)
    layout.image("base", [lower_layer(["ln", "cp", "mv", "find", "sort", "mkfifo", "chmod"]), data.close()],
                 {"Cmd": ["/bin/sleep", "1000"], "StopSignal": "SIGKILL"})
    return layout


def fails(shell, command, wanted=125, pattern=""):
    text, status = shell.run(command)
    if status != wanted or pattern not in text:
        raise AssertionError(f"{command!r} ended with {status}: {text.strip()[-300:]}")


def check_both_ways(shell, name):
    """A file, a tree and a link go in and come out as they were."""
    shell.check("rm -rf /tmp/c && mkdir -p /tmp/c/tree/deep && cd /tmp/c && echo one > tree/one && "
                "echo two > tree/deep/two && ln -s one tree/link && chmod 751 tree/one && "
                "touch -d '2020-01-02 03:04:05' tree/one; cd")
    shell.check(f"keel cp /tmp/c/tree/one {name}:/root/file && keel cp /tmp/c/tree {name}:/root")
    shell.check(f"keel cp /tmp/c/tree/. {name}:/root/new && keel cp /tmp/c/tree/one {name}:root/tree/deep/")
    shell.check(f"keel cp {name}:/root/tree /tmp/c/back && keel cp {name}:/root/tree/deep/. /tmp/c/back/more")
    shell.check("cat /tmp/c/back/one /tmp/c/back/deep/two /tmp/c/back/more/one", r"^one\ntwo\none$")
    shell.check("readlink /tmp/c/back/link; stat -c %a:%Y:%u /tmp/c/back/one", r"^one\n751:1577934245:0$")
    shell.check(f"keel cp {name}:/root/new/one /tmp/c/again && cat /tmp/c/again", r"^one$")
    fails(shell, f"keel cp {name}:/no/such /tmp/c/x")
    fails(shell, f"keel cp /tmp/c/tree {name}:/root/file", pattern="is no folder")
    fails(shell, f"keel cp /tmp/c/again {name}:/root/none/", pattern="")
    fails(shell, "keel cp /tmp/c/tree /tmp/d", pattern="one side")
    fails(shell, f"keel cp - {name}:/root", pattern="not supported")


def check_links_stay_inside(shell, name):
    """Links in a container lead to the container's own files, wherever they point, and devices are left alone."""
    shell.check("echo host > /tmp/secret && echo host > /etc/keel-secret")
    shell.check(f"keel exec {name} sh -c 'ln -s /etc/keel-secret /root/a; ln -s ../../../../../../etc /root/b; "
                "ln -s /proc/self/root/etc /root/c; mkfifo /root/pipe; mkdir -p /root/d; echo own > /etc/own'")
    shell.check(f"keel cp {name}:/root/a /tmp/c/a && readlink /tmp/c/a", r"^/etc/keel-secret$")
    fails(shell, f"keel cp {name}:/root/a/. /tmp/c/a2")
    shell.check(f"keel cp {name}:/root/b/own /tmp/c/own && cat /tmp/c/own", r"^own$")
    fails(shell, f"keel cp {name}:/root/b/keel-secret /tmp/c/b")
    shell.check(f"keel cp /tmp/secret {name}:/root/b/planted && keel exec {name} cat /etc/planted", r"^host$")
    fails(shell, "test -e /etc/planted", 1)
    fails(shell, f"keel cp {name}:/root/c/own /tmp/c/c")
    shell.check(f"keel cp /tmp/secret {name}:/root/a && keel exec {name} cat /root/a", r"^host$")
    shell.check("cat /etc/keel-secret", r"^host$")
    shell.check(f"keel cp {name}:/root /tmp/c/all", r"1 devices, pipes or sockets are left out")
    fails(shell, f"keel cp {name}:../../../../etc/keel-secret /tmp/c/e")


def check_races(shell, name):
    """Somebody inside swaps a folder for a link to the root while files are copied: none arrives outside."""
    shell.check(f"keel exec -d {name} sh -c 'mkdir -p /root/r; while :; do mv /root/r /root/s; ln -s /etc /root/r; "
                "rm /root/r; mv /root/s /root/r; done'")
    shell.check("rm -rf /tmp/many; mkdir /tmp/many; for i in $(seq 40); do echo raced > /tmp/many/raced-$i; done")
    shell.check(f"for i in $(seq 20); do keel cp /tmp/many/. {name}:/root/r; keel cp {name}:/root/r/. /tmp/out-$i; "
                "done >/dev/null 2>&1; test -z \"$(ls /etc | grep raced)\"", limit_s=300)
    shell.check("test -z \"$(find /tmp/out-* -name shadow 2>/dev/null | xargs -r grep -l root:)\"")


def scenario_copy_in_and_out(options):
    """keel cp with containers that run, that have ended, of images and of folders; and against hostile links."""
    with boot_with(options, "cp", base_layout()) as guest:
        shell = image.Shell(guest).wait_ready()
        attach(shell)
        shell.check("keel load -i /run/files/l.tar && keel run -d --name up base && keel create --name down base")
        check_both_ways(shell, "up")
        check_both_ways(shell, "down")
        check_links_stay_inside(shell, "up")
        check_races(shell, "up")
        shell.check("keel cp up:/data/first down:/root/crossed && keel start down && keel exec down cat /root/crossed",
                    r"^from the image$")
        shell.check("keel exec up stat -c %u /root/file", r"^0$")
        shell.check("keel cp -a up:/data/first /tmp/c/kept && stat -c %u /tmp/c/kept", r"^1234$")
        shell.check("keel cp up:/bin/busybox /tmp/c/busybox && stat -c %a /tmp/c/busybox", r"^755$")
        shell.check("keel stop -t 0 up && keel cp up:/root/file /tmp/c/stopped && cat /tmp/c/stopped", r"^one$")
        if options.kernel != "linux":	# its ext2 has no mounts with mapped ids
            shell.check("keel run -d --name mapped --userns auto base && keel cp /tmp/secret mapped:/root/x")
            shell.check("keel exec mapped stat -c %u /root/x", r"^0$")
        shell.check("ls /run/keel/copies | wc -l", r"^0$")
        shell.power_off()


def scenario_volumes_outlive_containers(options):
    """Volumes with names: made, shared, filled from the image, kept over a boot, and not removed while in use."""
    disks = [image.layer("volumes"), files_disk("volumes", {"l.tar": base_layout().archive()})]
    with image.boot(options, disks, "volumes-1") as guest:
        shell = image.Shell(guest).wait_ready()
        attach(shell)
        shell.check("keel load -i /run/files/l.tar")
        shell.check("keel volume create plain", r"^plain$")
        shell.check("keel run --rm -v plain:/v -v auto:/w:ro base sh -c "
                    "'echo kept > /v/file; echo no > /w/x; ls /w | wc -l'",
                    r"^0$")
        shell.check("keel run --rm --mount type=volume,source=plain,destination=/v base cat /v/file", r"^kept$")
        shell.check(f"keel run --rm -v plain:/tmp {TREE} cat /tmp/file", r"^kept$")
        shell.check("keel run --rm -v filled:/data base sh -c "
                    "'cat /data/first; stat -c %u:%g:%a /data; rm /data/first'",
                    r"^from the image\n1234:1300:750$")
        shell.check("keel run --rm -v filled:/data base sh -c 'ls /data | wc -l; touch /data/own'", r"^0$")
        shell.check("keel run --rm -v filled:/data base ls /data", r"^own$")
        shell.check("keel volume ls", r"^DRIVER +VOLUME NAME\nlocal +auto\nlocal +filled\nlocal +plain$")
        found = json.loads(shell.check("keel volume inspect plain"))[0]
        shell.check(f"cat {found['Mountpoint']}/file", r"^kept$")
        shell.check("keel create --name user -v plain:/v base")
        mount = json.loads(shell.check("keel inspect user"))[0]["Mounts"][0]
        if (mount["Type"], mount["Name"], mount["Source"]) != ("volume", "plain", found["Mountpoint"]):
            raise AssertionError(f"inspect shows the volume as {mount}")
        fails(shell, "keel volume rm plain", 2, "is used by the container user")
        fails(shell, "keel volume rm none", 1, "no volume is named none")
        fails(shell, "keel volume create ../evil")
        fails(shell, "keel run --rm -v ../evil:/v base true", pattern="name of a volume")
        shell.check("keel volume rm auto filled && keel volume ls -q", r"^plain$")
        shell.power_off()
    with image.boot(options, disks, "volumes-2") as guest:
        shell = image.Shell(guest).wait_ready()
        shell.check("keel start user && keel exec user cat /v/file", r"^kept$")
        shell.check("keel rm -f user && keel volume rm plain && keel volume ls -q | wc -l", r"^0$")
        shell.power_off()


def scenario_save_and_load_again(options):
    """What save writes, in both forms, load takes back as the same image; tar reads it, too."""
    layout = base_layout()
    layers = [lower_layer(), archives.Layer().add("x", b"x").close(), lower_layer()]
    layout.image("other:2", layers, {}, how=("zstd", "plain"))
    with boot_with(options, "save", layout) as guest:
        shell = image.Shell(guest).wait_ready()
        attach(shell)
        shell.check("keel load -i /run/files/l.tar")
        before = shell.check("keel images --format json | tr ',' '\\n' | grep -iE 'digest|\"id\"' | sort | uniq")
        shell.check("keel save -o /var/data/d.tar base other:2 && "
                    "keel save --format oci-archive base other:2 > /var/data/o.tar")
        shell.check("tar tf /var/data/d.tar | grep -c json", r"^3$")
        shell.check("tar tf /var/data/o.tar | sort | head -n 1", r"^blobs/sha256/[0-9a-f]{64}$")
        for path in ("d.tar", "o.tar"):
            shell.check("keel rmi base other:2 && keel images -q | wc -l", r"^0$")
            shell.check(f"keel load -i /var/data/{path}")
            shell.check("keel run --rm base cat /data/first && keel run --rm other:2 cat /x", r"^from the image\nx")
        after = shell.check("keel images --format json | tr ',' '\\n' | grep -iE 'digest|\"id\"' | sort | uniq")
        if before != after:
            raise AssertionError(f"images changed on their way: {before} {after}")
        fails(shell, "keel save none > /tmp/x", pattern="no image is known")
        fails(shell, "keel save -o /tmp/no/such base")
        fails(shell, "keel save base", pattern="not for a terminal")
        fails(shell, "keel save -o /dev/full base", pattern="cannot write")
        shell.power_off()


def scenario_processes_inside(options):
    """keel top, exec -d, and what of run is refused instead of ignored."""
    with image.boot(options, [image.layer("inside")], "inside") as guest:
        shell = image.Shell(guest).wait_ready()
        shell.check(f"keel run -d --name top {TREE} sh -c 'sleep 1001 & exec sleep 1000'")
        shell.check("keel exec -d top sleep 1002; "
                    "keel exec -d -u 65534 top sh -c 'echo here > /tmp/o; exec sleep 1003'")
        text = shell.check("for i in $(seq 50); do keel top top | grep -q 1003 && break; sleep 0.2; done; keel top top")
        for row in (r"^USER +PID +PPID +%CPU +ELAPSED +TTY +TIME +COMMAND$", r"^root +1 +0 +\d+\.\d{3} .* sleep 1000$",
                    r"^root +\d+ +1 .* sleep 1001$", r"^root +\d+ +0 .* sleep 1002$", r"^65534 +\d+ +0 .* sleep 1003$"):
            if not re.search(row, text, re.M):
                raise AssertionError(f"top printed no {row}: {text}")
        fails(shell, "keel exec -d top /no/such", 127)
        fails(shell, "keel exec -d -t top true")
        shell.check("keel stop -t 0 top")
        fails(shell, "keel top top", pattern="does not run")
        for words, pattern in (("-p 80:80", "ports are not supported"), ("--network bridge", "not supported"),
                               ("--userns keep-id", "keep-id"), ("--device /dev/fuse", "device"),
                               ("--ulimit nofile=1", "ulimit"), ("--log-driver journald", "log-driver")):
            fails(shell, f"keel run --rm {words} {TREE} true", pattern=pattern)
        shell.power_off()
