# SPDX-License-Identifier: MPL-2.0
"""Terminals of containers: run -it, exec -it, attach, detach keys, window sizes, ^C, job control, ends of input."""

from runner import image

TREE = "rootfs:/var/lib/images/busybox"
PROMPT = r"/ # "
GO = "until rm /tmp/go 2>/dev/null; do sleep 0.2; done"    # until somebody inside has touched /host/go
RESIZE = f"({GO}; stty -F /dev/console rows 40 cols 90)"
INTERRUPT, END, STOP, DETACH = "\x03", "\x04", "\x1a", "\x10\x11"
PRESSES, PRESS_S = 5, 10


class Inside:
    """A shell in a container, on a terminal that the console's own shell lends."""

    def __init__(self, guest, command):
        self.guest = guest
        guest.send(command + "\n")
        guest.expect(PROMPT, limit_s=60)

    def check(self, command, pattern):
        self.guest.send(command + "\n")
        self.guest.expect(r"\n" + pattern + r"(?s:.*?)" + PROMPT, limit_s=60)

    def begin(self, command, pattern=""):
        """Starts what does not end by itself, and lets it get to its work: a key pressed earlier is only typing."""
        self.guest.send(f"echo go; {command}\n")
        self.guest.expect(r"\ngo\n" + pattern, limit_s=60)
        self.guest.let_run(1)

    def press(self, keys, pattern=PROMPT):
        """Again if nothing comes of it: on a slow host it came before the program that it was for."""
        for _ in range(PRESSES):
            self.guest.send(keys)
            if self.guest.comes(pattern, PRESS_S):
                return
        self.guest.expect(pattern, limit_s=60)

    def type(self, keys, pattern):
        self.guest.send(keys)
        self.guest.expect(pattern, limit_s=60)


def back_outside(shell, keys, status):
    """The keys bring the console's shell back, and keel has ended like that."""
    shell.guest.send(keys)
    shell.guest.expect(image.PROMPT, limit_s=60)
    shell.check("echo status=$?", rf"^status={status}$")


def check_terminal(inside):
    """What every terminal does: its size, signals of its keys, job control."""
    inside.check("stty size; tty", r"33 101\n/dev/pts/\d+\n")
    inside.begin("sleep 1000; echo after")
    inside.press(INTERRUPT)
    inside.begin("sleep 1001")
    inside.press(STOP, r"Stopped(?s:.*?)" + PROMPT)
    inside.check("jobs", r"\[1\]\+? +Stopped +sleep 1001\n")
    inside.begin("fg", r"sleep 1001\n")
    inside.press(INTERRUPT)
    inside.check("jobs | wc -l", r"0\n")
    inside.begin("cat > /tmp/typed")
    inside.type("a line\n", "a line\n")
    inside.type(END, PROMPT)
    inside.check("cat /tmp/typed", "a line\n")


def check_resize(inside):
    """The shell itself is in the foreground, as it starts no program."""
    inside.begin("trap 'stty size' WINCH; touch /host/go; while :; do :; done", r"(?s:.*?)40 90\n")
    inside.press(INTERRUPT)


def scenario_run_and_attach(options):
    with image.boot(options, [image.layer("terminal")], "terminal") as guest:
        shell = image.Shell(guest).wait_ready()
        shell.check("stty rows 33 cols 101")
        inside = Inside(guest, f"keel run -it --name tty -v /tmp:/host {TREE} sh")
        check_terminal(inside)
        inside.check("kept=yes; echo $$", r"1\n")
        back_outside(shell, DETACH, 0)
        shell.check("keel ps", r"Up .*tty$")
        inside = Inside(guest, f"{RESIZE} & keel attach tty\n")
        inside.check("echo kept=$kept", r"kept=yes\n")
        check_resize(inside)
        back_outside(shell, DETACH, 0)
        shell.check("stty rows 33 cols 101")
        check_terminal(Inside(guest, "keel attach tty\n"))
        back_outside(shell, END, 0)
        shell.check("keel inspect -f '{{.State.Status}}' tty", r"^exited$")
        _, status = shell.run("keel attach tty")
        if status != 125:
            raise AssertionError(f"attach to an ended container ended with {status}")
        inside = Inside(guest, f"keel run -it --rm --detach-keys 'ctrl-],x' --name keys {TREE} sh")
        inside.type("\x10\x11\x1d\n", PROMPT)
        back_outside(shell, "\x1dx", 0)
        Inside(guest, "keel attach --detach-keys '' keys\n")
        back_outside(shell, "exit 5\n", 5)
        shell.power_off()


def scenario_exec_in_a_terminal(options):
    with image.boot(options, [image.layer("exec-tty")], "exec-tty") as guest:
        shell = image.Shell(guest).wait_ready()
        shell.check(f"stty rows 33 cols 101; keel run -d --name host -v /tmp:/host {TREE} sleep 10000")
        inside = Inside(guest, "keel exec -it host sh")
        check_terminal(inside)
        back_outside(shell, "exit 7\n", 7)
        inside = Inside(guest, f"{RESIZE} & keel exec -it host sh")
        check_resize(inside)
        back_outside(shell, END, 130)
        shell.check("keel exec host tty; test $? = 1")
        shell.power_off()


def scenario_pipes_and_lost_clients(options):
    """Input over pipes, several clients at once, and clients that are killed."""
    with image.boot(options, [image.layer("clients")], "clients") as guest:
        shell = image.Shell(guest).wait_ready()
        shell.check(f"printf 'a\\020\\021b' | keel run --rm -i {TREE} cat | wc -c", r"^4$")
        shell.check(f"keel run -di --name pipe {TREE} cat && echo through | keel attach pipe", r"^through$")
        shell.check("keel inspect -f '{{.State.ExitCode}}' pipe", r"^0$")
        shell.check(f"keel run -d --name clock {TREE} sh -c 'while sleep 0.2; do date +%s; echo bad >&2; done'")
        shell.check("for i in 1 2 3 4 5 6 7 8; do keel attach --no-stdin clock >/tmp/out-$i 2>/tmp/err-$i & done; "
                    "for i in $(seq 300); do wc -l /tmp/out-? /tmp/err-? | awk '$1 > 2 {n++} END {exit n < 17}' && "
                    "break; sleep 0.2; done")
        text, status = shell.run("keel attach clock")
        if status != 125 or "8 clients" not in text:
            raise AssertionError(f"the ninth client ended with {status}: {text}")
        shell.check("kill -9 %3; wait %3; keel attach --no-stdin clock > /tmp/out-9 & sleep 1; for i in $(seq 300); do "
                    "[ $(wc -l < /tmp/out-9) -gt 2 ] && break; sleep 0.2; done; "
                    "keel kill clock; keel wait clock; wait; "
                    "wc -l /tmp/out-? /tmp/err-? | awk '$1 > 2 {n++} END {print \"many=\" n}'", r"^many=18$")
        shell.check("keel inspect -f '{{.State.ExitCode}}' clock", r"^137$")
        Inside(guest, f"({GO}; kill -9 $(pidof keel)) & keel run -it -v /tmp:/host --name lost {TREE} sh")
        guest.send("touch /host/go\n")
        guest.expect(image.PROMPT, limit_s=60)
        shell.check("stty sane; stty -echo; keel exec lost true && echo mine", r"^mine$")
        shell.check("keel kill lost; keel wait lost", r"^137$")
        shell.power_off()
