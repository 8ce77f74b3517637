"""Valid inputs that the fuzzer mutates, and tokens that it inserts."""

from __future__ import annotations

import io
import json
import struct
import tarfile
import zipfile
from pathlib import Path

from tests.converters.formats.ncnn.test_inspect import GRAPH as NCNN
from tests.converters.formats.ncnn.test_inspect import weights as ncnn_weights
from tests.converters.formats.openvino.test_inspect import GRAPH as OPENVINO
from tests.converters.formats.test_damaged_files import SAMPLES
from tests.converters.formats.tflite.test_inspect import ERF, SUM
from tests.helpers.paths import REPOSITORY
from tests.helpers.pickle_assembler import ONE, PROTO2, array, state_dict

NCNN_PAIR = struct.pack("<I", len(NCNN)) + NCNN.encode() + ncnn_weights()
OPENVINO_PAIR = struct.pack("<I", len(OPENVINO)) + OPENVINO.encode() + bytes(16)
PROGRAM_PAIR = struct.pack("<I", len(SAMPLES["program"])) + SAMPLES["program"] + SAMPLES["params"]
"""A graph with its weights in one input: length of the first file, first file, second file."""

TFLITE = (SUM, ERF)
PICKLES = (
    SAMPLES["pickle"],
    state_dict(w=ONE, v=array((2,), bytes(8))),
    PROTO2 + b"}q\x00X\x01\x00\x00\x00w.",
)

MARKDOWN = """# Model zoo
**Note:** times with 4 threads on a Snapdragon 865.

### Zoo

| Model | Input Size | AP (COCO Val) | Inference Time (FP32) | Config | Download |
| --- | --- | --- | --- | --- | --- |
| PP-TinyPose | 128*96 | 58.1 (57.9) | 4.57ms | [c](./t.yml) | [m](https://a.example/t.pdparams) |
| PicoDet-S | 192 x 192 | 29.0 | 3.27ms<br>2.1 | [c](./p.yml) | [a](https://a.example/p.tar) / [b](x.nb) |
"""

CONFIGURATION = b"""mode: paddle
draw_threshold: 0.5
Preprocess:
- interp: 2
  target_size: [192, 192]
  type: Resize
- {mean: [0.485, 0.456], std: &s [0.2, 0.2], type: NormalizeImage, again: *s}
- type: Permute
label_list: [person]
"""

SHA256 = "0123456789abcdef" * 4
URL = "https://models.example/m.tar"


def zoo_lock() -> bytes:
    """Return a ``zoo.lock`` of one file."""
    from registry.lock import Lock, Locked

    return Lock(artifacts={URL: Locked(artifact="m@2021/inference", sha256=SHA256, size=5)}).dump().encode()


def provenance() -> bytes:
    """Return the provenance of a conversion."""
    from converters.provenance.statement import provenance

    statement = provenance(
        "lite",
        name="model.nb",
        sha256=SHA256,
        inputs={"model.pdmodel": SHA256},
        tools={"paddlelite": "2.13rc0"},
        options={"target": "arm", "precision": "fp16"},
    )
    return statement.to_bytes()


def bundle_manifest() -> bytes:
    """Return the manifest of a bundle with one published file."""
    from registry.schema import Digest
    from zoo.transfer.bundle_manifest import BundledFile, BundleManifest

    digest = Digest(sha256=SHA256, size=5)
    file = BundledFile(entry="m@2021", artifact="inference", url=URL, path="files/m.tar", digest=digest)
    manifest = BundleManifest(made_by="0.1.0", published=(file,), built=(), members={"files/m.tar": digest})
    return manifest.dump()


def annotations() -> bytes:
    """Return COCO annotations of one person with keypoints."""
    from zoo.datasets.coco_annotations import COCO_JOINTS

    person = {"id": 1, "image_id": 1, "category_id": 1, "iscrowd": 0, "area": 4.0, "bbox": [1, 1, 2, 2]}
    return json.dumps(
        {
            "images": [{"id": 1, "file_name": "1.jpg", "width": 8, "height": 6}],
            "categories": [{"id": 1, "name": "person", "keypoints": COCO_JOINTS}],
            "annotations": [person | {"num_keypoints": 17, "keypoints": [1, 1, 2] * 17}],
        }
    ).encode()


def read_repository_file(name: str) -> bytes:
    """Return the bytes of a file of the repository."""
    return Path(REPOSITORY, name).read_bytes()


def tar(mode: str) -> bytes:
    """Return an archive with a folder, a nested file and a long name."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:  # type: ignore[call-overload]
        folder = tarfile.TarInfo("m")
        folder.type, folder.mode = tarfile.DIRTYPE, 0o755
        archive.addfile(folder)
        for name in ("m/model.pdmodel", "m/" + "long" * 30):
            entry = tarfile.TarInfo(name)
            entry.size = 30
            archive.addfile(entry, io.BytesIO(bytes(30)))
    return buffer.getvalue()


def zipped() -> bytes:
    """Return an archive with a stored and a compressed member."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("m/model.pdmodel", bytes(100))
        archive.writestr("m/model.pdiparams", bytes(1000), zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


BINARY_TOKENS = (
    bytes(8),
    b"\xff" * 8,
    b"\xff\xff\xff\x7f",
    b"\x00\x00\x00\x80",
    b"\x80" * 10 + b"\x01",
    b"\x01",
    b"\x1b[2J",
    b"../",
    b"\xed\xa0\x80",
)
JSON_TOKENS = (
    b"NaN",
    b"-1",
    b"1e999",
    b"null",
    b"true",
    b"[]",
    b"{}",
    b'""',
    b'"\\ud800"',
    b"9" * 5000,
    b"[" * 3000,
    b'{"a":' * 3000,
    b'"\\u001b]0;x\\u0007"',
    b"1.5",
    b"18446744073709551616",
)
YAML_TOKENS = (
    b"!!int x",
    b"!!timestamp x",
    b"!!binary '#'",
    b"!!set {a}",
    b"!!python/name:os.system ",
    b"2021-13-01",
    b"1:" * 100 + b"1",
    b"0o8",
    b"0x",
    b".nan",
    b"-.inf",
    b"~",
    b"=",
    b"<<: x\n",
    b"<<: [*s, *s]\n",
    b"&s ",
    b"*s",
    b"? ",
    b"- ",
    b"[" * 2000,
    b"{a: " * 500,
    b"9" * 5000,
    b"%TAG !a! x\n",
    b"\n---\n",
    b"\n...\n",
    b'"\\ud800"',
    b'"\\UFFFFFFFF"',
    b"|9\n",
    b"\t",
    b"\xc2\x85",
    b"\xe2\x80\xa8",
    b"\x00",
)
XML_TOKENS = (
    b'<!ENTITY a "&b;&b;">',
    b"&#0;",
    b"&#xd800;",
    b"<a>" * 3000,
    b"<![CDATA[",
    b"<?xml?>",
    b'encoding="utf-16"',
    b'encoding="idna"',
    b"9" * 5000,
    b"-1",
    b"\xc2\xb2",
)
TEXT_TOKENS = (
    b"9" * 5000,
    b"-",
    b"inf",
    b"nan",
    b"[" * 3000,
    b"](" * 3000,
    b"<" * 3000,
    b"| " * 2000,
    b"~",
    b"http://[",
    b"http://a:99999/",
    b"http://u:p@h/",
    b"\x00",
    b"\xff\xfe",
    b"\xc2\xb2",
    b"\n",
    b"'" * 2000,
    b"(" * 300,
)
