"""The layers of a network whose shapes follow from the number of its classes or joints.

A network that was fine-tuned for other classes or joints differs from the published one in these layers
alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from registry.schema.architecture import Architecture, LiteHRNet

Shape = tuple[int, ...]


@dataclass(frozen=True)
class HeadLayer:
    """A pointwise convolution with bias, which predicts classes or joints.

    Attributes:
        names: Prefix of its parameters in the state dict, then the other names of the same parameters.
        stride: Input pixels per cell of its output.
        inputs: Input channels.
        outputs: Output channels.
        boxes: Number of output channels that describe the box and do not depend on the number of classes.
        depth: Output channels of each class or joint.
    """

    names: tuple[str, ...]
    stride: int
    inputs: int
    outputs: int
    boxes: int = 0
    depth: int = 1

    @property
    def parameters(self) -> int:
        """Number of trainable parameters."""
        return self.outputs * (self.inputs + 1)

    def shapes(self) -> dict[str, Shape]:
        """Shapes of its entries in the state dict, by name."""
        shapes = {"weight": (self.outputs, self.inputs, 1, 1), "bias": (self.outputs,)}
        return {f"{name}.{leaf}": shape for name in self.names for leaf, shape in shapes.items()}


def head_layers(architecture: Architecture) -> tuple[HeadLayer, ...]:
    """Return the layers that depend on the number of classes or joints, one for each level."""
    if isinstance(architecture, LiteHRNet):
        outputs, depth = architecture.joints * architecture.depth, architecture.depth
        return (HeadLayer(("final_conv",), 4, architecture.width, outputs, depth=depth),)
    # The 2021 head predicts classes and boxes with one convolution, the 2022 head with one for each; there
    # the class convolution is registered twice.
    shared = architecture.head == "pico_head"
    boxes = 4 * (architecture.reg_max + 1) if shared else 0
    return tuple(
        HeadLayer(
            (f"head.head_cls{level}",)
            if shared
            else (f"head.head_cls{level}", f"head.head_cls_list.{level}"),
            stride,
            architecture.width,
            architecture.classes + boxes,
            boxes,
        )
        for level, stride in enumerate(architecture.strides)
    )


def output_count(architecture: Architecture) -> int:
    """Return the number of classes or joints of an architecture."""
    return architecture.joints if isinstance(architecture, LiteHRNet) else architecture.classes


def with_output_count(architecture: Architecture, count: int) -> Architecture:
    """Return the architecture with another number of classes or joints.

    Args:
        architecture: The architecture.
        count: Number of classes or joints, at least 1.
    """
    field = "joints" if isinstance(architecture, LiteHRNet) else "classes"
    return architecture.model_copy(update={field: count})


def read_output_count(architecture: Architecture, shapes: Mapping[str, Shape]) -> int | None:
    """Read the number of classes or joints from the shapes of a checkpoint.

    Args:
        architecture: Architecture of the network, with any number of classes or joints.
        shapes: Shape by parameter name.

    Returns:
        The number; None if the checkpoint does not have the layers of this head, or if they contradict each
        other.
    """
    counts = {_layer_count(layer, shapes) for layer in head_layers(architecture)}
    found = counts.pop()
    return None if counts else found


def _layer_count(layer: HeadLayer, shapes: Mapping[str, Shape]) -> int | None:
    shape = shapes.get(f"{layer.names[0]}.weight", ())
    if len(shape) != 4 or shape[1:] != (layer.inputs, 1, 1) or shape[0] <= layer.boxes:
        return None
    count, rest = divmod(shape[0] - layer.boxes, layer.depth)
    return None if rest else count


def added_parameters(new: Iterable[HeadLayer], old: Iterable[HeadLayer]) -> int:
    """Return how many trainable parameters one head has more than another."""
    return sum(layer.parameters for layer in new) - sum(layer.parameters for layer in old)


def added_multiply_adds(new: Iterable[HeadLayer], old: Iterable[HeadLayer]) -> dict[int, int]:
    """Return how many multiply-adds one head has more than another, for each cell of a map, by its stride."""
    return {
        after.stride: after.inputs * after.outputs - before.inputs * before.outputs
        for after, before in zip(new, old, strict=True)
    }
