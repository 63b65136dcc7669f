#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""A file as a constant array of bytes in C, its length rounded up to whole pages.

usage: embed.py FILE NAME FOLDER      writes FOLDER/NAME.c and FOLDER/NAME.h: `extern const u8 NAME[NAME_SIZE]`
"""
import sys

PAGE_SIZE = 4096


def main():
    path, name, folder = sys.argv[1:]
    data = open(path, 'rb').read()
    size = -(-len(data) // PAGE_SIZE) * PAGE_SIZE
    head = f'// SPDX-License-Identifier: MPL-2.0\n// Made by kernel/tools/embed.py from {path}.\n'
    with open(f'{folder}/{name}.h', 'w') as f:
        f.write(f'{head}#pragma once\n\n#include <core/types.h>\n\n#define {name.upper()}_SIZE {size}\n'
                f'extern const u8 {name}[{name.upper()}_SIZE];\n')
    with open(f'{folder}/{name}.c', 'w') as f:
        f.write(f'{head}#include <generated/{name}.h>\n\nconst u8 {name}[{name.upper()}_SIZE] = {{\n')
        for i in range(0, len(data), 16):
            f.write('\t' + ' '.join(f'{b:#04x},' for b in data[i:i + 16]) + '\n')
        f.write('};\n')


main()
