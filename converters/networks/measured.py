"""What is known about the networks of the catalog without building them: parameters and arithmetic.

Importing paddle takes seconds and needs hundreds of megabytes, too much for showing a size or refusing a
checkpoint of another network. So networks are measured once, by ``python -m converters.networks.measure``,
into ``measured.json``; a test repeats the measurement.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import JsonValue, NonNegativeInt, PositiveInt

from registry.schema.architecture import Architecture
from registry.schema.base import Model

FILE = Path(__file__).with_name("measured.json")

Tree = dict[str, JsonValue]
"""A state dict folded along the dots of its names; the leaves are shapes."""


class Complexity(Model):
    """Size of a network and the work of one input.

    Attributes:
        parameters: Numbers that training changes; batch-norm statistics are not among them.
        multiply_adds: Multiplications of all convolutions, each with its addition. Norms, activations,
            pooling and resizing are not counted, and a bias is not either.
    """

    parameters: PositiveInt
    multiply_adds: PositiveInt


class Measurement(Model):
    """One network, measured.

    Attributes:
        network: The spec.
        parameters: As in `Complexity`.
        multiply_adds_per_cell: Multiply-adds for each cell of a map, by the stride of the map.
        multiply_adds_once: Multiply-adds behind global pooling, which no input size changes.
        state_dict: Shape of every entry of the state dict.
    """

    network: Architecture
    parameters: PositiveInt
    multiply_adds_per_cell: dict[PositiveInt, PositiveInt]
    multiply_adds_once: NonNegativeInt
    state_dict: Tree

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape by parameter name."""
        return dict(_unfold(self.state_dict))

    def complexity(self, height: int, width: int) -> Complexity:
        """Work for one input of that size, in pixels; every map's sides are rounded up."""
        moving = sum(
            count * -(-height // stride) * -(-width // stride)
            for stride, count in self.multiply_adds_per_cell.items()
        )
        return Complexity(parameters=self.parameters, multiply_adds=moving + self.multiply_adds_once)


class Table(Model):
    """The file."""

    networks: tuple[Measurement, ...]


def measurement_of(network: Architecture) -> Measurement | None:
    """The measurement of a network; None when it was never measured."""
    return next((known for known in _table().networks if known.network == network), None)


def fold(shapes: Mapping[str, tuple[int, ...]]) -> Tree:
    """Shapes by name to a tree; the inverse of `Measurement.shapes`."""
    tree: Tree = {}
    for name, shape in shapes.items():
        *path, leaf = name.split(".")
        node = tree
        for part in path:
            node = node.setdefault(part, {})  # type: ignore[assignment]  # inner nodes are trees
        node[leaf] = list(shape)
    return tree


def _unfold(tree: Tree, prefix: str = "") -> Iterator[tuple[str, tuple[int, ...]]]:
    for name, node in tree.items():
        if isinstance(node, dict):
            yield from _unfold(node, f"{prefix}{name}.")
        elif isinstance(node, list):
            yield f"{prefix}{name}", tuple(int(str(extent)) for extent in node)


@functools.cache
def _table() -> Table:
    return Table.model_validate(json.loads(FILE.read_text(encoding="utf-8")))
