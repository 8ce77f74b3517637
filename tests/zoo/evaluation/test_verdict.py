"""Comparison of a measured figure with the published one."""

from __future__ import annotations

import pytest

import registry
from registry.errors import UsageError
from registry.schema import Entry, PrivateProtocol
from registry.schema.figures import Accuracy
from zoo.evaluation.average_precision import Metrics
from zoo.evaluation.bootstrap import ConfidenceInterval
from zoo.evaluation.verdict import (
    FEWEST_IMAGES,
    decide_verdict,
    is_whole_split,
    report_without_figure,
    select_figure,
)

POSE = registry.load().get("tinypose_128x96")
NEWER = registry.load().get("tinypose_128x96@2022.08")
FIGURE = POSE.accuracy[0]  # 58.1


def metrics(ap: float | None) -> Metrics:
    return Metrics(AP=ap, AP50=0.9, AP75=0.6, AR=0.6)


def interval(low: float, high: float) -> ConfidenceInterval:
    return ConfidenceInterval(low=metrics(low), high=metrics(high), resamples=100, seed=0)


@pytest.mark.parametrize(
    ("low", "measured", "high", "outcome"),
    [
        (0.50, 0.565, 0.63, "met"),
        (0.5805, 0.60, 0.62, "met"),  # the published figure was rounded to one decimal
        (0.60, 0.63, 0.66, "above"),
        (0.40, 0.45, 0.50, "below"),
        (0.48, 0.58, 0.69, "undecided"),  # so wide an interval confirms every figure
        (0.09, 0.38, 0.57, "below"),  # but it can still exclude one
    ],
)
def test_the_interval_decides_on_a_part_of_the_split(
    low: float, measured: float, high: float, outcome: str
) -> None:
    verdict = decide_verdict(
        FIGURE, metrics(measured), interval(low, high), images=62, published_protocol=True
    )

    assert (verdict.outcome, verdict.passed) == (outcome, outcome in ("met", "undecided"))
    assert (verdict.low, verdict.high) == (pytest.approx(100 * low), pytest.approx(100 * high))


@pytest.mark.parametrize(
    ("measured", "outcome"),
    [(0.581, "met"), (0.580, "met"), (0.582, "met"), (0.5785, "below"), (0.584, "above")],
)
def test_a_tenth_of_a_point_decides_on_the_complete_split(measured: float, outcome: str) -> None:
    verdict = decide_verdict(FIGURE, metrics(measured), None, images=5000, published_protocol=True)

    assert verdict.outcome == outcome


def test_a_figure_under_another_protocol_is_not_comparable_and_no_failure() -> None:
    verdict = decide_verdict(FIGURE, metrics(0.1), interval(0.05, 0.15), images=62, published_protocol=False)

    assert (verdict.outcome, verdict.passed) == ("not-comparable", True)


def test_a_set_without_instances_is_not_comparable() -> None:
    verdict = decide_verdict(FIGURE, metrics(None), None, images=5000, published_protocol=True)

    assert verdict.outcome == "not-comparable"


def test_a_published_ap50_is_compared_with_the_measured_ap50() -> None:
    figure = FIGURE.model_copy(update={"metric": "AP50", "value": 90.0})

    assert decide_verdict(figure, metrics(0.1), None, images=5000, published_protocol=True).outcome == "met"


@pytest.mark.parametrize(
    ("images", "limit", "whole"),
    [(5000, None, True), (88, None, False), (5000, 100, False), (5000, 5000, True)],
)
def test_a_set_is_whole_when_it_has_all_images_of_the_split(
    images: int, limit: int | None, whole: bool
) -> None:
    assert is_whole_split(FIGURE.protocol, images, limit) == whole


def test_a_set_of_unknown_size_is_never_whole() -> None:
    assert not is_whole_split(FIGURE.protocol.model_copy(update={"dataset": "procedural"}), 500, None)


def with_figures(*figures: object) -> Entry:
    return POSE.model_copy(update={"accuracy": figures})


def test_figures_on_private_images_are_skipped() -> None:
    (private,) = (f for f in NEWER.accuracy if isinstance(f.protocol, PrivateProtocol))

    assert select_figure(with_figures(private, FIGURE)) is FIGURE
    assert select_figure(with_figures(private)) is None


def pipeline_figure() -> Accuracy:
    behind = FIGURE.protocol.model_copy(update={"boxes": "detector", "box_threshold": 0.5})
    return FIGURE.model_copy(update={"protocol": behind})


def test_the_figure_of_a_pipeline_is_not_measured_with_annotated_boxes() -> None:
    pipeline = pipeline_figure()

    with pytest.raises(UsageError) as caught:
        select_figure(with_figures(pipeline))
    assert caught.value.code == "boxes-from-detector"
    assert select_figure(with_figures(pipeline), with_detector_boxes=True) is pipeline


def test_a_figure_with_detector_boxes_is_never_comparable() -> None:
    for figure in (FIGURE, pipeline_figure()):
        verdict = decide_verdict(
            figure,
            metrics(0.58),
            interval(0.5, 0.6),
            images=62,
            published_protocol=True,
            detector="finder@1",
        )

        assert (verdict.outcome, verdict.passed) == ("not-comparable", True)
        assert "found by finder@1" in verdict.reason


@pytest.mark.parametrize("images", [1, 3, FEWEST_IMAGES - 1])
@pytest.mark.parametrize(
    ("low", "measured", "high"), [(0.7, 0.8, 0.9), (0.2, 0.3, 0.4), (0.55, 0.58, 0.6), (0.0, 0.0, 0.0)]
)
def test_few_images_decide_nothing(images: int, low: float, measured: float, high: float) -> None:
    verdict = decide_verdict(
        FIGURE, metrics(measured), interval(low, high), images=images, published_protocol=True
    )

    assert (verdict.outcome, verdict.passed) == ("undecided", True)
    assert f"at least {FEWEST_IMAGES}" in verdict.reason


@pytest.mark.parametrize("part", [interval(0.5, 0.6), None])
def test_a_measurement_without_a_published_figure_is_the_figure_with_its_interval(
    part: ConfidenceInterval | None,
) -> None:
    verdict = report_without_figure("AP", metrics(0.55), part)

    assert (verdict.outcome, verdict.passed, verdict.published) == ("not-published", True, None)
    assert (verdict.measured, verdict.low is None) == (pytest.approx(55), part is None)
    assert "55.0" in verdict.reason
