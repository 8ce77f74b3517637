"""The options of ``zoo convert``, and the options of each step that follow from them. Pure functions."""

from __future__ import annotations

from pathlib import Path

from pydantic import NonNegativeInt

from converters.choices import Program, TargetFormat, WeightOnly
from converters.inference.options import InferenceOptions, published_options, require_consistent
from converters.lite import LiteOptions
from converters.ncnn.options import ncnn_export, ncnn_options
from converters.onnx import nms_batch_unsupported
from converters.planning.plan import ConversionTarget, SourceKind, lite_options, onnx_options
from converters.planning.targets import onnx_target, openvino_target
from converters.tflite.options import tflite_options
from registry import Entry
from registry.choices import Head, Normalization, Precision
from registry.errors import UsageError
from registry.schema import Model

_LITE = ("lite",)
_ONNX = ("onnx",)
_FROM_ONNX = ("onnx", "openvino", "ncnn", "tflite")


class ConvertOptions(Model):
    """Target format and options of a conversion.

    Attributes:
        to: Target format.
        architecture: Entry whose architecture a weights file has.
        precision: Precision of a Lite or ONNX file; for OpenVINO, ncnn and TensorFlow Lite, of the weights.
        target: Processor of a Lite file, or a GPU and its fallback processor: ``opencl,arm``.
        lite_version: Version of Paddle-Lite's opt; None for the default.
        weight_only: Integer type for the weights of a Lite or ONNX file; None keeps their type.
        calibration: Folder of images that determine the ranges of an ONNX or OpenVINO model in ``int8``.
        sparse: Whether layers of a Lite file with many zeros are stored as sparse layers.
        opset: ONNX operator set; None for the default.
        ir_version: Version of the ONNX format; None keeps the version that the tool writes.
        fp16_io: Whether an fp16 ONNX file has fp16 inputs and outputs; they keep their types otherwise.
        simplify: Whether the graph of an ONNX file is simplified.
        program: Program format of an inference model; None for ``legacy``, which all later steps can read.
        head: Outputs of a detector's graph; None for the published outputs.
        argmax: Whether a pose model outputs the positions of the maxima; None for the published outputs.
        normalization: Where pixel values are normalized; None for ``host``.
        batch: Batch size, 0 for an open batch; None for 1 with raw heads and an open batch otherwise.
    """

    to: TargetFormat
    architecture: str | None = None
    precision: Precision = "fp32"
    target: str = "arm"
    lite_version: str | None = None
    weight_only: WeightOnly | None = None
    calibration: Path | None = None
    sparse: bool = False
    opset: int | None = None
    ir_version: int | None = None
    fp16_io: bool = False
    simplify: bool = False
    program: Program | None = None
    head: Head | None = None
    argmax: bool | None = None
    normalization: Normalization | None = None
    batch: NonNegativeInt | None = None

    @property
    def shapes_graph(self) -> bool:
        """Whether an option is set that only an export from weights can apply."""
        options = (self.program, self.head, self.argmax, self.normalization, self.batch)
        return any(option is not None for option in options)


def conversion_target(request: ConvertOptions, source: SourceKind, entry: Entry | None) -> ConversionTarget:
    """Derive the options of each step, and checks them before anything is read or run.

    Args:
        request: Target format and options.
        source: What the source is.
        entry: The entry that is converted, or whose architecture a file has.

    Raises:
        UsageError: ``option-not-applicable``; ``architecture-required``; ``graph-fixed`` and the like for an
            option that the file cannot change any more; ``*-unsupported`` for one that no tool supports.
    """
    _reject_unused_options(request)
    reject_fixed_options(source, request)
    if request.calibration is not None and entry is None:
        raise UsageError(
            "architecture-required",
            "--calibration needs an entry, because a model file does not define how images are preprocessed",
            expected="--architecture with the name of an entry of the same input and preprocessing",
            hint="add --architecture NAME (see zoo list), or an entry for the model (--catalog FILE)",
        )
    exported = source == "weights" and request.to != "safetensors"
    inference = _inference_options(entry, request) if entry and exported else None
    return _target(request, entry).model_copy(update={"inference": inference})


def _reject_unused_options(request: ConvertOptions) -> None:
    """Reject an option that does not apply to the target format, instead of ignoring it."""
    options: dict[str, tuple[bool, tuple[str, ...]]] = {
        "--target": (request.target != "arm", _LITE),
        "--lite-version": (request.lite_version is not None, _LITE),
        "--sparse": (request.sparse, _LITE),
        "--opset": (request.opset is not None, _FROM_ONNX),
        "--ir-version": (request.ir_version is not None, _ONNX),
        "--fp16-io": (request.fp16_io, _ONNX),
        "--simplify": (request.simplify, _ONNX),
        "--calibration": (request.calibration is not None, ("onnx", "openvino")),
        "--weight-only": (request.weight_only is not None, _LITE + _ONNX),
        "--precision": (request.precision != "fp32", _LITE + _FROM_ONNX),
    }
    for option, (given, formats) in options.items():
        if given and request.to not in formats:
            kinds = " or ".join(formats)
            raise UsageError(
                "option-not-applicable",
                f"{option} applies to {kinds} files only",
                expected=f"--to {kinds}",
                found=f"--to {request.to}",
                hint=f"leave out {option}, or use --to {kinds}",
            )


def _lite_options(request: ConvertOptions) -> LiteOptions:
    return lite_options(
        request.target,
        request.precision,
        request.lite_version,
        weight_only=request.weight_only,
        sparse=request.sparse,
    )


def _target(request: ConvertOptions, entry: Entry | None) -> ConversionTarget:
    """Return the target with the options of every step after the inference model."""
    calibrated = request.calibration is not None
    if request.to == "lite":
        return ConversionTarget(format="lite", lite=_lite_options(request))
    if request.to == "onnx":
        return onnx_target(
            request.precision,
            request.weight_only,
            calibrated=calibrated,
            opset=request.opset,
            ir_version=request.ir_version,
            fp16_io=request.fp16_io,
            simplify=request.simplify,
        )
    if request.to == "openvino":
        return openvino_target(request.precision, calibrated=calibrated, opset=request.opset)
    if request.to == "tflite":
        tflite = tflite_options(request.precision)
        return ConversionTarget(format="tflite", onnx=onnx_options(request.opset), tflite=tflite)
    if request.to == "ncnn":
        # The catalog states whether an entry has an arg-max; for a file, the user allows its removal.
        implied = request.argmax is None and getattr(entry.output, "argmax", False) if entry else False
        allowed = request.argmax is False and entry is None
        ncnn = ncnn_options(request.precision, without_argmax=implied or allowed)
        return ConversionTarget(format="ncnn", onnx=onnx_options(request.opset), ncnn=ncnn)
    return ConversionTarget(format=request.to)


def _inference_options(entry: Entry, request: ConvertOptions) -> InferenceOptions:
    published = published_options(entry, program=request.program or "legacy")
    changes: dict[str, object] = {
        name: value
        for name in ("head", "argmax", "normalization")
        if (value := getattr(request, name)) is not None
    }
    if request.batch is not None:
        changes["batch"] = request.batch or None
        # Without --batch an open batch becomes 1 there, with a note.
        through_onnx = request.to in ("onnx", "openvino")
        if through_onnx and request.batch == 0 and (request.head or published.head) == "nms":
            raise nms_batch_unsupported("an open batch (--batch 0)")
    elif request.head is not None:
        changes["batch"] = 1 if request.head == "raw" else None
    if request.to == "ncnn":
        changes |= ncnn_export(published, head=request.head, argmax=request.argmax, batch=request.batch)
    options = published.model_copy(update=changes)
    require_consistent(entry, options)
    return options


def reject_fixed_options(source: SourceKind, request: ConvertOptions) -> None:
    """Reject options that a file of this kind cannot change any more.

    Args:
        source: What the source is.
        request: Target format and options.

    Raises:
        UsageError: ``graph-fixed``, ``ir-version-fixed``, ``opset-fixed``; ``option-not-applicable`` for an
            architecture that the conversion does not need.
    """
    # Removing an output on the way to ncnn does not need another graph.
    no_argmax = request.to == "ncnn" and request.argmax is False
    shaping = request.model_copy(update={"argmax": None}) if no_argmax else request
    if source != "weights" and shaping.shapes_graph:
        raise UsageError(
            "graph-fixed",
            "program, head, arg-max, batch size and normalization of an inference model cannot be changed",
            hint="start from the weights: zoo convert NAME, or zoo convert FILE.pdparams --architecture NAME",
        )
    if source == "onnx" and request.ir_version is not None:
        raise _fixed_in_onnx("ir-version-fixed", "IR version", "--ir-version")
    if source == "onnx" and request.opset is not None:
        raise _fixed_in_onnx("opset-fixed", "opset", "--opset")
    if request.architecture is not None and not _needs_architecture(source, request):
        raise UsageError(
            "option-not-applicable",
            "--architecture applies to weights that become a model, and to --calibration",
            found=f"--architecture {request.architecture}",
            hint="leave out --architecture",
        )


def _needs_architecture(source: SourceKind, request: ConvertOptions) -> bool:
    # For calibration, the entry defines how images are preprocessed; a model file does not.
    return (source == "weights" and request.to != "safetensors") or request.calibration is not None


def _fixed_in_onnx(code: str, what: str, option: str) -> UsageError:
    return UsageError(
        code,
        f"the {what} of an ONNX file cannot be changed",
        expected="a checkpoint or an inference model",
        done="nothing was converted",
        hint=f"leave out {option}, or convert the model that the ONNX file was made from",
    )
