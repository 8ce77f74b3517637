"""Outputs of the building blocks."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest

from registry.schema import Architecture, ESNet, LCNet, LiteHRNet, PicoDet

TINY_POSE = LiteHRNet(stem_channels=8, width=4, modules=(1, 1, 1), units=1, joints=3)
TINY_DETECTORS = [
    PicoDet(
        backbone=ESNet(scale=0.125, channel_ratios=(0.5,) * 13),
        neck="csp_pan",
        head="pico_head",
        width=8,
        tower_depth=1,
        classes=5,
    ),
    PicoDet(
        backbone=LCNet(scale=0.25), neck="lc_pan", head="pico_head_v2", width=8, tower_depth=1, classes=5
    ),
]


@pytest.mark.parametrize(
    ("channels", "divisor", "rounded"),
    [(84.0, 8, 88), (48.0, 8, 48), (11.2, 8, 16), (5.6, 8, 8), (96.0, 16, 96), (89.6, 8, 88), (2.0, 8, 8)],
)
def test_channels_are_rounded_to_a_multiple_that_keeps_nine_tenths(
    channels: float, divisor: int, rounded: int, paddle: ModuleType
) -> None:
    from converters.networks.layers import round_channels

    assert round_channels(channels, divisor) == rounded


@pytest.mark.parametrize(
    ("name", "stages"),
    [
        ("picodet_s_coco", [96, 192, 384]),
        ("picodet_m_coco", [128, 256, 512]),
        ("picodet_l_coco", [160, 320, 640]),
        ("picodet_xs_coco_lcnet", [48, 88, 176]),
        ("picodet_l_coco_lcnet", [256, 512, 1024]),
    ],
)
def test_backbones_have_the_published_widths(
    name: str, stages: list[int], published: dict[str, Architecture], paddle: ModuleType
) -> None:
    from converters.networks.build import build

    assert build(published[name]).backbone.out_channels == stages


def test_the_shuffle_interleaves_the_halves(paddle: ModuleType) -> None:
    from converters.networks.layers import channel_shuffle

    channels = paddle.arange(6, dtype="float32").reshape([1, 6, 1, 1])

    assert channel_shuffle(channels).flatten().tolist() == [0, 3, 1, 4, 2, 5]


def test_a_squeeze_excite_of_zero_weights_lets_half_of_the_input_through(paddle: ModuleType) -> None:
    from converters.networks.layers import SqueezeExcite

    gate = SqueezeExcite(8)
    for parameter in gate.parameters():
        parameter.set_value(paddle.zeros_like(parameter))

    assert gate(paddle.ones([1, 8, 2, 2])).numpy() == pytest.approx(np.full((1, 8, 2, 2), 0.5))


def test_fusion_counts_source_0_twice_and_passes_its_sum_on_before_the_relu(paddle: ModuleType) -> None:
    from converters.networks.lite_hrnet import HighResolutionModule

    module = HighResolutionModule([4, 8], 1)
    module.eval()
    first, second = (paddle.randn(shape) for shape in ([1, 4, 8, 8], [1, 8, 4, 4]))
    up, down = module.fuse_layers[0][1], module.fuse_layers[1][0]

    fused = module.fuse([first, second])

    summed = 2 * first + up(second)
    assert (summed.numpy() < 0).any()
    np.testing.assert_array_equal(fused[0].numpy(), np.maximum(summed.numpy(), 0))
    expected = np.maximum((2 * down(summed) + second).numpy(), 0)
    np.testing.assert_allclose(fused[1].numpy(), expected, atol=1e-6)


def test_a_pose_network_outputs_one_map_per_joint_at_a_quarter_of_the_size(paddle: ModuleType) -> None:
    from converters.networks.build import build

    assert build(TINY_POSE)(paddle.zeros([2, 3, 64, 96])).shape == [2, 3, 16, 24]


@pytest.mark.parametrize("spec", TINY_DETECTORS, ids=lambda spec: spec.head)
def test_a_detector_predicts_on_four_levels_whose_sides_are_rounded_up(
    spec: PicoDet, paddle: ModuleType
) -> None:
    from converters.networks.build import build

    levels = build(spec)(paddle.zeros([2, 3, 96, 160]))

    assert [level.scores.shape for level in levels] == [
        [2, 5, 12, 20],
        [2, 5, 6, 10],
        [2, 5, 3, 5],
        [2, 5, 2, 3],
    ]
    assert [level.distances.shape[1] for level in levels] == [32] * 4
    scores = np.concatenate([level.scores.numpy().ravel() for level in levels])
    assert ((scores >= 0) & (scores <= 1)).all()


def test_distances_are_the_expected_bin(paddle: ModuleType) -> None:
    from converters.networks.pico_head import DistributionProject

    logits = paddle.full([1, 1, 32], -1e4)
    for side, bin_ in enumerate([0, 7, 3, 5]):
        logits[0, 0, side * 8 + bin_] = 0.0

    assert DistributionProject(7)(logits).flatten().tolist() == pytest.approx([0, 7, 3, 5])


def test_in_evaluation_a_network_gives_the_same_numbers_alone_and_in_a_batch(paddle: ModuleType) -> None:
    from converters.networks.build import build

    network = build(TINY_POSE)
    images = paddle.randn([2, 3, 64, 64])

    alone = network(images[1:]).numpy()

    np.testing.assert_allclose(network(images).numpy()[1:], alone, atol=1e-6)
