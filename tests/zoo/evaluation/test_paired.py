"""The difference of two models on the same images."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest

from registry.errors import UsageError
from tests.helpers.synthetic_coco import SyntheticCoco, make_synthetic
from zoo.evaluation.changes import find_changes
from zoo.evaluation.paired import (
    Comparison,
    Estimate,
    PairedDifference,
    check_margin,
    compare_paired,
    decide_difference,
)
from zoo.evaluation.per_image import ImageMatches
from zoo.evaluation.scoring import Scorer

pytest.importorskip("hotcoco")
IMAGES = 60
MADE = make_synthetic(IMAGES, 1, kind="keypoints", seed=4)
DATA = MADE.coco_set()


def match(made: SyntheticCoco) -> ImageMatches:
    scorer = Scorer(DATA, "keypoints", categories=(1,), max_detections=20)
    scorer.add(DATA.images, made.records)  # type: ignore[arg-type]
    return scorer.finish()


@lru_cache
def reference() -> ImageMatches:
    return match(MADE)


@lru_cache
def without_results(*images: int) -> ImageMatches:
    """A model that finds nothing in some images."""
    kept = [each for each in MADE.records if each["image_id"] not in images]
    return match(SyntheticCoco(MADE.document, kept))


def compare(candidate: ImageMatches, margin: float = 0.5) -> PairedDifference:
    return compare_paired(reference(), candidate, margin=margin, resamples=200)


def test_a_model_is_equivalent_to_itself() -> None:
    found = compare(reference())

    assert (found.verdict.outcome, found.verdict.difference, found.difference.AP) == ("equivalent", 0, 0)
    assert (found.interval.low.AP, found.interval.high.AP) == (0, 0)


def test_a_model_that_misses_a_third_is_worse_and_the_other_way_round_better() -> None:
    poor = without_results(*range(1, 21))
    worse = compare(poor).verdict
    better = compare_paired(poor, reference(), resamples=200).verdict

    assert (worse.outcome, worse.passed, better.outcome, better.passed) == ("worse", False, "better", True)
    assert worse.difference is not None
    assert worse.difference == pytest.approx(-(better.difference or 0))
    assert worse.low == pytest.approx(-(better.high or 0))


def test_the_margin_decides_about_a_small_loss() -> None:
    candidate = without_results(3)

    assert compare(candidate, margin=20).verdict.outcome == "equivalent"
    small = compare(candidate, margin=0.01).verdict
    assert (small.outcome, small.passed) == ("undecided", True)
    assert small.more_images is not None
    assert f"about {small.more_images} more images would decide" in small.reason


def test_a_paired_interval_is_narrower_than_two_separate_ones() -> None:
    found = compare(without_results(3, 4))
    separate = compare_paired(reference(), reversed_images(without_results(3, 4)), resamples=200)

    assert width(found) < width(separate) / 2


def reversed_images(matches: ImageMatches) -> ImageMatches:
    """The same results on images in another order: as many images, but no pairs."""
    return replace(
        matches,
        detection_image=IMAGES - 1 - matches.detection_image,
        instance_image=IMAGES - 1 - matches.instance_image,
    )


def width(found: PairedDifference) -> float:
    assert found.interval.high.AP is not None
    assert found.interval.low.AP is not None
    return found.interval.high.AP - found.interval.low.AP


@pytest.mark.parametrize(
    ("ends", "outcome"),
    [
        ((-0.4, -0.3, 0.3, 0.4), "equivalent"),
        ((-0.6, -0.49, 0.49, 0.6), "equivalent"),  # the tests against the margin are one-sided
        ((-0.4, -0.35, -0.05, -0.01), "equivalent"),  # a loss, but below the margin
        ((-0.6, -0.5, -0.1, -0.05), "worse"),  # the loss may be above the margin
        ((-2.0, -1.9, -0.2, -0.1), "worse"),
        ((0.1, 0.2, 1.9, 2.0), "better"),
        ((-1.62, -1.45, 0.26, 0.43), "undecided"),
    ],
)
def test_intervals_and_margin_decide(ends: tuple[float, float, float, float], outcome: Comparison) -> None:
    low, low90, high90, high = ends
    estimate = Estimate((low + high) / 2, low, high, low90, high90, error=0.25)

    assert decide_difference(estimate, 0.5, images=62).outcome == outcome


@pytest.mark.parametrize(
    ("difference", "margin", "images"),
    [
        (-0.6, 0.5, 167),  # (1.960 x 0.5 / 0.6)^2 x 100 = 266.8
        (0.0, 0.5, 171),  # (1.645 x 0.5 / 0.5)^2 x 100 = 270.6
        (0.4, 0.5, 501),  # (1.960 x 0.5 / 0.4)^2 x 100 = 600.3, before 6765 for equivalence
    ],
)
def test_the_images_that_would_decide(difference: float, margin: float, images: int) -> None:
    estimate = Estimate(difference, -9, 9, -9, 9, error=0.5)

    assert decide_difference(estimate, margin, images=100).more_images == images


def test_few_images_decide_nothing() -> None:
    decision = decide_difference(Estimate(-5, -6, -4, -6, -4, 0.5), 0.5, images=12)

    assert (decision.outcome, decision.more_images) == ("undecided", 8)


@pytest.mark.parametrize("margin", [-1, 0, 100, float("nan"), float("inf")])
def test_a_margin_is_a_positive_number_of_points(margin: float) -> None:
    with pytest.raises(UsageError) as caught:
        check_margin(margin)

    assert caught.value.code == "margin-out-of-range"


@pytest.mark.parametrize(
    "other",
    [
        replace(reference(), images=(*reference().images[:-1], 999)),
        replace(reference(), categories=(2,)),
        replace(reference(), annotation=reference().annotation + 1),
    ],
)
def test_other_images_are_no_pair(other: ImageMatches) -> None:
    with pytest.raises(UsageError) as caught:
        compare_paired(reference(), other)

    assert caught.value.code == "pair-mismatch"


def test_without_instances_nothing_is_decided() -> None:
    excluded = replace(reference(), excluded=np.ones_like(reference().excluded))

    verdict = compare_paired(excluded, excluded, resamples=20).verdict

    assert (verdict.outcome, verdict.difference) == ("undecided", None)


def test_the_changed_images_and_instances_are_found() -> None:
    candidate = without_results(7)
    changes = find_changes(reference(), candidate, DATA)

    assert [each.image_id for each in changes.images] == [7]
    assert changes.images[0].influence == pytest.approx(100 * (compare(candidate).difference.AP or 0))
    assert {each.image_id for each in changes.instances} == {7}
    first = changes.instances[0]
    assert first.candidate is None
    assert first.reference == max(each.reference or 0 for each in changes.instances)
    (annotation,) = (item for item in MADE.document["annotations"] if item["id"] == first.annotation_id)
    assert list(first.box) == annotation["bbox"]


def test_equal_models_have_no_changes() -> None:
    changes = find_changes(reference(), reference(), DATA)

    assert (changes.changed_images, changes.changed_instances, changes.images) == (0, 0, ())
