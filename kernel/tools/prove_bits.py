#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""Proves that functions named prove_* return true for every argument.

    kernel/tools/prove_bits.py FILE.c FLAGS...

Integer code without loops, or with loops of a constant bound, is executed over bit-vectors: shifts, masks, casts and
wrap-around mean what they mean on the machine. The kernel's own headers and sources are read as clang reads them, so it
is the compiled code that is proved. Signed overflow, shift counts and divisors are obligations of every proof.
A function named refute_* must be disproved: it shows that the tool can say no."""
import json
import subprocess
import sys

import z3

UNROLL = 80
TIMEOUT_MS = 120000
SIZES = {'char': (8, True), 'signed char': (8, True), 'unsigned char': (8, False), 'short': (16, True),
         'unsigned short': (16, False), 'int': (32, True), 'unsigned int': (32, False), 'long': (64, True),
         'unsigned long': (64, False), 'long long': (64, True), 'unsigned long long': (64, False),
         '_Bool': (8, False), 'bool': (8, False), 'unsigned __int128': (128, False), '__int128': (128, True)}
ARITHMETIC = {'+': lambda a, b: a + b, '-': lambda a, b: a - b, '*': lambda a, b: a * b,
              '&': lambda a, b: a & b, '|': lambda a, b: a | b, '^': lambda a, b: a ^ b}
COMPARE = {'==': lambda a, b, s: a == b, '!=': lambda a, b, s: a != b,
           '<': lambda a, b, s: a < b if s else z3.ULT(a, b), '<=': lambda a, b, s: a <= b if s else z3.ULE(a, b),
           '>': lambda a, b, s: a > b if s else z3.UGT(a, b), '>=': lambda a, b, s: a >= b if s else z3.UGE(a, b)}


class Unsupported(Exception):
    """Something that is not integer code."""


def type_of(node):
    """Width and signedness of a type, or of a node's type."""
    t = node.get('type', node)
    name = t.get('desugaredQualType', t['qualType']).replace('const ', '').replace('volatile ', '').strip()
    if name.startswith('enum '):
        return 32, False
    if name not in SIZES:
        raise Unsupported(f'type {name}')
    return SIZES[name]


def resize(value, width, signed):
    have = value.size()
    if width <= have:
        return z3.Extract(width - 1, 0, value) if width < have else value
    return (z3.SignExt if signed else z3.ZeroExt)(width - have, value)


def truth(condition, width):
    return z3.If(condition, z3.BitVecVal(1, width), z3.BitVecVal(0, width))


def is_true(value):
    return value != z3.BitVecVal(0, value.size())


class Unit:
    """Functions with bodies and enumerators of one compiled file."""

    def __init__(self, tree):
        self.functions, self.constants = {}, {}
        for d in tree['inner']:
            if d['kind'] == 'FunctionDecl' and body_of(d):
                self.functions[d['name']] = d
            elif d['kind'] == 'EnumDecl':
                self.read_enum(d)

    def read_enum(self, declaration):
        value = -1
        for c in declaration.get('inner', []):
            if c['kind'] != 'EnumConstantDecl':
                continue
            given = [i for i in c.get('inner', []) if i['kind'] in ('ConstantExpr', 'ImplicitCastExpr')]
            while given and 'value' not in given[0] and given[0].get('inner'):
                given = given[0]['inner']
            value = int(given[0]['value']) if given and 'value' in given[0] else value + 1
            self.constants[c['id']] = (value, type_of(c)[0])


def body_of(function):
    return next((c for c in function.get('inner', []) if c['kind'] == 'CompoundStmt'), None)


class Frame:
    """One call: variables, the condition under which control is still inside, what was returned."""

    def __init__(self, variables, path):
        self.variables, self.path, self.live, self.returned = variables, path, z3.BoolVal(True), []

    def conditions(self):
        return self.path + [self.live]


class Run:
    """The symbolic execution of one property."""

    def __init__(self, unit):
        self.unit, self.obligations = unit, []

    def oblige(self, frame, condition, what):
        self.obligations.append((z3.And(frame.conditions()), condition, what))

    def call(self, name, arguments, path):
        if name not in self.unit.functions:
            raise Unsupported(f'call of {name}, which has no body here')
        function = self.unit.functions[name]
        parameters = [p for p in function['inner'] if p['kind'] == 'ParmVarDecl']
        frame = Frame({p['id']: a for p, a in zip(parameters, arguments)}, path)
        self.statement(body_of(function), frame)
        result = None
        for condition, value in reversed(frame.returned):
            result = value if result is None else z3.If(condition, value, result)
        return result

    # --- statements ---------------------------------------------------------------------------------

    def statement(self, n, f):
        handler = getattr(self, 'do_' + n['kind'], None)
        if handler:
            handler(n, f)
        else:
            self.value(n, f)

    def do_CompoundStmt(self, n, f):
        for c in n.get('inner', []):
            self.statement(c, f)

    def do_NullStmt(self, n, f):
        pass

    def do_DeclStmt(self, n, f):
        for v in n['inner']:
            if v['kind'] != 'VarDecl':
                continue
            initial = [c for c in v.get('inner', []) if not c['kind'].endswith('Attr')]
            f.variables[v['id']] = (self.value(initial[0], f) if v.get('init')
                                    else z3.FreshConst(z3.BitVecSort(type_of(v)[0])))

    def do_ReturnStmt(self, n, f):
        f.returned.append((f.live, self.value(n['inner'][0], f)))
        f.live = z3.BoolVal(False)

    def do_IfStmt(self, n, f):
        condition, live, before = self.condition(n['inner'][0], f), f.live, dict(f.variables)
        f.live = z3.simplify(z3.And(live, condition))
        self.statement(n['inner'][1], f)
        then_live, then = f.live, f.variables
        f.live, f.variables = z3.simplify(z3.And(live, z3.Not(condition))), before
        if len(n['inner']) > 2:
            self.statement(n['inner'][2], f)
        f.variables = merge(condition, then, f.variables)
        f.live = z3.simplify(z3.Or(then_live, f.live))

    def do_ForStmt(self, n, f):
        first, _, condition, step, body = n['inner']
        if first.get('kind'):
            self.statement(first, f)
        self.loop(condition, step, body, f)

    def do_WhileStmt(self, n, f):
        self.loop(n['inner'][0], {}, n['inner'][1], f)

    def loop(self, condition, step, body, f):
        """Rounds until no input stays in the loop; those that have left keep their variables."""
        left = z3.BoolVal(False)
        for _ in range(UNROLL):
            goes_on = z3.simplify(z3.And(f.live, self.condition(condition, f)))
            solver = z3.Solver()
            solver.add(f.path + [goes_on])
            if solver.check() == z3.unsat:
                f.live = z3.simplify(z3.Or(left, f.live))
                return
            before, live = dict(f.variables), f.live
            f.live = goes_on
            self.statement(body, f)
            if step.get('kind'):
                self.statement(step, f)
            left = z3.Or(left, z3.And(live, z3.Not(goes_on)))
            f.variables = merge(goes_on, f.variables, before)
        raise Unsupported('a loop without a constant bound')

    # --- expressions ----------------------------------------------------------------------------------

    def condition(self, n, f):
        return is_true(self.value(n, f))

    def value(self, n, f):
        handler = getattr(self, 'of_' + n['kind'], None)
        if not handler:
            raise Unsupported(n['kind'])
        return handler(n, f)

    def inner(self, n, f):
        return self.value(n['inner'][0], f)

    of_ParenExpr = of_ConstantExpr = of_FullExpr = inner

    def of_IntegerLiteral(self, n, f):
        return z3.BitVecVal(int(n['value']), type_of(n)[0])

    def of_CXXBoolLiteralExpr(self, n, f):
        return truth(z3.BoolVal(n['value']), 8)

    def of_DeclRefExpr(self, n, f):
        which = n['referencedDecl']['id']
        if which in self.unit.constants:
            value, width = self.unit.constants[which]
            return z3.BitVecVal(value, width)
        if which not in f.variables:
            raise Unsupported(f'the global {n["referencedDecl"]["name"]}')
        return f.variables[which]

    def of_StmtExpr(self, n, f):
        *before, last = n['inner'][0]['inner']
        for c in before:
            self.statement(c, f)
        return self.value(last, f)

    def of_ImplicitCastExpr(self, n, f):
        kind = n['castKind']
        value = self.value(n['inner'][0], f)
        if kind in ('LValueToRValue', 'NoOp'):
            return value
        if kind == 'IntegralToBoolean':
            return truth(is_true(value), 8)
        if kind != 'IntegralCast':
            raise Unsupported(kind)
        if n['type']['qualType'] in ('_Bool', 'bool'):
            return truth(is_true(value), 8)
        return resize(value, type_of(n)[0], type_of(n['inner'][0])[1])

    of_CStyleCastExpr = of_ImplicitCastExpr

    def of_ConditionalOperator(self, n, f):
        condition, live = self.condition(n['inner'][0], f), f.live
        f.live = z3.And(live, condition)
        yes = self.value(n['inner'][1], f)
        f.live = z3.And(live, z3.Not(condition))
        no = self.value(n['inner'][2], f)
        f.live = live
        return z3.If(condition, yes, no)

    def of_UnaryOperator(self, n, f):
        operator = n['opcode']
        if operator in ('++', '--'):
            old = self.inner(n, f)
            new = old + 1 if operator == '++' else old - 1
            f.variables[n['inner'][0]['referencedDecl']['id']] = new
            return old if n.get('isPostfix') else new
        value = self.inner(n, f)
        if operator == '!':
            return truth(z3.Not(is_true(value)), 32)
        return {'-': lambda: -value, '~': lambda: ~value, '+': lambda: value}[operator]()

    def of_CallExpr(self, n, f):
        callee = n['inner'][0]
        while callee['kind'] != 'DeclRefExpr':
            callee = callee['inner'][0]
        name = callee['referencedDecl']['name']
        arguments = [self.value(a, f) for a in n['inner'][1:]]
        if name == '__builtin_expect':
            return arguments[0]
        if name == '__builtin_ctzl':
            return self.trailing_zeros(arguments[0], f)
        return self.call(name, arguments, f.conditions())

    def trailing_zeros(self, value, f):
        self.oblige(f, is_true(value), 'ctz of zero')
        result = z3.BitVecVal(63, 32)
        for bit in reversed(range(63)):
            result = z3.If(z3.Extract(bit, bit, value) == 1, z3.BitVecVal(bit, 32), result)
        return result

    def of_CompoundAssignOperator(self, n, f):
        target = n['inner'][0]['referencedDecl']['id']
        width = f.variables[target].size()
        compute = type_of(n['computeResultType'])
        left = resize(f.variables[target], compute[0], type_of(n['inner'][0])[1])
        result = self.binary(n['opcode'][:-1], left, self.value(n['inner'][1], f), compute, f)
        f.variables[target] = resize(result, width, compute[1])
        return f.variables[target]

    def of_BinaryOperator(self, n, f):
        operator, (left, right) = n['opcode'], n['inner']
        if operator == '=':
            f.variables[left['referencedDecl']['id']] = self.value(right, f)
            return f.variables[left['referencedDecl']['id']]
        if operator in ('&&', '||'):
            return self.lazy(operator, left, right, f)
        return self.binary(operator, self.value(left, f), self.value(right, f), type_of(left), f)

    def lazy(self, operator, left, right, f):
        a, live = self.condition(left, f), f.live
        f.live = z3.And(live, a if operator == '&&' else z3.Not(a))
        b = self.condition(right, f)
        f.live = live
        return truth(z3.And(a, b) if operator == '&&' else z3.Or(a, b), 32)

    def binary(self, operator, a, b, kind, f):
        width, signed = kind
        if operator in ('<<', '>>'):
            b = resize(b, a.size(), False)
            self.oblige(f, z3.ULT(b, a.size()), 'shift count')
            return a << b if operator == '<<' else (a >> b if signed else z3.LShR(a, b))
        if operator in ('/', '%'):
            self.oblige(f, is_true(b), 'division by zero')
            if operator == '/':
                return a / b if signed else z3.UDiv(a, b)
            return z3.SRem(a, b) if signed else z3.URem(a, b)
        if operator in COMPARE:
            return truth(COMPARE[operator](a, b, signed), 32)
        result = ARITHMETIC[operator](a, b)
        if signed and operator in '+-*':
            wide = ARITHMETIC[operator](z3.SignExt(width, a), z3.SignExt(width, b))
            self.oblige(f, wide == z3.SignExt(width, result), 'signed overflow')
        return result


def merge(condition, yes, no):
    return {k: no[k] if yes.get(k) is no[k] else z3.If(condition, yes[k], no[k]) for k in no if k in yes}


def failures_of(unit, name):
    parameters = [p for p in unit.functions[name]['inner'] if p['kind'] == 'ParmVarDecl']
    run = Run(unit)
    result = run.call(name, [z3.BitVec(p['name'], type_of(p)[0]) for p in parameters], [])
    failures = []
    for path, condition, what in [(z3.BoolVal(True), is_true(result), 'the property')] + run.obligations:
        solver = z3.Solver()
        solver.set('timeout', TIMEOUT_MS)
        solver.add(path, z3.Not(condition))
        answer = solver.check()
        if answer != z3.unsat:
            failures.append(f'{what}: ' + (f'fails for {solver.model()}' if answer == z3.sat else 'not decided'))
    return failures, 1 + len(run.obligations)


def main():
    command = ['clang-19', *sys.argv[2:], '-fsyntax-only', '-w', '-Xclang', '-ast-dump=json', sys.argv[1]]
    unit = Unit(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
    wrong = 0
    for name in unit.functions:
        if not name.startswith(('prove_', 'refute_')):
            continue
        failures, count = failures_of(unit, name)
        good = bool(failures) == name.startswith('refute_')
        wrong += not good
        why = '' if good else f' {"; ".join(failures)}'
        print(f'{"ok   " if good else "WRONG"} {name}: {count} obligations{why}')
    sys.exit(wrong != 0)


main()
