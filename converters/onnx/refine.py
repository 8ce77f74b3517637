"""ONNX to ONNX: simplified, and in half precision, with a proof of what came out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

from converters.child import run_worker
from converters.files import check_writable, publish
from converters.proof import Proof
from converters.provenance import conversion_key, provenance, write_provenance
from converters.reading import Inspection, Tensor, inspect
from converters.scratch import scratch
from converters.toolchain import Toolchains
from converters.tools import ONNXTOOLS
from registry.errors import UsageError
from registry.schema.base import Model

_WORKER = Path(__file__).with_name("refine_worker.py")
_SECONDS = 900.0
_MEMORY = 16 << 30


class RefineOptions(Model):
    """What to make of an ONNX model.

    Attributes:
        precision: Arithmetic of the operators.
        half_ends: Whether inputs and outputs are in half precision too; single by default, so that a half
            model takes the place of a single one.
        simplify: Whether constants are folded and what does nothing is taken out (onnxslim), held to what
            the model computed before.
    """

    precision: Literal["fp32", "fp16"] = "fp32"
    half_ends: bool = False
    simplify: bool = False

    @property
    def changes(self) -> bool:
        """Whether there is anything to do."""
        return self.precision != "fp32" or self.simplify


def refine_options(precision: str, *, half_ends: bool = False, simplify: bool = False) -> RefineOptions:
    """Options of a refined ONNX file, refused here when no tool could meet them.

    Half precision is made of a simplified model: onnxconverter-common gets casts of constants wrong.

    Args:
        precision: ``fp32`` or ``fp16``.
        half_ends: Whether inputs and outputs are half too.
        simplify: Whether the graph is simplified.

    Raises:
        UsageError: ``onnx-precision-impossible`` or ``onnx-ends-impossible``.
    """
    if precision not in ("fp32", "fp16"):
        raise UsageError(
            "onnx-precision-impossible",
            f"no tool here writes ONNX in {precision}",
            expected="fp32 or fp16",
            hint="--precision fp16",
        )
    if half_ends and precision != "fp16":
        raise UsageError(
            "onnx-ends-impossible",
            "only a model in half precision can have half inputs and outputs",
            hint="--precision fp16 --half-ends",
        )
    half = precision == "fp16"
    return RefineOptions(precision="fp16" if half else "fp32", half_ends=half_ends, simplify=simplify or half)


def refine_key(inputs: Mapping[str, str], options: RefineOptions) -> str:
    """Name of the refinement of one model with these options, known before it is made.

    Args:
        inputs: ``model`` to its SHA-256.
        options: What to make.
    """
    tools = {pin.package: pin.exact for pin in ONNXTOOLS.pins if pin.exact is not None}
    return conversion_key("onnx-refined", inputs=inputs, tools=tools, options=options.model_dump())


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
