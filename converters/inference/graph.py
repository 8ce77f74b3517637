"""The graph of an inference model: normalization, network, and what the options want behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import paddle
from paddle import Tensor

from converters.inference.boxes import BoxDecoder, cells_flat, cells_last, constant, grid, suppress, to_image
from converters.networks.build import build

if TYPE_CHECKING:
    from paddle import nn

    from converters.inference.options import InferenceOptions
    from converters.networks.pico_head import Level
    from registry.schema.architecture import Architecture, PicoDet
    from registry.schema.io import Input


class Graph(NamedTuple):
    """A network between the inputs and outputs of an inference model.

    Attributes:
        network: The part that holds the checkpoint's parameters.
        inputs: By name, in order.
        outputs: By name, in order.
    """

    network: nn.Layer
    inputs: dict[str, Tensor]
    outputs: dict[str, Tensor]


def assemble(network: Architecture, image: Input, options: InferenceOptions) -> Graph:
    """Lay the graph into the current static program.

    Args:
        network: Architecture.
        image: What the network expects to see.
        options: What the graph takes and hands out.
    """
    batch = -1 if options.batch is None else options.batch
    # All inputs before any parameter: a PIR program lists them in the order it met them only then.
    pixels = paddle.static.data(image.name, [batch, 3, image.height, image.width], "float32")
    inputs = {image.name: pixels}
    if options.head == "nms":
        inputs["scale_factor"] = paddle.static.data("scale_factor", [batch, 2], "float32")
    layer = build(network)
    features = layer(normalize(pixels, image) if options.normalization == "in_graph" else pixels)
    if network.kind == "lite_hrnet":
        return Graph(layer, inputs, pose_outputs(features, argmax=bool(options.argmax)))
    if options.head == "raw":
        return Graph(layer, inputs, raw_outputs(features, network.strides))
    scores = paddle.concat([cells_flat(level.scores) for level in features], axis=2)
    boxes = decoder(network, image, layer)(features)
    if options.head == "nms" and options.nms is not None:
        kept = suppress(to_image(boxes, inputs["scale_factor"]), scores, options.nms)
        return Graph(layer, inputs, {"boxes": kept.boxes, "box_counts": kept.counts})
    return Graph(layer, inputs, {"boxes": boxes, "scores": scores})


def normalize(pixels: Tensor, image: Input) -> Tensor:
    """``(pixels * scale - mean) / std`` as one multiplication and one addition a channel."""
    std = np.array(image.std, "float64").reshape(1, 3, 1, 1)
    mean = np.array(image.mean, "float64").reshape(1, 3, 1, 1)
    factor = constant("normalize_scale", (image.scale / std).astype("float32"))
    offset = constant("normalize_bias", (-mean / std).astype("float32"))
    return pixels * factor + offset


def pose_outputs(heatmaps: Tensor, *, argmax: bool) -> dict[str, Tensor]:
    """Heat maps, and where each is largest: an index into the map's rows laid end to end."""
    if not argmax:
        return {"heatmaps": heatmaps}
    return {"heatmaps": heatmaps, "argmax": paddle.argmax(cells_flat(heatmaps), axis=-1)}


def raw_outputs(levels: list[Level], strides: tuple[int, ...]) -> dict[str, Tensor]:
    """Scores of every level, then box distributions of every level, cells before channels."""
    by_stride = dict(zip(strides, levels, strict=True))
    scores = {f"scores_{stride}": cells_last(level.scores) for stride, level in by_stride.items()}
    return scores | {
        f"distances_{stride}": cells_last(level.distances) for stride, level in by_stride.items()
    }


def decoder(network: PicoDet, image: Input, layer: nn.Layer) -> BoxDecoder:
    """Decoder for the cells of this input size."""
    return BoxDecoder(grid(image.height, image.width, network.strides), layer.head.distribution_project)
