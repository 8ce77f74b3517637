"""Options of ONNX files, and the combinations that no tool supports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import JsonValue

from converters.provenance.statement import conversion_key
from converters.toolchain.pins import ONNXTOOLS, PADDLE2ONNX
from registry.errors import ConversionError, UsageError
from registry.schema.base import Model

FIRST_OPSET, LAST_OPSET = 7, 21
"""Opsets paddle2onnx 2.1.0 writes."""

UNSUPPORTED_CODES = ("onnx-fp16-unsupported", "onnx-nms-batch-unsupported")
"""Codes of errors for graphs that cannot be converted to the requested form."""

LAST_IR = 10
"""Latest IR version of onnx 1.17, to which paddle2onnx 2.1.0 is pinned."""

_IR_SINCE = {9: 4, 10: 5, 11: 6, 12: 7, 15: 8, 19: 9, 21: 10}
"""Opset to the IR version released with it (``onnx.helper.VERSION_TABLE``); others use the one before."""


class OnnxOptions(Model):
    """Options of an ONNX file.

    Attributes:
        opset: Version of the operator set; more runtimes read an older one. It is never raised silently: a
            network that needs a later opset is an error.
        precision: Arithmetic of the operators.
        ir_version: Version of the file format; a runtime rejects versions later than its own. None keeps the
            version that the tool writes.
    """

    opset: int = 11
    precision: Literal["fp32"] = "fp32"
    ir_version: int | None = None

    def for_key(self) -> dict[str, JsonValue]:
        """Return the options for cache key and provenance, without an IR version that the tool chooses."""
        return self.model_dump(exclude_none=True)


def onnx_key(inputs: Mapping[str, str], options: OnnxOptions) -> str:
    """Compute the cache key of a conversion with these options, before it runs.

    Args:
        inputs: ``program`` and ``params`` to their SHA-256.
        options: Options of the ONNX file.
    """
    tools = {pin.package: pin.exact for pin in PADDLE2ONNX.pins if pin.exact is not None}
    return conversion_key("onnx", inputs=inputs, tools=tools, options=options.for_key())


def require_opset(opset: int) -> None:
    """Reject an opset that the tool does not write.

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
    """Return the earliest IR version that is valid for an opset.

    Before version 4, weights had to be listed as inputs; models converted here do not list them.

    Args:
        opset: Version of the operator set.
    """
    return max((ir for since, ir in _IR_SINCE.items() if since <= opset), default=4)


def require_ir_version(options: OnnxOptions) -> None:
    """Reject an IR version that is too early for the opset, or unknown.

    Raises:
        UsageError: ``onnx-ir-unsupported``.
    """
    requested, lowest = options.ir_version, lowest_ir(options.opset)
    if requested is None or lowest <= requested <= LAST_IR:
        return
    early = requested < lowest
    fitting = [
        opset for opset in range(FIRST_OPSET, options.opset) if early and lowest_ir(opset) <= requested
    ]
    raise UsageError(
        "onnx-ir-unsupported",
        f"opset {options.opset} needs an IR version of {lowest} or later"
        if early
        else f"{PADDLE2ONNX} does not support IR version {requested}",
        expected=f"an IR version from {lowest} to {LAST_IR}" if lowest < LAST_IR else f"IR version {LAST_IR}",
        found=str(requested),
        done="nothing was converted",
        hint=f"--ir-version {lowest if early else LAST_IR}"
        + (f", or --opset {fitting[-1]} --ir-version {requested}" if fitting else ""),
    )


def nms_batch_unsupported(found: str) -> ConversionError:
    """Error for a graph with box suppression that does not take one image per run.

    paddle2onnx writes the suppression for one image: with another batch, onnxruntime does not load the file
    or fails at run time.

    Args:
        found: The batch of the graph.
    """
    return ConversionError(
        "onnx-nms-batch-unsupported",
        "a graph with box suppression takes one image per run in ONNX",
        expected="batch 1",
        found=found,
        done="nothing was converted",
        hint="--batch 1, or suppress boxes outside of the graph: --head boxes",
    )


class RefineOptions(Model):
    """Changes to an ONNX model.

    Attributes:
        precision: Arithmetic of the operators.
        fp16_io: Whether inputs and outputs are FP16 too; FP32 by default, so that an FP16 model can replace
            an FP32 one.
        simplify: Whether onnxslim folds constants and removes operators without effect. The simplified model
            is compared with the original.
    """

    precision: Literal["fp32", "fp16"] = "fp32"
    fp16_io: bool = False
    simplify: bool = False

    @property
    def changes(self) -> bool:
        """Whether the options change the model."""
        return self.precision != "fp32" or self.simplify


def refine_options(precision: str, *, fp16_io: bool = False, simplify: bool = False) -> RefineOptions:
    """Build the options of a refined ONNX file and reject those that no tool supports.

    FP16 implies simplification, because onnxconverter-common mishandles casts of constants.

    Args:
        precision: ``fp32`` or ``fp16``.
        fp16_io: Whether inputs and outputs are FP16 too.
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
            "only a model with --precision fp16 can have FP16 inputs and outputs",
            hint="--precision fp16 --fp16-io",
        )
    half = precision == "fp16"
    return RefineOptions(precision="fp16" if half else "fp32", fp16_io=fp16_io, simplify=simplify or half)


def refine_key(inputs: Mapping[str, str], options: RefineOptions) -> str:
    """Compute the cache key of a refinement with these options, before it runs.

    Args:
        inputs: ``model`` to its SHA-256.
        options: Changes to the model.
    """
    tools = {pin.package: pin.exact for pin in ONNXTOOLS.pins if pin.exact is not None}
    return conversion_key("onnx-refined", inputs=inputs, tools=tools, options=options.model_dump())
