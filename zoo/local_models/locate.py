"""Find the model that a user named: an entry of the catalog, or files on disk and an entry for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from converters.formats import Kind, inspect
from converters.formats.inspection import Inspection
from converters.formats.locate import Artifact, locate_file, locate_in_folder
from converters.jobs.input_model import read_model
from registry import Registry
from registry.choices import Precision, Target
from registry.errors import UsageError
from registry.schema import ArtifactKind
from zoo.local_models.checkpoints import describe_checkpoint
from zoo.local_models.describe import ModelFiles, describe_model, find_normalization
from zoo.local_models.export_config import find_config, read_export_config
from zoo.local_models.graph import read_graph
from zoo.local_models.names import local_source
from zoo.local_models.options import NO_OPTIONS, ModelOptions, option_name
from zoo.local_models.source import LocalSource, LocatedModel

_KINDS: Mapping[str, ArtifactKind] = MappingProxyType(
    {
        "program": "inference",
        "pir": "inference",
        "onnx": "onnx",
        "lite": "lite",
        "openvino": "openvino",
        "ncnn": "ncnn",
        "tflite": "tflite",
    }
)
"""Format of an inspection to kind of artifact."""

_CHECKPOINTS = (Kind.PICKLE, Kind.SAFETENSORS)
_ARCHIVES = (Kind.TAR, Kind.TAR_GZ, Kind.ZIP)
_PRECISIONS: Mapping[str, Precision] = MappingProxyType({"fp32": "fp32", "fp16": "fp16", "int8": "int8"})
_TARGETS: Mapping[str, Target] = MappingProxyType({"arm": "arm", "x86": "x86", "opencl": "opencl"})

Unpack = Callable[[Path, Kind], Path]
"""Unpacks an archive and returns the folder."""


def locate_model(
    source: Path | str, options: ModelOptions, registry: Registry, *, unpack: Unpack | None = None
) -> LocatedModel:
    """Find a model: an entry, or the files at a path with an entry that describes them.

    Nothing is fetched, converted or written.

    Args:
        source: Name of an entry, or a path; see ``zoo.local_models.names`` for what is which.
        options: Statements about the model.
        registry: The catalog.
        unpack: Unpacks an archive; None rejects archives.

    Raises:
        NotFoundError: No such entry or file.
        UsageError: ``option-not-applicable``; ``architecture-required``; ``model-description-missing``; a
            file of another family or kind.
        IntegrityError: Damaged files, or a configuration that contradicts the graph.
    """
    path = local_source(source, registry)
    if path is None:
        entry = registry.get(str(source))
        if options.given:
            raise _not_applicable(
                options.given[0], f"models on disk, and {entry.id} is an entry of the catalog"
            )
        return LocatedModel(entry)
    artifact = locate_in_folder(path) if path.is_dir() else locate_file(path)
    if artifact.kind in _ARCHIVES:
        if unpack is None:
            raise _not_a_model(path, "an archive")
        path = unpack(artifact.main, artifact.kind)
        artifact = locate_in_folder(path)
    if artifact.kind in _CHECKPOINTS:
        return describe_checkpoint(str(source), artifact.main, options, registry)
    return _describe(str(source), path, artifact, options, registry)


def _describe(
    name: str, path: Path, artifact: Artifact, options: ModelOptions, registry: Registry
) -> LocatedModel:
    if options.architecture is not None:
        raise _not_applicable("architecture", f"checkpoints, and {name} is a model with a graph")
    if artifact.kind in (Kind.PROGRAM, Kind.PIR) and artifact.params is None:
        read_model(path)  # raises the error for missing parameters
    found = inspect(path)
    if found.format not in _KINDS:
        raise _not_a_model(path, found.format)
    config = find_config(artifact.main.parent)
    like = locate_model(options.like, NO_OPTIONS, registry) if options.like is not None else None
    files = ModelFiles(
        name=name,
        graph=read_graph(found),
        config=read_export_config(config) if config else None,
        like=like,
        options=options,
    )
    local = LocalSource(
        name=name,
        path=path if path.is_dir() else artifact.main,
        kind=_KINDS[found.format],
        program=found.format if found.format in ("program", "pir") else None,
        precision=_precision(found),
        target=_TARGETS.get(found.target or ""),
        normalization=find_normalization(files),
        nms=files.config.nms if files.config else None,
        box_threshold=files.config.draw_threshold if files.config else None,
        config=config,
        options=options,
    )
    entry = describe_model(files, title=local.stem)
    return LocatedModel(entry, replace(local, doubts=tuple(files.doubts)))


def _precision(found: Inspection) -> Precision | None:
    stored = found.precision if found.format in ("onnx", "lite") else found.weights_precision
    return _PRECISIONS.get(stored or "")


def _not_applicable(field: str, why: str) -> UsageError:
    option = option_name(field)
    return UsageError("option-not-applicable", f"{option} applies to {why}", hint=f"leave out {option}")


def _not_a_model(path: Path, found: str) -> UsageError:
    return UsageError(
        "not-a-model",
        f"{path} is not a model",
        expected="an export folder or its archive, a checkpoint, ONNX, Lite, TFLite, ncnn or OpenVINO",
        found=found,
        hint=f"zoo inspect {path}",
    )
