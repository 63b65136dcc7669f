# SPDX-License-Identifier: MPL-2.0
"""Runtimes of the lowest level: crun, runc, bwrap, unshare. Every bundle is `RUNTIME spec`, unedited
but for its command and terminal where a scenario says so."""

import json
import re

from runner import image

BUNDLE = "/var/tmp/bundle"


def boot(options, name):
    return image.boot(options, [image.layer(name, image.other("runtimes"))], name, mem=1024)


def make_bundle(shell, runtime, words, terminal="false"):
    """A bundle of busybox whose config.json is `spec` with another command."""
    command = ",".join(json.dumps(word).replace('"', '\\"') for word in words)
    shell.check(f"rm -rf {BUNDLE}; mkdir -p {BUNDLE}; cp -a /var/lib/images/busybox {BUNDLE}/rootfs")
    shell.check(f"cd {BUNDLE} && {runtime} spec")
    shell.check(f"tr -d '\\n' < config.json | sed -e 's/\"terminal\": *true/\"terminal\": {terminal}/' "
                f"-e \"s|\\\"args\\\": *\\[[^]]*\\]|\\\"args\\\": [{command}]|\" > new && mv new config.json")


def run_unedited(options, runtime):
    """`spec` as it is: a terminal and sh."""
    with boot(options, f"{runtime}-spec") as guest:
        shell = image.Shell(guest).wait_ready()
        make_bundle(shell, runtime, ["sh"], terminal="true")
        guest.send(f"{runtime} run one\n")
        guest.expect(r"/ # ", limit_s=120)
        guest.send("echo pid=$$ host=$(hostname) tty=$(tty); exit 5\n")
        guest.expect(rf"pid=1 host={runtime} tty=/dev/", limit_s=30)
        guest.expect(image.PROMPT, limit_s=60)
        shell.check("test $(ls /run/*run/ | grep -c one) = 0")


def life_cycle(options, runtime):
    with boot(options, f"{runtime}-life") as guest:
        shell = image.Shell(guest).wait_ready()
        make_bundle(shell, runtime, ["sh", "-c", "echo started; sleep 1000"])
        shell.check(f"{runtime} run --detach --pid-file /run/one.pid one > /run/one.log 2>&1 < /dev/null || "
                    "{ cat /run/one.log; false; }", limit_s=180)
        shell.check("for i in $(seq 60); do grep started /run/one.log && break; sleep 1; done")
        state = json.loads(shell.check(f"{runtime} state one"))
        if state["status"] != "running":
            raise AssertionError(f"state is {state['status']}")
        shell.check(f"{runtime} exec one ps < /dev/null", r"^ +1 .*sleep 1000|^ +1 .*sh -c")
        _, status = shell.run(f"{runtime} exec one sh -c 'exit 9' < /dev/null")
        if status != 9:
            raise AssertionError(f"exec ended with {status}, not 9")
        shell.check(f"{runtime} pause one")
        shell.check(f"{runtime} state one", r'"status": "paused"')
        shell.check(f"{runtime} resume one")
        shell.check(f"{runtime} update --pids-limit 17 one")
        shell.check("cat $(find /sys/fs/cgroup -type d -name '*one*' | head -1)/pids.max", r"^17$")
        shell.check(f"{runtime} list", r"\bone\b.*running")
        shell.check(f"{runtime} kill one KILL; for i in $(seq 100); do {runtime} state one | grep -q stopped && break; "
                    f"sleep 0.2; done; {runtime} delete one")
        shell.check("test $(find /sys/fs/cgroup -type d -name '*one*' | wc -l) = 0")


def scenario_crun_spec_unedited(options):
    run_unedited(options, "crun")


def scenario_crun_life_cycle(options):
    life_cycle(options, "crun")


def scenario_runc_spec_unedited(options):
    run_unedited(options, "runc")


def scenario_runc_life_cycle(options):
    life_cycle(options, "runc")


def scenario_bubblewrap(options):
    with boot(options, "bwrap") as guest:
        shell = image.Shell(guest).wait_ready()
        text = shell.check("bwrap --ro-bind / / --dev /dev --proc /proc --tmpfs /tmp --unshare-all "
                           "--hostname inside --die-with-parent sh -c 'hostname; echo $$; ls /tmp | wc -l'")
        if not re.search(r"^inside$", text, re.M):
            raise AssertionError(f"bwrap printed {text!r}")


def scenario_unshare_and_nsenter(options):
    with boot(options, "unshare") as guest:
        shell = image.Shell(guest).wait_ready()
        shell.check("/usr/bin/unshare --user --map-root-user --mount --pid --fork --mount-proc --uts --ipc "
                            "--net --cgroup "
                    "sh -c 'hostname inner; hostname; id -u; ps | wc -l'", r"^inner$")
        shell.check("/usr/bin/unshare --uts --fork sh -c 'hostname far; echo $$ > /run/far; sleep 600' & "
                    "for i in $(seq 300); do test -s /run/far && break; sleep 0.2; done; "
                    "/usr/bin/nsenter --uts --target $(cat /run/far) hostname", r"^far$")
