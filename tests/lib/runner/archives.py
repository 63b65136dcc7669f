# SPDX-License-Identifier: MPL-2.0
"""Images of containers, made by the tests themselves: OCI layouts and archives in the form of docker save."""

import gzip
import hashlib
import io
import json
import os
import subprocess
import tarfile

CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar"
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
BUSYBOX = "/bin/busybox"
TIME = 1700000000


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def dump(value):
    return json.dumps(value, separators=(",", ":")).encode()


class Layer:
    """A tar archive under construction."""

    def __init__(self, form=tarfile.PAX_FORMAT):
        self.bytes = io.BytesIO()
        self.tar = tarfile.open(fileobj=self.bytes, mode="w", format=form)

    def add(self, path, data=b"", kind=tarfile.REGTYPE, mode=0o644, **more):
        info = tarfile.TarInfo(path)
        info.type, info.mode, info.mtime, info.size = kind, mode, TIME, len(data)
        for name, value in more.items():
            setattr(info, name, value)
        self.tar.addfile(info, io.BytesIO(data) if data else None)
        return self

    def folder(self, path, mode=0o755, **more):
        return self.add(path, kind=tarfile.DIRTYPE, mode=mode, **more)

    def symlink(self, path, target):
        return self.add(path, kind=tarfile.SYMTYPE, mode=0o777, linkname=target)

    def hard_link(self, path, target):
        return self.add(path, kind=tarfile.LNKTYPE, linkname=target)

    def whiteout(self, path):
        folder, name = os.path.split(path)
        return self.add(os.path.join(folder, ".wh." + name))

    def opaque(self, folder):
        return self.add(folder + "/.wh..wh..opq")

    def close(self):
        self.tar.close()
        return self.bytes.getvalue()


def busybox_layer(applets):
    """A root with busybox and links for some of its commands."""
    layer = Layer()
    for path in ("bin", "etc", "proc", "sys", "dev", "root", "run"):
        layer.folder(path)
    layer.folder("tmp", mode=0o1777)
    with open(BUSYBOX, "rb") as file:
        layer.add("bin/busybox", file.read(), mode=0o755)
    for applet in applets:
        layer.symlink("bin/" + applet, "busybox")
    layer.add("etc/passwd", b"root:x:0:0:root:/root:/bin/sh\nfish:x:1234:1300:Fish:/tmp:/bin/sh\n")
    layer.add("etc/group", b"root:x:0:\nsea:x:1300:\ncorals:x:1400:fish\n")
    return layer.close()


def compress(data, how):
    if how == "gzip":
        return gzip.compress(data, mtime=0)
    if how == "zstd":
        return subprocess.run(["zstd", "-qc"], input=data, capture_output=True, check=True).stdout
    return data


def image_config(layers, config, **more):
    return dump({"created": "2025-01-02T03:04:05Z", "architecture": "amd64", "os": "linux", "config": config,
                 "rootfs": {"type": "layers", "diff_ids": [digest(layer) for layer in layers]}, **more})


class Layout:
    """An OCI layout: files by path, to be written as a folder or as an archive."""

    def __init__(self):
        self.files = {"oci-layout": dump({"imageLayoutVersion": "1.0.0"})}
        self.manifests = []

    def blob(self, data, kind):
        name = digest(data)
        self.files["blobs/sha256/" + name[7:]] = data
        return {"mediaType": kind, "digest": name, "size": len(data)}

    def image(self, name, layers, config=None, how=("gzip",), **more):
        """Adds an image; its layers are compressed by the words of `how` in turn."""
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST_TYPE,
                    "config": self.blob(image_config(layers, config or {}, **more), CONFIG_TYPE), "layers": []}
        for number, layer in enumerate(layers):
            form = how[number % len(how)]
            kind = LAYER_TYPE + ("+" + form if form != "plain" else "")
            manifest["layers"].append(self.blob(compress(layer, form), kind))
        entry = self.blob(dump(manifest), MANIFEST_TYPE)
        if name:
            entry["annotations"] = {"org.opencontainers.image.ref.name": name}
        self.manifests.append(entry)
        return entry

    def all_files(self):
        return {**self.files, "index.json": dump({"schemaVersion": 2, "manifests": self.manifests})}

    def write_folder(self, path):
        for name, data in self.all_files().items():
            os.makedirs(os.path.dirname(f"{path}/{name}"), exist_ok=True)
            with open(f"{path}/{name}", "wb") as file:
                file.write(data)

    def archive(self):
        layer = Layer()
        for name, data in self.all_files().items():
            layer.add(name, data)
        return layer.close()


def docker_archive(names, layers, config=None, change=None):
    """What docker save writes; a layer that comes twice is a symbolic link, as there."""
    text = image_config(layers, config or {})
    files = {digest(text)[7:] + ".json": text}
    paths = []
    archive = Layer(tarfile.GNU_FORMAT)
    for number, layer in enumerate(layers):
        folder = f"{number:064x}"
        archive.folder(folder)
        if layer in layers[:number]:
            archive.symlink(f"{folder}/layer.tar", f"../{layers.index(layer):064x}/layer.tar")
        else:
            archive.add(f"{folder}/layer.tar", layer)
        paths.append(f"{folder}/layer.tar")
    files["manifest.json"] = dump([{"Config": digest(text)[7:] + ".json", "RepoTags": names, "Layers": paths}])
    for name, data in files.items():
        archive.add(name, change(name, data) if change else data)
    return archive.close()
