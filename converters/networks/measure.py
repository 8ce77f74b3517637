"""Measures the networks of the catalog: ``python -m converters.networks.measure`` writes the JSON file."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from typing import Any

import paddle
from paddle import Tensor, nn

import registry
from converters.fs.atomic import canonical_json, publish_bytes
from converters.networks.build import build
from converters.networks.measured import FILE, Measurement, fold
from registry.schema.architecture import Architecture

SIDE = 256
"""Side of the square input: each stride from 2 to 64 gives a different map size, all above 1."""


def measure(architecture: Architecture) -> Measurement:
    """Build a network, count its parameters, and run it once to record the sizes of its feature maps."""
    network = build(architecture)
    per_cell: Counter[int] = Counter()

    def count(convolution: nn.Layer, _: Any, output: Tensor) -> None:
        side = output.shape[2]
        per_cell[SIDE // side] += math.prod(convolution.weight.shape)

    for sublayer in network.sublayers():
        if isinstance(sublayer, nn.Conv2D):
            sublayer.register_forward_post_hook(count)
    with paddle.no_grad():
        network(paddle.zeros([1, 3, SIDE, SIDE]))
    once = per_cell.pop(SIDE, 0)
    return Measurement(
        architecture=architecture,
        parameters=sum(math.prod(p.shape) for p in network.parameters() if p.trainable),
        multiply_adds_per_cell=dict(sorted(per_cell.items())),
        multiply_adds_once=once,
        state_dict=fold({name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}),
    )


def find_architectures(entries: Iterable[registry.Entry]) -> list[Architecture]:
    """Return the distinct architectures of entries, in the order of the entries."""
    return list(dict.fromkeys(entry.architecture for entry in entries if entry.architecture is not None))


def write_table() -> None:
    """Measure every network of the shipped catalog and replace the file."""
    measurements = [measure(architecture) for architecture in find_architectures(registry.load())]
    # One line per network, so that a diff shows which network changed.
    lines = [canonical_json(item.model_dump(mode="json")).decode() for item in measurements]
    publish_bytes(('{"measurements":[\n' + ",\n".join(lines) + "\n]}\n").encode(), FILE)


if __name__ == "__main__":
    write_table()
