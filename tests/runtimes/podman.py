# SPDX-License-Identifier: MPL-2.0
"""podman of Debian 12 with its own defaults: overlay storage, crun, the default seccomp filter and pids limit."""

import re

from runner import image

IN = "< /dev/null"      # podman reads what the scenario types next


def boot(options, name):
    return image.boot(options, [image.layer(name, image.other("podman"))], name, mem=2048)


def prepare(shell):
    """An image `bb` made of busybox."""
    shell.check("tar -C /var/lib/images/busybox -cf /run/bb.tar .")
    shell.check(f"podman import /run/bb.tar bb {IN}", r"sha256:", limit_s=300)


def scenario_run_pause_build(options):
    with boot(options, "podman") as guest:
        shell = image.Shell(guest).wait_ready()
        prepare(shell)
        run = "podman run --network none"
        shell.check(f"{run} --rm bb echo from-podman {IN}", r"^from-podman$", limit_s=300)
        _, status = shell.run(f"{run} --rm bb sh -c 'exit 3' {IN}", limit_s=300)
        if status != 3:
            raise AssertionError(f"the container's status 3 came out as {status}")
        shell.check(f"{run} -d --name one bb sh -c 'while :; do sleep 1; done' {IN}", limit_s=300)
        shell.check(f"podman exec one grep Seccomp: /proc/self/status {IN}", r"^Seccomp:\s*2$")
        shell.check(f"podman exec one mount {IN}", r"^overlay on / type overlay ")
        shell.check(f"podman pause one {IN} && podman ps -a {IN}", r"Paused.*\bone\b")
        shell.check(f"podman unpause one {IN} && podman stats --no-stream one {IN}", r"\bone\b")
        shell.check(f"podman rm -f -t 0 one {IN}")
        build(shell)


def build(shell):
    """An image from a Containerfile, without a network."""
    shell.check("printf 'FROM bb\\nRUN echo was-built > /built\\nCMD cat /built\\n' > /run/Containerfile")
    shell.check(f"podman build --network none -t built -f /run/Containerfile /run {IN}", limit_s=400)
    shell.check(f"podman run --rm --network none built {IN}", r"^was-built$", limit_s=300)
    if not re.search(r"localhost/built", shell.check(f"podman images {IN}")):
        raise AssertionError("the image that was built is not listed")
