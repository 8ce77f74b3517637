"""A measured figure beside a published one, judged to both sides."""

from __future__ import annotations

import pytest

import registry
from registry.errors import UsageError
from registry.schema import Entry, PrivateProtocol
from registry.schema.figures import Accuracy
from zoo.evaluation.scoring import Metrics, Spread
from zoo.evaluation.verdict import figure_of, is_whole, judge

POSE = registry.load().get("tinypose_128x96")
NEWER = registry.load().get("tinypose_128x96@2022.08")
FIGURE = POSE.accuracy[0]  # 58.1


def metrics(ap: float | None) -> Metrics:
    return Metrics(AP=ap, AP50=0.9, AP75=0.6, AR=0.6)


def spread(low: float, high: float) -> Spread:
    return Spread(low=metrics(low), high=metrics(high), resamples=100, seed=0)


@pytest.mark.parametrize(
    ("low", "measured", "high", "standing"),
    [
        (0.50, 0.565, 0.63, "met"),
        (0.5805, 0.60, 0.62, "met"),  # the published figure was rounded to one decimal
        (0.60, 0.63, 0.66, "above"),
        (0.40, 0.45, 0.50, "below"),
    ],
)
def test_on_a_part_of_the_set_the_interval_decides(
    low: float, measured: float, high: float, standing: str
) -> None:
    verdict = judge(FIGURE, metrics(measured), spread(low, high), published_protocol=True)

    assert (verdict.standing, verdict.met) == (standing, standing == "met")
    assert (verdict.low, verdict.high) == (pytest.approx(100 * low), pytest.approx(100 * high))


@pytest.mark.parametrize(
    ("measured", "standing"),
    [(0.581, "met"), (0.580, "met"), (0.582, "met"), (0.5785, "below"), (0.584, "above")],
)
def test_on_the_whole_set_a_tenth_of_a_point_decides(measured: float, standing: str) -> None:
    assert judge(FIGURE, metrics(measured), None, published_protocol=True).standing == standing


def test_another_protocol_is_not_compared_and_no_reason_to_fail() -> None:
    verdict = judge(FIGURE, metrics(0.1), spread(0.05, 0.15), published_protocol=False)

    assert (verdict.standing, verdict.met) == ("not-comparable", True)


def test_a_set_without_anything_to_find_says_nothing() -> None:
    assert judge(FIGURE, metrics(None), None, published_protocol=True).standing == "not-comparable"


def test_a_figure_at_half_overlap_is_held_to_half_overlap() -> None:
    figure = FIGURE.model_copy(update={"metric": "AP50", "value": 90.0})

    assert judge(figure, metrics(0.1), None, published_protocol=True).standing == "met"


@pytest.mark.parametrize(
    ("images", "limit", "whole"),
    [(5000, None, True), (88, None, False), (5000, 100, False), (5000, 5000, True)],
)
def test_a_set_is_whole_when_it_has_all_images_of_the_split(
    images: int, limit: int | None, whole: bool
) -> None:
    assert is_whole(FIGURE.protocol, images, limit) == whole


def test_a_set_of_unknown_size_is_never_whole() -> None:
    assert not is_whole(FIGURE.protocol.model_copy(update={"dataset": "procedural"}), 500, None)


def with_figures(*figures: object) -> Entry:
    return POSE.model_copy(update={"accuracy": figures})


def test_private_figures_are_passed_over() -> None:
    (private,) = (f for f in NEWER.accuracy if isinstance(f.protocol, PrivateProtocol))

    assert figure_of(with_figures(private, FIGURE)) is FIGURE
    with pytest.raises(UsageError) as caught:
        figure_of(with_figures(private))
    assert caught.value.code == "no-protocol"


def pipeline_figure() -> Accuracy:
    behind = FIGURE.protocol.model_copy(update={"boxes": "detector", "box_threshold": 0.5})
    return FIGURE.model_copy(update={"protocol": behind})


def test_a_pipelines_figure_is_not_measured_with_true_boxes() -> None:
    pipeline = pipeline_figure()

    with pytest.raises(UsageError) as caught:
        figure_of(with_figures(pipeline))
    assert caught.value.code == "boxes-from-detector"
    assert figure_of(with_figures(pipeline), behind_detector=True) is pipeline


def test_found_boxes_are_never_compared_whatever_the_published_ones_were() -> None:
    for figure in (FIGURE, pipeline_figure()):
        verdict = judge(figure, metrics(0.58), spread(0.5, 0.6), published_protocol=True, boxes_of="finder@1")

        assert (verdict.standing, verdict.met) == ("not-comparable", True)
        assert "found by finder@1" in verdict.reason
