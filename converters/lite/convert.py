"""Inference model to Paddle-Lite, with the real ``opt`` and a proof that it did what it was asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

from converters.child import run_worker
from converters.files import check_writable, publish_bytes
from converters.interpreter import Interpreter
from converters.proof import Proof
from converters.provenance import conversion_key, provenance, write_provenance
from converters.reading import Inspection, Program, canonical_nb
from converters.reading.nb import decode_nb
from converters.reading.nb_proof import inspect_nb
from converters.scratch import scratch
from converters.staging import InferenceModel, read_model, stage
from converters.toolchain import Toolchains
from converters.tools import DEFAULT_LITE_VERSION, paddlelite
from registry.errors import ConversionError, UsageError
from registry.schema.base import Model

_WORKER = Path(__file__).with_name("worker.py")
_MADE = "made"  # opt appends .nb
# TinyPose, the slowest of the catalogue, takes 13 s for opencl and 0.2 GiB of address space.
_SECONDS = 600.0
_MEMORY = 4 << 30

# For the worker's settle_heap: freed memory goes back to the heap at once, and the heap is large enough from
# the start that nothing is placed outside of it (glibc, manual/tunables.texi).
_TUNABLES = (
    f"glibc.malloc.tcache_count=0:glibc.malloc.top_pad={256 << 20}:glibc.malloc.trim_threshold={16 << 30}"
)

# Operators that paddlelite up to 2.13rc0 crashes on for x86 when they lack their optional output XShape,
# as programs written by Paddle 3 do.
_NEED_XSHAPE = frozenset({"flatten_contiguous_range"})


class LiteOptions(Model):
    """What to make.

    Attributes:
        target: Processor: ``arm`` for phones, ``x86`` for checks on a computer, ``opencl`` for GPUs.
        precision: Arithmetic of the kernels; weights are stored in single precision either way.
        version: Version of Paddle-Lite; the runtime in the app has to be the same.
    """

    target: Literal["arm", "x86", "opencl"] = "arm"
    precision: Literal["fp32", "fp16"] = "fp32"
    version: str = DEFAULT_LITE_VERSION


def lite_key(inputs: Mapping[str, str], options: LiteOptions) -> str:
    """Name of the conversion of one model with these options, known before it is made.

    Args:
        inputs: ``program`` and ``params`` to their SHA-256.
        options: What to make.
    """
    return conversion_key(
        "lite", inputs=inputs, tools={"paddlelite": options.version}, options=options.model_dump()
    )


def to_lite(
    model: Path,
    out: Path,
    options: LiteOptions,
    *,
    toolchains: Toolchains,
    work: Path,
    note: Callable[[str], None],
) -> Inspection:
    """Convert an inference model to a ``.nb`` file.

    The result appears at ``out`` only when it is complete and was found to be what was asked for, with
    its provenance beside it. Equal inputs, version and options give equal bytes.

    Args:
        model: Folder or file of a legacy inference model.
        out: The file to write; replaced when it exists.
        options: What to make.
        toolchains: Where the tool comes from.
        work: Folder for work in progress and logs.
        note: Told what takes longer than a moment.

    Returns:
        What the file is, read from its bytes.

    Raises:
        UsageError: Options that contradict each other, or ``out`` cannot be written.
        NotFoundError: A file of the model is missing.
        IntegrityError: A file of the model is damaged, or the two do not belong together.
        ConversionError: ``lite-needs-legacy-program``, ``converter-…``.
        MissingToolError: paddlelite is not here and cannot be had, or the disk is full.
    """
    tool = paddlelite(options.version)
    refuse_contradictions(options)
    source = read_model(model)
    if not source.legacy:
        raise needs_legacy(str(source.program.path))
    check_writable(out)
    interpreter = toolchains.ensure(tool, note)
    note(f"converting {source.program.path.name} to Lite ({options.target} {options.precision}, {tool})")
    log = work.absolute() / "logs" / f"lite-{lite_key(source.digests, options)[:16]}.log"
    with scratch(work) as folder:
        content = canonical_nb(_run_opt(source, options, interpreter, folder, log))
    inspection = _prove(content, source, options, Proof(f"opt of {tool}", log))
    packages = {pin.package: interpreter.packages[pin.package] for pin in tool.pins}
    statement = provenance(
        "lite",
        name=out.name,
        sha256=inspection.sha256,
        inputs=source.named_digests,
        tools=packages | {"cpython": interpreter.version},
        options=options.model_dump(),
    )
    write_provenance(out, statement)
    publish_bytes(content, out)
    log.unlink(missing_ok=True)
    return inspection.model_copy(update={"path": out})


def refuse_contradictions(options: LiteOptions) -> None:
    """Refuse combinations that opt takes and then quietly does something else for.

    Raises:
        UsageError: ``lite-precision-impossible``.
    """
    if options.precision == "fp32" or options.target == "arm":
        return
    reasons = {
        "x86": "Paddle-Lite has no half-precision kernels for x86 and would write single precision",
        "opencl": "a file for OpenCL does not fix its precision: the app chooses it when it loads the file",
    }
    raise UsageError(
        "lite-precision-impossible",
        f"there is no {options.precision} for {options.target}: {reasons[options.target]}",
        expected="--precision fp16 with --target arm, or --precision fp32",
        done="nothing was converted",
        hint="--target arm --precision fp16"
        if options.target == "x86"
        else "--target opencl --precision fp32",
    )


def _run_opt(
    source: InferenceModel, options: LiteOptions, interpreter: Interpreter, folder: Path, log: Path
) -> bytes:
    staged = stage(source, folder)
    task, hint = f"opt of {paddlelite(options.version)}", _hint(source, options)
    request = {
        "program": staged.program.name,
        "params": staged.params.name,
        "out": _MADE,
        "places": options.target,
        "precision": options.precision,
    }
    run_worker(
        interpreter,
        _WORKER,
        request,
        folder=folder,
        log=log,
        timeout=_SECONDS,
        memory_bytes=_MEMORY,
        env={"GLIBC_TUNABLES": _TUNABLES},
        task=task,
        hint=hint,
    )
    try:
        return (folder / f"{_MADE}.nb").read_bytes()
    except OSError as error:
        raise ConversionError(
            "converter-failed",
            f"{task} reported success but wrote no file",
            found=error.strerror,
            done=f"nothing was written; the log is {log}",
            hint=hint,
        ) from error


def _hint(source: InferenceModel, options: LiteOptions) -> str | None:
    if options.target == "x86" and _lacks_xshape(source):
        return (
            "paddlelite before 2.14rc0 crashes for x86 on flatten_contiguous_range as Paddle 3 writes it: "
            "export the network with reshape instead, or use --lite-version 2.14rc0"
        )
    return None


def _lacks_xshape(source: InferenceModel) -> bool:
    blocks = source.program.blocks if isinstance(source.program, Program) else ()
    operators = (operator for block in blocks for operator in block.operators)
    return any(op.type in _NEED_XSHAPE and not op.outputs.get("XShape") for op in operators)


def _prove(content: bytes, source: InferenceModel, options: LiteOptions, proof: Proof) -> Inspection:
    """Open what was made and refuse it unless it is what was asked for."""
    made = decode_nb(content, Path("model.nb"))
    inspection = inspect_nb(made)
    # A network of nothing but plain C++ kernels runs on any processor.
    if inspection.target != "host":
        proof.equal("target", options.target, inspection.target)
    # OpenCL files fix no precision, and neither does a network that computes nothing.
    if options.precision == "fp16" or inspection.precision is not None:
        proof.equal("precision", options.precision, inspection.precision)
    proof.same_ends("inputs", source.inputs, inspection.inputs)
    proof.same_ends("outputs", source.outputs, inspection.outputs)
    proof.equal("bytes after the end", 0, made.trailing)
    return inspection


def needs_legacy(program: str) -> ConversionError:
    """The error for a program of Paddle 3's format; opt would abort on it.

    Args:
        program: What it is, as the subject of a sentence.
    """
    return ConversionError(
        "lite-needs-legacy-program",
        f"{program} is a program of the format of Paddle 3 (PIR), which Paddle-Lite cannot read",
        expected="a legacy program (.pdmodel)",
        found="a PIR program (.json)",
        done="nothing was converted",
        hint="zoo convert WEIGHTS --network NAME --to inference --program legacy --out DIR",
    )
