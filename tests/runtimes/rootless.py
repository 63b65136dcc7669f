# SPDX-License-Identifier: MPL-2.0
"""podman of Debian 12 as an ordinary user: newuidmap with its set-user-ID bit, overlay storage in a user namespace."""

from runner import image

IN = "< /dev/null"
USER = 1000
AS_USER = f"""#!/bin/sh
cd /home/user
exec /usr/bin/setpriv --reuid {USER} --regid {USER} --clear-groups env -i HOME=/home/user USER=user PATH=$PATH \\
  XDG_RUNTIME_DIR=/run/user/{USER} "$@"
"""
INSIDE = """id -u
cat /proc/self/uid_map
mount | head -1
grep Seccomp: /proc/self/status
rm /bin/vi && mkdir /bin/vi && mv /bin/vi /bin/vii && test -d /bin/vii && echo changed
touch /owned && chown 5:5 /owned && ls -ln /owned
mkdir /m; mount -t tmpfs none /m 2>&1
"""


def boot(options, name):
    return image.boot(options, [image.layer(name, image.other("podman"))], name, mem=2048)


def write_file(shell, path, text, mode):
    """Line by line, so that no line is too long for the terminal."""
    shell.check(f": > {path}")
    for line in text.splitlines():
        quoted = line.replace("'", "'\\''")
        shell.check(f"printf '%s\\n' '{quoted}' >> {path}")
    shell.check(f"chmod {mode} {path}")


def prepare(shell):
    """A user as adduser would make one, the command `as-user`, and an image of that user."""
    shell.check("echo user:x:1000:1000::/home/user:/bin/sh >> /etc/passwd; echo user:x:1000: >> /etc/group")
    shell.check("echo user:100000:65536 > /etc/subuid; cp /etc/subuid /etc/subgid")
    shell.check("mkdir -p /home/user /run/user/1000; chown 1000:1000 /home/user /run/user/1000")
    write_file(shell, "/usr/bin/as-user", AS_USER, "755")
    write_file(shell, "/run/inside.sh", INSIDE, "755")
    shell.check("tar -C /var/lib/images/busybox -cf /run/bb.tar .")
    shell.check(f"as-user podman import /run/bb.tar bb {IN}", r"sha256:", limit_s=300)


def run_inside(shell, run):
    text = shell.check(f"{run} --rm -v /run/inside.sh:/inside.sh bb sh /inside.sh {IN}; echo status $?", limit_s=300)
    for wanted in ("\n *0 +1000 +1\n *1 +100000 +65536\n", r"overlay on / type overlay .*\buserxattr", r"Seccomp:\s*2",
                   "^changed$", r"^-rw\S* +1 5 +5 ", "permission denied|not permitted"):
        if not image.re.search(wanted, text, image.re.M):
            raise AssertionError(f"{wanted!r} is not in {text!r}")


def scenario_user_runs_builds_and_stops(options):
    with boot(options, "rootless") as guest:
        shell = image.Shell(guest).wait_ready()
        prepare(shell)
        shell.check("as-user podman unshare cat /proc/self/uid_map < /dev/null", r"^ *1 +100000 +65536$")
        run = "as-user podman run --network none"
        run_inside(shell, run)
        shell.check(f"{run} -d --name one bb sh -c 'trap exit TERM; while :; do sleep 1; done' {IN}", limit_s=300)
        shell.check(f"as-user podman exec one ps {IN}", r"^ +1 root +sh -c", limit_s=120)
        shell.check("stat -c %u /proc/$(as-user podman inspect -f {{.State.Pid}} one)", r"^1000$")
        shell.check(f"as-user podman ps {IN}", r"Up .*\bone\b")
        shell.check(f"as-user podman stop -t 20 one {IN} && as-user podman ps -a {IN}", r"Exited \(\d+\).*\bone\b",
                    limit_s=120)
        shell.check(f"as-user podman rm one {IN}")
        build(shell, run)


def build(shell, run):
    shell.check("printf 'FROM bb\\nRUN echo built-by $(id -u) > /built && rm /bin/vi && chown 3:3 /built\\n"
                "CMD cat /built; ls -ln /built /bin/vi\\n' > /home/user/Containerfile")
    shell.check(f"as-user podman build --network none -t built -f /home/user/Containerfile /home/user {IN}", limit_s=400)
    text = shell.check(f"{run} --rm built {IN} 2>&1; true", r"^built-by 0$", limit_s=300)
    if not image.re.search(r"1 3 +3 .*/built$", text, image.re.M) or "vi: No such file" not in text:
        raise AssertionError(f"the image that was built holds {text!r}")
