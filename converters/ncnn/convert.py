"""ONNX to ncnn, with a proof of what came out."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from pydantic import JsonValue

from converters.formats import Inspection, inspect
from converters.jobs.job import conversion, tell_difference
from converters.jobs.output_checks import Proof
from converters.ncnn.options import NcnnOptions, ncnn_key
from converters.ncnn.source import kept_outputs, require_fit
from converters.toolchain import Toolchains
from converters.toolchain.pins import NCNN
from registry.errors import ConversionError

_WORKER = Path(__file__).with_name("worker.py")
# Share of an output's largest value. On the networks of the catalog another order of summation makes up
# to 4e-5 and half weights up to 7e-2; values that are mistaken for others, about 1.
_SAME = {"fp32": 1e-3, "fp16": 0.5}

FILES = ("model.ncnn.bin", "model.ncnn.param")
"""What is written: weights and graph. The graph comes last, so that it never stands without its weights."""


def to_ncnn(
    model: Path,
    out: Path,
    options: NcnnOptions,
    *,
    toolchains: Toolchains,
    work: Path,
    note: Callable[[str], None],
) -> Inspection:
    """Convert an ONNX model to a folder with ``model.ncnn.param`` and ``model.ncnn.bin``.

    Inputs and outputs keep names and order, and the extents of inputs are in the file; the batch is not,
    since ncnn runs one image at a time. Equal inputs, versions and options give equal bytes.

    Args:
        model: The ``.onnx`` file, in single precision.
        out: The folder to write into.
        options: What to make.
        toolchains: Where the tools come from.
        work: Folder for work in progress and logs.
        note: Told what takes longer than a moment, and how far the result lies from the original.

    Returns:
        What the model is, read from its bytes.

    Raises:
        UsageError: ``out`` cannot be written.
        IntegrityError: The ONNX file is damaged.
        ConversionError: ``ncnn-operator-missing``, ``ncnn-input-unsupported``, ``ncnn-precision-unsupported`` or
            ``ncnn-name-unsupported``: ncnn cannot hold it. ``converter-…``: converting failed.
        MissingToolError: The tools are not here and cannot be had, or the disk is full.
    """
    whole = inspect(model)
    require_fit(whole, without_argmax=options.without_argmax)
    source = whole.model_copy(update={"outputs": kept_outputs(whole, without_argmax=options.without_argmax)})
    key = ncnn_key({"model": source.sha256}, options)
    doing = f"converting {model.name} to ncnn"
    with conversion(
        "ncnn", NCNN, key, out / FILES[-1], doing, toolchains=toolchains, work=work, note=note
    ) as job:
        # Converted under one name, so that equal files give equal bytes.
        shutil.copyfile(model, job.folder / "model.onnx")
        answer = job.run(
            _WORKER,
            {
                "folder": str(job.folder),
                "half": options.weights == "fp16",
                "inputs": [[end.name, [*(end.shape or ())[1:]]] for end in source.inputs],
                "outputs": [end.name for end in source.outputs],
                "all": source.outputs == whole.outputs,
            },
        )
        if isinstance(answer["unknown"], list) and answer["unknown"]:
            raise _missing(", ".join(map(str, answer["unknown"])))
        inspection = _prove(job.folder / FILES[-1], source, options, job.proof)
        difference = answer["difference"] if isinstance(answer["difference"], float) else None
        if difference is not None and difference > _SAME[options.weights]:
            job.proof.equal("outputs on noise", "those of the ONNX file", f"{difference:.1e} away from them")
        job.deliver(
            {name: out / name for name in FILES},
            inputs={model.name: source.sha256},
            versions=answer["tools"],
            options={**options.model_dump(), **_ends(source)},
        )
    if any(end.shape and end.shape[0] is None for end in source.inputs):
        note("ncnn runs one image at a time: the open batch of the ONNX file is one")
    tell_difference(difference, note)
    return inspection.model_copy(update={"path": out / FILES[-1]})


def _prove(made: Path, source: Inspection, options: NcnnOptions, proof: Proof) -> Inspection:
    """Open what was made and refuse it unless it is what was asked for."""
    found = inspect(made)
    proof.equal("format", "ncnn", found.format)
    proof.same_ends("inputs", source.inputs, found.inputs)
    proof.same_ends("outputs", source.outputs, found.outputs)
    if found.parameters is None:
        proof.equal("weights", "of known size", "not all looked at")
    if found.weights_precision is not None:
        proof.equal("weights", options.weights, found.weights_precision)
    return found


def _ends(source: Inspection) -> dict[str, JsonValue]:
    """Inputs and outputs with their extents, as ncnn has them: the batch is no axis."""
    return {
        kind: {end.name: [*(end.shape or ())[1:]] for end in ends}
        for kind, ends in (("inputs", source.inputs), ("outputs", source.outputs))
    }


def _missing(types: str) -> ConversionError:
    return ConversionError(
        "ncnn-operator-missing",
        f"ncnn has no layer for part of this graph: {types}",
        expected="operators that ncnn has",
        found=types,
        done="no file was made",
        hint="another form of the model may do: --head raw, --no-argmax, or --opset 16",
    )
