"""Measures the networks of the catalog; ``python -m converters.networks.measure`` writes the table."""

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
from converters.networks.measured import FILE, Measurement, Table, fold
from registry.schema.architecture import Architecture

SIDE = 256
"""Side of the square input that is used: each stride from 2 to 64 gives another map size, all above 1."""


def measure(network: Architecture) -> Measurement:
    """Build a network, look at its parameters, and run it once to see the maps its convolutions make."""
    layer = build(network)
    per_cell: Counter[int] = Counter()

    def count(convolution: nn.Layer, _: Any, output: Tensor) -> None:
        side = output.shape[2]
        per_cell[SIDE // side] += math.prod(convolution.weight.shape)

    for sublayer in layer.sublayers():
        if isinstance(sublayer, nn.Conv2D):
            sublayer.register_forward_post_hook(count)
    with paddle.no_grad():
        layer(paddle.zeros([1, 3, SIDE, SIDE]))
    once = per_cell.pop(SIDE, 0)
    return Measurement(
        network=network,
        parameters=sum(math.prod(p.shape) for p in layer.parameters() if p.trainable),
        multiply_adds_per_cell=dict(sorted(per_cell.items())),
        multiply_adds_once=once,
        state_dict=fold({name: tuple(tensor.shape) for name, tensor in layer.state_dict().items()}),
    )


def networks_of(entries: Iterable[registry.Entry]) -> list[Architecture]:
    """The distinct networks of entries, in their order."""
    return list(dict.fromkeys(entry.architecture for entry in entries if entry.architecture is not None))


def write_table() -> None:
    """Measure every network of the shipped catalog and replace the file."""
    table = Table(networks=tuple(measure(network) for network in networks_of(registry.load())))
    # One line a network, so that a change shows where it belongs.
    lines = [canonical_json(item.model_dump(mode="json")).decode() for item in table.networks]
    publish_bytes(('{"networks":[\n' + ",\n".join(lines) + "\n]}\n").encode(), FILE)


if __name__ == "__main__":
    write_table()
