#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""What the compiler made, against the architecture. Runs in every kernel build.

usage: check_objects.py BUILD_FOLDER         (the objects are listed in BUILD_FOLDER/objects.list)

- imports: a checked object refers only to public functions of the core, and to its own and the declared units
- sections: code and data of checked objects are in the standard sections; no weak or indirect symbols
- instructions: none that only the core may use (defence behind the checker, which sees no assembly)
- one definition: no two layouts or types under one name in any two units
Findings of an object are kept in BUILD_FOLDER/check.cache until the object changes.
"""
import os
import pickle
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from layers import Layers  # noqa: E402

CHECKED = ('services', 'drivers', 'linux_abi', 'main', 'generated')
# The one call upward that is not through registered functions: the core starts main with it (<core/main.h>).
UPWARD = {'kernel_main'}
# Calls that the compiler makes by itself.
COMPILER = {'memcpy', 'memset', 'memmove', 'memcmp', '__stack_chk_fail'}
SECTION = re.compile(r'^(\.(text|rodata(\..*)?|data|bss|data\.rel\.ro|comment|note\..*|symtab|strtab|shstrtab|'
                     r'llvm_addrsig|eh_frame|debug_.*|rela?\..*|kcfi_traps|cfi_sites)|)$')
PRIVILEGED = re.compile(
    r'\b(cli|sti|hlt|in[bwl]?|out[bwl]?|ins[bwl]|outs[bwl]|rdmsr|wrmsr|lgdt|lidt|lldt|ltr|lmsw|clts|invlpg|invpcid|'
    r'invd|'
    r'wbinvd|swapgs|sysret[lq]?|sysexit|iret[qwl]?|syscall|sysenter|int|xsetbv|rdpmc|stac|clac|wrpkru|vmcall|vmmcall|'
    r'encls|wr[fg]sbase[lq]?|popf[qw]?|lret|ljmp|lcall)\s*(\s[%$(*0-9-].*)?$|'
    r'%(cr[0-8]|dr[0-7]|fs:)|, %[cdefgs]s$|%gs:(?!0x28\b|40\b)')
# What <core/arch/inline.h> compiles into callers: the current task, the preemption count, a look at the flag.
PER_CPU_INLINE = re.compile(r'(mov[lq]\s+%gs:0x8, %\w+|(inc|dec)l\s+%gs:0x10|cmpl\s+\$0x0, %gs:0x14)$')


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def per_file(text, names):
    """Splits the output of an LLVM tool over many files by its "NAME:" headings."""
    out = {name: [] for name in names}
    current = names[0] if len(names) == 1 else None
    for line in text.splitlines():
        m = re.match(r'^(?:File: )?(\S+\.o):', line)
        if m and m[1] in out:
            current = m[1]
        elif current:
            out[current].append(line)
    return out


def examine(objects):
    """{object: (defined, undefined, problems)}"""
    symbols = per_file(run('llvm-nm-19', '--format=posix', *objects), objects)
    sections = per_file(run('llvm-readelf-19', '-SW', *objects), objects)
    checked = [o for o in objects if is_checked(o)]
    dump = ('llvm-objdump-19', '-d', '--no-show-raw-insn', '--no-leading-addr')
    code = per_file(run(*dump, *checked), checked) if checked else {}
    found = {}
    for o in objects:
        defined, undefined, problems = set(), set(), []
        for line in symbols[o]:
            parts = line.split()
            if len(parts) < 2:
                continue
            name, kind = parts[0], parts[1]
            if kind == 'U':
                undefined.add(name)
            elif kind in 'TDBRGSC':
                defined.add(name)
            elif kind in 'WwVviu' and is_checked(o) and not name.startswith('__kcfi_typeid_'):
                problems.append(f'weak or indirect symbol {name}')
        if is_checked(o):
            for line in sections[o]:
                m = re.match(r'\s+\[\s*\d+\] (\S*)\s', line)
                if m and m[1] and m[1] != 'Name' and not SECTION.match(m[1]) \
                        and not re.match(r'^(NULL|PROGBITS)$', m[1]):
                    problems.append(f'section {m[1]}')
            where = '?'
            for line in code[o]:
                m = re.match(r'^<(.+)>:$', line)
                if m:
                    where = m[1]
                elif PRIVILEGED.search(line.split('<')[0]) and not line.lstrip().startswith('nop') \
                        and not PER_CPU_INLINE.search(line.strip()):
                    problems.append(f'privileged instruction in {where}: {line.strip()}')
        found[o] = (defined, undefined, problems)
    return found


def is_checked(o):
    return folder_path(o).split('/')[0] in CHECKED


def folder_path(o):
    return os.path.dirname(o.split('/obj/', 1)[1])


def load(build):
    """What is known of each object, examining only those that changed."""
    objects = open(f'{build}/objects.list').read().split()
    cache_path = f'{build}/check.cache'
    try:
        cache = pickle.load(open(cache_path, 'rb'))
    except Exception:
        cache = {}
    stamps = {o: (os.stat(o).st_mtime_ns, os.stat(__file__).st_mtime_ns) for o in objects}
    stale = [o for o in objects if o not in cache or cache[o][0] != stamps[o]]
    if stale:
        for o, facts in examine(stale).items():
            cache[o] = (stamps[o], facts)
        pickle.dump(cache, open(cache_path, 'wb'))
    return {o: cache[o][1] for o in objects}


def names_merge(objects):
    """Reads the units' dumps: public names, and names with two meanings."""
    seen, lines_seen, public, problems = {}, set(), set(), []
    for o in objects:
        dump = o[:-2] + '.dump'
        if not os.path.exists(dump):
            continue
        with open(dump) as f:
            lines = set(f.read().replace('__attribute__((noescape)) ', '').splitlines())
        checked = is_checked(o)
        for line in lines:
            if checked and line.startswith('public '):
                public.add(line[7:])
        for line in lines - lines_seen:
            if line.startswith('public '):
                continue
            kind, name, meaning = (line.split(' ', 2) + [''])[:3]
            if kind == 'record':
                name, _, meaning = meaning.partition(' ')
            other = seen.setdefault((kind, name), (meaning, o))
            if kind == 'var' and '[]' in meaning + other[0]:  # a declaration may leave an array's length open
                meaning, other = re.sub(r'\[\d*\]', '[]', meaning), (re.sub(r'\[\d*\]', '[]', other[0]), other[1])
            if other[0] != meaning:
                problems.append(f'{kind} {name} has two meanings:\n  {other[1]}: {other[0]}\n  {o}: {meaning}')
        lines_seen |= lines
    return public, problems


def imports_check(layers, facts, public):
    home = {}
    for o, (defined, _, _) in facts.items():
        for name in defined:
            home[name] = o
    problems = []
    for o, (defined, undefined, _) in facts.items():
        path = folder_path(o)
        layer = path.split('/')[0]
        folder = 'linux_abi' if layer == 'generated' else layers.folder_of(path)
        if folder is None:
            continue
        if layer in CHECKED:
            problems += [f'{o}: defines {name}, a name of the core' for name in defined & public - UPWARD]
        for name in undefined - COMPILER - UPWARD:
            definer = home.get(name)
            if definer is None or definer == o:
                continue
            other = folder_path(definer)
            other_folder = 'linux_abi' if other.startswith('generated') else layers.folder_of(other)
            if other_folder is None:
                continue
            unit, other_unit = layers.unit(folder), layers.unit(other_folder)
            if other_unit == 'core' and layer in CHECKED and name not in public:
                problems.append(f'{o}: refers to {name}, which the core does not export')
            elif unit == 'lib' and other_unit == 'core' and name not in ('core_trap', 'panic'):
                problems.append(f'{o}: lib refers to {name} of the core')
            elif unit == 'core' and other_unit not in ('core', 'lib'):
                problems.append(f'{o}: the core refers to {name} of {other_folder}')
            elif unit not in ('lib', 'core') and other_unit not in layers.closure(unit):
                problems.append(f'{o}: refers to {name} of {other_folder}, which uses.{folder} does not name')
    return problems


def main():
    build = sys.argv[1]
    layers = Layers()
    facts = load(build)
    public, problems = names_merge(facts)
    problems += [f'{o}: {p}' for o, (_, _, found) in facts.items() for p in found]
    problems += imports_check(layers, facts, public)
    print('\n'.join(problems), end='\n' if problems else '')
    sys.exit(1 if problems else 0)


main()
