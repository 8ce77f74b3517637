"""Average precision computed from the matches of each image."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.helpers.synthetic_coco import SyntheticCoco, make_synthetic
from zoo.datasets.coco_annotations import Kind
from zoo.evaluation.average_precision import Metrics, Scores, compute_metrics
from zoo.evaluation.bootstrap import draw_weights
from zoo.evaluation.per_image import ImageMatches
from zoo.evaluation.scoring import Scorer

hotcoco = pytest.importorskip("hotcoco")


def match(made: SyntheticCoco, kind: Kind, *, limit: int = 100) -> ImageMatches:
    data = made.coco_set()
    scorer = Scorer(data, kind, categories=data.categories, max_detections=limit)
    for start in range(0, len(data.images), 8):
        images = data.images[start : start + 8]
        ids = {image.id for image in images}
        scorer.add(images, [each for each in made.records if each["image_id"] in ids])
    return scorer.finish()


def evaluate_with_library(made: SyntheticCoco, kind: Kind, limit: int) -> Any:
    """The evaluator's own accumulation over all images in one go."""
    truth = hotcoco.COCO(made.document)
    evaluation = hotcoco.COCOeval(truth, truth.load_res(made.records), kind)
    evaluation.params.max_dets = [limit]
    evaluation.evaluate()
    evaluation.accumulate()
    return evaluation.eval


@pytest.mark.parametrize(("kind", "categories"), [("bbox", 80), ("bbox", 1), ("keypoints", 1)])
@pytest.mark.parametrize("limit", [100, 2])
def test_figures_equal_those_of_the_evaluator(kind: Kind, categories: int, limit: int) -> None:
    made = make_synthetic(120, categories, kind=kind)
    expected = evaluate_with_library(made, kind, limit)
    precision, recall = expected["precision"][..., 0, -1], expected["recall"][..., 0, -1]

    found = compute_metrics(match(made, kind, limit=limit))

    assert pytest.approx(precision[precision > -1].mean(), abs=1e-12) == found.AP
    assert pytest.approx(precision[0][precision[0] > -1].mean(), abs=1e-12) == found.AP50
    assert pytest.approx(precision[5][precision[5] > -1].mean(), abs=1e-12) == found.AP75
    assert pytest.approx(recall[recall > -1].mean(), abs=1e-12) == found.AR


@pytest.mark.parametrize("kind", ["bbox", "keypoints"])
def test_a_weight_counts_like_copies_of_an_image(kind: Kind) -> None:
    made = make_synthetic(40, 1, kind=kind, seed=2)
    for place, record in enumerate(made.records):
        record["score"] += 1e-9 * place  # copies of equal scores in one image have another order
    weights = next(draw_weights(40, 5, seed=3))
    found = Scores(match(made, kind)).sample(weights)

    for row, figures in zip(weights, found, strict=True):
        copied = compute_metrics(match(repeat_images(made, row), kind))
        np.testing.assert_allclose(figures, list(copied.model_dump().values()), atol=1e-12)


def repeat_images(made: SyntheticCoco, counts: np.ndarray) -> SyntheticCoco:
    """Repeat each image with its annotations and results as often as the counts say."""
    images: list[Any] = []
    annotations: list[Any] = []
    records: list[Any] = []
    for image, count in zip(made.document["images"], counts, strict=True):
        for _ in range(count):
            number = len(images) + 1
            images.append(image | {"id": number})
            for item in made.document["annotations"]:
                if item["image_id"] == image["id"]:
                    annotations.append(item | {"image_id": number, "id": len(annotations) + 1})
            for record in made.records:
                if record["image_id"] == image["id"]:
                    records.append(record | {"image_id": number})
    document = made.document | {"images": images, "annotations": annotations}
    return SyntheticCoco(document, records)


def test_many_weightings_equal_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    scores = Scores(match(make_synthetic(30, 3), "bbox"))
    weights = next(draw_weights(30, 7, seed=0))
    together = scores.sample(weights)

    monkeypatch.setattr("zoo.evaluation.average_precision._BLOCK", 1)

    np.testing.assert_array_equal(scores.sample(weights), together)


def test_a_category_without_instances_does_not_count() -> None:
    made = make_synthetic(30, 1)
    more = SyntheticCoco(
        made.document | {"categories": [*made.document["categories"], {"id": 2, "name": "absent"}]},
        made.records,
    )

    assert compute_metrics(match(more, "bbox")) == compute_metrics(match(made, "bbox"))


def test_an_empty_set_has_no_figures() -> None:
    nothing = SyntheticCoco({"images": [], "annotations": [], "categories": [{"id": 1, "name": "a"}]}, [])

    assert compute_metrics(match(nothing, "bbox")) == Metrics(AP=None, AP50=None, AP75=None, AR=None)


def test_instances_without_results_score_zero() -> None:
    made = make_synthetic(20, 1)

    assert compute_metrics(match(SyntheticCoco(made.document, []), "bbox")) == Metrics(
        AP=0, AP50=0, AP75=0, AR=0
    )
