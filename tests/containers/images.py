# SPDX-License-Identifier: MPL-2.0
"""Images: load, images, tag, rmi, and containers that are made of them."""

import tarfile

from runner import archives, image
from runner.stock import attach, files_disk, lower_layer


def boot(options, name, files):
    return image.boot(options, [image.layer(name), files_disk(name, files)], name)


def upper_layer():
    layer = archives.Layer()
    layer.folder("etc").add("etc/motd", b"from the second layer\n").whiteout("bin/cat")
    layer.folder("root").opaque("root").add("root/only", b"1")
    layer.folder("new").add("new/" + "long-" * 40, b"long name\n").hard_link("new/linked", "etc/motd")
    layer.add("new/coloured", b"c", pax_headers={"SCHILY.xattr.user.color": "blue"})
    layer.add("new/owned", b"o", uid=1234, gid=1300, mode=0o640)
    layer.add("new/null", kind=tarfile.CHRTYPE, devmajor=1, devminor=3, mode=0o666)
    layer.symlink("new/absolute", "/etc/motd")
    return layer.close()


def config():
    return {"Env": ["PATH=/bin", "FROM=image", "BOTH=image"], "Entrypoint": ["/bin/sh", "-c"],
            "Cmd": ["echo image-default $FROM"], "WorkingDir": "/tmp", "User": "fish", "StopSignal": "SIGUSR1",
            "Labels": {"org.example.kind": "test"}}


def refuse(shell, path, pattern):
    """The load must fail with that message and leave the store as it was."""
    listing = "find /var/data/keel/ | grep -v /staging | sort | md5sum"
    before = shell.check(listing)
    text, status = shell.run(f"keel load -i /run/files/{path}")
    if status != 125 or pattern not in text:
        raise AssertionError(f"load of {path} ended with {status}: {text.strip()[-300:]}")
    if shell.check(listing) != before:
        raise AssertionError(f"the refused {path} has left something: " + shell.check("find /var/data/keel/"))


def scenario_load_every_form(options):
    """An OCI layout as a folder, as an archive and on standard input, docker save; gzip, zstd and plain layers."""
    layers = [lower_layer(), upper_layer()]
    layout = archives.Layout()
    layout.image("both:1", layers, config(), how=("gzip", "zstd"))
    files = {"layout/" + name: data for name, data in layout.all_files().items()}
    files["layout.tar"] = layout.archive()
    files["saved.tar"] = archives.docker_archive(["saved:latest", "example.org/team/saved:2"],
                                                 [*layers, layers[0]], config())
    files["packed.tar.gz"] = archives.compress(archives.docker_archive(["packed:latest"], layers, config()), "gzip")
    with boot(options, "load", files) as guest:
        shell = image.Shell(guest).wait_ready()
        attach(shell)
        shell.check("keel load -i /run/files/layout", r"^Loaded image: localhost/both:1$")
        shell.check("keel load < /run/files/layout.tar", r"^Loaded image: localhost/both:1$")
        shell.check("cat /run/files/layout.tar | keel load", r"^Loaded image: localhost/both:1$")
        shell.check("keel load -i /run/files/saved.tar", r"^Loaded image: example.org/team/saved:2$")
        shell.check("keel load -i /run/files/packed.tar.gz", r"^Loaded image: docker.io/library/packed:latest$")
        shell.check("keel images", r"^REPOSITORY +TAG +IMAGE ID +CREATED +SIZE\n(.*\n)*"
                    r"localhost/both +1 +[0-9a-f]{12} +\S.* ago +\d\.\d+ MB$")
        shell.check("keel images --format '{{.Repository}}:{{.Tag}}' | sort | head -n 1",
                    r"^docker.io/library/packed:latest$")
        run = "keel run --rm both:1"
        shell.check(run, r"^image-default image$")
        shell.check(f"{run} 'cat /etc/motd' || {run} 'head /etc/motd'", r"^from the second layer$")
        shell.check(f"{run} 'test -e /bin/cat || echo whited-out'", r"^whited-out$")
        shell.check(f"{run} 'ls /root; ls /new | wc -l'", r"^only\n6$")
        shell.check(f"{run} 'stat -c %u:%g:%a:%Y /new/owned'", r"^1234:1300:640:1700000000$")
        shell.check(f"{run} 'stat -c %h:%F /new/linked /new/null'", r"^2:regular file\n1:character special file$")
        shell.check(f"{run} 'head /new/absolute'", r"^from the second layer$")
        shell.check("keel tag both:1 other:3 && keel run --rm other:3 'echo tagged'", r"^tagged$")
        shell.check("keel rmi both:1", r"^Untagged: localhost/both:1$")
        for name in ("other:3", "saved", "example.org/team/saved:2", "packed"):
            shell.check(f"keel rmi {name}")
        left = shell.check("cd /var/data/keel; find blobs layers containers -mindepth 1; cd").strip()
        if left != "blobs/sha256":
            raise AssertionError("something is left: " + shell.check("find /var/data/keel/"))
        shell.power_off()


def scenario_image_configuration(options):
    """Environment, user, folder, entry point, command and labels of the image, and what options put over them."""
    layout = archives.Layout()
    layout.image("conf", [lower_layer(["cat"])], config())
    layout.image("plain", [lower_layer()], {"Cmd": ["/bin/echo", "plain", "command"]})
    layout.image("nothing", [lower_layer()], {})
    # A filter of one instruction, which allows everything, where the runtime would look for one.
    layout.image("orders", [lower_layer()], {"Labels": {"run.oci.seccomp_bpf_data": "BgAAAAAA/38="}})
    with boot(options, "conf", {"l.tar": layout.archive()}) as guest:
        shell = image.Shell(guest).wait_ready()
        attach(shell)
        shell.check("keel load -i /run/files/l.tar")
        shell.check("keel run --rm conf 'id; pwd; echo $FROM'",
                    r"^uid=1234\(fish\) gid=1300\(sea\) groups=.*1400\(corals\)\n/tmp\nimage$")
        shell.check("keel run --rm -e BOTH=option -e NEW=1 -w /etc -u 0 conf 'id -u; pwd; echo $BOTH $NEW $FROM'",
                    r"^0\n/etc\noption 1 image$")
        shell.check("keel run --rm --entrypoint /bin/echo conf only these", r"^only these$")
        shell.check("keel run --rm plain", r"^plain command$")
        shell.check("keel run --rm orders grep Seccomp: /proc/self/status", r"^Seccomp:\s*2$")
        _, status = shell.run("keel run --rm orders unshare -n true")
        if status == 0:
            raise AssertionError("a label of an image has taken its container's filter away")
        shell.check("keel run --rm plain /bin/echo given", r"^given$")
        for words, wanted in (("keel run --rm nothing", 125), ("keel run --rm no-such-image true", 125),
                              ("keel run --rm plain /no/such", 127), ("keel run --rm plain /etc", 126),
                              ("keel run --rm plain sh -c 'exit 9'", 9),
                              ("keel run --rm plain sh -c 'sh -c \"kill -9 \\$\\$\"; exit $?'", 137)):
            text, status = shell.run(words)
            if status != wanted:
                raise AssertionError(f"{words} ended with {status}, not {wanted}: {text}")
        text = shell.check("keel run -d --name written plain sh -c 'echo kept > /root/file; sleep 1000'")
        shell.check("for i in $(seq 50); do keel exec written grep kept /root/file && break; sleep 0.2; done")
        shell.check("keel stop -t 1 written && keel start written")
        shell.check("keel exec written grep kept /root/file", r"^kept$")
        _, status = shell.run("keel rmi plain")
        if status != 2:
            raise AssertionError(f"rmi of an image in use ended with {status}")
        shell.check("keel rm -f written && keel rmi plain")
        shell.power_off()


def scenario_unit_of_an_image(options):
    """A unit names an image; images outlive a boot, what containers have changed does not."""
    layout = archives.Layout()
    layout.image("conf", [lower_layer()], {**config(), "Cmd": ["trap 'exit 3' USR1; while :; do sleep 0.1; done"]})
    disks = [image.layer("units"), files_disk("units", {"l.tar": layout.archive()})]
    with image.boot(options, disks, "units-1") as guest:
        shell = image.Shell(guest).wait_ready()
        attach(shell)
        shell.check("keel load -i /run/files/l.tar && keel run -d --name other conf")
        shell.check("keel exec other touch /tmp/changed")
        shell.check("echo 'image: conf' > /etc/containers.d/fish.yaml && ls /var/data/keel/containers | wc -l", r"^1$")
        shell.power_off()
    with image.boot(options, disks, "units-2") as guest:
        shell = image.Shell(guest).wait_ready()
        shell.check("keel exec fish id -un", r"^fish$")
        shell.check("keel exec fish sh -c 'ls /tmp; echo $FROM'", r"^image$")
        shell.check("cd /var/data/keel; for i in $(seq 50); do test -e trash || break; sleep 0.2; done; ls -1; cd",
                    r"^blobs\s+change\s+containers\s")
        _, status = shell.run("keel rmi conf")
        if status != 2:
            raise AssertionError(f"rmi of the image of a unit ended with {status}")
        shell.check("keel stop -t 5 fish && keel inspect -f '{{.State.ExitCode}}' fish", r"^3$")
        shell.power_off()


def scenario_hostile_archives(options):
    """What climbs out, lies about its digest or its size, or is damaged, is refused and leaves nothing."""
    base, new, files = lower_layer(), archives.Layer, {}
    hostile = {
        "climbs": (new().add("../evil", b"x"), "leads outside"),
        "absolute": (new().add("/etc/evil", b"x"), "leads outside"),
        "behind-link": (new().symlink("a", "/etc").add("a/evil", b"x"), "lies behind a symbolic link"),
        "folder-behind-link": (new().symlink("a", "../..").folder("a/evil"), "lies behind a symbolic link"),
        "link-outside": (new().hard_link("a", "/etc/passwd"), "leads outside"),
        "link-climbs": (new().hard_link("a", "../../../etc/passwd"), "leads outside"),
        "link-behind-link": (new().symlink("d", "/etc").hard_link("a", "d/passwd"), "behind a symbolic link"),
        "whiteout-of-parent": (new().add(".wh..."), "white-out of nothing"),
        "overlay-attribute": (new().add("x", b"1", pax_headers={"SCHILY.xattr.trusted.overlay.redirect": "/etc"}),
                              "attribute of overlayfs"),
        "device-whiteout": (new().add("x", kind=tarfile.CHRTYPE), "white-out in the form of overlayfs"),
    }
    for name, (layer, _) in hostile.items():
        layout = archives.Layout()
        layout.image(name, [base, layer.close()])
        files[name] = layout.archive()
    huge = tarfile.TarInfo("huge")
    huge.size = 1 << 50
    whole = new().add("x", b"1" * 9000).close()
    for name, layer, pattern in (("huge", huge.tobuf() + bytes(1024), "bytes, and"),
                                 ("short", whole[:5000], "ends in the middle"),
                                 ("junk", b"junk" * 1000, "no tar archive")):
        layout = archives.Layout()
        layout.image(name, [base, layer])
        files[name], hostile[name] = layout.archive(), (None, pattern)
    layout = archives.Layout()
    layout.image("corrupt", [base])
    for path, data in layout.files.items():
        if data[:2] == b"\x1f\x8b":
            layout.files[path] = data[:-20] + bytes([data[-20] ^ 1]) + data[-19:]
    files["corrupt"], hostile["corrupt"] = layout.archive(), (None, "is corrupt: its digest is")
    files["lying"] = archives.docker_archive(
        ["lying:1"], [base],
        change=lambda name, data: data.replace(b"amd64", b"amd46") if name != "manifest.json" else data)
    hostile["lying"] = (None, "is corrupt: its digest is")
    files["outer"] = new().add("../../evil", b"x").close()
    hostile["outer"] = (None, "leads outside")
    files["empty"] = new().add("x", b"x").close()
    hostile["empty"] = (None, "neither an OCI layout nor")
    layout = archives.Layout()
    layout.image("good", [base], {"Cmd": ["/bin/echo", "still works"]})
    files["good"] = layout.archive()
    with boot(options, "hostile", files) as guest:
        shell = image.Shell(guest).wait_ready()
        attach(shell)
        shell.check("keel load -i /run/files/good")
        for name, (_, pattern) in hostile.items():
            refuse(shell, name, pattern)
        shell.check("keel run --rm good", r"^still works$")
        shell.power_off()


def scenario_user_namespace(options):
    """--userns=auto: root in the container is nobody outside, and the image's files are still root's inside."""
    if options.kernel == "linux":
        raise image.Skip("Linux 6.1 has no mounts with mapped ids of ext2")
    layout = archives.Layout()
    upper = archives.Layer().folder("data").add("data/fish", b"f", uid=1234, gid=1300).close()
    layout.image("mapped", [lower_layer(["chown"]), upper], {"Cmd": ["/bin/sleep", "1000"]})
    with boot(options, "userns", {"l.tar": layout.archive()}) as guest:
        shell = image.Shell(guest).wait_ready()
        attach(shell)
        shell.check("keel load -i /run/files/l.tar")
        shell.check("keel run -d --name one --userns auto mapped && keel run -d --name two --userns auto mapped")
        for name in ("one", "two"):
            shell.check(f"keel exec {name} id -u", r"^0$")
            shell.check(f"keel exec {name} stat -c %u:%g /bin/busybox /data/fish", r"^0:0\n1234:1300$")
            shell.check(f"keel exec {name} sh -c 'touch /data/new /bin/busybox; chown 7 /data/fish'")
            shell.check(f"keel exec {name} stat -c %u /data/fish", r"^7$")
        process = "/proc/$(keel inspect -f '{{.State.Pid}}' "
        outside = [int(shell.check("awk '/^Uid/{print $2}' " + process + name + ")/status")) for name in ("one", "two")]
        if outside[0] == outside[1] or min(outside) < 65536 or any(base % 65536 for base in outside):
            raise AssertionError(f"root is {outside} outside")
        shell.check("stat -c %u /var/data/keel/containers/*/upper/data/new | sort -n | tr '\\n' ' '",
                    " ".join(str(base) for base in sorted(outside)))
        shell.check("keel exec one sh -c 'echo x > /proc/sysrq-trigger'; test $? != 0")
        shell.check("keel stop -t 0 one && keel start one && keel exec one stat -c %u /data/fish", r"^7$")
        shell.check("keel rm -f one two; sleep 1; cd /var/data/keel; ls ids containers | grep -v :; cd", r"^\s*$")
        shell.check("keel run --rm --userns auto -u fish mapped id -u", r"^1234$")
        shell.power_off()
