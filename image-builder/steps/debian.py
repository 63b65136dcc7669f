# SPDX-License-Identifier: MPL-2.0
"""Unpacks binary packages of Debian, with their dependencies, into the root tree, and fetches source
archives that a package is built from. Only this step uses the network, and only for what build/download
does not hold yet. Maintainer scripts do not run."""
import os
import re
import subprocess
import tempfile

from steps.problem import Problem

LEFT_OUT = ("./usr/share/man", "./usr/share/info", "./usr/share/locale", "./usr/share/lintian")
INSTALLED = re.compile(r"^Inst (\S+) \((\S+) .*\[(\S+)\]\)")


def closure(names):
    """[(name, version, architecture)]: what apt would install on an empty machine."""
    with tempfile.NamedTemporaryFile() as empty:
        found = subprocess.run(
            ["apt-get", "--simulate", "-o", f"Dir::State::status={empty.name}",
             "-o", "APT::Install-Recommends=0", "-o", "Debug::NoLocking=1", "install", *names],
            capture_output=True, text=True, check=False)
    if found.returncode != 0:
        raise Problem(f"debian: {found.stderr.strip()}")
    matches = (INSTALLED.match(line) for line in found.stdout.splitlines())
    return [match.groups() for match in matches if match]


def fetch(plan, name, version, architecture):
    folder = os.path.join(plan.build, "download", "debian")
    path = os.path.join(folder, f"{name}_{version.replace(':', '%3a')}_{architecture}.deb")
    if os.path.exists(path):
        return path
    os.makedirs(folder, exist_ok=True)
    done = subprocess.run(["apt-get", "-o", "Acquire::Retries=5", "download", f"{name}={version}"], cwd=folder,
                          capture_output=True, text=True, check=False)
    if not os.path.exists(path):
        raise Problem(f"debian: cannot fetch {name} {version}: {done.stderr.strip()}")
    return path


def fetch_from_pool(plan, word):
    """SHA256:POOL/PATH, a source archive of Debian => build/download/FILE, checked by apt."""
    digest, _, path = word.partition(":")
    target = os.path.join(plan.build, "download", os.path.basename(path))
    if os.path.exists(target):
        return
    os.makedirs(os.path.dirname(target), exist_ok=True)
    mirrors = subprocess.run(["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages",
                              "Origin: Debian", "Component: main"],
                             capture_output=True, text=True, check=True).stdout.split()
    for mirror in dict.fromkeys(mirrors):
        done = subprocess.run(["/usr/lib/apt/apt-helper", "download-file", f"{mirror}pool/{path}", target,
                               f"SHA256:{digest}"], capture_output=True, text=True, check=False)
        if done.returncode == 0 and os.path.exists(target):
            return
    raise Problem(f"debian: cannot fetch {path}: {done.stderr.strip()}")


def unpack(plan, names, tree):
    """=> the set of paths that came from Debian"""
    came = set()
    if not names:
        return came
    plan.debian_packages = closure(names)
    for name, version, architecture in plan.debian_packages:
        path = fetch(plan, name, version, architecture)
        with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", path],
                              stdout=subprocess.PIPE) as archive:
            unpacked = subprocess.run(
                ["tar", "--extract", "--verbose", "--preserve-permissions", "--directory", tree,
                 "--keep-directory-symlink", *(f"--exclude={folder}" for folder in LEFT_OUT)],
                stdin=archive.stdout, capture_output=True, text=True, check=False)
        if unpacked.returncode != 0 or archive.returncode != 0:
            raise Problem(f"debian: cannot unpack {path}: {unpacked.stderr.strip()}")
        came.update(os.path.normpath(line) for line in unpacked.stdout.splitlines()
                    if not line.endswith("/"))
        print(f"unpacked debian {name} {version}")
    return came
