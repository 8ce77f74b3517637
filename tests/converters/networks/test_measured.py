"""Sizes of the catalog's networks, known without paddle."""

from __future__ import annotations

import subprocess
import sys
from types import ModuleType

import pytest

import registry
from converters.networks.measured import Measurement, fold, measurement_of
from registry.schema import Architecture, LiteHRNet


@pytest.fixture(scope="module")
def networks() -> list[Architecture]:
    return list(
        dict.fromkeys(entry.architecture for entry in registry.load() if entry.architecture is not None)
    )


def test_measured_json_is_up_to_date(networks: list[Architecture], paddle: ModuleType) -> None:
    from converters.networks.measure import measure

    assert networks
    stale = [network for network in networks if measurement_of(network) != measure(network)]
    assert stale == [], "run: python -m converters.networks.measure"


def test_a_network_outside_the_table_is_unknown() -> None:
    assert measurement_of(LiteHRNet(width=38)) is None


@pytest.mark.parametrize(
    ("entry", "field", "count"),
    [
        ("picodet_s_192_pedestrian", "classes", 20),
        ("picodet_xs_320_coco_lcnet", "classes", 3),
        ("tinypose_128x96", "joints", 4),
    ],
)
def test_another_head_measures_like_the_built_network(
    entry: str, field: str, count: int, paddle: ModuleType
) -> None:
    from converters.networks.measure import measure

    own = registry.load().get(entry).architecture
    assert own is not None
    own = own.model_copy(update={field: count})

    assert measurement_of(own) == measure(own)


@pytest.mark.parametrize(
    ("entry", "millions"),
    [("tinypose_128x96", 81.56), ("tinypose_256x192", 326.24)],
)
def test_multiply_adds_stay_below_the_published_flops_which_count_norms_too(
    entry: str, millions: float
) -> None:
    chosen = registry.load().get(entry)
    assert chosen.architecture is not None
    measured = measurement_of(chosen.architecture)
    assert measured is not None

    counted = measured.complexity(chosen.input.height, chosen.input.width).multiply_adds

    assert 0.9 * millions < counted / 1e6 < millions


@pytest.mark.parametrize("size", [(96, 160), (192, 192), (416, 416)])
def test_multiply_adds_follow_the_input_size(
    size: tuple[int, int], published: dict[str, Architecture], paddle: ModuleType
) -> None:
    from converters.networks.build import build
    from converters.networks.measure import measure

    network = published["picodet_xs_coco_lcnet"]
    layer = build(network)
    counts: list[int] = []
    for sublayer in layer.sublayers():
        if isinstance(sublayer, paddle.nn.Conv2D):
            sublayer.register_forward_post_hook(
                lambda conv, _, out: counts.append(int(conv.weight.size) * out.shape[2] * out.shape[3])
            )
    layer(paddle.zeros([1, 3, *size]))

    assert measure(network).complexity(*size).multiply_adds == sum(counts)


def test_folded_shapes_unfold_to_themselves() -> None:
    shapes = {"a.b.weight": (4, 2, 1, 1), "a.b.bias": (4,), "a.c.0": (1,), "d": ()}

    folded = Measurement(
        architecture=LiteHRNet(),
        parameters=1,
        multiply_adds_per_cell={2: 1},
        multiply_adds_once=0,
        state_dict=fold(shapes),
    )

    assert folded.shapes == shapes


def test_complexity_imports_neither_paddle_nor_numpy() -> None:
    program = (
        "import sys, registry\n"
        "from converters.networks.measured import measurement_of\n"
        "entry = registry.load().get('picodet_s_192_pedestrian')\n"
        "print(measurement_of(entry.architecture).complexity(192, 192).multiply_adds)\n"
        "print('loaded:', *sorted({'paddle', 'numpy'} & set(sys.modules)))"
    )

    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert ran.stdout.splitlines() == ["120595496", "loaded:"]
