#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""Runs hosted test programs and adds their counts up. usage: run_host_tests.py PROGRAM ..."""
import re
import subprocess
import sys


def main():
    passed = failed = 0
    for program in sys.argv[1:]:
        done = subprocess.run([program], stdin=subprocess.DEVNULL, capture_output=True, text=True, errors='replace')
        lines = done.stdout.splitlines()
        m = re.fullmatch(r'(\d+) passed, (\d+) failed', lines[-1]) if lines else None
        if m:
            passed += int(m[1])
            failed += int(m[2])
        else:
            failed += 1
            print(f'FAILED {program}: ended with status {done.returncode} and no count')
        if not m or int(m[2]):
            print('\n'.join(lines[:-1] if m else lines))
            print(done.stderr[-6000:])
        else:
            print(f'ok {program}: {m[1]}')
    print(f'hosted tests: {passed} passed, {failed} failed')
    sys.exit(1 if failed else 0)


main()
