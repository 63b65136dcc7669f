# SPDX-License-Identifier: MPL-2.0
"""Results, and the list of cases that Keelson is known not to pass yet.

tests/known-missing.txt holds `CASE REASON` lines. A listed case counts as skipped; a listed case
that passes is a failure, so that the list only shrinks. A reason that begins with [hang] or
[panic] keeps the case from being run at all.
"""

LIST = "tests/known-missing.txt"


def load():
    entries = {}
    with open(LIST, encoding="utf-8") as stream:
        for line in stream:
            if line.strip() and not line.startswith("#"):
                case, _, reason = line.strip().partition(" ")
                entries[case] = reason.strip()
    return entries


class Report:
    """Counts results and prints what is not a pass, with the line that runs it again."""

    def __init__(self, kernel, ignore_known):
        self.kernel = kernel
        self.known = {} if kernel == "linux" or ignore_known else load()
        self.passed = self.failed = self.skipped = self.known_missing = 0
        self.running = "the first case"     # for who ends the run from outside

    def count(self):
        return self.passed + self.failed + self.skipped

    def must_not_run(self, case):
        return self.known.get(case, "").startswith(("[hang]", "[panic]"))

    def add_unrun(self, case):
        self.skipped += 1
        self.known_missing += 1

    def add(self, case, result, reason=""):
        """result is "ok", "skip" or "fail"."""
        if case in self.known:
            if result == "ok":
                self._fail(case, "passes: remove it from " + LIST)
            else:
                self.skipped += 1
                self.known_missing += 1
        elif result == "ok":
            self.passed += 1
        elif result == "skip":
            self.skipped += 1
            print(f"skipped {case}: {reason}", flush=True)
        else:
            self._fail(case, reason)

    def add_not_run(self, cases, reason):
        """Cases that no machine lived long enough for."""
        self.failed += len(cases)
        print(f"FAILED {len(cases)} cases from {cases[0]} on: not run: {reason}", flush=True)

    def _fail(self, case, reason):
        self.failed += 1
        kernel = "" if self.kernel == "keelson" else f" ON={self.kernel}"
        print(f"FAILED {case}: {reason}\n       again: make test T={case}{kernel}", flush=True)

    def add_ended(self, said):
        """The run is ended from outside, by a time-out of its own say."""
        self._fail(self.running, "the whole run was ended from outside while this ran" + said)

    def finish(self):
        if self.known_missing:
            print(f"{self.known_missing} of the skipped are listed in {LIST}")
        print(f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped", flush=True)
        return 1 if self.failed else 0
