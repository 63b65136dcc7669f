# SPDX-License-Identifier: MPL-2.0
"""systemd-nspawn of Debian 12 with a tree of busybox: read-only, throw-away, without a network, with ids of its own."""

from runner import image

TREE = "/var/lib/tree"
# Without systemd in the tree nspawn would give it control groups of version 1.
NSPAWN = f"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 systemd-nspawn --quiet -D {TREE} --register=no --keep-unit"
IN = "< /dev/null"


def prepare(shell):
    """What nspawn asks of a tree: /usr, /etc/os-release, places to mount on; of its host: a machine's name."""
    shell.check(f"cp -a /var/lib/images/busybox {TREE}; mkdir -p {TREE}/usr {TREE}/etc {TREE}/run {TREE}/tmp; "
                f"echo ID=busybox > {TREE}/etc/os-release")
    shell.check("echo 0123456789abcdef0123456789abcdef > /etc/machine-id")


def scenario_trees(options):
    with image.boot(options, [image.layer("nspawn", image.other("runtimes"))], "nspawn", mem=1024) as guest:
        shell = image.Shell(guest).wait_ready()
        prepare(shell)
        shell.check(f"{NSPAWN} /bin/sh -c 'echo $$ $(hostname) $(cat /proc/self/cgroup)' {IN}", r"^1 tree 0::/\s*$")
        shell.check(f"{NSPAWN} --private-network --as-pid2 /bin/sh -c 'echo pid $$; ip addr' {IN}",
                    r"(?s)^pid 2$.*^1: lo: <LOOPBACK,UP.*inet 127\.0\.0\.1/8")
        _, status = shell.run(f"{NSPAWN} /bin/sh -c 'exit 7' {IN}")
        if status != 7:
            raise AssertionError(f"the status 7 came out as {status}")
        shell.check(f"{NSPAWN} --read-only /bin/sh -c 'touch /x' {IN} 2>&1; true", r"Read-only file system")
        shell.check(f"{NSPAWN} --ephemeral /bin/sh -c 'touch /x && echo written' {IN} && ! test -e {TREE}/x",
                    r"^written")
        shell.check(f"{NSPAWN} --volatile=overlay /bin/sh -c 'touch /x && mount | head -1' {IN} && ! test -e {TREE}/x",
                    r"^overlay on / type overlay")
        users = "--private-users=pick --private-users-ownership=chown"
        shell.check(f"{NSPAWN} {users} /bin/sh -c 'touch /x; cat /proc/self/uid_map; stat -c owner=%u /x' {IN}",
                    r"(?s)^ +0 +[1-9]\d{5,} +65536$.*^owner=0$")
        shell.check(f"test $(stat -c %u {TREE}/x) -gt 65535")
