"""Suggestions for names that do not exist."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import registry
from registry.errors import NotFoundError
from registry.suggest import MAX_SUGGESTIONS, find_similar, format_suggestion, looks_like_path

SHIPPED = registry.load()
NAMES = [entry.name for entry in SHIPPED.all_entries if entry.default]


@pytest.mark.table("suggestions")
@pytest.mark.parametrize(
    ("typed", "suggested"),
    [
        ("tinypose-128x69", ["tinypose_128x96"]),
        ("TinyPose_128x96", ["tinypose_128x96"]),
        ("tinypose 128", ["tinypose_128x96"]),
        ("192_pedestrian", ["picodet_s_192_pedestrian", "picodet_s_192_lcnet_pedestrian"]),
        ("pedestrian 320", ["picodet_s_320_pedestrian", "picodet_s_320_lcnet_pedestrian"]),
        ("hand", ["tinypose_256x256_hand"]),
        ("picodet_s_320_ped", ["picodet_s_320_pedestrian", "picodet_s_320_lcnet_pedestrian"]),
        ("yolov8", []),
        ("", []),
        ("_", []),
    ],
)
def test_parts_of_names_and_misspelled_names_are_suggested(typed: str, suggested: list[str]) -> None:
    models = [entry.name for entry in SHIPPED if entry.default]

    assert find_similar(typed, models) == suggested


def test_a_part_of_a_name_suggests_every_entry_that_contains_it() -> None:
    found = find_similar("tinypose", NAMES)

    assert sorted(found) == sorted(name for name in NAMES if "tinypose" in name)
    assert found[0] == "tinypose_128x96"


def test_many_suggestions_are_cut_with_their_number() -> None:
    hint = format_suggestion("picodet", NAMES, otherwise="zoo list shows every entry")

    shown = [name for name in NAMES if f"{name}," in hint or f"{name}?" in hint or f"{name} or" in hint]
    assert len(shown) == MAX_SUGGESTIONS
    total = sum("picodet" in name for name in NAMES)
    assert hint.endswith(f"{total - MAX_SUGGESTIONS} more contain 'picodet': zoo list shows every entry")


@pytest.mark.table("names that look like paths")
@pytest.mark.parametrize(
    "name",
    [
        "./tinypose_128x96",
        "models/tinypose_128x96",
        "tinypose_128x96.onnx",
        "~/x",
        "a\\b",
        "x.PDPARAMS",
        "..",
        "m.nb",
    ],
)
def test_a_path_gets_no_suggestion(name: str) -> None:
    assert looks_like_path(name)
    with pytest.raises(NotFoundError) as caught:
        SHIPPED.find(name)

    assert "did you mean" not in str(caught.value.hint)
    assert "looks like a path" in str(caught.value.hint)


@pytest.mark.parametrize("name", [*NAMES, "acme.pose", "acme.sampel@1", "tinypose_128x96@2022.08"])
def test_names_of_entries_do_not_look_like_paths(name: str) -> None:
    assert not looks_like_path(name)


@given(st.text(max_size=60))
def test_any_text_gets_a_hint(text: str) -> None:
    if text in SHIPPED:
        return
    with pytest.raises(NotFoundError) as caught:
        SHIPPED.find(text)
    assert caught.value.hint
