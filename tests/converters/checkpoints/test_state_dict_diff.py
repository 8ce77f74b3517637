"""Comparison of checkpoints with architectures: all differences are reported together."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from converters.checkpoints import ShapeDifference, compare_state_dict, read_weights, require_match, summarize
from registry.errors import ConversionError

NETWORK = {"conv.weight": (4, 3, 3, 3), "bn.bias": (4,), "bn._mean": (4,), "scale": ()}
FITTING = (
    ("picodet_s_192_pedestrian", "picodet_s_192_pedestrian"),
    ("picodet_s_192_pedestrian", "picodet_s_320_pedestrian"),  # the input size is not in the parameters
    ("picodet_s_192_lcnet_pedestrian", "picodet_s_192_lcnet_pedestrian"),
    ("tinypose_128x96", "tinypose_128x96"),
    ("tinypose_256x192", "tinypose_128x96"),
)


def network(shared: Path, name: str) -> dict[str, tuple[int, ...]]:
    path = shared / "data" / "state_dicts" / f"state_dict_{name}.json"
    return {key: tuple(shape) for key, shape in json.loads(path.read_text()).items()}


def weights(shared: Path, name: str) -> Path:
    return shared / "data" / "weights" / f"{name}.pdparams"


@pytest.mark.parametrize(("checkpoint", "name"), FITTING)
def test_real_weights_match_their_architecture(shared: Path, checkpoint: str, name: str) -> None:
    path, expected = weights(shared, checkpoint), network(shared, name)
    assert compare_state_dict(summarize(path).shapes, expected).matches
    require_match(read_weights(path).shapes, expected, architecture=name)


def test_one_class_weights_differ_from_eighty_only_in_the_head(shared: Path) -> None:
    mismatch = compare_state_dict(
        summarize(weights(shared, "picodet_s_192_pedestrian")).shapes, network(shared, "picodet_s_320_coco")
    )
    assert mismatch.missing == mismatch.unexpected == ()
    assert {difference.name.split(".")[1][:8] for difference in mismatch.misshaped} == {"head_cls"}


def test_weights_of_another_family_differ_in_everything(shared: Path) -> None:
    shapes = summarize(weights(shared, "tinypose_128x96")).shapes
    expected = network(shared, "picodet_s_192_pedestrian")
    mismatch = compare_state_dict(shapes, expected)
    assert len(mismatch.missing) == len(expected) == 580
    assert len(mismatch.unexpected) == len(shapes) == 1342
    assert mismatch.misshaped == ()


def test_equal_shapes_match() -> None:
    mismatch = compare_state_dict(dict(reversed(NETWORK.items())), NETWORK)
    assert mismatch.matches
    require_match(NETWORK, NETWORK, architecture="demo")


def test_all_three_kinds_are_listed_together_and_sorted() -> None:
    checkpoint = {"conv.weight": (4, 3, 1, 1), "zebra": (1,), "apple": (1,), "scale": (1,)}
    mismatch = compare_state_dict(checkpoint, NETWORK)
    assert not mismatch.matches
    assert mismatch.missing == ("bn._mean", "bn.bias")
    assert mismatch.unexpected == ("apple", "zebra")
    assert mismatch.misshaped == (
        ShapeDifference(name="conv.weight", expected=(4, 3, 3, 3), found=(4, 3, 1, 1)),
        ShapeDifference(name="scale", expected=(), found=(1,)),
    )


def test_error_lists_all_differences() -> None:
    checkpoint = {"conv.weight": (4, 3, 1, 1), "extra": (1,), "scale": ()}
    with pytest.raises(ConversionError) as caught:
        require_match(
            checkpoint, NETWORK, architecture="tinypose_128x96", hint="zoo convert X --architecture other"
        )
    error = caught.value
    assert error.exit_code == 6
    assert error.code == "weights-mismatch"
    assert "tinypose_128x96" in error.message
    assert "2 missing (bn._mean, bn.bias)" in error.message
    assert "1 unexpected (extra)" in error.message
    assert "1 with another shape (conv.weight [4, 3, 1, 1] instead of [4, 3, 3, 3])" in error.message
    assert error.hint == "zoo convert X --architecture other"


def test_kinds_without_a_difference_are_counted_too() -> None:
    with pytest.raises(ConversionError, match="0 missing; 1 unexpected"):
        require_match({**NETWORK, "extra": ()}, NETWORK, architecture="demo")


def test_long_lists_are_shortened_but_counted() -> None:
    with pytest.raises(ConversionError) as caught:
        require_match({}, {f"layer{i:04}": (1,) for i in range(2000)}, architecture="demo")
    assert "2000 missing (layer0000, layer0001, layer0002, layer0003, layer0004, … 1995 more)" in str(
        caught.value
    )
    assert len(str(caught.value)) < 1000
    assert caught.value.hint is not None


def test_a_missing_and_a_misshaped_key_of_real_weights_are_found(shared: Path) -> None:
    shapes = summarize(weights(shared, "tinypose_128x96")).shapes
    del shapes["final_conv.bias"]
    shapes["final_conv.weight"] = (18, 40, 1, 1)
    mismatch = compare_state_dict(shapes, network(shared, "tinypose_128x96"))
    assert mismatch.missing == ("final_conv.bias",)
    assert [str(difference) for difference in mismatch.misshaped] == [
        "final_conv.weight [18, 40, 1, 1] instead of [17, 40, 1, 1]"
    ]
