# SPDX-License-Identifier: MPL-2.0
"""One image's plan: its file's fields, and every path that the steps share."""
import os
import uuid

# Every UUID of an image is derived from its name, so that two builds agree.
NAMESPACE = uuid.UUID("6b65656c-736f-5e6e-8000-000000000001")
DEFAULT_EPOCH = 1735689600      # 2025-01-01


class Plan:
    def __init__(self, image, top, build, without_kernel):
        self.image = image
        self.name = image["name"]
        self.top = top
        self.build = build
        self.without_kernel = without_kernel
        self.debian_packages = []       # (name, version, architecture), once they are unpacked
        self.external = os.environ.get("EXTERNAL", "")
        self.epoch = int(os.environ.get("SOURCE_DATE_EPOCH", image.get("epoch", DEFAULT_EPOCH)))
        self.kernel = os.path.join(build, image["kernel"].get("file", "kernel/keelson.elf"))
        self.protocol = image["kernel"].get("protocol", "multiboot2")
        self.command_line = image["kernel"].get("command_line", "")
        self.contents = os.path.join(top, image["initramfs"])
        self.initramfs = os.path.join(build, "initramfs.cpio.gz")
        self.rootfs = os.path.join(build, "rootfs")
        self.images = os.path.join(build, "images")
        self.work = os.path.join(build, "image-work", self.name)
        self.raw = os.path.join(self.images, f"{self.name}.raw")
        self.qcow2 = os.path.join(self.images, f"{self.name}.qcow2")

    def uuid(self, purpose):
        return uuid.uuid5(NAMESPACE, f"{self.name}/{purpose}")

    def partition_path(self, partition):
        return os.path.join(self.work, f"{partition['label']}.part")
