"""What the catalog says the sample model is, with the types its scripts need."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import registry
from registry import Entry
from registry.schema import HeatmapOutput, Input, KeypointProtocol, LiteHRNet
from zoo.sample import CATALOG, NAME


@dataclass(frozen=True)
class Recipe:
    """The parts of the entry that training and measuring need.

    Attributes:
        entry: All of it.
        network: Architecture.
        image: Input tensor.
        output: Heat maps.
        protocol: How it is measured; training crops the same way.
    """

    entry: Entry
    network: LiteHRNet
    image: Input
    output: HeatmapOutput
    protocol: KeypointProtocol


@lru_cache(maxsize=1)
def recipe() -> Recipe:
    """The recipe in the catalog beside this file.

    Raises:
        CatalogError: The catalog is broken.
    """
    entry = registry.load(CATALOG).get(NAME)
    network, output, protocol = entry.architecture, entry.output, entry.accuracy[0].protocol
    assert isinstance(network, LiteHRNet)
    assert isinstance(output, HeatmapOutput)
    assert isinstance(protocol, KeypointProtocol)
    return Recipe(entry, network, entry.input, output, protocol)
