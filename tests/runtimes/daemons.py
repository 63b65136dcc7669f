# SPDX-License-Identifier: MPL-2.0
"""Docker and containerd of Debian 12: overlay2, runc, shims, seccomp and limits as they come."""

from runner import image

IN = "< /dev/null"


def boot(options, name):
    return image.boot(options, [image.layer(name, image.other("docker"))], name, mem=2048)


def scenario_docker(options):
    with boot(options, "docker") as guest:
        shell = image.Shell(guest).wait_ready()
        shell.run("dockerd > /run/dockerd.log 2>&1 &")
        shell.check("for i in $(seq 120); do grep -q 'API listen' /run/dockerd.log && break; sleep 1; done; "
                    "tail -2 /run/dockerd.log", r"API listen", limit_s=180)
        shell.check("grep -c 'storage.*overlay2\\|graphdriver.*overlay2' /run/dockerd.log", r"^[1-9]")
        shell.check("tar -C /var/lib/images/busybox -cf /run/bb.tar .")
        shell.check(f"docker import /run/bb.tar bb {IN}", r"sha256:", limit_s=180)
        shell.check(f"docker run --rm --network none bb echo from-docker {IN}", r"^from-docker$", limit_s=300)
        shell.check(f"docker run -d --name one --network none --memory 32m --pids-limit 50 bb sleep 1000 {IN}",
                    limit_s=300)
        shell.check(f"docker ps {IN}", r"sleep 1000.*\bone\b")
        shell.check(f"docker exec one ps {IN}", r"^ +1 root +sleep 1000")
        shell.check("cat /sys/fs/cgroup/docker/*/memory.max", rf"^{32 << 20}$")
        shell.check(f"docker rm -f one {IN}", limit_s=180)


def scenario_containerd(options):
    with boot(options, "containerd") as guest:
        shell = image.Shell(guest).wait_ready()
        shell.run("containerd > /run/containerd.log 2>&1 &")
        shell.check("for i in $(seq 120); do ctr version > /dev/null 2>&1 && break; sleep 1; done; ctr version",
                    r"1\.6\.", limit_s=240)
        make_archive(shell)
        shell.check(f"ctr image import /run/bb.tar {IN}", r"unpacking|saved|done", limit_s=180)
        shell.check(f"ctr run --rm --snapshotter overlayfs docker.io/library/bb:latest one echo from-ctr {IN}",
                    r"^from-ctr$", limit_s=300)


def make_archive(shell):
    """What `docker save` makes, by hand: one layer, its digest in the configuration."""
    shell.check("mkdir -p /run/a && cd /run/a && tar -C /var/lib/images/busybox -cf layer.tar .")
    shell.check("d=$(sha256sum layer.tar | cut -d' ' -f1); "
                "printf '{\"architecture\":\"amd64\",\"os\":\"linux\",\"config\":{},"
                "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"sha256:%s\"]}}' $d > config.json")
    shell.check("printf '[{\"Config\":\"config.json\",\"RepoTags\":[\"docker.io/library/bb:latest\"],"
                "\"Layers\":[\"layer.tar\"]}]' > manifest.json; "
                "tar -cf /run/bb.tar manifest.json config.json layer.tar; cd /")
