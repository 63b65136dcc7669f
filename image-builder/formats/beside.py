# SPDX-License-Identifier: MPL-2.0
"""What lies beside an image: its hash, a script that runs it, and the list of what it is made of."""
import datetime
import hashlib
import json
import os

from steps import packages

RUN_SCRIPT = """#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# Runs the image beside this script. Ctrl-a x leaves. SMP= and MEM= (MiB) choose the machine's size.
here=$(cd "$(dirname "$0")" && pwd)
accel=tcg
if grep -qwE 'vmx|svm' /proc/cpuinfo && [ -w /dev/kvm ]; then accel=kvm; fi
exec qemu-system-x86_64 -M q35 -accel "$accel" -cpu max -smp "${{SMP:-2}}" -m "${{MEM:-512}}" \\
	-nographic -nic user,model=virtio-net-pci -drive file="$here/{file}",if=none,id=disk,format={format} \\
	-device virtio-blk-pci,drive=disk -device virtio-rng-pci
"""


def write_hash(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    with open(path + ".sha256", "w", encoding="utf-8") as file:
        file.write(f"{digest.hexdigest()}  {os.path.basename(path)}\n")


def write_run_script(plan):
    form = "qcow2" if "qcow2" in plan.image["formats"] else "raw"
    path = os.path.join(plan.images, "run-qemu.sh")
    with open(path, "w", encoding="utf-8") as file:
        file.write(RUN_SCRIPT.format(file=f"{plan.name}.{form}", format=form))
    os.chmod(path, 0o755)


def spdx_package(name, version, license_id):
    reference = "".join(char if char.isalnum() or char in ".-" else "-" for char in name)
    return {"SPDXID": f"SPDXRef-Package-{reference}", "name": name, "versionInfo": version,
            "licenseDeclared": license_id, "licenseConcluded": "NOASSERTION",
            "copyrightText": "NOASSERTION", "downloadLocation": "NOASSERTION",
            "filesAnalyzed": False}


def write_sbom(plan):
    """A bill of materials in SPDX 2.3."""
    listed = []
    for name in packages.in_order(plan):
        fields = packages.read_fields(plan, name)
        listed.append(spdx_package(name, fields["version"], fields["license"]))
    for name, version, _ in plan.debian_packages:
        listed.append(spdx_package(f"debian-{name}", version, "NOASSERTION"))
    made = datetime.datetime.fromtimestamp(plan.epoch, datetime.timezone.utc)
    document = {
        "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT",
        "name": plan.name, "documentNamespace": f"urn:uuid:{plan.uuid('sbom')}",
        "creationInfo": {"created": made.strftime("%Y-%m-%dT%H:%M:%SZ"),
                         "creators": ["Tool: build-image"]},
        "packages": listed,
        "relationships": [{"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES",
                           "relatedSpdxElement": package["SPDXID"]} for package in listed],
    }
    path = os.path.join(plan.images, f"{plan.name}.spdx.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(document, file, indent=1)
        file.write("\n")


def write_all(plan, images):
    for path in images:
        write_hash(path)
    write_run_script(plan)
    write_sbom(plan)
