# SPDX-License-Identifier: MPL-2.0
"""keel's other commands: create, start, pause, stats, events, inspect, logs, ps, kill, wait."""

import json
import re

from runner import image, session

RUN = "keel run --network none"
TREE = "rootfs:/var/lib/images/busybox"


def parse(shell, command):
    return json.loads(shell.check(command))


def wait_for(shell, command, tries=150):
    shell.check(f"for i in $(seq {tries}); do {command} && break; sleep 0.2; done; {command}")


def scenario_pause_stats_inspect(options):
    # Shares of time are read off: what this host does meanwhile must not be seen.
    with image.boot(options, [image.layer("manage")], "manage", more=session.INSTRUCTION_CLOCK) as guest:
        shell = image.Shell(guest).wait_ready()
        identifier = shell.check(f"{RUN} -d --name work --memory 48m --cpus 0.5 --pids-limit 33 --read-only "
                                 f"--tmpfs /x:1m -e A=b -l kind=test --stop-timeout 3 --restart on-failure:2 {TREE} "
                                 "sh -c 'while :; do :; done'").strip()
        if not re.fullmatch("[0-9a-f]{64}", identifier):
            raise AssertionError(f"run -d printed {identifier!r}")
        found = parse(shell, "keel inspect work")[0]
        for path, wanted in (("Id", identifier), ("Name", "work"), ("State.Status", "running"), ("State.Running", True),
                             ("HostConfig.Memory", 48 << 20), ("HostConfig.NanoCpus", 500000000),
                             ("HostConfig.PidsLimit", 33), ("HostConfig.ReadonlyRootfs", True),
                             ("HostConfig.RestartPolicy.Name", "on-failure"), ("HostConfig.NetworkMode", "none"),
                             ("HostConfig.RestartPolicy.MaximumRetryCount", 2), ("Config.Labels.kind", "test"),
                             ("Config.StopTimeout", 3), ("Path", "sh")):
            value = found
            for word in path.split("."):
                value = value[word]
            if value != wanted:
                raise AssertionError(f"inspect: {path} is {value!r}, not {wanted!r}")
        shell.check(f"test -d /proc/{found['State']['Pid']}")
        shell.check("keel inspect -f '{{.State.Status}}' " + identifier[:12], r"^running$")
        shell.check("sleep 2")
        text = shell.check("keel stats --no-stream work")
        line = re.search(rf"^{identifier[:12]}  work +(\d+\.\d+)% +(\S+) / 50.3MB +(\d+\.\d+)% +"
                         r"-- / -- +\S+ / \S+ +(\d+) ", text, re.M)
        if not line or not 30 < float(line.group(1)) < 60 or line.group(4) != "1":
            raise AssertionError(f"stats printed {text}")
        stats = parse(shell, "keel stats --no-stream --format json work")
        if stats[0]["name"] != "work" or stats[0]["pids"] != "1":
            raise AssertionError(f"stats: {stats}")
        shell.check("keel pause work", r"^work$")
        shell.check("keel ps", r"Up .* \(Paused\) .*work$")
        used = "grep usage_usec /sys/fs/cgroup/keel/work/cpu.stat"
        before = int(shell.check(used).split()[1])
        after = int(shell.check(f"sleep 1; {used}").split()[1])
        if after - before > 1000:    # the way from "it stands" to another task still counts, as on Linux
            raise AssertionError(f"a paused container goes on: {after - before} us in a second")
        for command in ("keel pause work", "keel exec work true"):
            _, status = shell.run(command)
            if status != 125:
                raise AssertionError(f"{command} of a paused container ended with {status}")
        shell.check("keel unpause work && keel exec work true")
        shell.check("keel pause work && keel stop -t 1 work")
        shell.check("keel inspect -f '{{.State.ExitCode}}' work", r"^137$")
        shell.check("keel rm work")
        if parse(shell, "keel ps -a --filter name=work --format json") != []:
            raise AssertionError("rm left it in the list")
        shell.power_off()


def scenario_events_and_codes(options):
    """What happens is told, in order; ended containers say how."""
    with image.boot(options, [image.layer("events")], "events") as guest:
        shell = image.Shell(guest).wait_ready()
        # It tells what comes once it listens, so it is asked until it does.
        shell.check("keel events --format json > /tmp/stream & echo $! > /tmp/stream.pid; for i in $(seq 100); do "
                    f"keel create --name probe {TREE} true; keel rm probe; sleep 0.3; test -s /tmp/stream && break; "
                    "done >/dev/null; test -s /tmp/stream")
        shell.check(f"keel create --name made {TREE} sh -c 'sleep 0.5; exit 7'", r"^[0-9a-f]{64}$")
        shell.check("keel ps -a --filter name=made", r" Created .* made$")
        shell.check("keel start made; keel wait made", r"^7$")
        shell.check(f"keel run --rm --name other {TREE} true; keel rm made")
        wait_for(shell, "[ $(grep -cE 'made|other' /tmp/stream) -ge 8 ]", 300)
        shell.check("kill $(cat /tmp/stream.pid)")
        events = [json.loads(line) for line in shell.check("cat /tmp/stream").splitlines() if line.startswith("{")]
        events = [event for event in events if event["Name"] in ("made", "other")]
        told = [(event["Name"], event["Status"]) for event in events]
        wanted = [("made", "create"), ("made", "start"), ("made", "died"), ("other", "create"), ("other", "start"),
                  ("other", "died"), ("other", "remove"), ("made", "remove")]
        if told != wanted or events[2]["ContainerExitCode"] != 7:
            raise AssertionError(f"events told {told}")
        shell.check("keel events --since 10m --stream=false --filter container=made",
                    r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{9} \+0000 UTC container create [0-9a-f]{64} "
                    r"\(image=rootfs:.*, name=made\)$")
        text = shell.check("keel events --since 10m --stream=false --filter container=made --filter event=died")
        if len(text.strip().splitlines()) != 1:
            raise AssertionError(f"the filters let through {text}")
        shell.check(f"{RUN} -d --name slow {TREE} sleep 1000 && keel kill -s KILL slow && keel wait slow", r"^137$")
        shell.check(f"{RUN} -d --name again --restart on-failure:2 {TREE} false")
        wait_for(shell, "keel inspect -f '{{.State.Status}}' again | grep -q exited", 100)
        shell.check("keel inspect -f '{{.RestartCount}}' again", r"^2$")
        shell.check("keel start -a again; test $? = 1")
        shell.power_off()


def scenario_logs_rotate_and_follow(options):
    with image.boot(options, [image.layer("logs")], "logs") as guest:
        shell = image.Shell(guest).wait_ready()
        shell.check(f"keel run -d --name talk {TREE} sh -c "
                    "'for i in $(seq 40000); do echo line-$i-abcdefghijklmnopqrstuvwxyz; done; echo last; sleep 2'")
        text = shell.check("keel logs -f talk | tail -n 2", limit_s=200)
        if text.split() != ["line-40000-abcdefghijklmnopqrstuvwxyz", "last"]:
            raise AssertionError(f"logs -f ended with {text[-200:]}")
        shell.check("keel logs --tail 1 talk", r"^last$")
        shell.check("test -s /var/log/containers/talk.log.1 -a -s /var/log/containers/talk.log")
        shell.check("keel logs talk | awk -F- '/^line/ {if (last && $2 != last + 1) exit 1; last = $2; n++} "
                    "END {exit n < 25000}'", limit_s=200)
        shell.power_off()


def scenario_logs_keep_streams_and_times(options):
    """Both streams, lines in parts, times, and files that stay as short as asked."""
    with image.boot(options, [image.layer("streams")], "streams") as guest:
        shell = image.Shell(guest).wait_ready()
        shell.check(f"keel run -d --name two {TREE} sh -c 'echo out; echo wrong >&2; sleep 0.5; printf half; "
                    "sleep 0.5; echo -whole; sleep 0.5; printf end' && keel wait two", r"^0$")
        shell.check("keel logs two 2>/dev/null | tr '\\n' ,; echo", r"^out,half-whole,end$")
        shell.check("keel logs two 2>&1 >/dev/null", r"^wrong$")
        shell.check("keel logs -t two 2>/dev/null | "
                    "grep -cE '^20[0-9]{2}-[0-9-]{5}T[0-9:]{8}\\.[0-9]{9}Z (out|half-whole|end)'",
                    r"^3$")
        shell.check("keel logs --tail 2 two 2>/dev/null | tr '\\n' ,; echo", r"^half-whole,end$")
        shell.check("keel logs --tail 0 two | wc -c", r"^0$")
        shell.check(f"keel run --rm {TREE} sh -c 'head -c 20000 /dev/zero | tr \\\\0 x; echo' | wc -c", r"^20001$")
        shell.check(f"keel run -d --name long {TREE} sh -c 'head -c 20000 /dev/zero | tr \\\\0 x; echo' && "
                    "keel wait long")
        shell.check("keel logs long | wc", r"^ +1 +1 +20001$")
        shell.check("keel ps -a --filter name=two --format '{{.Names}}:{{.State}} {{.ExitCode}}'", r"^two:exited 0$")
        shell.check("keel ps -a --filter name=two --format 'table {{.Names}}\\t{{.Command}}\\t{{.Image}}'",
                    r"^NAMES  COMMAND +IMAGE\ntwo    sh -c .* +rootfs:\S+$")
        shell.check("keel inspect -f '{{.Name}} {{json .State.Status}} {{.Config.Image}}' two",
                    r'^two "exited" rootfs:\S+$')
        for words in ("ps --format '{{.None}}'", "ps --format '{{range .}}'", "inspect -f '{{.No}}' two"):
            text, status = shell.run(f"keel {words}")
            if status != 125 or "is not understood" not in text:
                raise AssertionError(f"{words} ended with {status}: {text}")
        shell.check(f"keel run -d --name short --log-opt max-size=64k {TREE} seq 20000 && keel wait short")
        shell.check("keel logs short | tail -n 1", r"^20000$")
        shell.check("cd /var/log/containers; find short.log short.log.1 -size -65k | wc -l; cd", r"^2$")
        for words in ("--log-opt max-size=1k", "--log-opt max-size=x", "--log-opt tag=x", "--log-driver journald"):
            text, status = shell.run(f"keel run --rm {words} {TREE} true")
            if status != 125 or "log" not in text:
                raise AssertionError(f"{words} ended with {status}: {text}")
        shell.power_off()
