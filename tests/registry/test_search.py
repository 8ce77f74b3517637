"""Filters select the right entries, and an invalid filter is an error with a suggestion."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import registry
from registry.errors import UsageError
from registry.search import Conditions, collect_fields, compile_where, search

SHIPPED = registry.load()
SEED = [entry for entry in SHIPPED if entry.release == "2021"]


@pytest.mark.parametrize(
    ("conditions", "names"),
    [
        ({"task": "keypoint_detection"}, ["tinypose_128x96", "tinypose_256x192"]),
        ({"family": "picodet", "size": (320, 320)}, ["picodet_s_320_pedestrian"]),
        ({"min_ap": 58.1}, ["tinypose_128x96", "tinypose_256x192"]),
        (
            {"where": "ap>=38 and sd865_fp16_ms<10"},
            ["tinypose_128x96", "tinypose_256x192", "picodet_s_320_pedestrian"],
        ),
        ({"where": "not (height > 128 or family == 'picodet')"}, ["tinypose_128x96"]),
        ({"where": "3 < sd865_fp16_ms < 7"}, ["tinypose_128x96", "picodet_s_320_pedestrian"]),
        ({"where": "family > 3"}, []),
        (
            {"device": "sd865", "release": "2021", "sort": ("-ap",)},
            ["tinypose_256x192", "tinypose_128x96", "picodet_s_320_pedestrian", "picodet_s_192_pedestrian"],
        ),
        (
            {"artifact": "lite-arm-fp16", "sort": ("task", "sd865_fp16_ms")},
            ["tinypose_128x96", "tinypose_256x192", "picodet_s_192_pedestrian", "picodet_s_320_pedestrian"],
        ),
        ({"precision": "int8"}, []),
    ],
)
def test_conditions_select(conditions: dict[str, object], names: list[str]) -> None:
    found = search(SEED, Conditions(**conditions))  # type: ignore[arg-type]

    assert [entry.name for entry in found] == names


@pytest.mark.parametrize(
    "expression",
    [
        "ap >",
        "ap",
        "__import__('os')",
        "ap.real > 3",
        "ap > [1]",
        "ap in (1, 2)",
        "ap + 1 > 3",
        "(lambda: 1)() > 0",
        "ap > 3; import os",
        "(" * 5000,
        "not " * 300 + "ap>1",
        "ap > 3j",
        "ap > '\\d' and",
        "1is 2",
        "ap > \0",
        "ap > '\ud800' and",
        "ap\n> 3\nx",
        "",
    ],
)
def test_an_expression_that_is_not_a_filter_is_refused(expression: str) -> None:
    with pytest.raises(UsageError) as caught:
        SHIPPED.search(where=expression or " ")

    assert caught.value.code == "malformed-filter"


def test_an_unknown_name_is_refused_with_a_suggestion() -> None:
    with pytest.raises(UsageError) as caught:
        SHIPPED.search(where="sd865_fp61_ms < 5")

    assert caught.value.code == "unknown-field"
    assert caught.value.hint == "did you mean sd865_fp16_ms?"


def test_a_missing_number_meets_no_condition() -> None:
    for operator in ("<", "<=", ">", ">=", "==", "!="):
        assert not compile_where(f"ap {operator} 3", {"ap"})({"name": "x"})


@given(st.text(max_size=60))
def test_no_text_is_evaluated(text: str) -> None:
    try:
        matches = compile_where(text, {"ap"})
    except UsageError:
        return
    assert matches({"ap": 1.0}) in (True, False)


@pytest.mark.parametrize(
    ("conditions", "words"),
    [
        ({"device": "sd685"}, "did you mean sd865, sd845 or sd835?"),
        ({"device": "Snapdragon 865"}, "did you mean sd865?"),
        (
            {"task": "detection"},
            "did you mean object_detection, keypoint_detection or keypoint_detection_3d?",
        ),
        ({"release": "2022"}, "did you mean 2022.03 or 2022.08?"),
        ({"sort": ("sd865",)}, "sd865_fp16_ms, sd865_fp32_ms"),
        ({"family": "picodett"}, "did you mean picodet?"),
        ({"sort": ("-app",)}, "did you mean ap?"),
        ({"task": "segmentation"}, "keypoint_detection, keypoint_detection_3d"),
    ],
)
def test_a_value_that_no_entry_has_is_an_error(conditions: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError) as caught:
        SHIPPED.search(**conditions)

    assert words in f"{caught.value.hint} {caught.value.expected}"


def test_entries_without_the_number_come_last_in_both_orders() -> None:
    without_figures = next(iter(SHIPPED)).model_copy(update={"name": "bare", "accuracy": ()})

    for key in ("ap", "-ap"):
        assert search([without_figures, *SEED], Conditions(sort=(key,)))[-1].name == "bare"


def test_each_latency_at_batch_size_1_has_its_own_name() -> None:
    known = collect_fields(SHIPPED.get("tinypose_128x96"))

    assert (known["sd845_unstated_1t_ms"], known["sd845_unstated_ms"]) == (13.14, 6.73)
    assert not any("t4" in name for name in known), "latencies at batch size 8 are not listed"
    assert collect_fields(SHIPPED.get("picodet_s_320_coco"))["sd865_fp16_ncnn_ms"] == 8.13
    assert collect_fields(SHIPPED.pipelines[0])["sd865_fp16_pipeline_ms"] == 8.18


def test_private_figures_are_not_searched() -> None:
    assert collect_fields(SHIPPED.get("tinypose_128x96@2022.08"))["ap"] == 58.4
    layout = collect_fields(SHIPPED.get("picodet_lcnet_x1_0_layout"))
    assert "ap" not in layout, "AP at an IoU of 0.5 is another metric"


@pytest.mark.parametrize(
    ("conditions", "names"),
    [
        ({"device": "kirin980", "family": "tinypose"}, ["tinypose_128x96@2021"]),
        ({"device": "sd835", "precision": "fp32", "size": (320, 320), "artifact": "onnx"}, ["m", "s"]),
    ],
)
def test_devices_are_found_under_their_short_names(conditions: dict[str, object], names: list[str]) -> None:
    found = [entry.id for entry in SHIPPED.search(**conditions)]

    assert len(found) == len(names)
    assert all(name in id for name, id in zip(names, found, strict=True))
