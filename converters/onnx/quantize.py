"""Quantizes an ONNX model to eight bits, and checks the output."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pydantic import JsonValue

from converters.formats import Inspection, inspect
from converters.jobs.job import Job, run_job
from converters.jobs.output_checks import OutputChecks
from converters.onnx.quantize_options import FIRST_OPSET, QuantizeOptions, quantize_key
from converters.toolchain import Toolchains
from converters.toolchain.pins import ONNXQUANT
from registry.errors import ConversionError

_WORKER = Path(__file__).with_name("quantize_worker.py")
_MADE = "made.onnx"
_TIMEOUT_SECONDS = 1800.0  # calibration runs the network on each image


def run_quantize_job(
    model: Path,
    out: Path,
    options: QuantizeOptions,
    *,
    toolchains: Toolchains,
    work: Path,
    note: Callable[[str], None],
) -> Inspection:
    """Quantize an FP32 ONNX model to INT8.

    The file is published with its provenance, and only after it passed all checks.

    Args:
        model: The ``.onnx`` file, in FP32.
        out: The file to write; replaced when it exists.
        options: How to quantize; with a calibration, unless only weights are quantized.
        toolchains: Finds or builds the environment of the tool.
        work: Folder for temporary files and logs.
        note: Called with progress messages, and with the number of operators that stay in FP32.

    Returns:
        Inspection of the written file.

    Raises:
        UsageError: ``out`` cannot be written.
        IntegrityError: The file is damaged.
        ConversionError: ``onnx-quantization-unsupported`` for a model that is not FP32 or whose opset has no
            scales per channel; ``converter-…``.
        MissingToolError: The tools are neither installed nor installable, or the disk is full.
    """
    source = inspect(model)
    _require_quantizable(source)
    calibration = options.calibration
    key = quantize_key({"model": source.sha256}, options)
    task = f"quantizing {model.name}"
    task += f" with ranges from {calibration.inputs} network inputs" if calibration else ""
    with run_job(
        "onnx-quantized", ONNXQUANT, key, out, task, toolchains=toolchains, work=work, note=note
    ) as job:
        answer = _run_quantizer(model, options, job)
        inspection = _check_output(job.folder / _MADE, source, options, job.checks)
        job.publish(
            {_MADE: out},
            inputs={model.name: source.sha256, **(calibration.images if calibration else {})},
            versions=answer["tools"],
            options=options.model_dump(exclude={"calibration": {"images"}}),
        )
    note(f"{answer['quantized']} operators quantized, {answer['kept']} kept in FP32")
    return inspection.model_copy(update={"path": out})


def _run_quantizer(model: Path, options: QuantizeOptions, job: Job) -> dict[str, JsonValue]:
    calibration = options.calibration
    request: dict[str, JsonValue] = {
        "model": str(model.absolute()),
        "out": str(job.folder / _MADE),
        "folder": str(job.folder),
        "tensors": str(calibration.tensors.absolute()) if calibration else None,
    }
    hint = "in a network with few convolutions all of them stay in FP32: try --weight-only int8"
    return job.run_worker(_WORKER, request, hint=hint if calibration else None, timeout=_TIMEOUT_SECONDS)


def _require_quantizable(source: Inspection) -> None:
    opsets = source.details.get("opsets")
    opset = opsets.get("ai.onnx") if isinstance(opsets, dict) else None
    early = not isinstance(opset, int) or opset < FIRST_OPSET
    if (source.precision, source.weights_precision) != ("fp32", "fp32") or early:
        raise ConversionError(
            "onnx-quantization-unsupported",
            f"{source.path} cannot be quantized",
            expected=f"an fp32 model with opset {FIRST_OPSET} or later",
            found=f"{source.precision} with weights in {source.weights_precision}, opset {opset}",
            done="nothing was converted",
            hint=f"start from the inference model or the weights, with --opset {FIRST_OPSET}",
        )


def _check_output(
    made: Path, source: Inspection, options: QuantizeOptions, checks: OutputChecks
) -> Inspection:
    """Inspect the output and reject it if it does not match the request."""
    found = inspect(made)
    checks.require_equal("format", "onnx", found.format)
    checks.require_equal("precision", options.arithmetic, found.precision)
    if options.arithmetic == "fp32":
        checks.require_equal("weights", "int8", found.weights_precision)
    checks.require_equal("opsets", source.details["opsets"], found.details["opsets"])
    checks.require_same_tensors("inputs", source.inputs, found.inputs)
    checks.require_same_tensors("outputs", source.outputs, found.outputs)
    return found
