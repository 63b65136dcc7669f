#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""Links a hosted test program; what nothing defines becomes a symbol at which the program stops.

usage: link_hosted.py OUTPUT COMMAND ...
"""
import re
import subprocess
import sys


def main():
    output, command = sys.argv[1], sys.argv[2:] + ['-o', sys.argv[1]]
    done = subprocess.run([*command, '-Wl,--error-limit=0'], capture_output=True, text=True)
    missing = sorted(set(re.findall(r'undefined symbol: (\S+)', done.stderr)))
    if done.returncode and missing:
        stubs = output + '.missing.S'
        with open(stubs, 'w') as f:
            f.write('.section .text.missing, "ax"\n')
            for name in missing:
                f.write(f'.globl {name}\n{name}:\n\tud2\n')
            f.write('\t.skip 4096\n.section .note.GNU-stack, ""\n')
        done = subprocess.run([*command, stubs], capture_output=True, text=True)
    sys.stderr.write(done.stderr)
    sys.exit(done.returncode)


main()
