"""Architectures of the published networks, and paddle in this process."""

from __future__ import annotations

import warnings
from types import ModuleType

import pytest

from registry.schema import Architecture, ESNet, LCNet, LiteHRNet, PicoDet

S_RATIOS = (0.875, 0.5, 0.5, 0.5, 0.625, 0.5, 0.625, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5)
M_RATIOS = (0.875, 0.5, 1.0, 0.625, 0.5, 0.75, 0.625, 0.625, 0.5, 0.625, 1.0, 0.625, 0.75)


def esnet_picodet(
    scale: float, ratios: tuple[float, ...], width: int, tower_depth: int, classes: int
) -> PicoDet:
    return PicoDet(
        backbone=ESNet(scale=scale, channel_ratios=ratios),
        neck="csp_pan",
        head="pico_head",
        width=width,
        tower_depth=tower_depth,
        classes=classes,
    )


def lcnet_picodet(scale: float, width: int, tower_depth: int, classes: int) -> PicoDet:
    return PicoDet(
        backbone=LCNet(scale=scale),
        neck="lc_pan",
        head="pico_head_v2",
        width=width,
        tower_depth=tower_depth,
        classes=classes,
    )


PUBLISHED: dict[str, Architecture] = {
    "tinypose": LiteHRNet(),
    "picodet_s_pedestrian": esnet_picodet(0.75, S_RATIOS, 96, 2, 1),
    "picodet_s_coco": esnet_picodet(0.75, S_RATIOS, 96, 2, 80),
    "picodet_m_coco": esnet_picodet(1.0, M_RATIOS, 128, 4, 80),
    "picodet_l_coco": esnet_picodet(1.25, M_RATIOS, 160, 4, 80),
    "picodet_s_lcnet_pedestrian": lcnet_picodet(0.75, 96, 2, 1),
    "picodet_xs_coco_lcnet": lcnet_picodet(0.35, 96, 2, 80),
    "picodet_s_coco_lcnet": lcnet_picodet(0.75, 96, 2, 80),
    "picodet_m_coco_lcnet": lcnet_picodet(1.5, 128, 4, 80),
    "picodet_l_coco_lcnet": lcnet_picodet(2.0, 160, 4, 80),
}


@pytest.fixture(scope="session")
def published() -> dict[str, Architecture]:
    """The networks of the published models; names of models without their input size."""
    return PUBLISHED


@pytest.fixture(scope="session")
def paddle() -> ModuleType:
    """Paddle, whose import warns about compilers, and whose first split about another framework's split."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import paddle

        paddle.split(paddle.zeros([2]), 2)
    return paddle
