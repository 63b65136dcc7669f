# SPDX-License-Identifier: MPL-2.0
"""Where each partition lies: in the order of the image's file, each at a MiB boundary."""
SECTOR = 512
ALIGNMENT = 1 << 20
TAIL = 1 << 20          # room for the backup table


class Placed:
    def __init__(self, number, partition, first, guid):
        self.number = number
        self.partition = partition
        self.first = first                      # sector
        self.size = partition["size"]           # bytes
        self.last = first + self.size // SECTOR - 1
        self.guid = guid


def place(plan):
    """=> the placed partitions, and the size of the whole disk in bytes."""
    placed, at = [], ALIGNMENT
    for number, partition in enumerate(plan.image["partitions"], 1):
        guid = plan.uuid(f"partition/{partition['label']}")
        placed.append(Placed(number, partition, at // SECTOR, guid))
        at += -(-partition["size"] // ALIGNMENT) * ALIGNMENT
    return placed, at + TAIL
