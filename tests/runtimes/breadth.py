# SPDX-License-Identifier: MPL-2.0
"""The breadth of each tool: a script in guest/ does what people do with it, a line a check, `ok NAME` or
`not ok NAME: why`; every check must hold, on Linux and on Keelson alike. CHECKS="part..." runs some parts.

The machine's clock counts instructions: the scripts and the daemons wait with limits of their own."""

import io
import os
import tarfile

from runner import image, scenarios, session

GUEST = "tests/runtimes/guest"
SILENCE_S = 900     # the longest check on a busy machine
SECTOR = 512
INNER = r"/ # "     # the prompt of a container's shell
# What is waited for and typed when a script says `terminal NAME`; ^P ^Q (or ^Q alone) detaches, ^C interrupts.
DIALOGUES = {
    "detach": [(INNER, "echo $((6 * 7)) $(tty)\n"), (r"42 /dev/(pts/0|console)\s", ""), (INNER, "\x10\x11")],
    # podman knows its keys only when each comes alone: this is one
    "detach by one key": [(INNER, "echo $((6 * 7)) $(tty)\n"), (r"42 /dev/(pts/0|console)\s", ""), (INNER, "\x11")],
    "interrupt": [(INNER, "echo be''gun; sleep 1000\n"), (r"begun", "\x03"), (INNER, "exit 3\n")],
    "leave": [(r"\Z", "\n"), (INNER, "exit 5\n")],
}


def make_disk(name):
    """A disk that is an archive of the scripts; tar reads it as it is."""
    path = f"{image.FOLDER}/{name}.tar"
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.add(GUEST, "checks")
    with open(path, "wb") as file:
        file.write(buffer.getvalue())
        file.truncate(-(-file.tell() // SECTOR) * SECTOR)
    return path


def read_results(guest):
    """(is it right, line) of each check, until the script has ended."""
    results = []
    while True:
        word, text = guest.expect(r"^(ok|not ok|terminal|checks) ([^\n]*)\n", silence_s=SILENCE_S).groups()
        if word == b"checks":
            return results
        if word == b"terminal":
            talk(guest, DIALOGUES[text.decode()])
        else:
            results.append((word == b"ok", text.decode(errors="replace")))


def talk(guest, dialogue):
    for wanted, answer in dialogue:
        guest.expect(wanted, silence_s=SILENCE_S)
        guest.send(answer)


def run(options, tool, base):
    name = f"breadth-{tool}-{options.kernel}"
    disks = [image.layer(name, image.other(base)), make_disk(name)]
    processors = 1 if options.kernel == "linux" else options.smp    # Linux starts no second one by this clock
    with image.boot(options, disks, f"breadth-{tool}", smp=processors, mem=2048,
                    more=session.INSTRUCTION_CLOCK) as guest:
        shell = image.Shell(guest).wait_ready()
        shell.check("tar -xf /dev/vdb -C /run")
        guest.send(f"sh /run/checks/{tool}.sh {os.environ.get('CHECKS', '')}\n")
        results = read_results(guest)
        guest.expect(image.PROMPT, limit_s=60)
        shell.power_off()
    wrong = [text for is_right, text in results if not is_right]
    if wrong or not results:
        raise AssertionError(f"{len(wrong)} of {len(results)} checks: " + "\n       ".join(wrong))


@scenarios.long
def scenario_docker(options):
    run(options, "docker", "docker")


@scenarios.long
def scenario_podman(options):
    run(options, "podman", "podman")


@scenarios.long
def scenario_low_level(options):
    run(options, "low_level", "runtimes")
