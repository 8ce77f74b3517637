"""Parameters and arithmetic of the networks of the catalog, without building them.

Importing paddle takes seconds and hundreds of megabytes, too much to show a size or to reject a checkpoint of
another architecture. Therefore ``python -m converters.networks.measure`` measures the networks once and
writes ``measured.json``; a test repeats the measurement.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import JsonValue, NonNegativeInt, PositiveInt

from converters.networks.head_layers import (
    added_multiply_adds,
    added_parameters,
    head_layers,
    output_count,
    with_output_count,
)
from registry.schema.architecture import Architecture
from registry.schema.base import Model

FILE = Path(__file__).with_name("measured.json")

Tree = dict[str, JsonValue]
"""A state dict folded along the dots of its names; the leaves are shapes."""


class Complexity(Model):
    """Size and arithmetic of a network for one input.

    Attributes:
        parameters: Number of trainable parameters, without batch-norm statistics.
        multiply_adds: Multiply-adds of all convolutions. Norms, activations, pooling, resizing and biases
            are not counted.
    """

    parameters: PositiveInt
    multiply_adds: PositiveInt


class Measurement(Model):
    """Measurement of one network.

    Attributes:
        architecture: Architecture of the network.
        parameters: As in `Complexity`.
        multiply_adds_per_cell: Multiply-adds for each cell of a map, by the stride of the map.
        multiply_adds_once: Multiply-adds after global pooling, which do not depend on the input size.
        state_dict: Shape of every entry of the state dict.
    """

    architecture: Architecture
    parameters: PositiveInt
    multiply_adds_per_cell: dict[PositiveInt, PositiveInt]
    multiply_adds_once: NonNegativeInt
    state_dict: Tree

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shapes by parameter name."""
        return dict(_unfold(self.state_dict))

    def complexity(self, height: int, width: int) -> Complexity:
        """Compute the complexity for an input size in pixels; the sides of every map are rounded up."""
        per_map = sum(
            count * -(-height // stride) * -(-width // stride)
            for stride, count in self.multiply_adds_per_cell.items()
        )
        return Complexity(parameters=self.parameters, multiply_adds=per_map + self.multiply_adds_once)


class Table(Model):
    """Content of ``measured.json``."""

    measurements: tuple[Measurement, ...]


def measurement_of(architecture: Architecture) -> Measurement | None:
    """Return the measurement of an architecture; None if it was never measured.

    That of a network with another number of classes or joints follows from the measured one.
    """
    measurements = _table().measurements
    exact = next((each for each in measurements if each.architecture == architecture), None)
    if exact is not None:
        return exact
    alike = (each for each in measurements if _differ_in_count(each.architecture, architecture))
    base = next(alike, None)
    return None if base is None else _with_head(base, architecture)


def _differ_in_count(one: Architecture, other: Architecture) -> bool:
    return one.kind == other.kind and with_output_count(one, output_count(other)) == other


def _with_head(base: Measurement, architecture: Architecture) -> Measurement:
    """Replace the layers of the head in a measurement."""
    new, old = head_layers(architecture), head_layers(base.architecture)
    added = added_multiply_adds(new, old)
    shapes = base.shapes | {name: shape for layer in new for name, shape in layer.shapes().items()}
    return Measurement(
        architecture=architecture,
        parameters=base.parameters + added_parameters(new, old),
        multiply_adds_per_cell={
            stride: count + added.get(stride, 0) for stride, count in base.multiply_adds_per_cell.items()
        },
        multiply_adds_once=base.multiply_adds_once,
        state_dict=fold(shapes),
    )


def fold(shapes: Mapping[str, tuple[int, ...]]) -> Tree:
    """Fold shapes by name into a tree; the inverse of `Measurement.shapes`."""
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
