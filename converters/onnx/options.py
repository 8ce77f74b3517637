"""What to ask the ONNX tools for, and what none of them can do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import JsonValue

from converters.provenance.statement import conversion_key
from converters.toolchain.pins import ONNXTOOLS, PADDLE2ONNX
from registry.errors import UsageError
from registry.schema.base import Model

FIRST_OPSET, LAST_OPSET = 7, 21
"""Opsets paddle2onnx 2.1.0 writes."""

REFUSALS = ("onnx-fp16-unsupported",)
"""Codes of errors that say: this graph has no such form, and nothing was tried."""

LAST_IR = 10
"""Latest IR version of the onnx that paddle2onnx 2.1.0 is pinned to, 1.17."""

_IR_SINCE = {9: 4, 10: 5, 11: 6, 12: 7, 15: 8, 19: 9, 21: 10}
"""Opset to the IR version it came with (``onnx.helper.VERSION_TABLE``); those between take the one before."""


class OnnxOptions(Model):
    """What to make.

    Attributes:
        opset: Version of the operator set; an older one is read by more runtimes. It is never raised in
            silence: a network that needs a later one is refused.
        precision: Arithmetic of the operators.
        ir_version: Version of the file format itself; a runtime refuses one later than it knows. None leaves
            what the tool writes.
    """

    opset: int = 11
    precision: Literal["fp32"] = "fp32"
    ir_version: int | None = None

    def asked(self) -> dict[str, JsonValue]:
        """The options as keys and provenance state them: an IR version left to the tool is none."""
        return self.model_dump(exclude_none=True)


def onnx_key(inputs: Mapping[str, str], options: OnnxOptions) -> str:
    """Name of the conversion of one model with these options, known before it is made.

    Args:
        inputs: ``program`` and ``params`` to their SHA-256.
        options: What to make.
    """
    tools = {pin.package: pin.exact for pin in PADDLE2ONNX.pins if pin.exact is not None}
    return conversion_key("onnx", inputs=inputs, tools=tools, options=options.asked())


def refuse_opset(opset: int) -> None:
    """Refuse an opset the tool does not write.

    Raises:
        UsageError: ``onnx-opset-unsupported``.
    """
    if not FIRST_OPSET <= opset <= LAST_OPSET:
        raise UsageError(
            "onnx-opset-unsupported",
            f"{PADDLE2ONNX} cannot write opset {opset}",
            expected=f"an opset from {FIRST_OPSET} to {LAST_OPSET}",
            found=str(opset),
            done="nothing was converted",
            hint=f"--opset {OnnxOptions().opset}",
        )


def lowest_ir(opset: int) -> int:
    """Earliest IR version that may be written for an opset.

    Before version 4 weights had to be listed among the inputs, which the models made here do not do.

    Args:
        opset: Version of the operator set.
    """
    return max((ir for since, ir in _IR_SINCE.items() if since <= opset), default=4)


def refuse_ir_version(options: OnnxOptions) -> None:
    """Refuse an IR version that the opset does not go with, or that is not known.

    Raises:
        UsageError: ``onnx-ir-unsupported``.
    """
    asked, lowest = options.ir_version, lowest_ir(options.opset)
    if asked is None or lowest <= asked <= LAST_IR:
        return
    early = asked < lowest
    fitting = [opset for opset in range(FIRST_OPSET, options.opset) if early and lowest_ir(opset) <= asked]
    raise UsageError(
        "onnx-ir-unsupported",
        f"opset {options.opset} needs an IR version of {lowest} or later"
        if early
        else f"{PADDLE2ONNX} knows no IR version {asked}",
        expected=f"an IR version from {lowest} to {LAST_IR}" if lowest < LAST_IR else f"IR version {LAST_IR}",
        found=str(asked),
        done="nothing was converted",
        hint=f"--ir-version {lowest if early else LAST_IR}"
        + (f", or --opset {fitting[-1]} --ir-version {asked}" if fitting else ""),
    )


class RefineOptions(Model):
    """What to make of an ONNX model.

    Attributes:
        precision: Arithmetic of the operators.
        fp16_io: Whether inputs and outputs are in half precision too; single by default, so that a half
            model takes the place of a single one.
        simplify: Whether constants are folded and what does nothing is taken out (onnxslim), held to what
            the model computed before.
    """

    precision: Literal["fp32", "fp16"] = "fp32"
    fp16_io: bool = False
    simplify: bool = False

    @property
    def changes(self) -> bool:
        """Whether there is anything to do."""
        return self.precision != "fp32" or self.simplify


def refine_options(precision: str, *, fp16_io: bool = False, simplify: bool = False) -> RefineOptions:
    """Options of a refined ONNX file, refused here when no tool could meet them.

    Half precision is made of a simplified model: onnxconverter-common gets casts of constants wrong.

    Args:
        precision: ``fp32`` or ``fp16``.
        fp16_io: Whether inputs and outputs are half too.
        simplify: Whether the graph is simplified.

    Raises:
        UsageError: ``onnx-precision-unsupported`` or ``onnx-fp16-io-unsupported``.
    """
    if precision not in ("fp32", "fp16"):
        raise UsageError(
            "onnx-precision-unsupported",
            f"no tool here writes ONNX in {precision}",
            expected="fp32 or fp16",
            hint="--precision fp16",
        )
    if fp16_io and precision != "fp16":
        raise UsageError(
            "onnx-fp16-io-unsupported",
            "only a model in half precision can have half inputs and outputs",
            hint="--precision fp16 --fp16-io",
        )
    half = precision == "fp16"
    return RefineOptions(precision="fp16" if half else "fp32", fp16_io=fp16_io, simplify=simplify or half)


def refine_key(inputs: Mapping[str, str], options: RefineOptions) -> str:
    """Name of the refinement of one model with these options, known before it is made.

    Args:
        inputs: ``model`` to its SHA-256.
        options: What to make.
    """
    tools = {pin.package: pin.exact for pin in ONNXTOOLS.pins if pin.exact is not None}
    return conversion_key("onnx-refined", inputs=inputs, tools=tools, options=options.model_dump())
