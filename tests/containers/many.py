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


def growth(costs):
    """By how much of itself the cost grows from the first step to the last, by the line nearest to all of them.

    A single step says little: at -smp 2 it depends on how often both processors happened to work at once.
    """
    middle = (len(costs) - 1) / 2
    mean = sum(costs) / len(costs)
    slope = (sum((step - middle) * cost for step, cost in enumerate(costs))
             / sum((step - middle) ** 2 for step in range(len(costs))))
    return slope * (len(costs) - 1) / mean


def check_costs(costs, growth_max):
    """The first step also fills caches, so it is left out."""
    grown = growth(costs[1:])
    print(f"containers: milliseconds of instructions a start: {[round(cost, 1) for cost in costs]}, "
          f"growth {100 * grown:.1f} %")
    if grown > growth_max:
        raise AssertionError(f"the cost of a start grows with their number: {costs}")


def check_nothing_left(before, after, count):
    grown = {name: (before.get(name, 0), after[name]) for name in after
             if after[name] - before.get(name, 0) > (count // 10 if CACHES.search(name) else 5)}
    if grown:
        raise AssertionError(f"left of {count} containers: {grown}")


def many_at_once(options, count, step, growth_max, mem, name):
    with image.boot(options, [image.layer(name)], name, mem=mem, more=CLOCK) as guest:
        shell = image.Shell(guest).wait_ready()
        check_costs(start_and_stop(shell, count, step), growth_max)
        before = objects(shell)
        check_costs(start_and_stop(shell, count, step), growth_max)
        check_nothing_left(before, objects(shell), count)
        shell.power_off()


def scenario_hundred_at_once(options):
    """A hundred containers run at once; the last costs what the first did, and none leaves anything.

    Five steps of twenty read half a millisecond up or down: what must be seen here is a search through all of them.
    """
    many_at_once(options, 100, 20, 0.3, options.mem, "hundred")


@long
def scenario_thousand_at_once(options):
    """The same with a thousand, in 4 GiB."""
    many_at_once(options, 1000, 50, 0.1, 4096, "thousand")
