"""Small entries and archives for tests."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
import zipfile
from collections.abc import Mapping

from registry.schema import Artifact, Digest, Entry, Source

SOURCE = Source(document="test", cell="1")
HOST = "https://models.example"
MODEL = {
    "picodet/model.pdmodel": b"\x0a\x02\x08\x00program" * 50,
    "picodet/model.pdiparams": bytes(range(256)) * 40,
    "picodet/infer_cfg.yml": b"mode: paddle\n",
}
"""An inference model as upstream packs it: one folder with three files."""

_HEADER = b'{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}'
CHECKPOINT = len(_HEADER).to_bytes(8, "little") + _HEADER + bytes(8)
"""Weights of one parameter, as safetensors."""


def digest(data: bytes) -> Digest:
    return Digest(sha256=hashlib.sha256(data).hexdigest(), size=len(data))


def artifact(path: str, **changes: object) -> Artifact:
    """An inference model at this path of the host; the file extension gives the container."""
    containers = {".tar.gz": "tar.gz", ".tar": "tar", ".zip": "zip"}
    container = next((kind for ending, kind in containers.items() if path.endswith(ending)), "file")
    values = {
        "kind": "inference",
        "container": container,
        "urls": [HOST + path],
        "normalization": "host",
        "source": SOURCE,
    }
    return Artifact.model_validate({**values, **changes})


def lite(path: str, precision: str = "fp16", **changes: object) -> Artifact:
    return artifact(path, kind="lite", target="arm", precision=precision, **changes)


def weights(path: str, **changes: object) -> Artifact:
    return artifact(path, kind="weights", normalization=None, **changes)


def entry(*artifacts: Artifact, name: str = "picodet") -> Entry:
    return Entry.model_validate(
        {
            "name": name,
            "release": "2021",
            "title": "PicoDet",
            "task": "object_detection",
            "family": "picodet",
            "architecture": None,
            "input": {
                "height": 64,
                "width": 64,
                "resize": "stretch",
                "interpolation": "cubic",
                "mean": [0, 0, 0],
                "std": [1, 1, 1],
                "source": SOURCE,
            },
            "output": {"kind": "detection", "classes": ["person"], "head": "raw", "source": SOURCE},
            "license": "Apache-2.0",
            "artifacts": artifacts,
        }
    )


def tar_of(files: Mapping[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return stream.getvalue()


def tar_gz_of(files: Mapping[str, bytes]) -> bytes:
    return gzip.compress(tar_of(files), mtime=0)


def zip_of(files: Mapping[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            member = zipfile.ZipInfo(name, (2022, 3, 1, 0, 0, 0))
            archive.writestr(member, data, zipfile.ZIP_DEFLATED)
    return stream.getvalue()
