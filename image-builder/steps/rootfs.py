# SPDX-License-Identifier: MPL-2.0
"""Lays the root tree: rootfs/skeleton, then each package, then rootfs/overlay; every time stamp the
epoch. A file that two packages bring is an error; the overlay may replace anything. Debian's packages
come before ours: our files replace theirs, but busybox's links give way to real programs."""
import os
import shutil

from steps import debian, packages
from steps.problem import Problem


def gives_way(path):
    return os.path.islink(path) and os.readlink(path) == "/bin/busybox"


def copy_tree(source, target, owners, owner, debian_paths=frozenset()):
    """Copies files, links and folders; `owners` remembers who brought each file."""
    for folder, folders, files in os.walk(source):
        relative = os.path.relpath(folder, source)
        there = os.path.normpath(os.path.join(target, relative))
        if not (os.path.isdir(there)):
            os.makedirs(there)
        shutil.copymode(folder, there)
        links = [name for name in folders if os.path.islink(os.path.join(folder, name))]
        for name in sorted(files + links):
            if name == ".keep":
                continue
            path = os.path.normpath(os.path.join(relative, name))
            if path in owners and owner != "overlay":
                raise Problem(f"/{path} comes from both {owners[path]} and {owner}")
            if path in debian_paths and gives_way(os.path.join(folder, name)):
                continue
            owners[path] = owner
            to = os.path.join(there, name)
            if os.path.lexists(to):
                os.remove(to)
            shutil.copy2(os.path.join(folder, name), to, follow_symlinks=False)


def set_times(tree, epoch):
    for folder, folders, files in os.walk(tree, topdown=False):
        for name in files + folders:
            os.utime(os.path.join(folder, name), (epoch, epoch), follow_symlinks=False)
    os.utime(tree, (epoch, epoch))


def own_by_root(tree):
    """Only where it is not so already: chown(2) takes set-user-ID bits away (newuidmap, su)."""
    for folder, folders, files in os.walk(tree):
        for path in (os.path.join(folder, name) for name in files + folders):
            now = os.lstat(path)
            if now.st_uid or now.st_gid:
                os.chown(path, 0, 0, follow_symlinks=False)
                if not os.path.islink(path):
                    os.chmod(path, now.st_mode & 0o7777)


def assemble(plan):
    owners = {}
    shutil.rmtree(plan.rootfs, ignore_errors=True)
    os.makedirs(plan.rootfs)
    copy_tree(os.path.join(plan.top, "rootfs", "skeleton"), plan.rootfs, owners, "skeleton")
    debian_paths = debian.unpack(plan, packages.debian_names(plan), plan.rootfs)
    for name in packages.in_order(plan):
        copy_tree(packages.output_of(plan, name), plan.rootfs, owners, name, debian_paths)
    copy_tree(os.path.join(plan.top, "rootfs", "overlay"), plan.rootfs, owners, "overlay")
    os.chmod(plan.rootfs, 0o755)
    if os.geteuid() == 0:
        own_by_root(plan.rootfs)
    set_times(plan.rootfs, plan.epoch)
    print(f"laid {os.path.relpath(plan.rootfs)}: {len(owners)} files")
