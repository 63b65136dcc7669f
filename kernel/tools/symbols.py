#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""The symbol table for back traces, as assembly, from a kernel linked without one.

usage: symbols.py KERNEL.elf > symbols.S

Functions only, by address: kernel_symbols[] of { u32 offset from the image's base, u32 offset of the name } and the
names, each with a zero at its end. The reader is kernel/core/debug/symbols.c. The table stands behind all functions
(kernel.ld), so linking it in moves none of them.
"""
import subprocess
import sys

IMAGE_BASE = 0xffffffff80000000


def main():
    text = subprocess.run(['llvm-nm-19', '--numeric-sort', sys.argv[1]], check=True,
                          capture_output=True, text=True).stdout
    rows = []
    for line in text.splitlines():
        parts = line.split()
        if len(parts) != 3 or parts[1] not in 'tT' or parts[2].startswith(('.L', 'image_', '__kcfi', '__cfi_')):
            continue
        address = int(parts[0], 16)
        if address >= IMAGE_BASE and (not rows or rows[-1][0] != address - IMAGE_BASE):
            rows.append((address - IMAGE_BASE, parts[2]))
    out = ['.section .symbols, "a"', '.balign 8', '.globl kernel_symbol_count', 'kernel_symbol_count:',
           f'\t.long {len(rows)}, 0',
           '.globl kernel_symbols', 'kernel_symbols:']
    names, place = [], 0
    for offset, name in rows:
        out.append(f'\t.long {offset:#x}, {place}')
        names.append(f'\t.asciz "{name}"')
        place += len(name) + 1
    out += ['.globl kernel_symbol_names', 'kernel_symbol_names:', *names]
    print('\n'.join(out))


main()
