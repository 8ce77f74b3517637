"""Builds the graph of an inference model: normalization, network, and the requested outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import paddle
from paddle import Tensor

from converters.inference.boxes import (
    BoxDecoder,
    channels_last,
    flatten_cells,
    make_grid,
    suppress,
    to_image_pixels,
)
from converters.inference.constants import constant
from converters.inference.soft_argmax import expected_cells
from converters.networks.build import build

if TYPE_CHECKING:
    from paddle import nn

    from converters.inference.options import InferenceOptions
    from converters.networks.pico_head import Level
    from registry.schema.architecture import Architecture, PicoDet
    from registry.schema.io import Input


class Graph(NamedTuple):
    """A network with the inputs and outputs of an inference model.

    Attributes:
        network: The layer with the parameters of the checkpoint.
        inputs: By name, in order.
        outputs: By name, in order.
    """

    network: nn.Layer
    inputs: dict[str, Tensor]
    outputs: dict[str, Tensor]


def build_graph(architecture: Architecture, image: Input, options: InferenceOptions) -> Graph:
    """Add the graph to the current static program.

    Args:
        architecture: Architecture of the network.
        image: Input of the network.
        options: Inputs and outputs of the graph.
    """
    batch = -1 if options.batch is None else options.batch
    # All inputs before any parameter: otherwise a PIR program lists them in another order.
    pixels = paddle.static.data(image.name, [batch, 3, image.height, image.width], "float32")
    inputs = {image.name: pixels}
    if options.head == "nms":
        inputs["scale_factor"] = paddle.static.data("scale_factor", [batch, 2], "float32")
    network = build(architecture)
    features = network(normalize(pixels, image) if options.normalization == "in_graph" else pixels)
    if architecture.kind == "lite_hrnet" and architecture.depth > 1:
        return Graph(network, inputs, {"joints": expected_cells(features, architecture.depth)})
    if architecture.kind == "lite_hrnet":
        return Graph(network, inputs, pose_outputs(features, argmax=bool(options.argmax)))
    if options.head == "raw":
        return Graph(network, inputs, raw_outputs(features, architecture.strides))
    scores = paddle.concat([flatten_cells(level.scores) for level in features], axis=2)
    boxes = make_decoder(architecture, image, network)(features)
    if options.head == "nms" and options.nms is not None:
        kept = suppress(to_image_pixels(boxes, inputs["scale_factor"]), scores, options.nms)
        return Graph(network, inputs, {"boxes": kept.boxes, "box_counts": kept.counts})
    return Graph(network, inputs, {"boxes": boxes, "scores": scores})


def normalize(pixels: Tensor, image: Input) -> Tensor:
    """Compute ``(pixels * scale - mean) / std`` as one multiplication and one addition per channel."""
    std = np.array(image.std, "float64").reshape(1, 3, 1, 1)
    mean = np.array(image.mean, "float64").reshape(1, 3, 1, 1)
    factor = constant("normalize_scale", (image.scale / std).astype("float32"))
    offset = constant("normalize_bias", (-mean / std).astype("float32"))
    return pixels * factor + offset


def pose_outputs(heatmaps: Tensor, *, argmax: bool) -> dict[str, Tensor]:
    """Return the heat maps, and optionally the flat index of the maximum of each map."""
    if not argmax:
        return {"heatmaps": heatmaps}
    return {"heatmaps": heatmaps, "argmax": paddle.argmax(flatten_cells(heatmaps), axis=-1)}


def raw_outputs(levels: list[Level], strides: tuple[int, ...]) -> dict[str, Tensor]:
    """Return the scores of every level, then the box distributions of every level, channels last."""
    by_stride = dict(zip(strides, levels, strict=True))
    scores = {f"scores_{stride}": channels_last(level.scores) for stride, level in by_stride.items()}
    return scores | {
        f"distances_{stride}": channels_last(level.distances) for stride, level in by_stride.items()
    }


def make_decoder(architecture: PicoDet, image: Input, network: nn.Layer) -> BoxDecoder:
    """Create the decoder for the cells of this input size."""
    cells = make_grid(image.height, image.width, architecture.strides)
    return BoxDecoder(cells, network.head.distribution_project)
