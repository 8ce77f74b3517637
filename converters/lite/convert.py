"""Inference model to Paddle-Lite, with the real ``opt`` and a proof that it did what it was asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pydantic import JsonValue

from converters.child import run_worker
from converters.files import check_writable, publish_bytes
from converters.interpreter import Interpreter
from converters.lite.options import LiteOptions, lite_key, needs_legacy, refuse_contradictions
from converters.lite.rewriting import plan_edits, rewrite, summary
from converters.lite.rules import rules
from converters.lite.sparse import refuse_open_extents, require_sparse
from converters.proof import Proof
from converters.provenance import provenance, write_provenance
from converters.reading import Inspection, Program, canonical_nb
from converters.reading.nb import decode_nb
from converters.reading.nb_proof import inspect_nb
from converters.scratch import scratch
from converters.staging import InferenceModel, Staged, read_model, stage
from converters.toolchain import Toolchains
from converters.tools import paddlelite
from registry.errors import ConversionError

_WORKER = Path(__file__).with_name("worker.py")
_MADE = "made"  # opt appends .nb
# TinyPose, the slowest of the catalogue, takes 13 s for opencl and 0.2 GiB of address space.
_SECONDS = 600.0
_MEMORY = 4 << 30

# For the worker's thread: memory goes back to the arena it came from and to no cache of the thread, and the
# thresholds stay where they are instead of following what was freed (glibc, manual/tunables.texi).
_TUNABLES = (
    f"glibc.malloc.tcache_count=0:glibc.malloc.top_pad={256 << 20}:glibc.malloc.trim_threshold={16 << 30}"
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
    if not isinstance(source.program, Program):
        raise needs_legacy(str(source.program.path))
    if options.sparse:
        refuse_open_extents(source.program)
    edits = plan_edits(source.program, rules(options.version, options.family))
    check_writable(out)
    interpreter = toolchains.ensure(tool, note)
    note(f"converting {source.program.path.name} to Lite ({options.target} {options.precision}, {tool})")
    log = work.absolute() / "logs" / f"lite-{lite_key(source.digests, options)[:16]}.log"
    with scratch(work) as folder:
        staged = stage(source, folder)
        rewrite(staged.program, edits)
        content = canonical_nb(_run_opt(staged, options, interpreter, log))
    inspection = _prove(content, source, options, Proof(f"opt of {tool}", log))
    packages = {pin.package: interpreter.packages[pin.package] for pin in tool.pins}
    statement = provenance(
        "lite",
        name=out.name,
        sha256=inspection.sha256,
        inputs=source.named_digests,
        tools=packages | {"cpython": interpreter.version},
        options=options.model_dump(),
        changes=summary(edits),
    )
    write_provenance(out, statement)
    publish_bytes(content, out)
    log.unlink(missing_ok=True)
    return inspection.model_copy(update={"path": out})


def _run_opt(staged: Staged, options: LiteOptions, interpreter: Interpreter, log: Path) -> bytes:
    folder = staged.program.parent
    task, hint = f"opt of {paddlelite(options.version)}", _hint(options)
    request: dict[str, JsonValue] = {
        "program": staged.program.name,
        "params": staged.params.name,
        "out": _MADE,
        "places": options.target,
        "half": options.precision == "fp16",
        "quant": f"QUANT_{options.weight_only.upper()}" if options.weight_only else "",
        "sparse": options.sparse,
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


def _hint(options: LiteOptions) -> str | None:
    if options.family == "x86" and options.version in ("2.9.1", "2.10", "2.11"):
        return (
            f"later versions than paddlelite {options.version} have kernels for x86 of more operators: "
            "check with the twin of one of those, --lite-version 2.12"
        )
    return None


def _prove(content: bytes, source: InferenceModel, options: LiteOptions, proof: Proof) -> Inspection:
    """Open what was made and refuse it unless it is what was asked for."""
    made = decode_nb(content, Path("model.nb"))
    inspection = inspect_nb(made)
    # A network of nothing but plain C++ kernels runs on any processor.
    if inspection.target != "host":
        proof.equal("target", options.family, inspection.target)
    # OpenCL files fix no precision, and neither does a network that computes nothing.
    if options.precision == "fp16" or inspection.precision is not None:
        proof.equal("precision", options.precision, inspection.precision)
    proof.equal("weights", options.weight_only or "fp32", inspection.weights_precision or "fp32")
    if options.sparse:
        require_sparse(inspection, proof)
    proof.same_ends("inputs", source.inputs, inspection.inputs)
    proof.same_ends("outputs", source.outputs, inspection.outputs)
    proof.equal("bytes after the end", 0, made.trailing)
    return inspection
