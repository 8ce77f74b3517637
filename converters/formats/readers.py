"""Inspect an artifact of any format: find its files and pass them to the reader of the format."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from converters.formats.bounded_io import is_folder
from converters.formats.dataflow import Dataflow, dataflow_from_blocks
from converters.formats.errors import unknown_format_error
from converters.formats.inspection import Inspection
from converters.formats.kind import Kind, describe
from converters.formats.locate import Artifact, locate_file, locate_in_folder
from registry.errors import UsageError

_PROVENANCE_MISMATCH = (
    "The provenance file records another digest: the artifact or the provenance was replaced."
)


def inspect(path: Path) -> Inspection:
    """Inspect a file or folder, by its bytes and never by its name.

    A folder stands for its only artifact: an inference model or a single file, directly or in a single
    sub-folder. A program and its parameters each stand for the pair when both are in one folder.

    Args:
        path: A ``.nb``, ``.pdmodel``, PIR ``.json``, ``.pdiparams``, ``.onnx``, ``.pdparams``,
            ``.safetensors``, tar, zip or YAML file under any name, or a folder.

    Returns:
        The inspection. Its path is the file, or the given path where several files make up the artifact.

    Raises:
        NotFoundError: The path does not exist, or the folder contains no artifact.
        UsageError: The folder contains several artifacts, or the path is a device or pipe.
        IntegrityError: The file is damaged or of an unknown format (``unknown-format``).
        ConversionError: A checkpoint is valid but contains something other than plain arrays.
    """
    artifact = locate_in_folder(path) if is_folder(path) else locate_file(path)
    read = _READERS.get(artifact.kind)
    if read is None:
        raise unknown_format_error(artifact.main, describe(artifact.kind))
    return _add_provenance(read(artifact, path), artifact.main)


def read_dataflow(path: Path) -> Dataflow:
    """Read the graph of a model: its operators and the values between them.

    Args:
        path: File or folder of a Lite model, an inference model, an ONNX or an ncnn model.

    Raises:
        NotFoundError: The path does not exist.
        UsageError: ``no-graph`` for a format without a graph.
        IntegrityError: The file is damaged.
    """
    artifact = locate_in_folder(path) if is_folder(path) else locate_file(path)
    if artifact.kind is Kind.NB:
        from converters.formats.paddle_lite.nb import read_nb

        nb = read_nb(artifact.main)
        return dataflow_from_blocks(nb.blocks, nb.inputs, nb.outputs)
    if artifact.kind is Kind.ONNX:
        from converters.formats.onnx.model import read_onnx

        return read_onnx(artifact.main).dataflow
    if artifact.kind is Kind.NCNN:
        from converters.formats.ncnn.graph import read_ncnn

        return read_ncnn(artifact.main).dataflow
    if artifact.kind in (Kind.PROGRAM, Kind.PIR):
        from converters.formats.paddle.inspect import program_dataflow
        from converters.formats.paddle.pir import read_pir
        from converters.formats.paddle.program import read_program

        legacy = artifact.kind is Kind.PROGRAM
        return program_dataflow(read_program(artifact.main) if legacy else read_pir(artifact.main))
    raise UsageError(
        "no-graph",
        f"{path} contains no model graph",
        expected="a .nb, an inference model, an .onnx or an ncnn .param file",
        found=describe(artifact.kind),
        hint=f"zoo inspect {path}",
    )


def _add_provenance(found: Inspection, main: Path) -> Inspection:
    # Imported here because checking a fresh conversion needs no provenance.
    from converters.formats.provenance_summary import summarize_provenance

    provenance = summarize_provenance(main)
    if provenance is None:
        return found
    mismatch = () if provenance.matches_file else (_PROVENANCE_MISMATCH,)
    return found.model_copy(update={"provenance": provenance, "warnings": (*found.warnings, *mismatch)})


# Each reader is imported on first use: most calls need only one of them.


def _nb(artifact: Artifact, requested: Path) -> Inspection:
    from converters.formats.paddle_lite.inspect import inspect_nb
    from converters.formats.paddle_lite.nb import read_nb

    return inspect_nb(read_nb(artifact.main))


def _inference(artifact: Artifact, requested: Path) -> Inspection:
    from converters.formats.paddle.inspect import inspect_inference

    shown = requested if artifact.params else artifact.main
    return inspect_inference(shown, artifact.main, artifact.kind, artifact.params)


def _params(artifact: Artifact, requested: Path) -> Inspection:
    from converters.formats.paddle.inspect import inspect_params

    return inspect_params(artifact.main)


def _onnx(artifact: Artifact, requested: Path) -> Inspection:
    from converters.formats.onnx.inspect import inspect_onnx
    from converters.formats.onnx.model import read_onnx

    return inspect_onnx(read_onnx(artifact.main))


def _openvino(artifact: Artifact, requested: Path) -> Inspection:
    from converters.formats.openvino.inspect import inspect_openvino

    return inspect_openvino(artifact.main, artifact.params)


def _ncnn(artifact: Artifact, requested: Path) -> Inspection:
    from converters.formats.ncnn.inspect import inspect_ncnn

    return inspect_ncnn(artifact.main, artifact.params)


def _tflite(artifact: Artifact, requested: Path) -> Inspection:
    from converters.formats.tflite.inspect import inspect_tflite

    return inspect_tflite(artifact.main)


def _weights(artifact: Artifact, requested: Path) -> Inspection:
    from converters.formats.containers.checkpoint import inspect_weights

    return inspect_weights(artifact.main)


def _archive(artifact: Artifact, requested: Path) -> Inspection:
    from converters.formats.containers.archive import inspect_archive

    return inspect_archive(artifact.main, artifact.kind)


def _config(artifact: Artifact, requested: Path) -> Inspection:
    from converters.formats.containers.config import inspect_config

    return inspect_config(artifact.main)


_READERS: Mapping[Kind, Callable[[Artifact, Path], Inspection]] = MappingProxyType(
    {
        Kind.NB: _nb,
        Kind.PROGRAM: _inference,
        Kind.PIR: _inference,
        Kind.PARAMS: _params,
        Kind.ONNX: _onnx,
        Kind.OPENVINO: _openvino,
        Kind.NCNN: _ncnn,
        Kind.TFLITE: _tflite,
        Kind.PICKLE: _weights,
        Kind.SAFETENSORS: _weights,
        Kind.TAR: _archive,
        Kind.TAR_GZ: _archive,
        Kind.ZIP: _archive,
        Kind.TEXT: _config,
    }
)
