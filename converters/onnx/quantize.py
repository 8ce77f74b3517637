"""ONNX to ONNX in eight bits, with a proof of what came out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pydantic import JsonValue

from converters.formats import Inspection, inspect
from converters.jobs.job import Conversion, conversion
from converters.jobs.output_checks import Proof
from converters.onnx.quantize_options import FIRST_OPSET, QuantizeOptions, quantize_key
from converters.toolchain import Toolchains
from converters.toolchain.pins import ONNXQUANT
from registry.errors import ConversionError

_WORKER = Path(__file__).with_name("quantize_worker.py")
_MADE = "made.onnx"
_SECONDS = 1800.0  # calibration runs the network on each image


def quantize(
    model: Path,
    out: Path,
    options: QuantizeOptions,
    *,
    toolchains: Toolchains,
    work: Path,
    note: Callable[[str], None],
) -> Inspection:
    """Make an ONNX file in eight bits of one in single precision.

    The result appears at ``out`` only when it keeps inputs and outputs and holds what was asked for, with its
    provenance beside it.

    Args:
        model: The ``.onnx`` file, in single precision.
        out: The file to write; replaced when it exists.
        options: What to make; with a calibration, unless weights alone are quantized.
        toolchains: Where the tools come from.
        work: Folder for work in progress and logs.
        note: Told what takes longer than a moment, and what stayed in single precision.

    Returns:
        What the file is, read from its bytes.

    Raises:
        UsageError: ``out`` cannot be written.
        IntegrityError: The file is damaged.
        ConversionError: ``onnx-quantization-unsupported`` for a model that is not in single precision or of an opset
            without scales for each channel, or ``converter-…``.
        MissingToolError: The tools are not here and cannot be had, or the disk is full.
    """
    source = inspect(model)
    _require_quantizable(source)
    seen = options.calibration
    key = quantize_key({"model": source.sha256}, options)
    doing = f"quantizing {model.name}{f' on {seen.inputs} network inputs' if seen else ''}"
    with conversion(
        "onnx-quantized", ONNXQUANT, key, out, doing, toolchains=toolchains, work=work, note=note
    ) as job:
        answer = _run_quantizer(model, options, job)
        inspection = _prove(job.folder / _MADE, source, options, job.proof)
        job.deliver(
            {_MADE: out},
            inputs={model.name: source.sha256, **(seen.images if seen else {})},
            versions=answer["tools"],
            options=options.model_dump(exclude={"calibration": {"images"}}),
        )
    note(f"{answer['quantized']} operators quantized, {answer['kept']} kept in single precision")
    return inspection.model_copy(update={"path": out})


def _run_quantizer(model: Path, options: QuantizeOptions, job: Conversion) -> dict[str, JsonValue]:
    seen = options.calibration
    request: dict[str, JsonValue] = {
        "model": str(model.absolute()),
        "out": str(job.folder / _MADE),
        "folder": str(job.folder),
        "tensors": str(seen.tensors.absolute()) if seen else None,
    }
    hint = "in a network of few convolutions all keep single precision: --weight-only int8" if seen else None
    return job.run(_WORKER, request, hint=hint, seconds=_SECONDS)


def _require_quantizable(source: Inspection) -> None:
    opsets = source.details.get("opsets")
    opset = opsets.get("ai.onnx") if isinstance(opsets, dict) else None
    early = not isinstance(opset, int) or opset < FIRST_OPSET
    if (source.precision, source.weights_precision) != ("fp32", "fp32") or early:
        raise ConversionError(
            "onnx-quantization-unsupported",
            f"{source.path} cannot be quantized",
            expected=f"a model in fp32 of opset {FIRST_OPSET} or later",
            found=f"{source.precision} with weights in {source.weights_precision}, opset {opset}",
            done="nothing was converted",
            hint=f"start from the inference model or the weights, with --opset {FIRST_OPSET}",
        )


def _prove(made: Path, source: Inspection, options: QuantizeOptions, proof: Proof) -> Inspection:
    """Open what was made and refuse it unless it is what was asked for."""
    found = inspect(made)
    proof.equal("format", "onnx", found.format)
    proof.equal("precision", options.arithmetic, found.precision)
    if options.arithmetic == "fp32":
        proof.equal("weights", "int8", found.weights_precision)
    proof.equal("opsets", source.details["opsets"], found.details["opsets"])
    proof.same_ends("inputs", source.inputs, found.inputs)
    proof.same_ends("outputs", source.outputs, found.outputs)
    return found
