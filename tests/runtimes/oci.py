# SPDX-License-Identifier: MPL-2.0
"""The conformance programs of the OCI runtime specification, with crun and with runc, and their own tests:
every program and every assertion must end as it does on Linux. What Linux gives is kept in oci-results/NAME.txt,
a line a program; `ON=linux OCI_STORE=1` writes it anew. All assertions and outputs stay in build/tests/oci."""

import collections
import hashlib
import os
import re
import tarfile

from runner import image, scenarios

HERE = "tests/runtimes/oci-results"
WHOLE = "build/tests/oci"
OUTPUT_BYTES = 64 << 20
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


def run(options, name, command):
    """The command's output, by way of a second disk: a console would be slow for ten thousand lines."""
    disk = f"{image.FOLDER}/oci-{name}-{options.kernel}.raw"
    with open(disk, "wb") as file:
        file.truncate(OUTPUT_BYTES)
    disks = [image.layer(f"oci-{name}-{options.kernel}", image.other("oci")), disk]
    with image.boot(options, disks, f"oci-{name}", mem=1024) as guest:
        shell = image.Shell(guest).wait_ready()
        shell.check(f"mkdir -p /var/log; {command} > /var/log/oci-results", limit_s=2400)
        shell.check("cd /var/log && tar -cf /dev/vdb oci* && sync", limit_s=120)
        shell.power_off()
    folder = f"{WHOLE}/{name}-{options.kernel}"
    with tarfile.open(disk) as archive:
        archive.extractall(folder)
    os.unlink(disk)
    with open(f"{folder}/oci-results", encoding="utf-8", errors="replace") as file:
        return file.read()


def compare(options, name, command):
    stored = f"{HERE}/{name}.txt"
    is_to_store = options.kernel == "linux" and os.environ.get("OCI_STORE")
    if not is_to_store and not os.path.exists(stored):
        raise image.Skip(f"{stored} is to be made on Linux first")
    ended = parse(run(options, name, command))
    if not ended:
        raise AssertionError(f"{command} printed no result")
    table = [summary(program, *result) for program, result in sorted(ended.items())]
    keep(f"{WHOLE}/{name}-{options.kernel}.txt",
         [f"{program} {line}" for program, (_, lines) in sorted(ended.items()) for line in lines])
    if is_to_store:
        keep(stored, table)
    with open(stored, encoding="utf-8") as file:
        wanted = file.read().splitlines()
    differing = sorted({line.split()[0] for line in set(wanted) ^ set(table)})
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
