"""Reader of the weights of an ncnn model (``.bin``): raw numbers in the order of the layers.

The file has no header: the layers define how many numbers each takes. Filters and matrices start with a tag
for their element type; biases and similar arrays are always float32, without a tag.
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
_TABLE = 256 * 4  # bytes of the lookup table of one-byte indices
_TAGS = {0x01306B47: "float16", 0x000D4B38: "int8", 0x0002C056: "float32", 0: "float32"}
_SIZES = {"float16": 2, "int8": 1, "uint8": 1, "float32": 4}


@dataclass(frozen=True, slots=True)
class ArraySpec:
    """An array that a layer reads from the file.

    Attributes:
        count: Number of scalars.
        tagged: Whether a tag in front gives the element type.
    """

    count: int
    tagged: bool = False


@dataclass(frozen=True, slots=True)
class NcnnWeights:
    """Contents of a weights file.

    Attributes:
        size: Size of the file in bytes.
        tensors: Number of arrays.
        elements: Number of scalars by element type.
        weight_elements: Number of scalars by element type in filters and matrices only.
        unknown_layer: Type of the first layer with weights of unknown size, where reading stopped; None when
            the file was read to its end.
    """

    size: int
    tensors: int
    elements: Mapping[str, int]
    weight_elements: Mapping[str, int]
    unknown_layer: str | None


def read_ncnn_weights(path: Path, layers: Iterable[Layer]) -> NcnnWeights:
    """Walk through a ``.bin`` file in the way ncnn loads it.

    Args:
        path: The file.
        layers: The layers of its graph.

    Raises:
        IntegrityError: ``ncnn-truncated`` when the file ends before the weights do, ``ncnn-corrupt`` when
            bytes follow them.
        ValueError: A layer declares an invalid number of weights.
    """
    errors = FormatErrors(path, "ncnn", "the weights of an ncnn model")
    size, at, tensors = regular_file_size(path), 0, 0
    elements: Counter[str] = Counter()
    weight_elements: Counter[str] = Counter()
    with open_regular_file(path) as file:
        for layer in layers:
            arrays = _layer_arrays(layer)
            if arrays is None:
                return NcnnWeights(size, tensors, elements, weight_elements, layer.type)
            for array in arrays:
                dtype, length = _array_layout(file, at, array)
                at, tensors = at + length, tensors + 1
                if at > size:
                    raise errors.truncated(
                        size, f"{at} bytes, up to the end of {layer.name}", f"{size} bytes"
                    )
                elements[dtype] += array.count
                if array.tagged:
                    weight_elements[dtype] += array.count
    if at != size:
        raise errors.corrupt(at, f"{at} bytes, the total of all layers", f"{size} bytes")
    return NcnnWeights(size, tensors, elements, weight_elements, None)


def _array_layout(file: BinaryIO, at: int, array: ArraySpec) -> tuple[str, int]:
    """Return the element type of an array and its length in bytes with tag and padding."""
    if not array.tagged:
        return "float32", 4 * array.count
    file.seek(at)
    tag = int.from_bytes(file.read(_TAG), "little")
    dtype = _TAGS.get(tag, "uint8")
    data = -(-array.count * _SIZES[dtype] // 4) * 4
    return dtype, _TAG + data + (_TABLE if dtype == "uint8" else 0)


def _layer_arrays(layer: Layer) -> tuple[ArraySpec, ...] | None:
    """List the arrays that a layer reads, in order; None for an unknown layout."""
    if layer.type in _WEIGHTLESS:
        return ()
    rule = _ARRAY_RULES.get(layer.type)
    if rule is None:
        return None
    found = rule(layer)
    if found is None:
        return None
    arrays = tuple(array for array in found if array.count)
    if any(array.count < 0 for array in arrays):
        raise ValueError(f"{layer.name} declares a negative number of weights")
    return arrays


ArrayRule = Callable[[Layer], Iterable[ArraySpec] | None]


def _filter(size: int, bias: int, integer_parameter: int) -> ArrayRule:
    """Build the rule for a filter or matrix with its bias, from the parameter numbers."""

    def rule(layer: Layer) -> Iterable[ArraySpec] | None:
        if layer.integer(integer_parameter):
            # Scales follow integer weights, in a layout that this reader does not know.
            return None
        if layer.integer(_DYNAMIC.get(layer.type, -1)):
            return ()
        outputs = layer.integer(0) if layer.integer(bias) else 0
        return ArraySpec(layer.integer(size), tagged=True), ArraySpec(outputs)

    return rule


def _plain(size: int, arrays: int = 1, switch: int | None = None) -> ArrayRule:
    """Build the rule for arrays of one size, which the parameter ``switch`` can disable."""

    def rule(layer: Layer) -> Iterator[ArraySpec]:
        enabled = switch is None or layer.integer(switch, 1)
        return (ArraySpec(max(layer.integer(size), 0)) for _ in range(arrays if enabled else 0))

    return rule


def _scale(layer: Layer) -> tuple[ArraySpec, ...]:
    # A negative size means that the scale is another input.
    size = max(layer.integer(0), 0)
    return ArraySpec(size), ArraySpec(size if layer.integer(1) else 0)


def _constant(layer: Layer) -> tuple[ArraySpec, ...]:
    extents = [extent for number in (0, 1, 11, 2) if (extent := layer.integer(number))]
    return (ArraySpec(math.prod(extents) if extents else 0, tagged=layer.integer(21, 1) == 0),)


_DYNAMIC = {
    "Convolution": 19,
    "ConvolutionDepthWise": 19,
    "Convolution1D": 19,
    "ConvolutionDepthWise1D": 19,
    "Deconvolution": 28,
    "DeconvolutionDepthWise": 28,
}
_CONVOLUTIONS = (*_DYNAMIC, "Convolution3D", "ConvolutionDepthWise3D")
_ARRAY_RULES: Mapping[str, ArrayRule] = MappingProxyType(
    {
        **{name: _filter(size=6, bias=5, integer_parameter=8) for name in _CONVOLUTIONS},
        "InnerProduct": _filter(size=2, bias=1, integer_parameter=8),
        "Embed": _filter(size=3, bias=2, integer_parameter=18),
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
_WEIGHTLESS = frozenset(
    """
    AbsVal BNLL BinaryOp CELU Cast Clip Concat CopyTo Crop CumulativeSum DetectionOutput Diag Dropout
    ELU Einsum Eltwise Erf Exp ExpandDims Flatten Flip Fold GELU GLU GridSample HardSigmoid HardSwish
    Input Interp LRN Log MVN MatMul Mish Noop PSROIPooling Packing Permute PixelShuffle Pooling
    Pooling1D Pooling3D Power PriorBox Proposal ROIAlign ROIPooling ReLU Reduction Reorg Reshape SELU
    Shrink ShuffleChannel Sigmoid Slice Softmax Softplus Split Squeeze Swish TanH Threshold Tile UnaryOp
    Unfold Yolov3DetectionOutput
    """.split()  # noqa: SIM905  seventy quoted words are harder to read
)
