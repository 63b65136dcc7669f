# SPDX-License-Identifier: MPL-2.0
"""kernel/layers.mk as Python sees it: folders, units, and who may use whom."""
import fnmatch
import re
import sys

RANK = {'lib': 0, 'core': 1, 'services': 2, 'drivers': 2, 'linux_abi': 3, 'main': 4}


class Layers:
    def __init__(self, path='kernel/layers.mk'):
        self.uses = {}
        for line in open(path):
            m = re.match(r'uses\.(\S+)\s*:=\s*(.*?)\s*(#.*)?$', line)
            if m:
                self.uses[m[1]] = m[2].split()
        self.units = sorted({self.unit(f) for f in self.uses})
        self.reach = {}

    def folder_of(self, path):
        """The folder of layers.mk that a path under kernel/ belongs to, or None."""
        while path and path not in self.uses:
            path = path.rpartition('/')[0]
        return path or None

    def unit(self, folder):
        """A folder and the folders inside it are one unit; core is one, lib is one."""
        layer = folder.split('/')[0]
        if layer in ('lib', 'core', 'linux_abi', 'main'):
            return layer
        parts = folder.split('/')
        for n in range(1, len(parts)):
            if '/'.join(parts[:n]) in self.uses:
                return '/'.join(parts[:n])
        return folder

    def used_units(self, unit):
        found = set()
        for folder, uses in self.uses.items():
            if self.unit(folder) != unit:
                continue
            for pattern in uses:
                matches = [f for f in self.uses if fnmatch.fnmatch(f, pattern)]
                if not matches:
                    sys.exit(f'kernel/layers.mk: uses.{folder} names {pattern}, which is no folder')
                found |= {self.unit(f) for f in matches}
        return found - {unit}

    def may_use(self, user, used):
        """May the folder `user` name what the folder `used` declares?"""
        a, b = self.unit(user), self.unit(used)
        return a == b or b == 'lib' or (b == 'core' and a != 'lib') or b in self.used_units(a)

    def closure(self, unit):
        """Units reached through others too: inline functions of headers bring their callees along."""
        if unit not in self.reach:
            seen, work = set(), [unit]
            while work:
                for u in self.used_units(work.pop()):
                    if u not in seen:
                        seen.add(u)
                        work.append(u)
            self.reach[unit] = seen | {unit, 'core', 'lib'}
        return self.reach[unit]

    def problems(self):
        out = []
        for unit in self.units:
            rank = RANK.get(unit.split('/')[0])
            if rank is None:
                out.append(f'kernel/layers.mk: {unit}: no such layer')
                continue
            for used in self.used_units(unit):
                if RANK[used.split('/')[0]] > rank or (unit.startswith('services') and used.startswith('drivers')):
                    out.append(f'kernel/layers.mk: {unit} may not use {used}, which is a higher layer')
            if unit in {u for v in self.used_units(unit) for u in self.closure(v)}:
                ring = [v for v in self.used_units(unit) if unit in self.closure(v)]
                out.append(f'kernel/layers.mk: {unit} uses {" ".join(ring)},'
                           f' which uses it: register an ops struct instead')
        return out
