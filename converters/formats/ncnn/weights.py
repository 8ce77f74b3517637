"""The weights of an ncnn model: bare numbers, in the order of the layers that need them.

Nothing in the file says what it holds: the layers say how many numbers they take. Filters and matrices begin
with a tag that says how they are stored; biases and the like are always single precision, without a tag.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO

from converters.formats.bounded_io import open_regular_file, regular_file_size
from converters.formats.errors import FormatErrors
from converters.formats.ncnn.graph import Layer

_TAG = 4
_TABLE = 256 * 4  # bytes of the numbers that one-byte indices stand for
_TAGS = {0x01306B47: "float16", 0x000D4B38: "int8", 0x0002C056: "float32", 0: "float32"}
_SIZES = {"float16": 2, "int8": 1, "uint8": 1, "float32": 4}


@dataclass(frozen=True, slots=True)
class Stored:
    """Numbers a layer takes from the file.

    Attributes:
        count: How many.
        tagged: Whether a tag before them says how they are stored.
    """

    count: int
    tagged: bool = False


@dataclass(frozen=True, slots=True)
class NcnnWeights:
    """What a file of weights holds.

    Attributes:
        size: Its size in bytes.
        tensors: Number of arrays.
        elements: Element type to number of scalars.
        chosen: The same of the arrays whose storage was a choice: filters and matrices.
        unaccounted: Type of the layer whose weights are of unknown size, so that what follows was not looked
            at; None when the file was read to its end.
    """

    size: int
    tensors: int
    elements: Mapping[str, int]
    chosen: Mapping[str, int]
    unaccounted: str | None


def read_ncnn_weights(path: Path, layers: Iterable[Layer]) -> NcnnWeights:
    """Walks through a ``.bin`` file as ncnn does when it loads it.

    Args:
        path: The file.
        layers: The layers of the graph it belongs to.

    Raises:
        IntegrityError: ``ncnn-truncated`` when it ends before the weights do, ``ncnn-corrupt`` when something
            is left over.
        ValueError: A layer says no sensible number of what it takes.
    """
    errors = FormatErrors(path, "ncnn", "the weights of an ncnn model")
    size, at, tensors = regular_file_size(path), 0, 0
    elements: Counter[str] = Counter()
    chosen: Counter[str] = Counter()
    with open_regular_file(path) as file:
        for layer in layers:
            needed = _needed(layer)
            if needed is None:
                return NcnnWeights(size, tensors, elements, chosen, layer.type)
            for stored in needed:
                dtype, length = _storage(file, at, stored)
                at, tensors = at + length, tensors + 1
                if at > size:
                    raise errors.truncated(
                        size, f"{at} bytes, up to the end of {layer.name}", f"{size} bytes"
                    )
                elements[dtype] += stored.count
                if stored.tagged:
                    chosen[dtype] += stored.count
    if at != size:
        raise errors.corrupt(at, f"{at} bytes, which is what the layers take", f"{size} bytes")
    return NcnnWeights(size, tensors, elements, chosen, None)


def _storage(file: BinaryIO, at: int, stored: Stored) -> tuple[str, int]:
    """Element type of an array, and its length in bytes with tag and padding."""
    if not stored.tagged:
        return "float32", 4 * stored.count
    file.seek(at)
    tag = int.from_bytes(file.read(_TAG), "little")
    dtype = _TAGS.get(tag, "uint8")
    data = -(-stored.count * _SIZES[dtype] // 4) * 4
    return dtype, _TAG + data + (_TABLE if dtype == "uint8" else 0)


def _needed(layer: Layer) -> tuple[Stored, ...] | None:
    """The arrays a layer takes, in order; None when that is not known here."""
    if layer.type in _WITHOUT:
        return ()
    needs = _NEEDS.get(layer.type)
    if needs is None:
        return None
    found = needs(layer)
    if found is None:
        return None
    arrays = tuple(stored for stored in found if stored.count)
    if any(stored.count < 0 for stored in arrays):
        raise ValueError(f"{layer.name} takes fewer numbers than none")
    return arrays


Needs = Callable[[Layer], Iterable[Stored] | None]


def _filter(size: int, bias: int, integers: int) -> Needs:
    """A filter or matrix and its bias, by the numbers of the parameters; in integers, scales follow."""

    def needs(layer: Layer) -> Iterable[Stored] | None:
        if layer.integer(integers):
            return None
        if layer.integer(_DYNAMIC.get(layer.type, -1)):
            return ()
        outputs = layer.integer(0) if layer.integer(bias) else 0
        return Stored(layer.integer(size), tagged=True), Stored(outputs)

    return needs


def _plain(size: int, arrays: int = 1, switch: int | None = None) -> Needs:
    """Arrays of one size, which a parameter may switch off."""

    def needs(layer: Layer) -> Iterator[Stored]:
        wanted = switch is None or layer.integer(switch, 1)
        return (Stored(max(layer.integer(size), 0)) for _ in range(arrays if wanted else 0))

    return needs


def _scale(layer: Layer) -> tuple[Stored, ...]:
    # A negative size: the scale is another input.
    size = max(layer.integer(0), 0)
    return Stored(size), Stored(size if layer.integer(1) else 0)


def _constant(layer: Layer) -> tuple[Stored, ...]:
    extents = [extent for number in (0, 1, 11, 2) if (extent := layer.integer(number))]
    return (Stored(math.prod(extents) if extents else 0, tagged=layer.integer(21, 1) == 0),)


_DYNAMIC = {
    "Convolution": 19,
    "ConvolutionDepthWise": 19,
    "Convolution1D": 19,
    "ConvolutionDepthWise1D": 19,
    "Deconvolution": 28,
    "DeconvolutionDepthWise": 28,
}
_CONVOLUTIONS = (*_DYNAMIC, "Convolution3D", "ConvolutionDepthWise3D")
_NEEDS: Mapping[str, Needs] = MappingProxyType(
    {
        **{name: _filter(size=6, bias=5, integers=8) for name in _CONVOLUTIONS},
        "InnerProduct": _filter(size=2, bias=1, integers=8),
        "Embed": _filter(size=3, bias=2, integers=18),
        "BatchNorm": _plain(0, arrays=4),
        "Bias": _plain(0),
        "GroupNorm": _plain(1, arrays=2, switch=3),
        "InstanceNorm": _plain(0, arrays=2, switch=2),
        "LayerNorm": _plain(0, arrays=2, switch=2),
        "MemoryData": _constant,
        "Normalize": _plain(3),
        "PReLU": _plain(0),
        "Padding": _plain(6),
        "RMSNorm": _plain(0, switch=2),
        "Scale": _scale,
    }
)
_WITHOUT = frozenset(
    """
    AbsVal BNLL BinaryOp CELU Cast Clip Concat CopyTo Crop CumulativeSum DetectionOutput Diag Dropout
    ELU Einsum Eltwise Erf Exp ExpandDims Flatten Flip Fold GELU GLU GridSample HardSigmoid HardSwish
    Input Interp LRN Log MVN MatMul Mish Noop PSROIPooling Packing Permute PixelShuffle Pooling
    Pooling1D Pooling3D Power PriorBox Proposal ROIAlign ROIPooling ReLU Reduction Reorg Reshape SELU
    Shrink ShuffleChannel Sigmoid Slice Softmax Softplus Split Squeeze Swish TanH Threshold Tile UnaryOp
    Unfold Yolov3DetectionOutput
    """.split()  # noqa: SIM905  a list of seventy quoted words is no better to read
)
