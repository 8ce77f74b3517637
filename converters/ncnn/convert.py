"""Converts ONNX to ncnn, and checks the output."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from pydantic import JsonValue

from converters.formats import Inspection, inspect
from converters.jobs.job import report_difference, run_job
from converters.jobs.output_checks import OutputChecks
from converters.ncnn.options import NcnnOptions, ncnn_key
from converters.ncnn.source import kept_outputs, require_supported
from converters.toolchain import Toolchains
from converters.toolchain.pins import NCNN
from registry.errors import ConversionError

_WORKER = Path(__file__).with_name("worker.py")
# Share of the largest value of an output. On the networks of the catalog, another order of summation gives up
# to 4e-5 and FP16 weights up to 7e-2; swapped outputs give about 1.
_TOLERANCE = {"fp32": 1e-3, "fp16": 0.5}

FILES = ("model.ncnn.bin", "model.ncnn.param")
"""Output files: weights, then graph. The graph is published last, so that it never exists without weights."""


def run_ncnn_job(
    model: Path,
    out: Path,
    options: NcnnOptions,
    *,
    toolchains: Toolchains,
    work: Path,
    note: Callable[[str], None],
) -> Inspection:
    """Convert an ONNX model to a folder with ``model.ncnn.param`` and ``model.ncnn.bin``.

    Inputs and outputs keep names and order. The file states the extents of inputs without the batch, since
    ncnn runs one image at a time. Equal inputs, versions and options give equal bytes.

    Args:
        model: The ``.onnx`` file, in FP32.
        out: The folder to write into.
        options: Options of the ncnn model.
        toolchains: Finds or builds the environment of the tool.
        work: Folder for temporary files and logs.
        note: Called with progress messages, and with the difference from the original.

    Returns:
        Inspection of the written model.

    Raises:
        UsageError: ``out`` cannot be written.
        IntegrityError: The ONNX file is damaged.
        ConversionError: ``ncnn-operator-missing``, ``ncnn-input-unsupported``, ``ncnn-precision-unsupported``
            or ``ncnn-name-unsupported``: ncnn does not support the model. ``converter-…``: the tool failed.
        MissingToolError: The tools are neither installed nor installable, or the disk is full.
    """
    whole = inspect(model)
    require_supported(whole, without_argmax=options.without_argmax)
    source = whole.model_copy(update={"outputs": kept_outputs(whole, without_argmax=options.without_argmax)})
    key = ncnn_key({"model": source.sha256}, options)
    task = f"converting {model.name} to ncnn"
    with run_job(
        "ncnn", NCNN, key, out / FILES[-1], task, toolchains=toolchains, work=work, note=note
    ) as job:
        # A constant file name, so that equal files give equal bytes.
        shutil.copyfile(model, job.folder / "model.onnx")
        answer = job.run_worker(
            _WORKER,
            {
                "folder": str(job.folder),
                "half": options.weights == "fp16",
                "inputs": [[tensor.name, [*(tensor.shape or ())[1:]]] for tensor in source.inputs],
                "outputs": [tensor.name for tensor in source.outputs],
                "all": source.outputs == whole.outputs,
            },
        )
        if isinstance(answer["unknown"], list) and answer["unknown"]:
            raise _operator_missing(", ".join(map(str, answer["unknown"])))
        inspection = _check_output(job.folder / FILES[-1], source, options, job.checks)
        difference = answer["difference"] if isinstance(answer["difference"], float) else None
        if difference is not None and difference > _TOLERANCE[options.weights]:
            expected, found = "those of the ONNX file", f"a relative difference of {difference:.1e}"
            job.checks.require_equal("outputs on noise", expected, found)
        job.publish(
            {name: out / name for name in FILES},
            inputs={model.name: source.sha256},
            versions=answer["tools"],
            options={**options.model_dump(), **_io_extents(source)},
        )
    if any(tensor.shape and tensor.shape[0] is None for tensor in source.inputs):
        note("ncnn runs one image at a time: the open batch of the ONNX file becomes 1")
    report_difference(difference, note)
    return inspection.model_copy(update={"path": out / FILES[-1]})


def _check_output(made: Path, source: Inspection, options: NcnnOptions, checks: OutputChecks) -> Inspection:
    """Inspect the output and reject it if it does not match the request."""
    found = inspect(made)
    checks.require_equal("format", "ncnn", found.format)
    checks.require_same_tensors("inputs", source.inputs, found.inputs)
    checks.require_same_tensors("outputs", source.outputs, found.outputs)
    if found.parameters is None:
        checks.require_equal("weights", "of known size", "of unknown size")
    if found.weights_precision is not None:
        checks.require_equal("weights", options.weights, found.weights_precision)
    return found


def _io_extents(source: Inspection) -> dict[str, JsonValue]:
    """Return the extents of inputs and outputs in ncnn, which has no batch axis."""
    return {
        kind: {tensor.name: [*(tensor.shape or ())[1:]] for tensor in ends}
        for kind, ends in (("inputs", source.inputs), ("outputs", source.outputs))
    }


def _operator_missing(types: str) -> ConversionError:
    return ConversionError(
        "ncnn-operator-missing",
        f"ncnn has no layer for part of this graph: {types}",
        expected="operators that ncnn supports",
        found=types,
        done="nothing was written",
        hint="try another form of the model: --head raw, --no-argmax, or --opset 16",
    )
