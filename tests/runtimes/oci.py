# SPDX-License-Identifier: MPL-2.0
"""The conformance programs of the OCI runtime specification, with crun and with runc, and their own tests:
every program and every assertion must end as it does on Linux. What Linux gives is kept in oci-results/NAME.txt,
a line a program; `ON=linux OCI_STORE=1` writes it anew, OCI_PROGRAMS="NAME..." runs (or writes) only these.
All assertions and outputs stay in build/tests/oci.

The machine's clock counts instructions: the time limits of the programs do not see how busy this machine is."""

import collections
import hashlib
import os
import re
import tarfile

from runner import image, scenarios, session

HERE = "tests/runtimes/oci-results"
WHOLE = "build/tests/oci"
OUTPUT_BYTES = 64 << 20
MEM_MIB = 1024
# Their results depend on it: a hook that ends on another processor before its standard input is written fails, and a
# time limit of two seconds is over sooner when a second processor's instructions count.
ONE_PROCESSOR = ("crun-tests", "runc-tests")
SILENCE_S = 1500    # the longest time for one program on a busy machine
RESULT = re.compile(r"^(\S+) (ok|not ok) \d+ (?:- )?(.*)$")
ENDS = re.compile(r"^(\S+) ends (\d+)$")
CHANGING = [(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID"), (r"ocitest\d+", "BUNDLE"), (r"\b\d{3,}\b", "N")]


def one_assertion(word, text):
    """The assertion without what differs from run to run: numbers of its own, identifiers, folders."""
    for pattern, name in CHANGING:
        text = re.sub(pattern, name, text)
    if re.search(r"# ?SKIP", text):
        word = "skip"
    return f"{word} {text.strip()}"


def parse(text):
    """{program: (exit status, sorted assertions)} of what oci-validation prints."""
    open_ones, ended = collections.defaultdict(list), {}
    for line in text.replace("\r", "").split("\n"):
        if match := RESULT.match(line):
            open_ones[match[1]].append(one_assertion(match[2], match[3]))
        elif match := ENDS.match(line):
            ended[match[1]] = (int(match[2]), sorted(open_ones.pop(match[1], [])))
    return ended


def summary(program, status, assertions):
    counts = collections.Counter(line.split(" ", 1)[0] for line in assertions)
    digest = hashlib.sha256("\n".join(assertions).encode()).hexdigest()[:12]
    return (f"{program:34} ends {status:3}   ok {counts['ok']:4}   not ok {counts['not']:4}   "
            f"skip {counts['skip']:4}   {digest}")


def keep(path, lines):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write("".join(f"{line}\n" for line in lines))


def wait_for_end(guest, command):
    """Runs the command, whose output goes to a file; a line on the console for each program that has ended."""
    guest.send(f"mkdir -p /var/log; {command} | tee /var/log/oci-results | grep ' ends '; echo all\" \"ended\n")
    while guest.expect(r"^\S+ ends \d+$|^all ended$", silence_s=SILENCE_S)[0] != b"all ended":
        pass
    guest.expect(image.PROMPT, limit_s=30)


def clock(options, name):
    """What a machine is booted with for its clock: one that counts instructions unless `--clock host` says else."""
    if options.clock == "host":
        return {}
    is_one = options.kernel == "linux" or name in ONE_PROCESSOR    # Linux starts no second one by this clock
    return {"smp": 1 if is_one else options.smp, "more": session.INSTRUCTION_CLOCK}


def run(options, name, command, image_name="oci"):
    """The command's output, by way of a second disk: a console would be slow for ten thousand lines."""
    disk = f"{image.FOLDER}/oci-{name}-{options.kernel}.raw"
    os.makedirs(image.FOLDER, exist_ok=True)
    with open(disk, "wb") as file:
        file.truncate(OUTPUT_BYTES)
    disks = [image.layer(f"oci-{name}-{options.kernel}", image.other(image_name)), disk]
    with image.boot(options, disks, f"oci-{name}", mem=MEM_MIB, **clock(options, name)) as guest:
        shell = image.Shell(guest).wait_ready()
        wait_for_end(guest, command)
        shell.check("cd /var/log && tar -cf /dev/vdb oci* && sync", limit_s=300)
        shell.power_off()
    folder = f"{WHOLE}/{name}-{options.kernel}"
    with tarfile.open(disk) as archive:
        archive.extractall(folder)
    os.unlink(disk)
    with open(f"{folder}/oci-results", encoding="utf-8", errors="replace") as file:
        return file.read()


def read_stored(path):
    """{program: line} of a file of results."""
    if not os.path.exists(path):
        return {}
    with open(path, encoding="utf-8") as file:
        return {line.split()[0]: line for line in file.read().splitlines()}


def compare(options, name, command, image_name="oci"):
    stored, chosen = f"{HERE}/{name}.txt", os.environ.get("OCI_PROGRAMS", "").split()
    is_to_store = options.kernel == "linux" and os.environ.get("OCI_STORE")
    if not is_to_store and not os.path.exists(stored):
        raise image.Skip(f"{stored} is to be made on Linux first")
    ended = parse(run(options, name, " ".join([command, *chosen]), image_name))
    if not ended:
        raise AssertionError(f"{command} printed no result")
    table = {program: summary(program, *result) for program, result in ended.items()}
    keep(f"{WHOLE}/{name}-{options.kernel}.txt",
         [f"{program} {line}" for program, (_, lines) in sorted(ended.items()) for line in lines])
    wanted = read_stored(stored)
    if is_to_store:
        wanted = {**(wanted if chosen else {}), **table}
        keep(stored, [wanted[program] for program in sorted(wanted)])
    differing = [program for program in sorted(set(chosen or wanted) | set(table))
                 if wanted.get(program) != table.get(program)]
    if differing:
        raise AssertionError(f"not as on Linux: {', '.join(differing)} (all of it: {WHOLE})")


def scenario_crun_validation(options):
    compare(options, "crun", "oci-validation crun")


@scenarios.long
def scenario_runc_validation(options):
    compare(options, "runc", "oci-validation runc")


def scenario_crun_tests(options):
    compare(options, "crun-tests", "crun-tests")


@scenarios.long
def scenario_runc_tests(options):
    compare(options, "runc-tests", "runc-tests")


@scenarios.long
def scenario_podman_tests(options):
    compare(options, "podman-tests", "podman-tests", "podman-tests")
