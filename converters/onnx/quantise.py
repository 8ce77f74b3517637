"""ONNX to ONNX in eight bits, with a proof of what came out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from converters.child import run_worker
from converters.files import check_writable, publish
from converters.onnx.quantise_options import FIRST_OPSET, QuantiseOptions, quantise_key
from converters.proof import Proof
from converters.provenance import provenance, write_provenance
from converters.reading import Inspection, inspect
from converters.scratch import scratch
from converters.toolchain import Toolchains
from converters.tools import ONNXQUANT
from registry.errors import ConversionError

_WORKER = Path(__file__).with_name("quantise_worker.py")
_SECONDS = 1800.0
_MEMORY = 16 << 30


def quantise(
    model: Path,
    out: Path,
    options: QuantiseOptions,
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
        options: What to make; with a calibration, unless weights alone are quantised.
        toolchains: Where the tools come from.
        work: Folder for work in progress and logs.
        note: Told what takes longer than a moment, and what stayed in single precision.

    Returns:
        What the file is, read from its bytes.

    Raises:
        UsageError: ``out`` cannot be written.
        IntegrityError: The file is damaged.
        ConversionError: ``onnx-not-quantisable`` for a model that is not in single precision or of an opset
            without scales for each channel, or ``converter-…``.
        MissingToolError: The tools are not here and cannot be had, or the disk is full.
    """
    source = inspect(model)
    _require_quantisable(source)
    check_writable(out)
    interpreter = toolchains.ensure(ONNXQUANT, note)
    seen = options.calibration
    note(f"quantising {model.name}{f' on {seen.inputs} network inputs' if seen else ''} ({ONNXQUANT})")
    log = work.absolute() / "logs" / f"quantise-{quantise_key({'model': source.sha256}, options)[:16]}.log"
    with scratch(work) as folder:
        made = folder / "made.onnx"
        request = {
            "model": str(model.absolute()),
            "out": str(made),
            "folder": str(folder),
            "tensors": str(seen.tensors.absolute()) if seen else None,
        }
        answer = run_worker(
            interpreter,
            _WORKER,
            dict(request),
            folder=folder,
            log=log,
            timeout=_SECONDS,
            memory_bytes=_MEMORY,
            task=str(ONNXQUANT),
            hint="in a network of few convolutions all keep single precision: --weight-only int8"
            if seen
            else None,
        )
        inspection = _prove(made, source, options, Proof(str(ONNXQUANT), log))
        tools = answer["tools"]
        versions = {str(k): str(v) for k, v in tools.items()} if isinstance(tools, dict) else {}
        statement = provenance(
            "onnx-quantised",
            name=out.name,
            sha256=inspection.sha256,
            inputs={model.name: source.sha256, **(seen.pictures if seen else {})},
            tools=versions | {"cpython": interpreter.version},
            options=options.model_dump(exclude={"calibration": {"pictures"}}),
        )
        write_provenance(out, statement)
        publish(made, out)
    note(f"{answer['quantised']} operators quantised, {answer['kept']} kept in single precision")
    log.unlink(missing_ok=True)
    return inspection.model_copy(update={"path": out})


def _require_quantisable(source: Inspection) -> None:
    opsets = source.details.get("opsets")
    opset = opsets.get("ai.onnx") if isinstance(opsets, dict) else None
    early = not isinstance(opset, int) or opset < FIRST_OPSET
    if (source.precision, source.weights_precision) != ("fp32", "fp32") or early:
        raise ConversionError(
            "onnx-not-quantisable",
            f"{source.path} cannot be quantised",
            expected=f"a model in fp32 of opset {FIRST_OPSET} or later",
            found=f"{source.precision} with weights in {source.weights_precision}, opset {opset}",
            done="nothing was converted",
            hint=f"start from the inference model or the weights, with --opset {FIRST_OPSET}",
        )


def _prove(made: Path, source: Inspection, options: QuantiseOptions, proof: Proof) -> Inspection:
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
