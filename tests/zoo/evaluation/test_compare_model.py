"""Models outside the catalog."""

from __future__ import annotations

from pathlib import Path

import pytest

from converters.toolchain import Toolchains
from registry.errors import UsageError
from tests.helpers.paddle_writer import write_open_convolution
from zoo.artifacts.resolver import ArtifactResolver
from zoo.evaluation.compare_model import compare_conversions
from zoo.evaluation.feeds import parse_shapes
from zoo.settings import Settings
from zoo.store import Store


@pytest.fixture
def resolver(toolchains: Toolchains, tmp_path: Path) -> ArtifactResolver:
    cache = tmp_path / "cache"
    return ArtifactResolver(settings=Settings(cache=cache), store=Store(cache), toolchains=toolchains)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "network"
    folder.mkdir()
    write_open_convolution(folder)
    return folder


def test_every_format_is_made_and_computes_the_same_on_every_shape(
    model: Path, resolver: ArtifactResolver
) -> None:
    found = compare_conversions(model, parse_shapes(["x=1,3,64,96", "x=2,3,160,128"]), resolver)

    assert found.passed
    assert found.runs == ("x [1, 3, 64, 96]", "x [2, 3, 160, 128]")
    states = {row.format: row.state for row in found.formats}
    assert (states["onnx-fp32"], states["lite-x86-fp32"], states["lite-arm-fp32"]) == (
        "same",
        "same",
        "not-run",
    )
    assert all(len(row.layers) == 2 for row in found.formats if row.state == "same")


def test_dynamic_dimensions_need_a_shape(model: Path, resolver: ArtifactResolver) -> None:
    with pytest.raises(UsageError) as caught:
        compare_conversions(model, (), resolver)

    assert caught.value.code == "shape-needed"
    assert caught.value.hint == "--shape x=1,3,320,320"


@pytest.mark.parametrize("shape", ["x=1,4,8,8", "x=1,3,8", "y=1,3,8,8"])
def test_shapes_that_do_not_fit_are_refused(model: Path, resolver: ArtifactResolver, shape: str) -> None:
    with pytest.raises(UsageError) as caught:
        compare_conversions(model, parse_shapes([shape]), resolver)

    assert caught.value.code == "shape-unsupported"


@pytest.mark.parametrize("text", ["x", "x=", "=1,2", "x=1,,2", "x=0,3", "x=1,-1", "x=1,3.5"])
def test_texts_that_are_not_shapes_are_refused(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_shapes([text])

    assert caught.value.code == "shape-unreadable"


def test_a_repeated_name_starts_another_run() -> None:
    runs = parse_shapes(["a=1", "b=2,3", "a=4", "b=5,6"])

    assert runs == ({"a": (1,), "b": (2, 3)}, {"a": (4,), "b": (5, 6)})
