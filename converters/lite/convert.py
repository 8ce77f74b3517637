"""Inference model to Paddle-Lite, with the real ``opt`` and a proof that it did what it was asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pydantic import JsonValue

from converters.formats import Inspection, Program, canonical_nb
from converters.formats.paddle_lite.inspect import inspect_nb
from converters.formats.paddle_lite.nb import decode_nb
from converters.fs.atomic import publish_bytes
from converters.jobs.input_model import InferenceModel, Staged, read_model, stage
from converters.jobs.job import Conversion, conversion
from converters.jobs.output_checks import Proof
from converters.lite.options import LiteOptions, lite_key, needs_legacy, refuse_contradictions
from converters.lite.rewriting import plan_edits, rewrite, summary
from converters.lite.rules import rules
from converters.lite.sparse import refuse_open_extents, require_sparse
from converters.toolchain import Toolchains
from converters.toolchain.pins import paddlelite
from registry.errors import ConversionError

_WORKER = Path(__file__).with_name("worker.py")
_WRITTEN = "written"  # opt appends .nb
_MADE = "made.nb"
# TinyPose, the slowest of the catalog, takes 13 s for opencl and 0.2 GiB of address space.
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
        ConversionError: ``lite-program-unsupported``, ``converter-…``.
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
    key = lite_key(source.digests, options)
    doing = f"converting {source.program.path.name} to Lite, {options.target} {options.precision}"
    with conversion("lite", tool, key, out, doing, toolchains=toolchains, work=work, note=note) as job:
        staged = stage(source, job.folder)
        rewrite(staged.program, edits)
        content = canonical_nb(_run_opt(staged, options, job))
        inspection = _prove(content, source, options, job.proof)
        publish_bytes(content, job.folder / _MADE)
        job.deliver(
            {_MADE: out},
            inputs=source.named_digests,
            versions={pin.package: job.interpreter.packages[pin.package] for pin in tool.pins},
            options=options.model_dump(),
            changes=summary(edits),
        )
    return inspection.model_copy(update={"path": out})


def _run_opt(staged: Staged, options: LiteOptions, job: Conversion) -> bytes:
    hint = _hint(options)
    request: dict[str, JsonValue] = {
        "program": staged.program.name,
        "params": staged.params.name,
        "out": _WRITTEN,
        "places": options.target,
        "half": options.precision == "fp16",
        "quant": f"QUANT_{options.weight_only.upper()}" if options.weight_only else "",
        "sparse": options.sparse,
    }
    job.run(_WORKER, request, hint=hint, seconds=_SECONDS, memory=_MEMORY, env={"GLIBC_TUNABLES": _TUNABLES})
    try:
        return (job.folder / f"{_WRITTEN}.nb").read_bytes()
    except OSError as error:
        raise ConversionError(
            "converter-failed",
            f"{job.tool} reported success but wrote no file",
            found=error.strerror,
            done=f"nothing was written; the log is {job.log}",
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
