"""LiteHRNet "wider naive", the network of PP-TinyPose: heat maps of body joints for the crop of one person.

HRNet has parallel branches of several resolutions: branch ``b`` works at 1/4, 1/8, 1/16 or 1/32 of the input,
with ``width * 2**b`` channels. Each stage adds a branch with a transition. Each of its modules runs shuffle
units on every branch and then fuses every branch into every other. The head goes from the lowest resolution
to the highest.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import paddle.nn.functional as F
from paddle import Tensor, nn

from converters.networks.layers import ConvNorm, channel_shuffle, concat, conv, split_channels

if TYPE_CHECKING:
    from registry.schema.architecture import LiteHRNet


class TinyPose(nn.Layer):
    """Backbone and a final pointwise convolution to one heat map per joint, or one volume for 3D poses."""

    def __init__(self, spec: LiteHRNet) -> None:
        super().__init__()
        self.backbone = Backbone(spec)
        self.final_conv = conv(spec.width, spec.joints * spec.depth, 1, bias=True)

    def forward(self, image: Tensor) -> Tensor:
        """Return heat maps of a normalized image.

        Args:
            image: [N, 3, H, W]; H, W multiples of 32.

        Returns:
            [N, joints * depth, H/4, W/4]; the depth cells of a joint are neighboring channels.
        """
        return self.final_conv(self.backbone(image))


class Backbone(nn.Layer):
    """Stem, then transition and stage in turn, then the iterative head."""

    def __init__(self, spec: LiteHRNet) -> None:
        super().__init__()
        self.stem = Stem(spec.stem_channels)
        self.stages = len(spec.modules)
        widths = [spec.width * 2**branch for branch in range(self.stages + 1)]
        for stage, modules in enumerate(spec.modules):
            branches = widths[: stage + 2]
            transition = (
                first_transition(spec.stem_channels, branches) if stage == 0 else transition_to(branches)
            )
            self.add_sublayer(f"transition{stage}", transition)
            stacked = nn.Sequential(*(HighResolutionModule(branches, spec.units) for _ in range(modules)))
            self.add_sublayer(f"stage{stage}", stacked)
        self.head_layer = IterativeHead(widths)

    def forward(self, image: Tensor) -> Tensor:
        """Return features [N, width, H/4, W/4] of the highest resolution."""
        branches = [self.stem(image)]
        for stage in range(self.stages):
            transition = getattr(self, f"transition{stage}")
            # A new branch starts from the last existing one.
            sources = [*branches, *[branches[-1]] * (len(transition) - len(branches))]
            branches = [step(source) for step, source in zip(transition, sources, strict=True)]
            branches = getattr(self, f"stage{stage}")(branches)
        return self.head_layer(branches)


class Stem(nn.Layer):
    """A convolution and a downsampling shuffle unit: from the image to a quarter of its resolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        half = channels // 2
        self.conv1 = ConvNorm(3, channels, 3, stride=2, act=nn.ReLU)
        self.branch1 = nn.Sequential(ConvNorm.depthwise(half, 3, stride=2), ConvNorm(half, half, act=nn.ReLU))
        self.expand_conv = ConvNorm(half, channels, act=nn.ReLU)
        self.depthwise_conv = ConvNorm.depthwise(channels, 3, stride=2)
        self.linear_conv = ConvNorm(channels, half, act=nn.ReLU)

    def forward(self, image: Tensor) -> Tensor:
        """Return features [N, channels, H/4, W/4]."""
        first, second = split_channels(self.conv1(image))
        second = self.linear_conv(self.depthwise_conv(self.expand_conv(second)))
        return channel_shuffle(concat(self.branch1(first), second))


def first_transition(stem_channels: int, widths: Sequence[int]) -> nn.LayerList:
    """Create the transition from the stem to the two branches of the first stage, one at half resolution."""
    same, lower = widths
    return nn.LayerList(
        [separable(stem_channels, same, stride=1), nn.Sequential(separable(stem_channels, lower, stride=2))]
    )


def transition_to(widths: Sequence[int]) -> nn.LayerList:
    """Create a transition that keeps the branches and adds one at half the resolution of the last."""
    kept = [nn.Identity() for _ in widths[:-1]]
    return nn.LayerList([*kept, nn.Sequential(separable(widths[-2], widths[-1], stride=2))])


def separable(in_channels: int, out_channels: int, *, stride: int, act: bool = True) -> nn.Sequential:
    """Create depthwise convolution, norm, pointwise convolution, norm, and ReLU if ``act`` is set."""
    return nn.Sequential(
        conv(in_channels, in_channels, 3, stride, groups=in_channels),
        nn.BatchNorm2D(in_channels),
        conv(in_channels, out_channels, 1),
        nn.BatchNorm2D(out_channels),
        *([nn.ReLU()] if act else []),
    )


class ShuffleUnit(nn.Layer):
    """ShuffleNet V2 unit of stride 1: processes one half of the channels and keeps the other."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        half = channels // 2
        self.branch2 = nn.Sequential(
            ConvNorm(half, half, act=nn.ReLU), ConvNorm.depthwise(half, 3), ConvNorm(half, half, act=nn.ReLU)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return a map with the shape of ``x``."""
        first, second = split_channels(x)
        return channel_shuffle(concat(first, self.branch2(second)))


class HighResolutionModule(nn.Layer):
    """Shuffle units on every branch, then fusion of all branches into each."""

    def __init__(self, widths: Sequence[int], units: int) -> None:
        super().__init__()
        self.layers = nn.LayerList(
            [nn.Sequential(*(ShuffleUnit(width) for _ in range(units))) for width in widths]
        )
        self.fuse_layers = nn.LayerList(
            [
                nn.LayerList([fuse_layer(widths, source, target) for source in range(len(widths))])
                for target in range(len(widths))
            ]
        )

    def forward(self, branches: list[Tensor]) -> list[Tensor]:
        """Return the fused branches, with unchanged shapes."""
        return self.fuse([units(x) for units, x in zip(self.layers, branches, strict=True)])

    def fuse(self, branches: list[Tensor]) -> list[Tensor]:
        """Sum all branches at each resolution, in the order with which the released weights were trained.

        It differs from the plain sum of HRNet in two ways: source 0 counts twice for every target, and for
        all targets but the first, source 0 is the sum already fused for target 0, before its ReLU. All other
        sources are the unfused branches.
        """
        fused = [self.fuse_into(0, branches[0], branches)]
        for target in range(1, len(branches)):
            fused.append(self.fuse_into(target, fused[0], branches))
        return [F.relu(x) for x in fused]

    def fuse_into(self, target: int, first: Tensor, branches: list[Tensor]) -> Tensor:
        """Sum at the resolution of ``target``, with ``first`` as source 0, counted twice."""
        at_target = self.fuse_layers[target]
        first = at_target[0](first)
        total = first + first
        for source in range(1, len(branches)):
            total = total + at_target[source](branches[source])
        return total


def fuse_layer(widths: Sequence[int], source: int, target: int) -> nn.Layer:
    """Create the layers that convert branch ``source`` to resolution and channels of branch ``target``."""
    if source == target:
        return nn.Identity()
    if source > target:
        return nn.Sequential(
            conv(widths[source], widths[target], 1),
            nn.BatchNorm2D(widths[target]),
            nn.Upsample(scale_factor=2 ** (source - target), mode="nearest"),
        )
    halvings = [separable(widths[source], widths[source], stride=2) for _ in range(target - source - 1)]
    last = separable(widths[source], widths[target], stride=2, act=False)
    return nn.Sequential(*halvings, last)


class IterativeHead(nn.Layer):
    """Projects the lowest resolution, adds it to the next higher branch, and so on up to branch 0."""

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        rising = list(reversed(widths))
        outs = [*rising[1:], rising[-1]]
        self.projects = nn.LayerList([Project(width, out) for width, out in zip(rising, outs, strict=True)])

    def forward(self, branches: list[Tensor]) -> Tensor:
        """Return the features of branch 0 plus all lower branches."""
        *higher, lowest = branches
        x = self.projects[0](lowest)
        for project, branch in zip(self.projects[1:], reversed(higher), strict=True):
            upsampled = F.interpolate(x, size=branch.shape[2:], mode="bilinear", align_corners=True)
            x = project(branch + upsampled)
        return x


class Project(nn.Sequential):
    """Depthwise then pointwise convolution, with an activation only at the end."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(
            ("depthwise_conv", ConvNorm.depthwise(in_channels, 3)),
            ("pointwise_conv", ConvNorm(in_channels, out_channels, act=nn.ReLU)),
        )
