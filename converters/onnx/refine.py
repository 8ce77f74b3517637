"""Simplifies ONNX models or converts them to FP16, and checks the output."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pydantic import JsonValue

from converters.formats import Inspection, Tensor, inspect
from converters.jobs.job import Job, report_difference, run_job
from converters.jobs.output_checks import OutputChecks
from converters.onnx.options import RefineOptions, refine_key
from converters.toolchain import Toolchains
from converters.toolchain.pins import ONNXTOOLS
from registry.errors import ConversionError

_WORKER = Path(__file__).with_name("refine_worker.py")
_MADE = "made.onnx"


def run_refine_job(
    model: Path,
    out: Path,
    options: RefineOptions,
    *,
    toolchains: Toolchains,
    work: Path,
    note: Callable[[str], None],
) -> Inspection:
    """Simplify an ONNX model, or simplify it and convert it to FP16.

    The file is published with its provenance, and only after it passed all checks.

    Args:
        model: The ``.onnx`` file.
        out: The file to write; replaced when it exists.
        options: Changes to the model.
        toolchains: Finds or builds the environment of the tool.
        work: Folder for temporary files and logs.
        note: Called with progress messages, and with the difference from the original.

    Returns:
        Inspection of the written file.

    Raises:
        UsageError: ``out`` cannot be written.
        IntegrityError: The file is damaged.
        ConversionError: ``converter-…``; ``onnx-fp16-unsupported``: the graph contains box suppression.
        MissingToolError: The tools are neither installed nor installable, or the disk is full.
    """
    source = inspect(model)
    if options.precision == "fp16":
        _require_no_suppression(source)
    task = f"simplifying {model.name}" + (" and converting it to FP16" if options.precision == "fp16" else "")
    key = refine_key({"model": source.sha256}, options)
    with run_job(
        "onnx-refined",
        ONNXTOOLS,
        key,
        out,
        task,
        toolchains=toolchains,
        work=work,
        note=note,
    ) as job:
        answer = _run_tools(model, options, job)
        inspection = _check_output(job.folder / _MADE, source, options, job.checks)
        job.publish(
            {_MADE: out},
            inputs={model.name: source.sha256},
            versions=answer["tools"],
            options=options.model_dump(),
        )
    report_difference(answer["difference"], note)
    return inspection.model_copy(update={"path": out})


def _require_no_suppression(source: Inspection) -> None:
    """Reject a graph whose FP16 form onnxruntime does not load: NonMaxSuppression takes FP32 only."""
    if "NonMaxSuppression" in source.operators:
        raise ConversionError(
            "onnx-fp16-unsupported",
            "a graph with box suppression has no ONNX form in FP16",
            expected="a detector with raw outputs",
            found="NonMaxSuppression in the graph",
            done="nothing was converted",
            hint="zoo convert NAME --to onnx --precision fp16 --head raw",
        )


def _run_tools(model: Path, options: RefineOptions, job: Job) -> dict[str, JsonValue]:
    request = {"model": str(model.absolute()), "out": str(job.folder / _MADE), **options.model_dump()}
    return job.run_worker(_WORKER, request)


def _check_output(made: Path, source: Inspection, options: RefineOptions, checks: OutputChecks) -> Inspection:
    """Inspect the output and reject it if it does not match the request."""
    found = inspect(made)
    checks.require_equal("format", "onnx", found.format)
    if options.precision == "fp16":
        checks.require_equal("precision", "fp16", found.precision)
    checks.require_equal("opsets", source.details["opsets"], found.details["opsets"])
    checks.require_same_tensors("inputs", _expected_tensors(source.inputs, options), found.inputs)
    checks.require_same_tensors("outputs", _expected_tensors(source.outputs, options), found.outputs)
    return found


def _expected_tensors(tensors: tuple[Tensor, ...], options: RefineOptions) -> list[Tensor]:
    """Return the inputs or outputs that the refined model must have."""
    if not options.fp16_io:
        return list(tensors)
    return [t.model_copy(update={"dtype": "float16"}) if t.dtype == "float32" else t for t in tensors]
