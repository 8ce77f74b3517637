"""What ``zoo convert`` is asked for, and the options of each conversion that follow from it. Pure."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypedDict

from pydantic import NonNegativeInt

from converters.inference.options import InferenceOptions, published_options, require_consistent
from converters.lite import LiteOptions, WeightOnly
from converters.ncnn.options import NcnnOptions, ncnn_export, ncnn_options
from converters.onnx import OnnxOptions, QuantizeOptions, RefineOptions, quantize_options, refine_options
from converters.onnx.quantize_options import FIRST_OPSET
from converters.openvino.options import OpenvinoOptions, openvino_options
from converters.planning.plan import ConversionTarget, SourceKind, TargetFormat, lite_options, onnx_options
from converters.tflite.options import TfliteOptions, tflite_options
from registry import Entry
from registry.errors import UsageError
from registry.schema import Model

if TYPE_CHECKING:
    from converters.planning.plan import SourceKind


class ConvertOptions(Model):
    """What to make, and what must be known to make it.

    Attributes:
        to: Format.
        architecture: Entry whose architecture a bare weights file has.
        precision: Of Lite and ONNX files; for OpenVINO, ncnn and TensorFlow Lite, how weights are stored.
        target: Processor of a Lite file, or a GPU and the processor to fall back on: ``opencl,arm``.
        lite_version: Version of Paddle-Lite's opt; None takes the default.
        weight_only: Integers that the weights of a Lite or ONNX file are stored as; None stores them as they
            are.
        calibration: Folder of images that the ranges of an ONNX file in ``int8`` come from.
        sparse: Whether layers of a Lite file with many zeros are stored as sparse ones.
        opset: ONNX operator set; None takes the default.
        ir_version: Version of the format of an ONNX file made here; None leaves what the tool writes.
        fp16_io: Whether inputs and outputs of a half-precision ONNX file are half too.
        simplify: Whether the graph of an ONNX file is simplified.
        program: Form of an inference model; None takes ``legacy``, which every next step can read.
        head: For detectors, what the graph hands out; None takes what upstream publishes.
        argmax: For pose networks, whether the maxima's places are an output; None takes what is published.
        normalization: Where it happens; None takes ``host``.
        batch: Images per run, 0 for an open batch; None takes 1 for raw heads and an open batch otherwise.
    """

    to: TargetFormat
    architecture: str | None = None
    precision: Literal["fp32", "fp16", "int8"] = "fp32"
    target: str = "arm"
    lite_version: str | None = None
    weight_only: WeightOnly | None = None
    calibration: Path | None = None
    sparse: bool = False
    opset: int | None = None
    ir_version: int | None = None
    fp16_io: bool = False
    simplify: bool = False
    program: Literal["legacy", "pir"] | None = None
    head: Literal["raw", "boxes", "nms"] | None = None
    argmax: bool | None = None
    normalization: Literal["host", "in_graph"] | None = None
    batch: NonNegativeInt | None = None

    @property
    def shapes_the_graph(self) -> bool:
        """Whether anything is asked that only an export from weights can give."""
        asked = (self.program, self.head, self.argmax, self.normalization, self.batch)
        return any(item is not None for item in asked)


def conversion_target(request: ConvertOptions, have: SourceKind, entry: Entry | None) -> ConversionTarget:
    """The options of each conversion on the way, checked before anything is read or run.

    Args:
        request: What is asked for.
        have: What there is.
        entry: The entry that is converted, or whose architecture a file has.

    Raises:
        UsageError: An option says nothing about what is to be made, contradicts another, asks for what no
            tool can do, or for what is settled in the file; ``architecture-required``.
    """
    _refuse_idle(request)
    reject_fixed_options(have, request)
    if request.calibration is not None and entry is None:
        raise UsageError(
            "architecture-required",
            "a model file does not say how images are prepared for it",
            hint="add --architecture NAME; zoo list shows the names",
        )
    exported = have == "weights" and request.to != "safetensors"
    inference = _inference_options(entry, request) if entry and exported else None
    through_onnx = _onnx_options(request, entry)
    return ConversionTarget(goal=request.to, inference=inference, lite=_lite_options(request), **through_onnx)


def _refuse_idle(request: ConvertOptions) -> None:
    """Refuses options that say nothing about what is to be made, instead of leaving them out of account."""
    lite, onnx, both = ("lite",), ("onnx",), ("lite", "onnx")
    through_onnx = ("onnx", "openvino", "ncnn", "tflite")
    anything = ("lite", *through_onnx)
    flags: dict[str, tuple[bool, tuple[str, ...]]] = {
        "--target": (request.target != "arm", lite),
        "--lite-version": (request.lite_version is not None, lite),
        "--sparse": (request.sparse, lite),
        "--opset": (request.opset is not None, through_onnx),
        "--ir-version": (request.ir_version is not None, onnx),
        "--fp16-io": (request.fp16_io, onnx),
        "--simplify": (request.simplify, onnx),
        "--calibration": (request.calibration is not None, onnx),
        "--weight-only": (request.weight_only is not None, both),
        "--precision": (request.precision != "fp32", anything),
    }
    for flag, (given, goals) in flags.items():
        if given and request.to not in goals:
            kinds = " or ".join(goals)
            raise UsageError(
                f"flag-without-{goals[0]}",
                f"{flag} says something about {kinds} files, but none is asked for",
                found=f"--to {request.to}",
                hint=f"leave out {flag}, or ask for --to {kinds}",
            )


def _lite_options(request: ConvertOptions) -> LiteOptions | None:
    if request.to != "lite":
        return None
    return lite_options(
        request.target,
        request.precision,
        request.lite_version,
        weight_only=request.weight_only,
        sparse=request.sparse,
    )


class _OnnxSteps(TypedDict, total=False):
    onnx: OnnxOptions
    refine: RefineOptions
    quantize: QuantizeOptions | None
    openvino: OpenvinoOptions
    ncnn: NcnnOptions
    tflite: TfliteOptions


def _onnx_options(request: ConvertOptions, entry: Entry | None) -> _OnnxSteps:
    if request.to == "openvino":
        return {"onnx": onnx_options(request.opset), "openvino": openvino_options(request.precision)}
    if request.to == "tflite":
        return {"onnx": onnx_options(request.opset), "tflite": tflite_options(request.precision)}
    if request.to == "ncnn":
        # Of an entry it is known that there is an arg-max; of a file, the user says that it may go.
        implied = request.argmax is None and getattr(entry.output, "argmax", False) if entry else False
        asked = request.argmax is False and entry is None
        ncnn = ncnn_options(request.precision, without_argmax=implied or asked)
        return {"onnx": onnx_options(request.opset), "ncnn": ncnn}
    if request.to != "onnx":
        return {}
    quantize = quantize_options(
        request.precision,
        request.weight_only,
        calibrated=request.calibration is not None,
        opset=request.opset,
    )
    precision = "fp32" if quantize else request.precision
    return {
        "onnx": onnx_options(request.opset or (FIRST_OPSET if quantize else None), request.ir_version),
        "refine": refine_options(precision, fp16_io=request.fp16_io, simplify=request.simplify),
        "quantize": quantize,
    }


def _inference_options(entry: Entry, request: ConvertOptions) -> InferenceOptions:
    published = published_options(entry, program=request.program or "legacy")
    changes: dict[str, object] = {
        name: value
        for name in ("head", "argmax", "normalization")
        if (value := getattr(request, name)) is not None
    }
    if request.batch is not None:
        changes["batch"] = request.batch or None
    elif request.head is not None:
        changes["batch"] = 1 if request.head == "raw" else None
    if request.to == "ncnn":
        changes |= ncnn_export(published, head=request.head, argmax=request.argmax, batch=request.batch)
    options = published.model_copy(update=changes)
    require_consistent(entry, options)
    return options


def reject_fixed_options(have: SourceKind, request: ConvertOptions) -> None:
    """Passes when everything that was asked for can still be given to what is there.

    Args:
        have: What is there.
        request: What is asked for.

    Raises:
        UsageError: ``graph-fixed``, ``ir-version-fixed``, ``opset-fixed``; ``bad-combination``: an
            architecture is named beside a file that holds its own.
    """
    # Leaving an output out on the way to ncnn takes no other graph.
    no_argmax = request.to == "ncnn" and request.argmax is False
    shaping = request.model_copy(update={"argmax": None}) if no_argmax else request
    if have != "weights" and shaping.shapes_the_graph:
        raise UsageError(
            "graph-fixed",
            "form, head, batch and normalization of an inference model cannot be changed",
            hint="start from the weights: zoo convert NAME or zoo convert FILE.pdparams --architecture NAME",
        )
    if have == "onnx" and request.ir_version is not None:
        raise _kept_by_onnx("ir-version-fixed", "the IR version", "--ir-version")
    if have == "onnx" and request.opset is not None:
        raise _kept_by_onnx("opset-fixed", "the opset", "--opset")
    if request.architecture is not None and not _network_counts(have, request):
        raise UsageError(
            "bad-combination",
            "--architecture says which architecture bare weights have, and nothing about this conversion",
            expected="--architecture beside weights that become a model, or with --calibration",
            found=f"--architecture {request.architecture}",
            hint="leave out --architecture",
        )


def _network_counts(have: SourceKind, request: ConvertOptions) -> bool:
    # Images are prepared for calibration as the network takes them, which no model file says.
    return (have == "weights" and request.to != "safetensors") or request.calibration is not None


def _kept_by_onnx(code: str, what: str, flag: str) -> UsageError:
    return UsageError(
        code,
        f"an ONNX file keeps {what} it has",
        expected="a checkpoint or an inference model",
        done="nothing was converted",
        hint=f"leave out {flag}, or start from the model the ONNX file was made of",
    )
