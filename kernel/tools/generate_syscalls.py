#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""Make C and Markdown from kernel/linux_abi/syscalls.tbl.

usage: generate_syscalls.py sources TABLE OUTPUT_FOLDER   prototypes, dispatch table, tracer's table
       generate_syscalls.py coverage TABLE                COVERAGE.md on standard output
"""
import os
import re
import sys

GROUPS = ('file', 'path', 'memory', 'process', 'signal', 'time', 'socket', 'ipc', 'namespace', 'misc')
STATUSES = ('full', 'partial', 'none')
# type -> (tracer's kind, how the wrapper makes it from a register)
TYPES = {
    's32': ('S32', '(s32)args->arg[{}]'),
    'u32': ('U32', '(u32)args->arg[{}]'),
    's64': ('S64', '(s64)args->arg[{}]'),
    'u64': ('U64', 'args->arg[{}]'),
    'user_addr_t': ('USER', 'user_addr(args->arg[{}])'),
}
COUNT = 451


class Call:
    def __init__(self, number, name, group, status, arguments):
        self.number, self.name, self.group, self.status = number, name, group, status
        self.arguments = arguments  # list of (type, name)

    @property
    def served(self):
        return self.status != 'none'

    def prototype(self):
        parameters = ', '.join(f'{kind} {name}' for kind, name in self.arguments)
        return f's64 sys_{self.name}({parameters or "void"})'


def table_read(path):
    calls, names, last = [], set(), -1
    for line_number, line in enumerate(open(path), 1):
        line = line.split('#')[0].strip()
        if not line:
            continue

        def fail(why):
            sys.exit(f'{path}:{line_number}: {why}')
        words = line.split(None, 4)
        if len(words) < 4:
            fail('expected: number name group status arguments')
        number, name, group, status = words[:4]
        if not number.isdigit() or not last < int(number) < COUNT:
            fail(f'the number {number} is out of order or range')
        last = int(number)
        if name in names or not re.fullmatch(r'\w+', name):
            fail(f'bad or repeated name {name}')
        names.add(name)
        if group not in GROUPS:
            fail(f'group {group} is not one of {" ".join(GROUPS)}')
        if status not in STATUSES:
            fail(f'status {status} is not one of {" ".join(STATUSES)}')
        arguments = []
        for argument in (words[4].split(',') if len(words) == 5 else []):
            parts = argument.split()
            if len(parts) != 2 or parts[0] not in TYPES:
                fail(f'argument "{argument.strip()}": expected one of {" ".join(TYPES)}, and a name')
            arguments.append(tuple(parts))
        if len(arguments) > 6:
            fail('a system call has at most six arguments')
        calls.append(Call(last, name, group, status, arguments))
    return calls


HEAD = '// SPDX-License-Identifier: MPL-2.0\n' \
    '// Made by kernel/tools/generate_syscalls.py from kernel/linux_abi/syscalls.tbl.\n'


def prototypes(calls):
    out = [HEAD + '#pragma once\n\n#include <core/user.h>\n#include <linux_abi/syscall_table.h>\n']
    out += [f'#define SYSCALL_{call.name.lstrip("_").upper()} {call.number}' for call in calls]
    out.append('')
    out += [f'{call.prototype()};' for call in calls if call.served]
    return '\n'.join(out) + '\n'


def dispatch(calls):
    out = [HEAD + '#include <generated/syscall_prototypes.h>\n',
           '#define ENOSYS_RESULT (-38)\n',
           'static s64 call_none(const struct syscall_args *args borrowed)\n{\n\treturn ENOSYS_RESULT;\n}\n']
    for call in calls:
        if not call.served:
            continue
        values = ', '.join(TYPES[kind][1].format(i) for i, (kind, _) in enumerate(call.arguments))
        out.append(f'static s64 call_{call.name}(const struct syscall_args *args borrowed)\n'
                   f'{{\n\treturn sys_{call.name}({values});\n}}\n')
    by_number = {call.number: call for call in calls if call.served}
    out.append('const syscall_handler_t syscall_handlers[SYSCALL_COUNT] = {')
    out += [f'\tcall_{by_number[n].name if n in by_number else "none"},' for n in range(COUNT)]
    out.append('};')
    return '\n'.join(out) + '\n'


def descriptions(calls):
    text, offsets = '', {}

    def text_range(word):
        nonlocal text
        if word not in offsets:
            offsets[word] = len(text)
            text += word
        return f'{{ {offsets[word]}, {len(word)} }}'
    rows = []
    for call in calls:
        kinds = ', '.join(f'SYSCALL_ARGUMENT_{TYPES[kind][0]}' for kind, _ in call.arguments)
        names = ', '.join(text_range(name) for _, name in call.arguments)
        row = f'\t[{call.number}] = {{ .name = {text_range(call.name)}, .argument_count = {len(call.arguments)}'
        if call.arguments:
            row += f', .argument_kind = {{ {kinds} }},\n\t\t.argument_name = {{ {names} }}'
        rows.append(row + ' },')
    out = [HEAD + '#include <linux_abi/syscall_table.h>\n',
           'const struct syscall_description syscall_descriptions[SYSCALL_COUNT] = {', *rows, '};\n',
           f'_Static_assert({len(text)} < SYSCALL_TEXT_SIZE_MAX, "the names of all calls fit");',
           'const u8 syscall_text[SYSCALL_TEXT_SIZE_MAX] =']
    out += [f'\t"{text[i:i + 80]}"' for i in range(0, len(text), 80)]
    return '\n'.join(out) + ';\n'


def coverage(calls):
    def total(status, group=None):
        return sum(1 for c in calls if c.status == status and group in (None, c.group))
    out = ['# System call coverage', '',
           'Made by `make coverage` from `kernel/linux_abi/syscalls.tbl`; '
            '`make check` fails when it is out of date.', '',
           '| group | full | partial | none |', '|---|---|---|---|']
    for group in GROUPS:
        out.append(f'| {group} | {total("full", group)} | {total("partial", group)} | {total("none", group)} |')
    out.append(f'| all {len(calls)} | {total("full")} | {total("partial")} | {total("none")} |')
    for status, title in (('full', 'Full'), ('partial', 'Partial'), ('none', 'None: ENOSYS')):
        out += ['', f'## {title}', '']
        for group in GROUPS:
            names = [c.name for c in calls if c.status == status and c.group == group]
            if names:
                out.append(f'- **{group}**: {" ".join(names)}')
        if not total(status):
            out.append('None of them.')
    return '\n'.join(out) + '\n'


def write_if_changed(path, text):
    if not os.path.exists(path) or open(path).read() != text:
        with open(path, 'w') as f:
            f.write(text)


def main():
    if len(sys.argv) < 3 or sys.argv[1] not in ('sources', 'coverage'):
        sys.exit(__doc__)
    calls = table_read(sys.argv[2])
    if sys.argv[1] == 'coverage':
        sys.stdout.write(coverage(calls))
        return
    os.makedirs(sys.argv[3], exist_ok=True)
    for name, text in (('syscall_prototypes.h', prototypes(calls)), ('syscall_dispatch.c', dispatch(calls)),
                       ('syscall_descriptions.c', descriptions(calls))):
        write_if_changed(os.path.join(sys.argv[3], name), text)


main()
