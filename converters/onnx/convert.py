"""Inference model to ONNX, with the real paddle2onnx and a proof that it did what it was asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pydantic import JsonValue

from converters.formats import Inspection, inspect
from converters.jobs.input_model import InferenceModel, read_model, stage
from converters.jobs.job import Conversion, conversion
from converters.jobs.output_checks import Proof
from converters.onnx.options import OnnxOptions, onnx_key, refuse_ir_version, refuse_opset
from converters.toolchain import Toolchains
from converters.toolchain.pins import PADDLE2ONNX

_WORKER = Path(__file__).with_name("worker.py")
_MADE = "made.onnx"


def to_onnx(
    model: Path,
    out: Path,
    options: OnnxOptions,
    *,
    toolchains: Toolchains,
    work: Path,
    note: Callable[[str], None],
) -> Inspection:
    """Convert an inference model to an ``.onnx`` file.

    Inputs and outputs keep the names and order they have in the program. The result appears at ``out``
    only when it is complete, valid and what was asked for, with its provenance beside it. Equal inputs,
    versions and options give equal bytes.

    Args:
        model: Folder or file of an inference model, legacy or PIR.
        out: The file to write; replaced when it exists.
        options: What to make.
        toolchains: Where the tool comes from.
        work: Folder for work in progress and logs.
        note: Told what takes longer than a moment.

    Returns:
        What the file is, read from its bytes.

    Raises:
        UsageError: An opset or IR version that cannot be written, or ``out`` cannot be.
        NotFoundError: A file of the model is missing.
        IntegrityError: A file of the model is damaged, or the two do not belong together.
        ConversionError: ``converter-…``.
        MissingToolError: paddle2onnx is not here and cannot be had, or the disk is full.
    """
    refuse_opset(options.opset)
    refuse_ir_version(options)
    source = read_model(model)
    key = onnx_key(source.digests, options)
    doing = f"converting {source.program.path.name} to ONNX, opset {options.opset}"
    with conversion("onnx", PADDLE2ONNX, key, out, doing, toolchains=toolchains, work=work, note=note) as job:
        versions = _run_paddle2onnx(source, options, job)
        inspection = _prove(job.folder / _MADE, source, options, job.proof)
        job.deliver({_MADE: out}, inputs=source.named_digests, versions=versions, options=options.asked())
    return inspection.model_copy(update={"path": out})


def _run_paddle2onnx(source: InferenceModel, options: OnnxOptions, job: Conversion) -> JsonValue:
    """The versions of the packages that took part."""
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
    return job.run(_WORKER, request, hint="if an operator is not supported, try a later opset: --opset 16")


def _prove(made: Path, source: InferenceModel, options: OnnxOptions, proof: Proof) -> Inspection:
    """Open what was made and refuse it unless it is what was asked for."""
    inspection = inspect(made)
    proof.equal("format", "onnx", inspection.format)
    proof.equal("opsets", {"ai.onnx": options.opset}, inspection.details["opsets"])
    if options.ir_version is not None:
        proof.equal("ir_version", options.ir_version, inspection.details["ir_version"])
    if inspection.precision is not None:
        proof.equal("precision", options.precision, inspection.precision)
    proof.same_ends("inputs", source.inputs, inspection.inputs)
    proof.same_ends("outputs", source.outputs, inspection.outputs)
    return inspection
