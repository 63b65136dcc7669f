# SPDX-License-Identifier: MPL-2.0
"""The tests inside the kernel (word `ktest`): locks, tasks, memory and user mode before there is any process."""

import re

from runner import machine
from runner.scenarios import Skip


def run_inside(options, smp):
    if options.kernel != "keelson":
        raise Skip("Linux has none of these tests")
    words = ["-M", "q35", "-m", str(options.mem), "-smp", str(smp), "-cpu", "max,-la57",
             "-kernel", machine.kernel_path(options.kernel), "-append", "console=ttyS0 ktest"]
    with machine.Machine(words, f"build/tests/ktest-{smp}.log") as guest:
        guest.wait_end()
        text = guest.text.decode(errors="replace")
    found = re.search(r"(\d+) passed, (\d+) failed", text)
    failed = re.findall(r"not ok (.*)", text)
    if not found or failed or int(found.group(1)) < 40:
        raise AssertionError(f"{found.group(0) if found else 'no end'}: {', '.join(failed)}")


def scenario_tests_of_the_kernel_on_1_processor(options):
    run_inside(options, 1)


def scenario_tests_of_the_kernel_on_4_processors(options):
    run_inside(options, 4)
