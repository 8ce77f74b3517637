"""Which conversions lead from what there is to what is wanted. Pure: nothing is read or run here."""

from __future__ import annotations

from typing import Literal

from converters.inference.options import InferenceOptions, published_options
from converters.lite import LiteOptions, WeightOnly, lite_target, needs_legacy, refuse_contradictions
from converters.ncnn.options import NcnnOptions
from converters.onnx import OnnxOptions, QuantizeOptions, RefineOptions, refuse_ir_version, refuse_opset
from converters.openvino.options import OpenvinoOptions
from converters.tflite.options import TfliteOptions, suppression_impossible
from converters.toolchain.pins import paddlelite
from registry.errors import UsageError
from registry.schema import Entry
from registry.schema.base import Model

SourceKind = Literal["weights", "program", "pir", "onnx"]
"""Training checkpoint, legacy inference model, PIR inference model, or ONNX model."""

TargetFormat = Literal["inference", "lite", "onnx", "openvino", "ncnn", "tflite", "safetensors"]

_FromOnnx = RefineOptions | QuantizeOptions | OpenvinoOptions | NcnnOptions | TfliteOptions
Step = InferenceOptions | LiteOptions | OnnxOptions | _FromOnnx
"""One conversion, named by its options."""


def lite_options(
    target: str,
    precision: str,
    version: str | None,
    *,
    weight_only: WeightOnly | None = None,
    sparse: bool = False,
) -> LiteOptions:
    """Options of a Lite file, refused here when no tool could meet them.

    Args:
        target: Processor, or a GPU and the processor to fall back on, for example ``opencl,arm``.
        precision: ``fp32`` or ``fp16``.
        version: Version of Paddle-Lite; None takes the default.
        weight_only: Integers that weights are stored as.
        sparse: Whether layers with many zeros are stored as sparse ones.

    Raises:
        UsageError: ``lite-…-impossible`` or ``unknown-lite-version``.
    """
    if precision == "int8":
        raise UsageError(
            "lite-precision-unsupported",
            "Paddle-Lite computes in int8 only what was trained for it",
            expected="fp32 or fp16",
            done="nothing was converted",
            hint="--weight-only int8; zoo fetch NAME --lite int8 for what upstream publishes",
        )
    chosen = {"version": version} if version else {}
    options = LiteOptions.model_validate(
        {
            "target": lite_target(target),
            "precision": precision,
            "weight_only": weight_only,
            "sparse": sparse,
            **chosen,
        }
    )
    paddlelite(options.version)
    refuse_contradictions(options)
    return options


def onnx_options(opset: int | None, ir_version: int | None = None) -> OnnxOptions:
    """Options of an ONNX file, refused here when no tool could meet them.

    Args:
        opset: Operator set; None takes the default.
        ir_version: Version of the file format; None leaves what the tool writes.

    Raises:
        UsageError: ``onnx-opset-unsupported`` or ``onnx-ir-unsupported``.
    """
    chosen = {"opset": opset} if opset else {}
    options = OnnxOptions.model_validate({**chosen, "ir_version": ir_version})
    refuse_opset(options.opset)
    refuse_ir_version(options)
    return options


class ConversionTarget(Model):
    """What a conversion shall end with.

    Attributes:
        goal: Format.
        lite: Options of a Lite file; None takes the defaults.
        onnx: Options of an ONNX file; None takes the defaults.
        refine: What to make of the ONNX file besides; None leaves it as it is.
        quantize: How the ONNX file is quantized; None leaves it as it is.
        openvino: Options of an OpenVINO model; None takes the defaults.
        ncnn: Options of an ncnn model; None takes the defaults.
        tflite: Options of a TensorFlow Lite file; None takes the defaults.
        inference: Options of an inference model made from weights; None takes those of the published one.
    """

    goal: TargetFormat
    lite: LiteOptions | None = None
    onnx: OnnxOptions | None = None
    refine: RefineOptions | None = None
    quantize: QuantizeOptions | None = None
    openvino: OpenvinoOptions | None = None
    ncnn: NcnnOptions | None = None
    tflite: TfliteOptions | None = None
    inference: InferenceOptions | None = None


def steps(have: SourceKind, aim: ConversionTarget, entry: Entry | None) -> tuple[Step, ...]:
    """The conversions, in order.

    Args:
        have: What there is.
        aim: What is wanted.
        entry: Whose architecture weights have; not needed for an inference model.

    Raises:
        UsageError: ``architecture-required``: weights alone do not say what network they belong to.
            ``nothing-to-convert``: nothing leads from an inference model to another one, or there is nothing to
            do. ``onnx-not-convertible``: nothing leads from ONNX to another format.
        ConversionError: ``lite-program-unsupported``: Paddle-Lite cannot read PIR.
            ``tflite-suppression-unsupported``: the entry's graph suppresses boxes itself.
    """
    refining = _refining(aim)
    if aim.goal == "tflite" and entry is not None:
        _refuse_suppression(have, aim, entry)
    if have == "onnx":
        return _from_onnx(aim, refining)
    if aim.goal == "inference":
        if have != "weights":
            raise UsageError(
                "nothing-to-convert",
                "this is an inference model already, and no tool turns one form of program into the other",
                hint="start from the weights: zoo convert NAME --to inference --program legacy --out DIR",
            )
        return (_export(aim, entry),)
    last: Step = (aim.lite or LiteOptions()) if aim.goal == "lite" else (aim.onnx or OnnxOptions())
    if have == "weights":
        export = _export(aim, entry)
        if aim.goal == "lite" and export.program == "pir":
            raise needs_legacy("what --program pir asks for")
        return (export, last, *refining)
    if have == "pir" and aim.goal == "lite":
        raise needs_legacy("what is to be converted")
    return (last, *refining)


def _refuse_suppression(have: SourceKind, aim: ConversionTarget, entry: Entry) -> None:
    """Before anything is exported for it."""
    published: str | None = getattr(entry.output, "head", None)
    if (_export(aim, entry).head if have == "weights" else published) == "nms":
        raise suppression_impossible(f"the head nms of {entry.id}")


def _refining(aim: ConversionTarget) -> tuple[Step, ...]:
    """What follows once there is an ONNX file."""
    if aim.goal == "openvino":
        return (aim.openvino or OpenvinoOptions(),)
    if aim.goal == "ncnn":
        return (aim.ncnn or NcnnOptions(),)
    if aim.goal == "tflite":
        return (aim.tflite or TfliteOptions(),)
    if aim.goal != "onnx":
        return ()
    # Quantized is the simplified graph: what follows a convolution is folded into it, and gets no range.
    refine = RefineOptions(simplify=True) if aim.quantize else aim.refine
    refining: tuple[Step, ...] = (refine,) if refine and refine.changes else ()
    return (*refining, aim.quantize) if aim.quantize else refining


def _from_onnx(aim: ConversionTarget, refining: tuple[Step, ...]) -> tuple[Step, ...]:
    if aim.goal not in ("onnx", "openvino", "ncnn", "tflite"):
        raise UsageError(
            "onnx-not-convertible",
            f"no tool here leads from ONNX to {aim.goal}",
            expected="a checkpoint or an inference model",
            hint="start from the model the ONNX file was made of",
        )
    if not refining:
        raise UsageError(
            "nothing-to-convert",
            "this is an ONNX file already, and nothing was asked to be changed in it",
            hint="add --precision fp16, --weight-only int8 or --simplify",
        )
    return refining


def _export(aim: ConversionTarget, entry: Entry | None) -> InferenceOptions:
    if entry is None:
        raise UsageError(
            "architecture-required",
            "a weights file does not say what network it belongs to",
            expected="the name of an entry with the same architecture",
            hint="add --architecture NAME; zoo list shows the names",
        )
    return aim.inference or published_options(entry)
