#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""Limits on what one has to read at a time.

usage: check_sizes.py KIND...     prints each breach of the kinds named (all: none named); fails if there is one
       check_sizes.py --ratchet   writes down today's breaches as exceptions, where they shrank or are gone

Limits: function 70 lines, file 700, header 250, line 120 columns, folder 20 sources. What
kernel/tools/size_exceptions.txt lists may be as large as it says there, and no larger: exceptions only shrink.
"""
import os
import re
import sys

EXCEPTIONS = 'kernel/tools/size_exceptions.txt'
LIMITS = {'function': 70, 'file': 700, 'header': 250, 'line': 120, 'folder': 20}
TREES = ('kernel', 'rootfs', 'initramfs', 'image-builder', 'tests')
START = re.compile(r'^\{')
NAME = re.compile(r'(\w+)\(')


def width(line):
    return len(line.rstrip('\n').expandtabs(8))


def functions(lines):
    """(name, length) of each function whose braces stand in the first column."""
    start, name = None, '?'
    for n, line in enumerate(lines):
        if line.startswith('{'):
            back = n - 1
            while back > 0 and not re.match(r'\w', lines[back]):
                back -= 1
            m = NAME.search(lines[back])
            start, name = n, m[1] if m else '?'
        elif line.startswith('}') and start is not None:
            yield name, n - start + 1
            start = None


def measure():
    """{(kind, place): size} of everything above its limit."""
    found = {}

    def note(kind, place, size):
        if size > LIMITS[kind]:
            found[kind, place] = max(size, found.get((kind, place), 0))
    for tree in TREES:
        for where, folders, files in os.walk(tree):
            sources = [f for f in files if f.endswith(('.c', '.S', '.cpp', '.py', '.sh'))]
            note('folder', where, len([f for f in sources if not f.endswith('_test.c')]))
            for f in files:
                path = f'{where}/{f}'
                if not f.endswith(('.c', '.h', '.S', '.cpp', '.py', '.sh')):
                    continue
                lines = open(path, errors='replace').read().split('\n')
                note('header' if f.endswith('.h') else 'file', path, len(lines) - 1)
                note('line', path, max(map(width, lines)))
                if f.endswith(('.c', '.cpp')):
                    for name, length in functions(lines):
                        note('function', f'{path}:{name}', length)
    return found


def main():
    allowed = {}
    if os.path.exists(EXCEPTIONS):
        for line in open(EXCEPTIONS):
            words = line.split()
            if len(words) == 3 and not line.startswith('#'):
                allowed[words[0], words[1]] = int(words[2])
    found = measure()
    if sys.argv[1:] == ['--ratchet']:
        with open(EXCEPTIONS, 'w') as out:
            out.write('# SPDX-License-Identifier: MPL-2.0\n'
                      '# kind place size: what is larger than its limit, and may only shrink (check_sizes.py).\n')
            for (kind, place), size in sorted(found.items()):
                out.write(f'{kind} {place} {min(size, allowed.get((kind, place), size))}\n')
        return
    failed = False
    for (kind, place), size in sorted(found.items()):
        limit = allowed.get((kind, place), LIMITS[kind])
        if size > limit and (kind in sys.argv[1:] or not sys.argv[1:]):
            failed = True
            unit = {'line': 'columns', 'folder': 'sources'}.get(kind, 'lines')
            print(f'{place}: {kind} of {size} {unit}, limit {limit}')
    sys.exit(1 if failed else 0)


main()
