"""ONNX to TensorFlow Lite, with a proof of what came out."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from pydantic import JsonValue

from converters.formats import Inspection, Tensor, inspect
from converters.formats.tflite.inspect import channels_first
from converters.jobs.job import conversion, tell_difference
from converters.jobs.output_checks import Proof, mostly_stored_as
from converters.tflite.options import TfliteOptions, suppression_impossible, tflite_key
from converters.toolchain import Toolchains
from converters.toolchain.pins import ONNX2TF

_WORKER = Path(__file__).with_name("worker.py")
_MADE = "model.tflite"
# A network of thirteen hundred operators takes a minute and a half of one core.
_SECONDS = 3600.0


def to_tflite(
    model: Path,
    out: Path,
    options: TfliteOptions,
    *,
    toolchains: Toolchains,
    work: Path,
    note: Callable[[str], None],
) -> Inspection:
    """Convert an ONNX model to a ``.tflite`` file.

    Inputs and outputs keep names and order. Those with four extents are in the layout of TensorFlow Lite,
    batch, height, width, channels; all others keep theirs. An open batch becomes a batch of one. Equal
    inputs, versions and options give equal bytes.

    Args:
        model: The ``.onnx`` file.
        out: The file to write.
        options: What to make.
        toolchains: Where the tools come from.
        work: Folder for work in progress and logs.
        note: Told what takes longer than a moment, and how far the result lies from the original.

    Returns:
        What the file is, read from its bytes.

    Raises:
        UsageError: ``out`` cannot be written.
        IntegrityError: The ONNX file is damaged.
        ConversionError: ``converter-…``; ``tflite-suppression-unsupported``: the graph suppresses
            boxes itself.
        MissingToolError: The tools are not here and cannot be had, or the disk is full.
    """
    source = inspect(model)
    if "NonMaxSuppression" in source.operators:
        raise suppression_impossible("NonMaxSuppression in the graph")
    key = tflite_key({"model": source.sha256}, options)
    doing = f"converting {model.name} to TensorFlow Lite, which takes a minute or two"
    with conversion("tflite", ONNX2TF, key, out, doing, toolchains=toolchains, work=work, note=note) as job:
        # Names of passing files reach the graph: the same name, so that equal files give equal bytes.
        shutil.copyfile(model, job.folder / "model.onnx")
        request: dict[str, JsonValue] = {"folder": str(job.folder), "weights": options.weights}
        answer = job.run(
            _WORKER,
            request,
            hint="start from another form of the model: --head raw, or --opset 16",
            seconds=_SECONDS,
        )
        inspection = _prove(job.folder / _MADE, source, options, job.proof)
        job.deliver(
            {_MADE: out},
            inputs={model.name: source.sha256},
            versions=answer["tools"],
            options=options.model_dump(),
        )
    tell_difference(answer["difference"], note)
    return inspection.model_copy(update={"path": out})


def _prove(made: Path, source: Inspection, options: TfliteOptions, proof: Proof) -> Inspection:
    """Open what was made and refuse it unless it is what was asked for."""
    found = inspect(made)
    proof.equal("format", "tflite", found.format)
    proof.equal("operators outside the standard", [], found.details["custom_operators"])
    proof.equal("precision", source.precision, found.precision)
    if source.weights_precision == "fp32":
        proof.equal("weights", options.weights, mostly_stored_as(found))
    proof.same_ends("inputs", _fixed(source.inputs), channels_first(found.inputs))
    proof.same_ends("outputs", source.outputs, channels_first(found.outputs))
    return found


def _fixed(inputs: tuple[Tensor, ...]) -> list[Tensor]:
    """The inputs with an open batch made one."""
    return [
        end.model_copy(update={"shape": (1, *end.shape[1:])}) if end.shape and end.shape[0] is None else end
        for end in inputs
    ]
