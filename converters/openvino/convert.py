"""Converts ONNX to OpenVINO's intermediate representation, and checks the output."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from pydantic import JsonValue

from converters.formats import Inspection, inspect
from converters.jobs.job import run_job
from converters.jobs.output_checks import OutputChecks, dominant_weight_type
from converters.openvino.options import OpenvinoOptions, openvino_key
from converters.toolchain import Toolchains
from converters.toolchain.pins import OPENVINO

_WORKER = Path(__file__).with_name("worker.py")

FILES = ("model.bin", "model.xml")
"""Output files: weights, then graph. The graph is published last, so that it never exists without weights."""


def run_openvino_job(
    model: Path,
    out: Path,
    options: OpenvinoOptions,
    *,
    toolchains: Toolchains,
    work: Path,
    note: Callable[[str], None],
) -> Inspection:
    """Convert an ONNX model to a folder with ``model.xml`` and ``model.bin``.

    Inputs and outputs keep names and order. Equal inputs, versions and options give equal bytes.

    Args:
        model: The ``.onnx`` file.
        out: The folder to write into.
        options: Options of the OpenVINO model.
        toolchains: Finds or builds the environment of the tool.
        work: Folder for temporary files and logs.
        note: Called with progress messages.

    Returns:
        Inspection of the written model.

    Raises:
        UsageError: ``out`` cannot be written.
        IntegrityError: The ONNX file is damaged.
        ConversionError: ``converter-…``.
        MissingToolError: OpenVINO is neither installed nor installable, or the disk is full.
    """
    source = inspect(model)
    key = openvino_key({"model": source.sha256}, options)
    task = f"converting {model.name} to OpenVINO"
    with run_job(
        "openvino", OPENVINO, key, out / FILES[-1], task, toolchains=toolchains, work=work, note=note
    ) as job:
        # The graph stores the name of its source file: a constant name, so that equal files give equal bytes.
        shutil.copyfile(model, job.folder / "model.onnx")
        request: dict[str, JsonValue] = {"folder": str(job.folder), "half": options.weights == "fp16"}
        answer = job.run_worker(
            _WORKER,
            request,
            hint="if an operator is not supported, try another form of the model: --head raw, or --opset 16",
        )
        inspection = _check_output(job.folder / FILES[-1], source, options, job.checks)
        job.publish(
            {name: out / name for name in FILES},
            inputs={model.name: source.sha256},
            versions={"openvino": answer["version"]},
            options=options.model_dump(),
        )
    if "NonMaxSuppression" in source.operators:
        note("OpenVINO does not order the boxes after suppression: sort them by score")
    return inspection.model_copy(update={"path": out / FILES[-1]})


def _check_output(
    made: Path, source: Inspection, options: OpenvinoOptions, checks: OutputChecks
) -> Inspection:
    """Inspect the output and reject it if it does not match the request."""
    found = inspect(made)
    checks.require_equal("format", "openvino", found.format)
    if source.weights_precision == "fp32":
        checks.require_equal("weights", options.weights, dominant_weight_type(found))
    checks.require_same_tensors("inputs", source.inputs, found.inputs)
    checks.require_same_tensors("outputs", source.outputs, found.outputs)
    return found
