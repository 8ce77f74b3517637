"""Read from a model file what its graph computes: input size, kind of outputs, classes or joints."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from converters.formats.inspection import Inspection, Tensor
from converters.formats.readers import read_dataflow
from converters.formats.tflite.inspect import to_channels_first
from registry.choices import Normalization
from registry.errors import UsageError
from registry.schema.base import Model

Head = Literal["heatmap", "raw", "boxes", "nms"]

_STRIDES = (8, 16, 32, 64)
_SUPPRESSION = ("multiclass_nms3", "pd_op.multiclass_nms3", "multiclass_nms3_")
_COLORS = 3


class GraphFacts(Model):
    """Facts that a file records about its graph; None where it does not.

    Attributes:
        path: The file or folder.
        input: Name of the image input.
        height: Height of the input in pixels; None if it is open.
        width: Width of the input in pixels; None if it is open.
        head: Kind of outputs.
        channels: Number of classes of a detector, or of joints of a pose network.
        stride: Input pixels per cell of a heat map.
        reg_max: Largest bin of the box distributions of a raw detector.
        argmax: Whether a pose network outputs the positions of the maxima.
        normalization: Whether the host or the graph normalizes pixel values.
    """

    path: Path
    input: str
    height: int | None = None
    width: int | None = None
    head: Head | None = None
    channels: int | None = None
    stride: int | None = None
    reg_max: int | None = None
    argmax: bool = False
    normalization: Normalization | None = None


def read_graph(found: Inspection) -> GraphFacts:
    """Read the facts of a model.

    Args:
        found: Inspection of a file or of the folder of an inference model.

    Raises:
        UsageError: ``model-family-unsupported``: its inputs or outputs are not those of a PicoDet or a
            TinyPose.
    """
    last = found.format == "tflite"
    inputs = to_channels_first(found.inputs) if last else found.inputs
    outputs = to_channels_first(found.outputs) if last else found.outputs
    image = _image(found, inputs)
    height, width = image.shape[2:] if image.shape is not None else (None, None)
    facts: dict[str, object] = {
        "path": found.path,
        "input": image.name,
        "height": height,
        "width": width,
        "normalization": found.normalization,
    }
    shapes = [tensor.shape for tensor in outputs]
    heads = (_heatmap(shapes, height), _raw(shapes), _boxes(shapes), _final(found, shapes))
    head = next(filter(None, heads), None)
    if head is None and all(shapes):
        raise _unsupported(found, "heat maps, or the outputs of a PicoDet", _describe(outputs))
    return GraphFacts.model_validate(facts | (head or {}))


_Shape = tuple[int | None, ...] | None


def _image(found: Inspection, inputs: Sequence[Tensor]) -> Tensor:
    images = [tensor for tensor in inputs if tensor.shape is None or _is_image(tensor.shape)]
    named = [tensor for tensor in images if tensor.name == "image"] or images
    if len(named) != 1:
        raise _unsupported(found, "one input of images with three channels", _describe(inputs))
    return named[0]


def _is_image(shape: tuple[int | None, ...]) -> bool:
    return len(shape) == 4 and shape[1] == _COLORS


def _heatmap(shapes: Sequence[_Shape], height: int | None) -> dict[str, object] | None:
    match shapes:
        case [(_, joints, rows, _), *others] if len(others) <= 1:
            stride = height // rows if height and rows else None
            return {"head": "heatmap", "channels": joints, "stride": stride, "argmax": bool(others)}
        case [None, (_, joints)]:  # Paddle-Lite does not record the shape of a value that it casts from FP16
            return {"head": "heatmap", "channels": joints, "argmax": True}
        case _:
            return None


def _raw(shapes: Sequence[_Shape]) -> dict[str, object] | None:
    levels = len(_STRIDES)
    if len(shapes) != 2 * levels or any(shape is not None and len(shape) != 3 for shape in shapes):
        return None
    classes, sides = (
        {shape[2] for shape in part if shape is not None} for part in (shapes[:levels], shapes[levels:])
    )
    bins = next(iter(sides), None)
    if len(classes) > 1 or len(sides) > 1 or (bins is not None and bins % 4):
        return None
    return {"head": "raw", "channels": next(iter(classes), None), "reg_max": bins and bins // 4 - 1}


def _boxes(shapes: Sequence[_Shape]) -> dict[str, object] | None:
    match shapes:
        case [None | (_, _, 4), (_, classes, _)]:
            return {"head": "boxes", "channels": classes}
        case _:
            return None


def _final(found: Inspection, shapes: Sequence[_Shape]) -> dict[str, object] | None:
    match shapes:
        case [(_, 6 | None), (_,)]:
            return {"head": "nms", "channels": _suppressed_classes(found)}
        case _:
            return None


def _suppressed_classes(found: Inspection) -> int | None:
    """Read the number of classes from the scores that enter the suppression; None if it is not recorded."""
    if found.format != "program":
        return None
    flow = read_dataflow(found.path)
    for operator in flow.operators:
        if operator.type not in _SUPPRESSION:
            continue
        scores = flow.tensors.get(next(iter(operator.inputs.get("Scores", ())), ""))
        if scores is not None and scores.shape is not None and len(scores.shape) == 3:
            return scores.shape[1]
    return None


def _describe(tensors: Sequence[Tensor]) -> str:
    texts = []
    for tensor in tensors[:8]:
        extents = (
            "?" if tensor.shape is None else "x".join("?" if n is None else str(n) for n in tensor.shape)
        )
        texts.append(f"{tensor.name} {extents}")
    return ", ".join(texts) + (" …" if len(tensors) > 8 else "") or "none"


def _unsupported(found: Inspection, expected: str, described: str) -> UsageError:
    return UsageError(
        "model-family-unsupported",
        f"{found.path} is neither a PicoDet nor a TinyPose",
        expected=expected,
        found=described,
        hint="zoo convert converts models of any family to ONNX and Paddle-Lite",
    )
