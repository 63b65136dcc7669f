# SPDX-License-Identifier: MPL-2.0
"""Reads an image's file and checks every field, so that later steps need not."""
import re

from steps import yaml_subset
from steps.problem import Problem

FIELDS = {"name", "epoch", "kernel", "initramfs", "packages", "debian", "partitions", "formats"}
KERNEL_FIELDS = {"file", "protocol", "command_line"}
PARTITION_FIELDS = {"label", "type", "size", "format", "content", "filesystem_label", "mount"}
PARTITION_TYPES = {"bios-boot", "esp", "linux-root", "linux"}
FORMATS = {"raw", "qcow2"}
PROTOCOLS = {"multiboot2", "linux"}
UNITS = {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}


def parse_size(text, where):
    match = re.fullmatch(r"(\d+)(KiB|MiB|GiB)", text)
    if not match:
        raise Problem(f"{where}: '{text}' is not a size such as 64MiB")
    return int(match[1]) * UNITS[match[2]]


def check_fields(found, allowed, where):
    for field in found:
        if field not in allowed:
            raise Problem(f"{where}: unknown field '{field}' (known: {', '.join(sorted(allowed))})")


def check_partitions(partitions, where):
    if not isinstance(partitions, list) or not partitions:
        raise Problem(f"{where}: partitions is not a list")
    labels = set()
    for partition in partitions:
        check_fields(partition, PARTITION_FIELDS, f"{where}: partition")
        for needed in ("label", "type", "size"):
            if needed not in partition:
                raise Problem(f"{where}: a partition has no {needed}")
        if partition["label"] in labels or len(partition["label"]) > 36:
            raise Problem(f"{where}: partition label '{partition['label']}' is not usable")
        labels.add(partition["label"])
        if partition["type"] not in PARTITION_TYPES:
            raise Problem(f"{where}: unknown partition type '{partition['type']}'")
        partition["size"] = parse_size(partition["size"], where)
        if partition.get("format", "none") not in ("none", "ext2", "fat"):
            raise Problem(f"{where}: unknown file system '{partition['format']}'")


def load(path):
    try:
        with open(path, encoding="utf-8") as file:
            image = yaml_subset.parse(file.read(), path)
    except OSError as error:
        raise Problem(f"cannot read {path}: {error.strerror}") from error
    check_fields(image, FIELDS, path)
    for needed in ("name", "kernel", "initramfs", "packages", "partitions", "formats"):
        if needed not in image:
            raise Problem(f"{path}: '{needed}' is missing")
    if not re.fullmatch(r"[a-z0-9][a-z0-9_.-]*", image["name"]):
        raise Problem(f"{path}: '{image['name']}' is not a usable name")
    check_fields(image["kernel"], KERNEL_FIELDS, f"{path}: kernel")
    if image["kernel"].get("protocol", "multiboot2") not in PROTOCOLS:
        raise Problem(f"{path}: unknown boot protocol '{image['kernel']['protocol']}'")
    check_partitions(image["partitions"], path)
    for wanted in image["formats"]:
        if wanted not in FORMATS:
            raise Problem(f"{path}: unknown format '{wanted}'")
    return image
