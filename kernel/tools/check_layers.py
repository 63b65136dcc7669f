#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""Every #include of the kernel against kernel/layers.mk. Prints each breach; fails if there is one."""
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from layers import Layers  # noqa: E402

INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.M)


def include_problem(layers, folder, name, is_core):
    if name.startswith('generated/'):
        return None if folder.startswith(('linux_abi', 'main')) else 'belongs to linux_abi'
    if name.startswith('core/arch/') and not is_core:
        return 'is the core\'s private side'
    if name.startswith(('core/', 'lib/')) and os.path.exists(f'kernel/{name.split("/")[0]}/include/{name}'):
        return None
    target = layers.folder_of(name.rpartition('/')[0]) if '/' in name else None
    if target is None:
        return None if '/' not in name else 'is in no folder of kernel/layers.mk'
    if name.endswith('_internal.h') and layers.unit(target) != layers.unit(folder):
        return f'is private to {layers.unit(target)}'
    if not layers.may_use(folder, target):
        return f'needs "{layers.unit(target)}" in uses.{folder} (kernel/layers.mk), if the layers allow it'
    return None


def main():
    layers = Layers()
    problems = layers.problems()
    for top in ('lib', 'core', 'services', 'drivers', 'linux_abi', 'main'):
        for where, folders, files in os.walk(f'kernel/{top}'):
            folder_path = os.path.relpath(where, 'kernel')
            folder = layers.folder_of(folder_path)
            sources = [f for f in files if f.endswith(('.c', '.S', '.h')) and not f.endswith('_test.c')]
            is_hosted = folder_path.startswith(('core/arch/hosted',
                'core/proofs')) or folder_path.startswith('linux_abi/vdso')
            if is_hosted:
                continue
            if folder_path not in layers.uses and any(f.endswith(('.c', '.S')) for f in sources):
                problems.append(f'kernel/{folder_path}: not in kernel/layers.mk, so not compiled')
            for f in sources:
                path = f'{where}/{f}'
                for m in INCLUDE.finditer(open(path).read()):
                    problem = include_problem(layers, folder or folder_path, m[1], top in ('core', 'lib'))
                    if problem:
                        problems.append(f'{path}: <{m[1]}> {problem}')
    print('\n'.join(problems), end='\n' if problems else '')
    sys.exit(1 if problems else 0)


main()
