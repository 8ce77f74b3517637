"""Converts an inference model to ONNX with paddle2onnx, and checks the output."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pydantic import JsonValue

from converters.formats import Inspection, inspect
from converters.jobs.input_model import InferenceModel, read_model, stage
from converters.jobs.job import Job, run_job
from converters.jobs.output_checks import OutputChecks
from converters.onnx.options import (
    OnnxOptions,
    nms_batch_unsupported,
    onnx_key,
    require_ir_version,
    require_opset,
)
from converters.toolchain import Toolchains
from converters.toolchain.pins import PADDLE2ONNX

_WORKER = Path(__file__).with_name("worker.py")
_MADE = "made.onnx"
_SUPPRESSION = ("multiclass_nms", "matrix_nms")


def run_onnx_job(
    model: Path,
    out: Path,
    options: OnnxOptions,
    *,
    toolchains: Toolchains,
    work: Path,
    note: Callable[[str], None],
) -> Inspection:
    """Convert an inference model to an ``.onnx`` file.

    Inputs and outputs keep the names and order of the program. The file is published with its provenance, and
    only after it passed all checks. Equal inputs, versions and options give equal bytes.

    Args:
        model: Folder or file of an inference model, legacy or PIR.
        out: The file to write; replaced when it exists.
        options: Options of the ONNX file.
        toolchains: Finds or builds the environment of the tool.
        work: Folder for temporary files and logs.
        note: Called with progress messages.

    Returns:
        Inspection of the written file.

    Raises:
        UsageError: The opset or IR version is not supported, or ``out`` cannot be written.
        NotFoundError: A file of the model is missing.
        IntegrityError: A file of the model is damaged, or program and parameters do not match.
        ConversionError: ``converter-…``.
        MissingToolError: paddle2onnx is neither installed nor installable, or the disk is full.
    """
    require_opset(options.opset)
    require_ir_version(options)
    source = read_model(model)
    open_batch = _require_one_image(source)
    key = onnx_key(source.digests, options)
    task = f"converting {source.program.path.name} to ONNX, opset {options.opset}"
    with run_job("onnx", PADDLE2ONNX, key, out, task, toolchains=toolchains, work=work, note=note) as job:
        versions = _run_paddle2onnx(source, options, job)
        inspection = _check_output(job.folder / _MADE, source, options, job.checks)
        job.publish({_MADE: out}, inputs=source.named_digests, versions=versions, options=options.for_key())
    if open_batch:
        note("with box suppression, an ONNX file takes one image per run: the open batch becomes 1")
    return inspection.model_copy(update={"path": out})


def _require_one_image(source: InferenceModel) -> bool:
    """Reject a graph with box suppression and a fixed batch above 1; tell whether its batch is open."""
    if not any(name.startswith(_SUPPRESSION) for name in source.operators):
        return False
    batches = {tensor.shape[0] for tensor in source.inputs if tensor.shape}
    for batch in batches - {1, None}:
        raise nms_batch_unsupported(f"batch {batch}")
    return None in batches


def _run_paddle2onnx(source: InferenceModel, options: OnnxOptions, job: Job) -> JsonValue:
    """Write the ONNX file and return the versions of the packages involved."""
    staged = stage(source, job.folder)
    request: dict[str, JsonValue] = {
        "program": str(staged.program),
        "params": str(staged.params),
        "out": str(job.folder / _MADE),
        "opset": options.opset,
        "ir_version": options.ir_version,
        "inputs": [tensor.name for tensor in source.inputs],
        "outputs": [tensor.name for tensor in source.outputs],
    }
    hint = "if an operator is not supported, try a later opset: --opset 16"
    return job.run_worker(_WORKER, request, hint=hint)


def _check_output(
    made: Path, source: InferenceModel, options: OnnxOptions, checks: OutputChecks
) -> Inspection:
    """Inspect the output and reject it if it does not match the request."""
    inspection = inspect(made)
    checks.require_equal("format", "onnx", inspection.format)
    checks.require_equal("opsets", {"ai.onnx": options.opset}, inspection.details["opsets"])
    if options.ir_version is not None:
        checks.require_equal("ir_version", options.ir_version, inspection.details["ir_version"])
    if inspection.precision is not None:
        checks.require_equal("precision", options.precision, inspection.precision)
    checks.require_same_tensors("inputs", source.inputs, inspection.inputs)
    checks.require_same_tensors("outputs", source.outputs, inspection.outputs)
    return inspection
