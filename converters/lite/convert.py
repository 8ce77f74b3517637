"""Converts an inference model to Paddle-Lite with Paddle's own ``opt``, and checks the output."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pydantic import JsonValue

from converters.formats import Inspection, Program, canonical_nb
from converters.formats.paddle_lite.inspect import inspect_nb
from converters.formats.paddle_lite.nb import decode_nb
from converters.fs.atomic import publish_bytes
from converters.jobs.input_model import InferenceModel, StagedModel, read_model, stage
from converters.jobs.job import Job, run_job
from converters.jobs.output_checks import OutputChecks
from converters.lite.options import (
    LiteOptions,
    legacy_program_required,
    lite_key,
    require_precision,
    require_supported,
)
from converters.lite.rewriting import apply_edits, plan_edits, summarize_edits
from converters.lite.rules import rules
from converters.lite.sparse import require_fixed_extents, require_sparse
from converters.toolchain import Toolchains
from converters.toolchain.pins import paddlelite
from registry.errors import ConversionError

_WORKER = Path(__file__).with_name("worker.py")
_WRITTEN = "written"  # opt appends .nb
_MADE = "made.nb"
# TinyPose, the slowest network of the catalog, takes 13 s for opencl and 0.2 GiB of address space.
_TIMEOUT_SECONDS = 600.0
_MEMORY_BYTES = 4 << 30

# For the worker's thread: freed memory returns to its arena and not to a per-thread cache, and the thresholds
# stay constant instead of adapting to the sizes of freed blocks (glibc, manual/tunables.texi).
_TUNABLES = (
    f"glibc.malloc.tcache_count=0:glibc.malloc.top_pad={256 << 20}:glibc.malloc.trim_threshold={16 << 30}"
)


def run_lite_job(
    model: Path,
    out: Path,
    options: LiteOptions,
    *,
    toolchains: Toolchains,
    work: Path,
    note: Callable[[str], None],
) -> Inspection:
    """Convert an inference model to a ``.nb`` file.

    The file is published with its provenance, and only after it passed all checks. Equal inputs, version and
    options give equal bytes.

    Args:
        model: Folder or file of a legacy inference model.
        out: The file to write; replaced when it exists.
        options: Options of the Lite file.
        toolchains: Finds or builds the environment of the tool.
        work: Folder for temporary files and logs.
        note: Called with progress messages.

    Returns:
        Inspection of the written file.

    Raises:
        UsageError: The options are incompatible, or ``out`` cannot be written.
        NotFoundError: A file of the model is missing.
        IntegrityError: A file of the model is damaged, or program and parameters do not match.
        ConversionError: ``lite-program-unsupported``, ``converter-…``.
        MissingToolError: paddlelite is neither installed nor installable, or the disk is full.
    """
    tool = paddlelite(options.version)
    require_supported(options)
    source = read_model(model)
    if not isinstance(source.program, Program):
        raise legacy_program_required(str(source.program.path))
    require_precision(options, quantized=source.quantized)
    if options.sparse:
        require_fixed_extents(source.program)
    edits = plan_edits(source.program, rules(options.version, options.family))
    key = lite_key(source.digests, options)
    task = f"converting {source.program.path.name} to Lite, {options.target} {options.precision}"
    with run_job("lite", tool, key, out, task, toolchains=toolchains, work=work, note=note) as job:
        staged = stage(source, job.folder)
        apply_edits(staged.program, edits)
        content = canonical_nb(_run_opt(staged, options, job))
        inspection = _check_output(content, source, options, job.checks)
        publish_bytes(content, job.folder / _MADE)
        job.publish(
            {_MADE: out},
            inputs=source.named_digests,
            versions={pin.package: job.interpreter.packages[pin.package] for pin in tool.pins},
            options=options.model_dump(),
            changes=summarize_edits(edits),
        )
    if source.quantized and options.precision != "int8":
        note("the source is a quantized model: the Lite file computes in int8")
    return inspection.model_copy(update={"path": out})


def _run_opt(staged: StagedModel, options: LiteOptions, job: Job) -> bytes:
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
    job.run_worker(
        _WORKER,
        request,
        hint=hint,
        timeout=_TIMEOUT_SECONDS,
        memory_bytes=_MEMORY_BYTES,
        env={"GLIBC_TUNABLES": _TUNABLES},
    )
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
            f"versions after paddlelite {options.version} have x86 kernels for more operators: "
            "check with an x86 file of a later version, --lite-version 2.12"
        )
    return None


def _check_output(
    content: bytes, source: InferenceModel, options: LiteOptions, checks: OutputChecks
) -> Inspection:
    """Inspect the output and reject it if it does not match the request."""
    made = decode_nb(content, Path("model.nb"))
    inspection = inspect_nb(made)
    # A network that uses only portable C++ kernels runs on any processor.
    if inspection.target != "host":
        checks.require_equal("target", options.family, inspection.target)
    # OpenCL files state no precision, and neither does a network without arithmetic.
    precision = "int8" if source.quantized else options.precision
    if precision != "fp32" or inspection.precision is not None:
        checks.require_equal("precision", precision, inspection.precision)
    if not source.quantized:
        checks.require_equal("weights", options.weight_only or "fp32", inspection.weights_precision or "fp32")
    if options.sparse:
        require_sparse(inspection, checks)
    checks.require_same_tensors("inputs", source.inputs, inspection.inputs)
    checks.require_same_tensors("outputs", source.outputs, inspection.outputs)
    checks.require_equal("bytes after the end", 0, made.trailing)
    return inspection
