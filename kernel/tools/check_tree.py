#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""What every file and folder of sources carries: a licence line, and in the kernel's folders a README.md.
Prints the core's share of the kernel."""
import os
import sys

TREES = ('kernel', 'rootfs', 'initramfs', 'image-builder', 'tests')
SOURCES = ('.c', '.h', '.S', '.cpp', '.py', '.sh', '.ld', '.mk')


def lines_of(tree):
    """Lines that are not blank, tests left out."""
    total = 0
    for where, _, files in os.walk(tree):
        for f in files:
            if f.endswith(('.c', '.h', '.S')) and not f.endswith('_test.c') and '/tools/' not in where + '/':
                total += sum(1 for line in open(f'{where}/{f}', errors='replace') if line.strip())
    return total


def main():
    problems = []
    for tree in TREES:
        for where, _, files in os.walk(tree):
            if '__pycache__' in where:
                continue
            sources = [f for f in files if f.endswith(SOURCES)]
            for f in sources:
                head = open(f'{where}/{f}', errors='replace').read(400).split('\n')[:3]
                if not any('SPDX-License-Identifier: MPL-2.0' in line for line in head):
                    problems.append(f'{where}/{f}: no SPDX line')
            is_room = where.startswith('kernel/') and not where.startswith('kernel/tools/')
            if is_room and any(f.endswith(('.c', '.S')) for f in sources) and 'README.md' not in files:
                problems.append(f'{where}: no README.md')
    print('\n'.join(problems), end='\n' if problems else '')
    core, kernel = lines_of('kernel/core'), lines_of('kernel')
    hosted, lib = lines_of('kernel/core/arch/hosted'), lines_of('kernel/lib')
    print(f'core: {core - hosted} of {kernel - hosted} kernel lines,'
          f' {100 * (core - hosted) / max(1, kernel - hosted):.1f} %'
          f' (with lib {100 * (core + lib - hosted) / max(1, kernel - hosted):.1f} %)')
    sys.exit(1 if problems else 0)


main()
