"""Converts ONNX to TensorFlow Lite, and checks the output."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from pydantic import JsonValue

from converters.formats import Inspection, Tensor, inspect
from converters.formats.tflite.inspect import to_channels_first
from converters.jobs.job import report_difference, run_job
from converters.jobs.output_checks import OutputChecks, dominant_weight_type
from converters.tflite.options import TfliteOptions, suppression_unsupported, tflite_key
from converters.toolchain import Toolchains
from converters.toolchain.pins import ONNX2TF

_WORKER = Path(__file__).with_name("worker.py")
_MADE = "model.tflite"
# A network with 1,300 operators takes 90 s on one core.
_TIMEOUT_SECONDS = 3600.0


def run_tflite_job(
    model: Path,
    out: Path,
    options: TfliteOptions,
    *,
    toolchains: Toolchains,
    work: Path,
    note: Callable[[str], None],
) -> Inspection:
    """Convert an ONNX model to a ``.tflite`` file.

    Inputs and outputs keep names and order. Tensors with four axes get the layout of TensorFlow Lite: batch,
    height, width, channels; all others keep their layout. An open batch becomes 1. Equal inputs, versions and
    options give equal bytes.

    Args:
        model: The ``.onnx`` file.
        out: The file to write.
        options: Options of the TensorFlow Lite file.
        toolchains: Finds or builds the environment of the tool.
        work: Folder for temporary files and logs.
        note: Called with progress messages, and with the difference from the original.

    Returns:
        Inspection of the written file.

    Raises:
        UsageError: ``out`` cannot be written.
        IntegrityError: The ONNX file is damaged.
        ConversionError: ``converter-…``; ``tflite-suppression-unsupported``: the graph contains box
            suppression.
        MissingToolError: The tools are neither installed nor installable, or the disk is full.
    """
    source = inspect(model)
    if "NonMaxSuppression" in source.operators:
        raise suppression_unsupported("NonMaxSuppression in the graph")
    key = tflite_key({"model": source.sha256}, options)
    task = f"converting {model.name} to TensorFlow Lite, which takes a minute or two"
    with run_job("tflite", ONNX2TF, key, out, task, toolchains=toolchains, work=work, note=note) as job:
        # Names of intermediate files reach the graph: a constant name, so that equal files give equal bytes.
        shutil.copyfile(model, job.folder / "model.onnx")
        request: dict[str, JsonValue] = {"folder": str(job.folder), "weights": options.weights}
        answer = job.run_worker(
            _WORKER,
            request,
            hint="try another form of the model: --head raw, or --opset 16",
            timeout=_TIMEOUT_SECONDS,
        )
        inspection = _check_output(job.folder / _MADE, source, options, job.checks)
        job.publish(
            {_MADE: out},
            inputs={model.name: source.sha256},
            versions=answer["tools"],
            options=options.model_dump(),
        )
    report_difference(answer["difference"], note)
    return inspection.model_copy(update={"path": out})


def _check_output(made: Path, source: Inspection, options: TfliteOptions, checks: OutputChecks) -> Inspection:
    """Inspect the output and reject it if it does not match the request."""
    found = inspect(made)
    checks.require_equal("format", "tflite", found.format)
    checks.require_equal("custom operators", [], found.details["custom_operators"])
    checks.require_equal("precision", source.precision, found.precision)
    if source.weights_precision == "fp32":
        checks.require_equal("weights", options.weights, dominant_weight_type(found))
    checks.require_same_tensors("inputs", _with_batch_1(source.inputs), to_channels_first(found.inputs))
    checks.require_same_tensors("outputs", source.outputs, to_channels_first(found.outputs))
    return found


def _with_batch_1(inputs: tuple[Tensor, ...]) -> list[Tensor]:
    """Return the inputs with a batch of 1 in place of an open batch."""
    return [
        each.model_copy(update={"shape": (1, *each.shape[1:])})
        if each.shape and each.shape[0] is None
        else each
        for each in inputs
    ]
