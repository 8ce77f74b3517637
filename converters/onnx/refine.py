"""ONNX to ONNX: simplified, and in half precision, with a proof of what came out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from converters.child import run_worker
from converters.files import check_writable, publish
from converters.onnx.options import RefineOptions, refine_key
from converters.proof import Proof
from converters.provenance import provenance, write_provenance
from converters.reading import Inspection, Tensor, inspect
from converters.scratch import scratch
from converters.toolchain import Toolchains
from converters.tools import ONNXTOOLS

_WORKER = Path(__file__).with_name("refine_worker.py")
_SECONDS = 900.0
_MEMORY = 16 << 30


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
        ConversionError: ``converter-…``.
        MissingToolError: The tools are not here and cannot be had, or the disk is full.
    """
    source = inspect(model)
    check_writable(out)
    interpreter = toolchains.ensure(ONNXTOOLS, note)
    what = "simplifying" if options.precision == "fp32" else "simplifying and halving"
    note(f"{what} {model.name} ({ONNXTOOLS})")
    log = work.absolute() / "logs" / f"refine-{refine_key({'model': source.sha256}, options)[:16]}.log"
    with scratch(work) as folder:
        made = folder / "made.onnx"
        answer = run_worker(
            interpreter,
            _WORKER,
            {"model": str(model.absolute()), "out": str(made), **options.model_dump()},
            folder=folder,
            log=log,
            timeout=_SECONDS,
            memory_bytes=_MEMORY,
            task=str(ONNXTOOLS),
            hint="a graph that suppresses boxes itself has no half-precision form: use --head raw"
            if options.precision == "fp16"
            else None,
        )
        inspection = _prove(made, source, options, Proof(str(ONNXTOOLS), log))
        tools = answer["tools"]
        versions = {str(k): str(v) for k, v in tools.items()} if isinstance(tools, dict) else {}
        statement = provenance(
            "onnx-refined",
            name=out.name,
            sha256=inspection.sha256,
            inputs={model.name: source.sha256},
            tools=versions | {"cpython": interpreter.version},
            options=options.model_dump(),
        )
        write_provenance(out, statement)
        publish(made, out)
    if isinstance(answer["difference"], float):
        note(f"on noise its outputs differ by at most {answer['difference']:.1e} of their largest value")
    else:
        note("its outputs were not compared: the original does not run on noise of a guessed size")
    log.unlink(missing_ok=True)
    return inspection.model_copy(update={"path": out})


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
    if not options.half_ends:
        return list(tensors)
    return [t.model_copy(update={"dtype": "float16"}) if t.dtype == "float32" else t for t in tensors]
