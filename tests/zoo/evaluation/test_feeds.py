"""Synthetic inputs of a model whose task is unknown."""

from __future__ import annotations

import numpy as np
import pytest

from converters.formats import Tensor
from registry.errors import UsageError
from zoo.evaluation.feeds import build_feeds, default_shapes

IMAGE = Tensor(name="image", shape=(None, 3, 192, 320), dtype="float32")
SIZE = [[192, 320]]


def tensor(name: str, *shape: int | None, dtype: str = "float32") -> Tensor:
    return Tensor(name=name, shape=shape, dtype=dtype)


@pytest.mark.parametrize(
    ("parameter", "expected"),
    [
        (tensor("scale_factor", None, 2), [[1, 1]]),
        (tensor("scale", 1), [1]),
        (tensor("im_shape", None, 2), SIZE),
        (tensor("image_shape", None, 2, dtype="int32"), SIZE),
        (tensor("origin_size", None, 2, dtype="int64"), SIZE),
        (tensor("im_info", None, 3), [[192, 320, 1]]),
        (tensor("shape_scale", None, 2), [[1, 1]]),
        (tensor("score_threshold", 1), [1]),
        (tensor("x2", None, 2), [[1, 1]]),  # an exporter's name says nothing: a scale of 1 is harmless
    ],
    ids=lambda value: value.name if isinstance(value, Tensor) else "",
)
@pytest.mark.parametrize("image_first", [True, False])
def test_a_parameter_of_an_image_has_a_plausible_value(
    parameter: Tensor, expected: list[object], image_first: bool
) -> None:
    inputs = (IMAGE, parameter) if image_first else (parameter, IMAGE)

    one, *_ = (build_feeds(inputs, shapes) for shapes in default_shapes(inputs))

    np.testing.assert_array_equal(one[parameter.name], expected)
    assert one[parameter.name].dtype == parameter.dtype
    assert one["image"].std() == pytest.approx(1, abs=0.1)


def test_every_image_of_a_batch_has_the_same_parameters() -> None:
    inputs = (IMAGE, tensor("im_shape", None, 2))

    _, two = (build_feeds(inputs, shapes) for shapes in default_shapes(inputs))

    np.testing.assert_array_equal(two["im_shape"], SIZE * 2)


def test_the_size_follows_the_shape_of_the_run_and_the_layout() -> None:
    dynamic = (tensor("x", None, 3, None, None), tensor("im_shape", None, 2))
    shapes = {"x": (1, 3, 64, 96), "im_shape": (1, 2)}
    channels_last = (tensor("x", 1, 64, 96, 3), tensor("im_shape", 1, 2))

    np.testing.assert_array_equal(build_feeds(dynamic, shapes)["im_shape"], [[64, 96]])
    np.testing.assert_array_equal(build_feeds(channels_last, {})["im_shape"], [[64, 96]])


@pytest.mark.parametrize(
    "data",
    [tensor("features", 1, 2), tensor("h", 2, 1, 48), tensor("points", 1, 1024, 3)],
    ids=lambda value: value.name,
)
def test_without_an_image_a_small_input_is_data(data: Tensor) -> None:
    values = build_feeds((data,), {})[data.name]

    assert len(np.unique(values)) == values.size


def test_a_large_input_next_to_an_image_is_data() -> None:
    other = tensor("embedding", None, 128)

    values = build_feeds((IMAGE, other), {"image": (1, 3, 192, 320), "embedding": (1, 128)})["embedding"]

    assert len(np.unique(values)) == 128


def test_integers_are_one() -> None:
    ids = tensor("ids", 1, 16, dtype="int64")

    np.testing.assert_array_equal(build_feeds((ids,), {})["ids"], np.ones((1, 16)))


def test_an_unknown_input_is_refused() -> None:
    with pytest.raises(UsageError) as caught:
        build_feeds((IMAGE,), {"other": (1, 3, 8, 8)})

    assert caught.value.code == "shape-unsupported"
