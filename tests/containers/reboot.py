# SPDX-License-Identifier: MPL-2.0
"""Containers outlive the machine's boot: those that keel made are known again, and come back as their policy says."""

import json

from runner import archives, image
from runner.stock import attach, files_disk, lower_layer

POLICIES = {"always": "--restart always", "unless": "--restart unless-stopped", "stopped": "--restart unless-stopped",
            "back": "--restart always", "plain": ""}


def state_of(shell, name):
    return [shell.check(f"keel inspect -f '{{{{.State.{part}}}}}' {name}").strip() for part in ("Status", "ExitCode")]


def wait_running(shell, name):
    shell.check("for i in $(seq 100); do keel inspect -f '{{.State.Status}}' " + name +
                f" | grep -q running && break; sleep 0.2; done; keel exec {name} true")


def start_all(shell):
    attach(shell)
    shell.check("keel load -i /run/files/l.tar")
    for name, options in POLICIES.items():
        shell.check(f"keel run -d --name {name} {options} -e WHO={name} sleeper")
        shell.check(f"keel exec {name} sh -c 'echo $WHO > /root/changed'")
    shell.check("keel stop -t 0 stopped && keel stop -t 0 back")
    shell.check("keel create --name made sleeper")
    shell.check("keel run --name seven sleeper sh -c 'exit 7'; test $? = 7")
    shell.check("keel run -d --rm --restart no --name passing sleeper")
    shell.check("keel run -d --restart always --name gone sleeper && keel rm -f gone")
    shell.check("keel run -d --restart always --name tree rootfs:/var/lib/images/busybox sleep 1000")
    return {name: shell.check("keel inspect -f '{{.Id}}' " + name) for name in [*POLICIES, "made", "seven", "tree"]}


def check_all(shell, ids):
    for name, identifier in ids.items():
        if shell.check("keel inspect -f '{{.Id}}' " + name) != identifier:
            raise AssertionError(f"{name} has another id after a boot")
    for name in ("always", "unless", "back", "tree"):
        wait_running(shell, name)
    for name in ("always", "unless", "back"):
        shell.check(f"keel exec {name} cat /root/changed", f"^{name}$")
    for name, wanted in (("stopped", ["exited", "137"]), ("plain", ["exited", "137"]), ("seven", ["exited", "7"]),
                         ("made", ["created", "0"])):
        if state_of(shell, name) != wanted:
            raise AssertionError(f"{name} is {state_of(shell, name)} after a boot, not {wanted}")
    for name in ("passing", "gone"):
        _, status = shell.run(f"keel inspect {name}")
        if status == 0:
            raise AssertionError(f"{name} is there after a boot")
    _, status = shell.run("keel rmi sleeper")
    if status != 2:
        raise AssertionError(f"rmi of the image of containers of an earlier boot ended with {status}")


def scenario_containers_outlive_a_boot(options):
    """always and unless-stopped come back with what they had changed; the others are there, and can be started."""
    layout = archives.Layout()
    layout.image("sleeper", [lower_layer(["cat"])], {"Cmd": ["/bin/sleep", "1000"], "StopSignal": "SIGKILL"})
    disks = [image.layer("reboot"), files_disk("reboot", {"l.tar": layout.archive()})]
    with image.boot(options, disks, "reboot-1") as guest:
        shell = image.Shell(guest).wait_ready()
        ids = start_all(shell)
        shell.power_off()
    with image.boot(options, disks, "reboot-2") as guest:
        shell = image.Shell(guest).wait_ready()
        check_all(shell, ids)
        shell.check("keel start plain && keel exec plain cat /root/changed", r"^plain$")
        shell.check("keel start made && keel exec made true")
        listed = json.loads(shell.check("keel ps -a --format json"))
        if len(listed) < len(ids):
            raise AssertionError(f"keel ps lists {listed}")
        shell.check("keel rm -f " + " ".join(ids) + "; ls /var/data/keel/records | wc -l", r"^0$")
        shell.check("for i in $(seq 50); do test -z \"$(ls /var/data/keel/containers)\" && break; sleep 0.2; done; "
                    "ls /var/data/keel/containers | wc -l", r"^0$")
        shell.check("keel rmi sleeper")
        shell.power_off()


def scenario_power_loss_keeps_restart_always(options):
    """Once `keel run --restart always` has answered, no power loss forgets it; rubbish is left out, and told."""
    disk = image.layer("reboot-loss")
    with image.boot(options, [disk], "reboot-loss-1") as guest:
        shell = image.Shell(guest).wait_ready()
        shell.check("keel run -d --restart always --name kept rootfs:/var/lib/images/busybox sleep 1000")
        shell.check("echo nonsense > /var/data/keel/records/" + "a" * 64 + "; sync")
        guest.stop()
    with image.boot(options, [disk], "reboot-loss-2") as guest:
        shell = image.Shell(guest)
        guest.expect("container aaaaaaaaaaaa of an earlier boot is left out: .* is no record", limit_s=300)
        shell.wait_ready()
        wait_running(shell, "kept")
        shell.power_off()
