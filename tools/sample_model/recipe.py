"""The catalog entry of the sample model, with the types that its scripts need."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import registry
from registry import Entry
from registry.schema import HeatmapOutput, Input, KeypointProtocol, LiteHRNet
from zoo.sample import CATALOG, NAME


@dataclass(frozen=True)
class Recipe:
    """The parts of the entry for training and measuring.

    Attributes:
        entry: The entry.
        architecture: Architecture of the network.
        image: Input tensor.
        output: Heatmaps.
        protocol: Evaluation protocol; training crops in the same way.
    """

    entry: Entry
    architecture: LiteHRNet
    image: Input
    output: HeatmapOutput
    protocol: KeypointProtocol


@lru_cache(maxsize=1)
def recipe() -> Recipe:
    """Read the entry from the catalog of the sample model.

    Raises:
        CatalogError: The catalog is invalid.
    """
    entry = registry.load(CATALOG).get(NAME)
    network, output, protocol = entry.architecture, entry.output, entry.accuracy[0].protocol
    assert isinstance(network, LiteHRNet)
    assert isinstance(output, HeatmapOutput)
    assert isinstance(protocol, KeypointProtocol)
    return Recipe(entry, network, entry.input, output, protocol)
