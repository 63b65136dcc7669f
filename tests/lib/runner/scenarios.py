# SPDX-License-Identifier: MPL-2.0
"""Scenarios: Python functions in the folders SUITES of tests/ that drive an image's console.

A scenario is a function `scenario_NAME(context)` in tests/SUITE/FILE.py; it passes when it
returns, is skipped when it raises Skip, fails on any other exception. One marked with @long runs
only when it is asked for by its full name.
"""

import glob
import importlib.util
import subprocess


SUITES = ("escape", "containers", "images", "runtimes")


class Skip(Exception):
    """What the scenario needs is not on this machine."""


def long(function):
    function.is_long = True
    return function


def _load(path):
    spec = importlib.util.spec_from_file_location(path.replace("/", "_")[:-3], path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _find():
    found = {}
    for suite in SUITES:
        for path in sorted(glob.glob(f"tests/{suite}/[!_]*.py")):
            for name, value in vars(_load(path)).items():
                if name.startswith("scenario_"):
                    found[f"{path[len('tests/'):-len('.py')]}/{name[len('scenario_'):]}"] = value
    return found


_CACHE = {}


def _all():
    if not _CACHE:
        _CACHE.update(_find())
    return _CACHE


def names(suites):
    return [name for name in _all() if name.split("/")[0] in suites]


def is_long(name):
    return getattr(_all()[name], "is_long", False)


def run(name, options, report):
    if report.must_not_run(name):
        report.add_unrun(name)
        return
    report.running = name
    try:
        _all()[name](options)
        report.add(name, "ok")
    except Skip as reason:
        report.add(name, "skip", str(reason))
    except (Exception, subprocess.SubprocessError) as error:  # a scenario must not end the run
        report.add(name, "fail", f"{type(error).__name__}: {error}")
