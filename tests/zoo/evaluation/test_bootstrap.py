"""The bootstrap interval of a figure over images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from registry.errors import MissingToolError
from zoo.datasets.coco import CocoImage, CocoSet
from zoo.evaluation.scoring import ScoredResults, Scorer
from zoo.runner.results import DetectionRecord

IMAGES = 40
BOX = [10.0, 10.0, 40.0, 60.0]


def one_person_per_image(found: int, categories: tuple[int, ...] = (1,)) -> ScoredResults:
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


def test_equal_images_give_an_interval_of_zero_width() -> None:
    interval = one_person_per_image(IMAGES).bootstrap_interval(20)

    assert (interval.low.AP, interval.high.AP, interval.resamples) == (1, 1, 20)


def test_the_interval_equals_that_of_a_proportion() -> None:
    """Recall with one person per image is a proportion, whose standard error is known."""
    scored = one_person_per_image(IMAGES // 2)
    interval = scored.bootstrap_interval(400)
    error = np.sqrt(0.25 / IMAGES)

    assert scored.metrics.AR == 0.5
    assert pytest.approx(0.5 - 1.96 * error, abs=0.04) == interval.low.AR
    assert pytest.approx(0.5 + 1.96 * error, abs=0.04) == interval.high.AR


def test_the_same_seed_draws_the_same_images() -> None:
    scored = one_person_per_image(IMAGES // 2)

    assert scored.bootstrap_interval(30) == scored.bootstrap_interval(30)
    assert scored.bootstrap_interval(30) != scored.bootstrap_interval(30, seed=1)


def test_an_evaluator_of_another_version_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    metadata = tmp_path / "faster_coco_eval-1.7.2.dist-info" / "METADATA"
    metadata.parent.mkdir()
    metadata.write_text("Metadata-Version: 2.1\nName: faster-coco-eval\nVersion: 1.7.2\n")
    monkeypatch.syspath_prepend(tmp_path)

    with pytest.raises(MissingToolError) as caught:
        one_person_per_image(IMAGES)

    assert (caught.value.code, caught.value.found) == ("evaluator-incompatible", "1.7.2")


def test_without_instances_there_is_no_interval() -> None:
    interval = one_person_per_image(IMAGES, categories=(2,)).bootstrap_interval(5)

    assert (interval.low.AP, interval.high.AP) == (None, None)
