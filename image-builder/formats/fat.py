# SPDX-License-Identifier: MPL-2.0
"""The EFI system partition: an empty FAT file system until UEFI boot arrives."""
import subprocess


def make(path, partition, plan):
    with open(path, "wb") as file:
        file.truncate(partition["size"])
    volume = plan.uuid(f"filesystem/{partition['label']}").hex[:8]
    subprocess.run(["mkfs.fat", "--invariant", "-F", "32", "-s", "1", "-i", volume, "-n",
                    partition.get("filesystem_label", "ESP"), path], check=True,
                   stdout=subprocess.DEVNULL)
