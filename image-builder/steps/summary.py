# SPDX-License-Identifier: MPL-2.0
"""Prints what a build would do."""
import os

from steps import packages
from partitions import layout


def show(plan):
    print(f"image       {plan.name} ({', '.join(plan.image['formats'])}) -> "
          f"{os.path.relpath(plan.images)}/")
    print(f"time stamps {plan.epoch}")
    there = "" if os.path.exists(plan.kernel) else " (not built yet)"
    print(f"kernel      {os.path.relpath(plan.kernel)}{there}, loaded by {plan.protocol}")
    print(f"command     {plan.command_line}")
    print(f"initramfs   {os.path.relpath(plan.contents)} -> {os.path.relpath(plan.initramfs)}")
    print("packages")
    for name in packages.in_order(plan):
        fields = packages.read_fields(plan, name)
        print(f"            {name:10} {fields['version']:24} {fields['license']}")
    for name in packages.debian_names(plan):
        print(f"            {name:10} from Debian, with its dependencies")
    print("partitions  (512-byte sectors)")
    placed, total = layout.place(plan)
    for at in placed:
        print(f"            {at.number}  {at.partition['label']:10} {at.first:>9} "
              f"{at.size >> 20:>6} MiB  {at.partition.get('format', '-'):5} {at.guid}")
    print(f"            {total >> 20} MiB in all")
