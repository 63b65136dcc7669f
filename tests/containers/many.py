# SPDX-License-Identifier: MPL-2.0
"""Very many containers at once: what each costs to start, and that nothing is left of them.

The machine's clock counts instructions, so that costs do not depend on the host. What is left is
seen in the kernel's own counts of objects (/proc/slabinfo names each kind: files, mounts, every
namespace, processes, groups), compared after one round and after another.
"""

import re

from runner import image
from runner.scenarios import long

CLOCK = ["-icount", "shift=0,sleep=off"]
GROWTH_MAX = 1.1
# Kept for as long as there is memory to spare, as on Linux: looked-up names, and what hangs on them.
CACHES = re.compile(r"dentry|inode|page|buffer")


def busy_ms(shell):
    """How long the processors have worked so far: user, nice and system of line one, in hundredths of a second.

    The two take turns on this clock, so that what both do at once counts twice: compare only within one round.
    """
    return 10 * sum(int(word) for word in shell.check("cat /proc/stat").split()[1:4])


def objects(shell):
    shell.check("sleep 2; echo 3 > /proc/sys/vm/drop_caches")
    text = shell.check("cat /proc/slabinfo")
    counts = {name: int(used) for name, used in re.findall(r"^(\w+) +(\d+) +\d+ ", text, re.M)}
    counts["tasks"] = int(shell.check("ls -d /proc/[0-9]* | wc -l"))
    counts["mounts"] = int(shell.check("wc -l < /proc/self/mountinfo"))
    counts["groups"] = int(shell.check("find /sys/fs/cgroup -type d | wc -l"))
    return counts


def start(shell, first, last):
    shell.check(f"for i in $(seq {first} {last}); do keel run -d --name many$i --network none "
                "rootfs:/var/lib/images/busybox sleep 1000000 >/dev/null || break; done; "
                f"keel inspect many{last} >/dev/null", limit_s=1800)


def start_and_stop(shell, count, step):
    """=> the cost of a start, in milliseconds of instructions, for each `step` of them."""
    costs = []
    for first in range(1, count, step):
        before = busy_ms(shell)
        start(shell, first, first + step - 1)
        costs.append((busy_ms(shell) - before) / step)
    running = int(shell.check("keel ps | grep -c many"))
    if running != count:
        raise AssertionError(f"{running} of {count} containers run")
    shell.check(f"keel rm -f $(for i in $(seq {count}); do echo many$i; done) >/dev/null", limit_s=3600)
    return costs


def check_costs(costs):
    """The first step also fills caches; the next ones are what the last ones are compared with."""
    print(f"containers: milliseconds of instructions a start: {[round(cost, 1) for cost in costs]}")
    if min(costs[-2:]) > max(costs[1:3]) * GROWTH_MAX:
        raise AssertionError(f"the cost of a start grows with their number: {costs}")


def check_nothing_left(before, after, count):
    grown = {name: (before.get(name, 0), after[name]) for name in after
             if after[name] - before.get(name, 0) > (count // 10 if CACHES.search(name) else 5)}
    if grown:
        raise AssertionError(f"left of {count} containers: {grown}")


def many_at_once(options, count, step, mem, name):
    with image.boot(options, [image.layer(name)], name, mem=mem, more=CLOCK) as guest:
        shell = image.Shell(guest).wait_ready()
        check_costs(start_and_stop(shell, count, step))
        before = objects(shell)
        check_costs(start_and_stop(shell, count, step))
        check_nothing_left(before, objects(shell), count)
        shell.power_off()


def scenario_hundred_at_once(options):
    """A hundred containers run at once; the last costs what the first did, and none leaves anything."""
    many_at_once(options, 100, 20, options.mem, "hundred")


@long
def scenario_thousand_at_once(options):
    """The same with a thousand, in 4 GiB."""
    many_at_once(options, 1000, 50, 4096, "thousand")
