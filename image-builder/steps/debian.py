# SPDX-License-Identifier: MPL-2.0
"""Unpacks binary packages of Debian, with their dependencies, into the root tree. Only this step
uses the network, and only for what build/download does not hold yet."""
import glob
import os
import subprocess

from steps.problem import Problem


def closure(names):
    """The named packages and everything they depend on, by apt's own account."""
    found = subprocess.run(
        ["apt-cache", "depends", "--recurse", "--no-recommends", "--no-suggests",
         "--no-conflicts", "--no-breaks", "--no-replaces", "--no-enhances", *names],
        capture_output=True, text=True, check=False)
    if found.returncode != 0:
        raise Problem(f"debian: {found.stderr.strip()}")
    wanted = {line for line in found.stdout.splitlines() if line and line[0] not in " <|"}
    return sorted(wanted)


def fetch(plan, name):
    folder = os.path.join(plan.build, "download", "debian")
    os.makedirs(folder, exist_ok=True)
    have = sorted(glob.glob(os.path.join(folder, f"{name}_*.deb")))
    if not have:
        done = subprocess.run(["apt-get", "download", name], cwd=folder, capture_output=True,
                              text=True, check=False)
        if done.returncode != 0:
            raise Problem(f"debian: cannot fetch {name}: {done.stderr.strip()}")
        have = sorted(glob.glob(os.path.join(folder, f"{name}_*.deb")))
    return have[-1]


def unpack(plan, names, tree):
    if not names:
        return
    for name in closure(names):
        subprocess.run(["dpkg-deb", "--extract", fetch(plan, name), tree], check=True)
        print(f"unpacked debian {name}")
