"""From a typed spec to a network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from paddle import nn

from converters.networks.lite_hrnet import TinyPose
from converters.networks.picodet import PicoDet

if TYPE_CHECKING:
    from registry.schema.architecture import Architecture

NETWORKS = {"lite_hrnet": TinyPose, "picodet": PicoDet}


def build(network: Architecture) -> nn.Layer:
    """The network a spec describes, in evaluation mode, with untrained weights.

    Works in dynamic and in static graph mode.

    Args:
        network: Spec; at run time any object with its attributes.
    """
    layer = NETWORKS[network.kind](network)
    layer.eval()
    return layer
