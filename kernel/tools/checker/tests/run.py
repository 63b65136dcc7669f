#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""Run the checker over its samples: every planted violation is found, and nothing else.

usage: run.py            (from the top of the tree, after `make build/tools/checker.so`)

A line of a sample that breaks rules ends with `// BAD: RULE ...`. Each rule named must be reported for that line,
and no line may have a finding of a rule that it does not name.
"""
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.abspath(os.path.join(HERE, '../../../..'))
INCLUDES = [f'{TOP}/kernel/core/include', f'{TOP}/kernel/lib/include']
FLAGS = ['-std=gnu2x', '-ffreestanding', '-nostdinc', '-fsyntax-only', '-ferror-limit=0', '-w',
         '-fstrict-flex-arrays=3',
         '-fexperimental-late-parse-attributes', f'-fplugin={TOP}/build/tools/checker.so',
         f'-fplugin-arg-checker-svc={HERE}/svc',
         '-fno-caret-diagnostics', '-Wno-error']


def findings(path):
    """{line: set of rules} as the plugin reports them; compile errors count as the rule 'error'."""
    command = ['clang-19', *FLAGS, path]
    for include in INCLUDES:
        command += ['-I', include, f'-fplugin-arg-checker-core={include}']
    text = subprocess.run(command, capture_output=True, text=True).stderr
    found = {}
    for m in re.finditer(r'^(\S+?):(\d+):\d+: error: (?:checker\[(\w+)\])?(.*)$', text, re.M):
        # #line in a sample changes what clang prints, never the file that it means
        found.setdefault(int(m[2]), set()).add(m[3] or 'error:' + m[4])
    return found


def planted(path):
    expected = {}
    for number, line in enumerate(open(path), 1):
        m = re.search(r'// BAD: ([\w ]+)$', line)
        if m:
            expected[number] = set(m[1].split())
    return expected


def main():
    passed = failed = 0
    for name in sorted(os.listdir(f'{HERE}/svc')):
        if not name.endswith('.c'):
            continue
        path = f'{HERE}/svc/{name}'
        expected, found = planted(path), findings(path)
        for line in sorted(set(expected) | set(found)):
            want, got = expected.get(line, set()), found.get(line, set())
            if want == got:
                passed += 1
                continue
            failed += 1
            print(f'{path}:{line}: planted {" ".join(sorted(want)) or "nothing"},'
                  f' found {" ".join(sorted(got)) or "nothing"}')
        if not expected:
            passed += not found
    print(f'checker samples: {passed} passed, {failed} failed')
    sys.exit(1 if failed else 0)


main()
