# SPDX-License-Identifier: MPL-2.0
"""Builds the packages that an image lists, dependencies first, each into a folder of its own."""
import os
import re
import shutil
import subprocess

from steps import debian
from steps.problem import Problem

STEPS = ("prepare", "build", "check", "package")


def folder_of(plan, name):
    if not re.fullmatch(r"[a-z0-9][a-z0-9+.-]*", name):
        raise Problem(f"'{name}' is not a package name")
    places = [os.path.join(plan.top, "packages", name)]
    if plan.external:
        places.insert(0, os.path.join(plan.external, "packages", name))
    for place in places:
        if os.path.exists(os.path.join(place, "package.sh")):
            return place
    raise Problem(f"package '{name}' is not in {' or '.join(places)}")


def read_fields(plan, name):
    """The plain assignments of a package.sh, read by the shell itself."""
    folder = folder_of(plan, name)
    script = 'set -eu; . "$1"; printf "%s\\n" "$name" "$version" "$license" "${depends:-}" "${debian:-}" "${pool:-}"'
    found = subprocess.run(["bash", "-c", script, "package", os.path.join(folder, "package.sh")],
                           capture_output=True, text=True, check=False)
    if found.returncode != 0:
        raise Problem(f"{folder}/package.sh: {found.stderr.strip()}")
    fields = dict(zip(("name", "version", "license", "depends", "debian", "pool"), found.stdout.split("\n")))
    if fields["name"] != name:
        raise Problem(f"{folder}/package.sh calls itself '{fields['name']}'")
    return fields


def in_order(plan):
    """Every listed package and what it depends on, dependencies first."""
    order, visiting = [], []

    def visit(name):
        if name in order:
            return
        if name in visiting:
            raise Problem(f"packages depend on each other: {' -> '.join(visiting + [name])}")
        visiting.append(name)
        for needed in read_fields(plan, name)["depends"].split():
            visit(needed)
        visiting.pop()
        order.append(name)

    for name in plan.image["packages"]:
        visit(name)
    return order


def debian_names(plan):
    """Debian packages that the image itself and its packages ask for."""
    names = set(plan.image.get("debian", []))
    for name in in_order(plan):
        names.update(read_fields(plan, name)["debian"].split())
    return sorted(names)


def output_of(plan, name):
    return os.path.join(plan.build, "packages", name, "root")


def build_one(plan, name):
    fields = read_fields(plan, name)
    for word in fields["pool"].split():
        debian.fetch_from_pool(plan, word)
    work = os.path.join(plan.build, "packages", name)
    shutil.rmtree(work, ignore_errors=True)
    os.makedirs(os.path.join(work, "root"))
    os.makedirs(os.path.join(work, "work"))
    environment = dict(
        os.environ, LC_ALL="C", TZ="UTC", TOP=plan.top, BUILD=plan.build,
        SOURCE_DATE_EPOCH=str(plan.epoch), WORK=os.path.join(work, "work"),
        DESTDIR=os.path.join(work, "root"), PACKAGE=folder_of(plan, name))
    log = os.path.join(work, "log")
    with open(log, "w", encoding="utf-8") as output:
        for step in STEPS:
            done = subprocess.run(
                ["bash", os.path.join(plan.top, "packages", "lib", "run-step"), step],
                env=environment, stdout=output, stderr=subprocess.STDOUT, check=False)
            if done.returncode != 0:
                with open(log, encoding="utf-8") as text:
                    tail = "".join(text.readlines()[-15:])
                raise Problem(f"package {name} failed in {step}() (log: {log}):\n{tail}")
    print(f"packaged {name} {fields['version']}")


def build_all(plan):
    for name in in_order(plan):
        build_one(plan, name)
