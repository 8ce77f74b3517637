"""ONNX to OpenVINO's intermediate representation, with a proof of what came out."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from pydantic import JsonValue

from converters.formats import Inspection, inspect
from converters.jobs.job import conversion
from converters.jobs.output_checks import Proof, mostly_stored_as
from converters.openvino.options import OpenvinoOptions, openvino_key
from converters.toolchain import Toolchains
from converters.toolchain.pins import OPENVINO

_WORKER = Path(__file__).with_name("worker.py")

FILES = ("model.bin", "model.xml")
"""What is written: weights and graph. The graph comes last, so that it never stands without its weights."""


def to_openvino(
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
        options: What to make.
        toolchains: Where the tool comes from.
        work: Folder for work in progress and logs.
        note: Told what takes longer than a moment.

    Returns:
        What the model is, read from its bytes.

    Raises:
        UsageError: ``out`` cannot be written.
        IntegrityError: The ONNX file is damaged.
        ConversionError: ``converter-…``.
        MissingToolError: OpenVINO is not here and cannot be had, or the disk is full.
    """
    source = inspect(model)
    key = openvino_key({"model": source.sha256}, options)
    doing = f"converting {model.name} to OpenVINO"
    with conversion(
        "openvino", OPENVINO, key, out / FILES[-1], doing, toolchains=toolchains, work=work, note=note
    ) as job:
        # The graph names the file it was made of: the same name, so that equal files give equal bytes.
        shutil.copyfile(model, job.folder / "model.onnx")
        request: dict[str, JsonValue] = {"folder": str(job.folder), "half": options.weights == "fp16"}
        answer = job.run(
            _WORKER,
            request,
            hint="an operator OpenVINO does not know may be gone in another form: --head raw, or --opset 16",
        )
        inspection = _prove(job.folder / FILES[-1], source, options, job.proof)
        job.deliver(
            {name: out / name for name in FILES},
            inputs={model.name: source.sha256},
            versions={"openvino": answer["version"]},
            options=options.model_dump(),
        )
    if "NonMaxSuppression" in source.operators:
        note("OpenVINO hands out the boxes that are left in an order of its own: sort them by score")
    return inspection.model_copy(update={"path": out / FILES[-1]})


def _prove(made: Path, source: Inspection, options: OpenvinoOptions, proof: Proof) -> Inspection:
    """Open what was made and refuse it unless it is what was asked for."""
    found = inspect(made)
    proof.equal("format", "openvino", found.format)
    if source.weights_precision == "fp32":
        proof.equal("weights", options.weights, mostly_stored_as(found))
    proof.same_ends("inputs", source.inputs, found.inputs)
    proof.same_ends("outputs", source.outputs, found.outputs)
    return found
