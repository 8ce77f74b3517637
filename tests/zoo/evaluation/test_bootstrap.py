"""The bootstrap interval of a figure over images."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from registry.errors import MissingToolError
from zoo.datasets.coco import CocoImage, CocoSet
from zoo.evaluation.average_precision import Scores
from zoo.evaluation.bootstrap import ConfidenceInterval, bootstrap_interval
from zoo.evaluation.per_image import ImageMatches
from zoo.evaluation.scoring import Scorer
from zoo.runner.results import DetectionRecord

IMAGES = 40
BOX = [10.0, 10.0, 40.0, 60.0]


def one_person_per_image(found: int, categories: tuple[int, ...] = (1,)) -> ImageMatches:
    """Score a set in which only the persons of the first images are found, exactly."""
    annotations = [
        {"id": image, "image_id": image, "category_id": 1, "bbox": BOX, "area": 2400.0, "iscrowd": 0}
        for image in range(1, IMAGES + 1)
    ]
    images = [{"id": image, "width": 100, "height": 100} for image in range(1, IMAGES + 1)]
    document = {"images": images, "annotations": annotations, "categories": [{"id": 1}, {"id": 2}]}
    coco_images = tuple(
        CocoImage(image, Path("x.jpg"), 100, 100, (annotations[image - 1],)) for image in range(1, IMAGES + 1)
    )
    data = CocoSet(Path("x.json"), document, coco_images, (1, 2))
    records: list[DetectionRecord] = [
        {"image_id": image, "category_id": 1, "bbox": BOX, "score": 0.9} for image in range(1, found + 1)
    ]
    scorer = Scorer(data, "bbox", categories=categories, max_detections=100)
    # Two parts with the later images first: neither the split nor the order may change the result.
    for part in (slice(IMAGES // 3, None), slice(IMAGES // 3)):
        chosen = [image.id for image in coco_images[part]]
        scorer.add(coco_images[part], [record for record in records if record["image_id"] in chosen])
    return scorer.finish()


def interval_of(matches: ImageMatches, resamples: int, seed: int = 0) -> ConfidenceInterval:
    return bootstrap_interval(Scores(matches), IMAGES, resamples, seed=seed)


def test_equal_images_give_an_interval_of_zero_width() -> None:
    interval = interval_of(one_person_per_image(IMAGES), 20)

    assert (interval.low.AP, interval.high.AP, interval.resamples) == (1, 1, 20)


def test_the_interval_equals_that_of_a_proportion() -> None:
    """Recall with one person per image is a proportion, whose standard error is known."""
    matches = one_person_per_image(IMAGES // 2)
    interval = interval_of(matches, 400)
    error = np.sqrt(0.25 / IMAGES)

    assert Scores(matches).metrics.AR == 0.5
    assert pytest.approx(0.5 - 1.96 * error, abs=0.04) == interval.low.AR
    assert pytest.approx(0.5 + 1.96 * error, abs=0.04) == interval.high.AR


def test_the_same_seed_draws_the_same_images() -> None:
    matches = one_person_per_image(IMAGES // 2)

    assert interval_of(matches, 30) == interval_of(matches, 30)
    assert interval_of(matches, 30) != interval_of(matches, 30, seed=1)


def test_without_the_evaluator_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hotcoco", None)

    with pytest.raises(MissingToolError) as caught:
        one_person_per_image(IMAGES)

    assert (caught.value.code, caught.value.hint) == ("evaluator-missing", "pip install 'paddle-zoo[run]'")


def test_without_instances_there_is_no_interval() -> None:
    interval = interval_of(one_person_per_image(IMAGES, categories=(2,)), 5)

    assert (interval.low.AP, interval.high.AP) == (None, None)
