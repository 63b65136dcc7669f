#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""The trusted code by folder: functions that are proved (`proves:` lines of kernel/core/proofs), lines in
files that have a test beside them, and all lines. --list names the proved functions and fails if one does not exist."""
import os
import re
import sys

PROVES = re.compile(r'^// proves: ([^:\n]+): (.*)$', re.M)


def lines_of(path):
    return sum(1 for line in open(path, errors='replace') if line.strip())


def proved():
    """{path under kernel/: {function: proof file}}"""
    found = {}
    for f in sorted(os.listdir('kernel/core/proofs')):
        if f.endswith('.c'):
            for path, names in PROVES.findall(open(f'kernel/core/proofs/{f}').read()):
                found.setdefault(path, {}).update({n: f for n in names.split()})
    return found


def is_missing(path, name):
    try:
        return not re.search(rf'\b{re.escape(name)}\(', open(f'kernel/{path}').read())
    except OSError:
        return True


def print_list(functions):
    wrong = [f'{path}: no {n}' for path, names in functions.items() for n in names if is_missing(path, n)]
    for path, names in sorted(functions.items()):
        print(f'{path}: {" ".join(sorted(names))}')
    print('\n'.join(wrong), end='\n' if wrong else '')
    sys.exit(1 if wrong else 0)


def print_table(functions):
    total = [0, 0, 0]
    print('| folder | lines | in tested files | functions proved |\n|---|---|---|---|')
    for tree in ('kernel/core', 'kernel/lib'):
        for where, _, files in sorted(os.walk(tree)):
            if 'arch/hosted' in where or where.startswith('kernel/core/proofs'):
                continue
            counts = [0, 0, 0]
            for f in files:
                stem, suffix = os.path.splitext(f)
                if suffix not in ('.c', '.h', '.S') or stem.endswith('_test'):
                    continue
                counts[0] += lines_of(f'{where}/{f}')
                counts[1] += lines_of(f'{where}/{f}') if f'{stem}_test.c' in files else 0
                counts[2] += len(functions.get(f'{where}/{f}'.removeprefix('kernel/'), ()))
            if counts[0]:
                print(f'| {where} | {counts[0]} | {counts[1]} | {counts[2]} |')
                total = [a + b for a, b in zip(total, counts)]
    print(f'| all | {total[0]} | {total[1]} | {total[2]} |')


if '--list' in sys.argv:
    print_list(proved())
print_table(proved())
