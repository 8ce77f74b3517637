"""Plans which conversions lead from a source to a target format. Pure: nothing is read or run here."""

from __future__ import annotations

from typing import Literal

from converters.choices import TargetFormat
from converters.inference.options import InferenceOptions, published_options
from converters.lite import (
    LiteOptions,
    WeightOnly,
    legacy_program_required,
    lite_target,
    require_precision,
    require_supported,
)
from converters.ncnn.options import NcnnOptions
from converters.onnx import (
    OnnxOptions,
    QuantizeOptions,
    RefineOptions,
    nms_batch_unsupported,
    require_ir_version,
    require_opset,
)
from converters.openvino.options import OpenvinoOptions
from converters.tflite.options import TfliteOptions, suppression_unsupported
from converters.toolchain.pins import paddlelite
from registry.errors import UsageError
from registry.schema import Entry
from registry.schema.base import Model

SourceKind = Literal["weights", "program", "pir", "onnx"]
"""Training checkpoint, legacy inference model, PIR inference model, or ONNX model."""

_FromOnnx = RefineOptions | QuantizeOptions | OpenvinoOptions | NcnnOptions | TfliteOptions
Step = InferenceOptions | LiteOptions | OnnxOptions | _FromOnnx
"""One conversion, represented by its options."""


def lite_options(
    target: str,
    precision: str,
    version: str | None,
    *,
    weight_only: WeightOnly | None = None,
    sparse: bool = False,
) -> LiteOptions:
    """Build the options of a Lite file and reject those that no tool supports.

    Args:
        target: Processor, or a GPU and its fallback processor, for example ``opencl,arm``.
        precision: ``fp32``, ``fp16``, or ``int8`` for a quantized model.
        version: Version of Paddle-Lite; None selects the default.
        weight_only: Integer type for stored weights.
        sparse: Whether layers with many zero weights are stored as sparse layers.

    Raises:
        UsageError: ``lite-…-unsupported`` or ``unknown-lite-version``.
    """
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
    require_supported(options)
    return options


def onnx_options(opset: int | None, ir_version: int | None = None) -> OnnxOptions:
    """Build the options of an ONNX file and reject those that no tool supports.

    Args:
        opset: Version of the operator set; None selects the default.
        ir_version: Version of the file format; None keeps the one the tool writes.

    Raises:
        UsageError: ``onnx-opset-unsupported`` or ``onnx-ir-unsupported``.
    """
    chosen = {"opset": opset} if opset else {}
    options = OnnxOptions.model_validate({**chosen, "ir_version": ir_version})
    require_opset(options.opset)
    require_ir_version(options)
    return options


class ConversionTarget(Model):
    """Target format of a conversion, with the options of every step.

    Attributes:
        format: Target format.
        lite: Options of a Lite file; None selects the defaults.
        onnx: Options of an ONNX file; None selects the defaults.
        refine: Changes to the ONNX file: precision, simplification; None makes none.
        quantize: How the ONNX file is quantized; None does not quantize it.
        openvino: Options of an OpenVINO model; None selects the defaults.
        ncnn: Options of an ncnn model; None selects the defaults.
        tflite: Options of a TensorFlow Lite file; None selects the defaults.
        inference: Options of an inference model made from weights; None selects those of the published one.
    """

    format: TargetFormat
    lite: LiteOptions | None = None
    onnx: OnnxOptions | None = None
    refine: RefineOptions | None = None
    quantize: QuantizeOptions | None = None
    openvino: OpenvinoOptions | None = None
    ncnn: NcnnOptions | None = None
    tflite: TfliteOptions | None = None
    inference: InferenceOptions | None = None


def plan_steps(source: SourceKind, target: ConversionTarget, entry: Entry | None) -> tuple[Step, ...]:
    """Return the conversions that lead from a source to a target, in order.

    Args:
        source: Kind of the source.
        target: Target format and options.
        entry: The entry whose architecture the weights have; not needed for an inference model.

    Raises:
        UsageError: ``architecture-required``: a weights file does not name its architecture.
            ``nothing-to-convert``: no tool converts one inference model to another, or the options change
            nothing. ``onnx-not-convertible``: no tool converts ONNX to that format.
        ConversionError: ``lite-program-unsupported``: Paddle-Lite cannot read PIR.
            ``tflite-suppression-unsupported``: the graph of the entry contains box suppression.
    """
    onnx_steps = _steps_after_onnx(target)
    if target.format == "tflite" and entry is not None:
        _require_no_suppression(source, target, entry)
    if source == "onnx":
        return _steps_from_onnx(target, onnx_steps)
    if target.format == "inference":
        if source != "weights":
            raise UsageError(
                "nothing-to-convert",
                "the source is an inference model, and no tool converts between the two program formats",
                hint="start from the weights: zoo convert NAME --to inference --program legacy --out DIR",
            )
        return (_export_options(target, entry),)
    lite = target.format == "lite"
    first: Step = (target.lite or LiteOptions()) if lite else (target.onnx or OnnxOptions())
    if source == "weights":
        export = _export_options(target, entry)
        if isinstance(first, LiteOptions):
            require_precision(first, quantized=False)  # before the export, which quantizes nothing
        if lite and export.program == "pir":
            raise legacy_program_required("the output of --program pir")
        if not lite and export.head == "nms" and export.batch not in (1, None):
            raise nms_batch_unsupported(f"batch {export.batch}")
        return (export, first, *onnx_steps)
    if source == "pir" and lite:
        raise legacy_program_required("the source")
    return (first, *onnx_steps)


def architecture_required() -> UsageError:
    """Error for a weights file without the name of its architecture."""
    return UsageError(
        "architecture-required",
        "a weights file does not name its architecture",
        expected="the name of an entry with the same architecture",
        hint="add --architecture NAME; zoo list shows the names",
    )


def _require_no_suppression(source: SourceKind, target: ConversionTarget, entry: Entry) -> None:
    # Checked here, before anything is exported.
    published: str | None = getattr(entry.output, "head", None)
    if (_export_options(target, entry).head if source == "weights" else published) == "nms":
        raise suppression_unsupported(f"the head nms of {entry.id}")


def _steps_after_onnx(target: ConversionTarget) -> tuple[Step, ...]:
    """Return the steps that follow the first ONNX file."""
    if target.format == "openvino":
        return (*_quantize_steps(target), target.openvino or OpenvinoOptions())
    if target.format == "ncnn":
        return (target.ncnn or NcnnOptions(),)
    if target.format == "tflite":
        return (target.tflite or TfliteOptions(),)
    if target.format != "onnx":
        return ()
    if target.quantize:
        return _quantize_steps(target)
    return (target.refine,) if target.refine and target.refine.changes else ()


def _quantize_steps(target: ConversionTarget) -> tuple[Step, ...]:
    # The graph is simplified before it is quantized: operators after a convolution are folded into it, so
    # their outputs need no separate range.
    return (RefineOptions(simplify=True), target.quantize) if target.quantize else ()


def _steps_from_onnx(target: ConversionTarget, onnx_steps: tuple[Step, ...]) -> tuple[Step, ...]:
    if target.format not in ("onnx", "openvino", "ncnn", "tflite"):
        raise UsageError(
            "onnx-not-convertible",
            f"no tool here converts ONNX to {target.format}",
            expected="a checkpoint or an inference model",
            hint="start from the model that the ONNX file was converted from",
        )
    if not onnx_steps:
        raise UsageError(
            "nothing-to-convert",
            "the source is an ONNX file already, and no option changes it",
            hint="add --precision fp16, --weight-only int8 or --simplify",
        )
    return onnx_steps


def _export_options(target: ConversionTarget, entry: Entry | None) -> InferenceOptions:
    if entry is None:
        raise architecture_required()
    return target.inference or published_options(entry)
