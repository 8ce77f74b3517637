"""Reader of the graph of an ncnn model (``.param``): plain text with one layer per line.

The first line is a magic number, the second counts layers and values. A layer line contains its type, its
name, the numbers of values it reads and writes, their names, and parameters as ``number=value``; the number
of an array parameter is ``-23300 - number``. Format: https://github.com/Tencent/ncnn/wiki/param-and-model-file-structure
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from converters.formats.bounded_io import read_bounded
from converters.formats.dataflow import Dataflow
from converters.formats.errors import FormatErrors
from converters.formats.graph import MAX_ENTRIES, Operator
from converters.formats.inspection import Tensor
from converters.formats.kind import HEAD_BYTES, Kind, require_kind

_LIMIT = 1 << 24  # bytes; 80 for each of the largest number of layers
_ARRAY = -23300
_PARAMETER = re.compile(r"(-?\d{1,9})=(\S*)")
_EXTENTS = (2, 11, 1, 0)  # parameters of an Input layer: channels, depth, height and width
# ncnn's BinaryOp by operation number, in ONNX spelling; the other operations keep the name BinaryOp.
_BINARY = {"0": "Add", "1": "Sub", "2": "Mul", "3": "Div"}


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer: one line of the graph.

    Attributes:
        type: Type, for example ``Convolution``.
        name: Name; the format does not require it to be unique.
        reads: Names of the values it reads.
        writes: Names of the values it writes.
        parameters: Text of the value by parameter number.
    """

    type: str
    name: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    parameters: Mapping[int, str]

    def integer(self, number: int, default: int = 0) -> int:
        """Return a parameter as an integer.

        Raises:
            ValueError: The parameter is not an integer.
        """
        return int(self.parameters.get(number, default))


@dataclass(frozen=True, slots=True)
class NcnnGraph:
    """A decoded graph.

    Attributes:
        path: The file.
        size: Its size in bytes.
        sha256: Digest of its bytes.
        layers: Layers in file order.
        inputs: Inputs; where the file records extents, a batch extent of 1 comes first.
        outputs: Values that no layer reads, in file order.
    """

    path: Path
    size: int
    sha256: str
    layers: tuple[Layer, ...]
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]

    @property
    def dataflow(self) -> Dataflow:
        """Operators and values, with binary arithmetic named as in other formats."""
        operators = tuple(
            Operator(_operation(layer), {"": layer.reads}, {"": layer.writes}, {})
            for layer in self.layers
            if layer.type not in ("Input", "MemoryData")
        )
        stored = [name for layer in self.layers if layer.type == "MemoryData" for name in layer.writes]
        return Dataflow(operators, self.inputs, self.outputs, parameters=frozenset(stored))


def read_ncnn(path: Path) -> NcnnGraph:
    """Decode a ``.param`` file.

    Raises:
        IntegrityError: ``not-an-ncnn-model`` for another format, ``ncnn-corrupt`` for inconsistent content,
            ``ncnn-truncated`` when layers are missing, ``ncnn-too-large``.
    """
    errors = FormatErrors(path, "ncnn", "an ncnn model")
    data = read_bounded(path, _LIMIT, errors)
    require_kind(data[:HEAD_BYTES], Kind.NCNN, "not-an-ncnn-model", str(path))
    try:
        layers = tuple(_layers(data.decode(), errors))
        inputs = tuple(_input(layer) for layer in layers if layer.type == "Input")
    except ValueError as error:
        raise errors.corrupt(None, "layers as plain text", str(error)[:120]) from None
    read = {name for layer in layers for name in layer.reads}
    outputs = [name for layer in layers for name in layer.writes if name not in read]
    return NcnnGraph(
        path=path,
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        layers=layers,
        inputs=inputs,
        outputs=tuple(Tensor(name=name, shape=None, dtype="float32") for name in outputs),
    )


def _layers(text: str, errors: FormatErrors) -> Iterator[Layer]:
    if text.count("\n") > 2 * MAX_ENTRIES:
        raise errors.too_large(f"at most {2 * MAX_ENTRIES} lines", "more")
    lines = [line for line in text.splitlines() if line.strip()]
    counts = lines[1].split() if len(lines) > 1 else []
    if len(counts) != 2:
        raise errors.truncated(None, "the numbers of layers and values", "nothing")
    layers, values = (int(count) for count in counts)
    if not 0 < layers <= MAX_ENTRIES:
        raise errors.corrupt(None, f"1 to {MAX_ENTRIES} layers", str(layers))
    found = len(lines) - 2
    if found < layers:
        raise errors.truncated(None, f"{layers} layers", f"{found}")
    if found > layers:
        raise errors.corrupt(None, f"{layers} layers", f"{found}")
    known: set[str] = set()
    for line in lines[2:]:
        layer = _layer(line.split())
        if missing := [name for name in layer.reads if name not in known]:
            raise ValueError(f"{layer.name} reads {missing[0]}, which no earlier layer writes")
        for name in layer.writes:
            if name in known:
                raise ValueError(f"{name} is written twice")
            known.add(name)
        yield layer
    # A manually edited graph can declare more values than it has: ncnn allocates them and loads the graph.
    if len(known) > values:
        raise errors.corrupt(None, f"at most {values} values", f"{len(known)}")


def _layer(words: list[str]) -> Layer:
    if len(words) < 4:
        raise ValueError(f"a layer line has {len(words)} words")
    kind, name = words[:2]
    reads, writes = int(words[2]), int(words[3])
    first, last = 4 + reads, 4 + reads + writes
    if min(reads, writes) < 0 or len(words) < last:
        raise ValueError(f"{name} lists fewer values than it declares")
    matches = [_PARAMETER.fullmatch(word) for word in words[last:]]
    parameters = {}
    for word, match in zip(words[last:], matches, strict=True):
        if match is None:
            raise ValueError(f"{name} has {word} in place of a parameter")
        number = int(match[1])
        parameters[_ARRAY - number if number <= _ARRAY else number] = match[2]
    return Layer(kind, name, tuple(words[4:first]), tuple(words[first:last]), parameters)


def _input(layer: Layer) -> Tensor:
    extents = [extent for number in _EXTENTS if (extent := layer.integer(number)) > 0]
    name = layer.writes[0] if layer.writes else layer.name
    return Tensor(name=name, shape=(1, *extents) if extents else None, dtype="float32")


def _operation(layer: Layer) -> str:
    if layer.type != "BinaryOp":
        return layer.type
    return _BINARY.get(layer.parameters.get(0, "0"), layer.type)
