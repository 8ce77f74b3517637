"""The parsers under test: how to run each on the bytes of one input."""

from __future__ import annotations

import shutil
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz import samples
from tests.fuzz.samples import BINARY_TOKENS, JSON_TOKENS, SAMPLES, TEXT_TOKENS, XML_TOKENS, YAML_TOKENS

Run = Callable[[bytes, Path], object]
"""Parses an input; the folder is empty and for its files. Raises ``ZooError`` for a bad input."""


@dataclass(frozen=True)
class Target:
    """A parser.

    Attributes:
        run: Parses one input.
        seeds: Valid inputs.
        tokens: Bytes to insert.
    """

    run: Run
    seeds: tuple[bytes, ...]
    tokens: tuple[bytes, ...] = BINARY_TOKENS


def inspect_file(content: bytes, folder: Path) -> object:
    """Inspect a file of any format, read its graph, and serialize the result."""
    from converters.formats import inspect, read_dataflow
    from registry.errors import UsageError

    path = folder / "artifact"
    path.write_bytes(content)
    found = inspect(path).model_dump_json()
    try:
        read_dataflow(path)
    except UsageError as error:
        if error.code != "no-graph":
            raise
    return found


def inspect_pair(first: str, second: str) -> Run:
    """Make a function that inspects two files of one artifact."""

    def run(content: bytes, folder: Path) -> object:
        from converters.formats import inspect

        size = struct.unpack("<I", content[:4].ljust(4, b"\0"))[0]
        (folder / first).write_bytes(content[4 : 4 + size])
        (folder / second).write_bytes(content[4 + size :])
        return inspect(folder).model_dump_json()

    return run


def draw_graph(content: bytes, folder: Path) -> object:
    """Convert the graph of a model to DOT."""
    from converters.formats import read_dataflow
    from zoo.graph_svg.dot import to_dot

    path = folder / "artifact"
    path.write_bytes(content)
    return to_dot(read_dataflow(path), "title")


def read_checkpoint(content: bytes, folder: Path) -> object:
    """Read a checkpoint and check that its summary agrees."""
    from converters.checkpoints import read_weights, summarize

    path = folder / "weights"
    path.write_bytes(content)
    summary = summarize(path)
    checkpoint = read_weights(path)
    assert summary.shapes == checkpoint.shapes
    return summary.model_dump_json()


def extract_archive(container: str) -> Run:
    """Make a function that unpacks an archive and checks that nothing is written outside the folder."""

    def run(content: bytes, folder: Path) -> object:
        from zoo.archive.extract import extract
        from zoo.archive.limits import Limits

        path = folder / "archive"
        path.write_bytes(content)
        limits = Limits(unpacked_bytes=64 << 20)
        try:
            return extract(path, folder / "unpacked", container, limits)  # type: ignore[arg-type]
        finally:
            assert {entry.name for entry in folder.iterdir()} <= {"archive", "unpacked"}
            shutil.rmtree(folder / "unpacked", ignore_errors=True)

    return run


def read_safe_yaml(content: bytes, folder: Path) -> object:
    """Read YAML; its own error type counts as a typed error."""
    from registry.errors import UsageError
    from registry.safe_yaml import YamlError, read_yaml

    try:
        return read_yaml(content)
    except YamlError as error:
        raise UsageError("bad-yaml", str(error)) from None


def load_catalog(content: bytes, folder: Path) -> object:
    """Load a catalog file."""
    from registry.catalog_io.load import load

    path = folder / "catalog.yaml"
    path.write_bytes(content)
    return load(path)


def check_catalog(content: bytes, folder: Path) -> object:
    """Check a catalog file and format its problems."""
    from registry.catalog_io.load import check

    path = folder / "catalog.yaml"
    path.write_bytes(content)
    return check(path).model_dump_json()


def read_infer_cfg(content: bytes, folder: Path) -> object:
    """Read the configuration next to a model."""
    from zoo.local_models.export_config import read_export_config

    (folder / "infer_cfg.yml").write_bytes(content)
    return read_export_config(folder / "infer_cfg.yml")


def read_zoo_lock(content: bytes, folder: Path) -> object:
    """Read ``zoo.lock`` and write it again."""
    from registry.lock import Lock

    path = folder / "zoo.lock"
    path.write_bytes(content)
    return Lock.read(path).dump()


def import_readme(content: bytes, folder: Path) -> object:
    """Import a README and format the drafts."""
    from registry.readme_import.sources import DocumentOrigin, import_files

    path = folder / "README.md"
    path.write_bytes(content)
    return import_files([path], DocumentOrigin(("configs/README.md",)))


def read_settings(content: bytes, folder: Path) -> object:
    """Read the settings from environment variables, one per line."""
    from zoo.settings import from_environment

    names = ("ZOO_CACHE", "ZOO_MIRROR", "ZOO_OFFLINE", "ZOO_PYTHON", "ZOO_CATALOG")
    values = content.replace(b"\0", b"").decode("utf-8", "surrogateescape").split("\n")
    found = from_environment(dict(zip(names, values, strict=False)))
    return [found.toolchains, found.logs, found.mirrors, found.catalogs]


def compile_where(content: bytes, folder: Path) -> object:
    """Compile a ``--where`` expression and evaluate it on one row."""
    from registry.search import compile_where

    text = content.decode("utf-8", "surrogateescape")
    return compile_where(text, {"ap", "name", "task"})({"ap": 38.5, "name": "x", "task": "detection"})


def read_provenance(content: bytes, folder: Path) -> object:
    """Read a provenance statement."""
    from converters.provenance.statement import provenance_path, read_provenance

    artifact = folder / "model.nb"
    provenance_path(artifact).write_bytes(content)
    return read_provenance(artifact).to_bytes()


def read_bundle_manifest(content: bytes, folder: Path) -> object:
    """Read the manifest of a bundle."""
    from zoo.transfer.bundle_manifest import parse_manifest

    return parse_manifest(content, folder / "bundle.tar").dump()


def parse_units(content: bytes, folder: Path) -> object:
    """Parse a duration, or else a size."""
    from registry.errors import UsageError
    from zoo._utils.units import parse_duration, parse_size

    text = content.decode("utf-8", "surrogateescape")
    try:
        return parse_duration(text)
    except UsageError:
        return parse_size(text)


def read_annotations(content: bytes, folder: Path) -> object:
    """Read COCO annotations, once for keypoints and once for boxes."""
    from zoo.datasets.coco_annotations import read_annotations

    path = folder / "annotations.json"
    path.write_bytes(content)
    return [read_annotations(path, "bbox"), read_annotations(path, "keypoints")]


def follow_redirect(content: bytes, folder: Path) -> object:
    """Check the target of a redirect, as a server sends it."""
    from zoo.download.urls import redirect_display, redirect_target

    target = redirect_target("https://models.example/m.tar", content.decode("latin-1"), ())
    return redirect_display(target)


TARGETS: Mapping[str, Target] = {
    "formats: Paddle-Lite": Target(inspect_file, (SAMPLES["nb"], SAMPLES["nb of container 1"])),
    "formats: legacy program": Target(inspect_file, (SAMPLES["program"],)),
    "formats: program and parameters": Target(
        inspect_pair("m.pdmodel", "m.pdiparams"), (samples.PROGRAM_PAIR,)
    ),
    "formats: parameters": Target(inspect_file, (SAMPLES["params"],)),
    "formats: PIR": Target(inspect_file, (SAMPLES["pir"],), JSON_TOKENS),
    "formats: ONNX": Target(inspect_file, (SAMPLES["onnx"],)),
    "formats: OpenVINO": Target(inspect_pair("m.xml", "m.bin"), (samples.OPENVINO_PAIR,), XML_TOKENS),
    "formats: ncnn": Target(inspect_pair("m.param", "m.bin"), (samples.NCNN_PAIR,), TEXT_TOKENS),
    "formats: TensorFlow Lite": Target(inspect_file, samples.TFLITE),
    "formats: tar": Target(inspect_file, (samples.tar("w"), SAMPLES["tar"])),
    "formats: tar.gz": Target(inspect_file, (samples.tar("w:gz"),)),
    "formats: zip": Target(inspect_file, (samples.zipped(),)),
    "formats: configuration": Target(inspect_file, (samples.CONFIGURATION, SAMPLES["config"]), YAML_TOKENS),
    "formats: checkpoint": Target(inspect_file, (*samples.PICKLES, SAMPLES["safetensors"])),
    "graph drawing": Target(draw_graph, (SAMPLES["nb"], SAMPLES["program"], SAMPLES["onnx"], SAMPLES["pir"])),
    "checkpoints: pickle": Target(read_checkpoint, samples.PICKLES),
    "checkpoints: safetensors": Target(
        read_checkpoint, (SAMPLES["safetensors"],), (*JSON_TOKENS, *BINARY_TOKENS)
    ),
    "archive: tar": Target(extract_archive("tar"), (samples.tar("w"),)),
    "archive: tar.gz": Target(extract_archive("tar.gz"), (samples.tar("w:gz"),)),
    "archive: zip": Target(extract_archive("zip"), (samples.zipped(),)),
    "YAML": Target(read_safe_yaml, (samples.CONFIGURATION, SAMPLES["config"]), YAML_TOKENS),
    "catalog": Target(load_catalog, (samples.read_repository_file("zoo/sample/catalog.yaml"),), YAML_TOKENS),
    "catalog check": Target(
        check_catalog, (samples.read_repository_file("zoo/sample/catalog.yaml"),), YAML_TOKENS
    ),
    "infer_cfg.yml": Target(read_infer_cfg, (samples.CONFIGURATION,), YAML_TOKENS),
    "zoo.lock": Target(read_zoo_lock, (samples.zoo_lock(),), JSON_TOKENS),
    "README import": Target(import_readme, (samples.MARKDOWN.encode(),), TEXT_TOKENS),
    "settings": Target(
        read_settings, (b"/tmp/cache\nhttps://m.example\n1\n/usr/bin/python3\na.yaml",), TEXT_TOKENS
    ),
    "where expression": Target(
        compile_where, (b"ap >= 38 and name == 'x' or not task != \"y\"",), TEXT_TOKENS
    ),
    "provenance": Target(read_provenance, (samples.provenance(),), JSON_TOKENS),
    "bundle manifest": Target(read_bundle_manifest, (samples.bundle_manifest(),), JSON_TOKENS),
    "COCO annotations": Target(read_annotations, (samples.annotations(),), JSON_TOKENS),
    "redirects": Target(
        follow_redirect, (b"https://a.example/x?y#z", b"//b.example:8443/../m.tar"), TEXT_TOKENS
    ),
    "durations and sizes": Target(parse_units, (b"1.5h", b"20GiB"), TEXT_TOKENS),
}
