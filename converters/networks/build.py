"""Builds a network from its architecture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from paddle import nn

from converters.networks.lite_hrnet import TinyPose
from converters.networks.picodet import PicoDet

if TYPE_CHECKING:
    from registry.schema.architecture import Architecture

NETWORKS = {"lite_hrnet": TinyPose, "picodet": PicoDet}


def build(architecture: Architecture) -> nn.Layer:
    """Build a network in evaluation mode, with untrained weights.

    Works in dynamic and in static graph mode.

    Args:
        architecture: Architecture; at run time any object with its attributes.
    """
    network = NETWORKS[architecture.kind](architecture)
    network.eval()
    return network
