"""ONNX to ONNX: simplified, and in half precision, with a proof of what came out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pydantic import JsonValue

from converters.formats import Inspection, Tensor, inspect
from converters.jobs.job import Conversion, conversion, tell_difference
from converters.jobs.output_checks import Proof
from converters.onnx.options import RefineOptions, refine_key
from converters.toolchain import Toolchains
from converters.toolchain.pins import ONNXTOOLS
from registry.errors import ConversionError

_WORKER = Path(__file__).with_name("refine_worker.py")
_MADE = "made.onnx"


def refine(
    model: Path,
    out: Path,
    options: RefineOptions,
    *,
    toolchains: Toolchains,
    work: Path,
    note: Callable[[str], None],
) -> Inspection:
    """Make a simplified or half-precision ONNX file of an ONNX file.

    The result appears at ``out`` only when it is valid, keeps inputs and outputs, and is in the precision
    asked for, with its provenance beside it.

    Args:
        model: The ``.onnx`` file.
        out: The file to write; replaced when it exists.
        options: What to make.
        toolchains: Where the tools come from.
        work: Folder for work in progress and logs.
        note: Told what takes longer than a moment, and how far the result lies from the original.

    Returns:
        What the file is, read from its bytes.

    Raises:
        UsageError: ``out`` cannot be written.
        IntegrityError: The file is damaged.
        ConversionError: ``converter-…``; ``onnx-fp16-unsupported``: the graph suppresses boxes itself.
        MissingToolError: The tools are not here and cannot be had, or the disk is full.
    """
    source = inspect(model)
    if options.precision == "fp16":
        _refuse_suppression(source)
    what = "simplifying" if options.precision == "fp32" else "simplifying and halving"
    key = refine_key({"model": source.sha256}, options)
    with conversion(
        "onnx-refined",
        ONNXTOOLS,
        key,
        out,
        f"{what} {model.name}",
        toolchains=toolchains,
        work=work,
        note=note,
    ) as job:
        answer = _run_tools(model, options, job)
        inspection = _prove(job.folder / _MADE, source, options, job.proof)
        job.deliver(
            {_MADE: out},
            inputs={model.name: source.sha256},
            versions=answer["tools"],
            options=options.model_dump(),
        )
    tell_difference(answer["difference"], note)
    return inspection.model_copy(update={"path": out})


def _refuse_suppression(source: Inspection) -> None:
    """Refuse a graph whose half form onnxruntime does not load: NonMaxSuppression takes single precision."""
    if "NonMaxSuppression" in source.operators:
        raise ConversionError(
            "onnx-fp16-unsupported",
            "a graph that suppresses boxes itself has no ONNX form in half precision",
            expected="a detector that hands out raw outputs",
            found="NonMaxSuppression in the graph",
            done="nothing was converted",
            hint="zoo convert NAME --to onnx --precision fp16 --head raw",
        )


def _run_tools(model: Path, options: RefineOptions, job: Conversion) -> dict[str, JsonValue]:
    request = {"model": str(model.absolute()), "out": str(job.folder / _MADE), **options.model_dump()}
    return job.run(_WORKER, request)


def _prove(made: Path, source: Inspection, options: RefineOptions, proof: Proof) -> Inspection:
    """Open what was made and refuse it unless it is what was asked for."""
    found = inspect(made)
    proof.equal("format", "onnx", found.format)
    if options.precision == "fp16":
        proof.equal("precision", "fp16", found.precision)
    proof.equal("opsets", source.details["opsets"], found.details["opsets"])
    proof.same_ends("inputs", _ends(source.inputs, options), found.inputs)
    proof.same_ends("outputs", _ends(source.outputs, options), found.outputs)
    return found


def _ends(tensors: tuple[Tensor, ...], options: RefineOptions) -> list[Tensor]:
    """What inputs or outputs must be afterwards."""
    if not options.fp16_io:
        return list(tensors)
    return [t.model_copy(update={"dtype": "float16"}) if t.dtype == "float32" else t for t in tensors]
