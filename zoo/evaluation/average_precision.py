"""Average precision from the matches of each image, for many weightings of the images at once.

The definition is that of COCO's evaluation (pycocotools): precision is made monotonic from the right and
read at 101 recall values. An image of weight w counts like w copies of it, with each detection next to its
copies. The detections are sorted only once, so a bootstrap sample costs a few cumulative sums.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from registry.schema.base import Model
from zoo._utils.arrays import Array, Doubles
from zoo.evaluation.per_image import ImageMatches

_RECALLS = np.linspace(0.0, 1.0, 101)
_BLOCK = 2_000_000  # values in the largest temporary array: 16 MB


class Metrics(Model):
    """Figures under pycocotools' names, as fractions; None if the set contains no instance to find.

    Attributes:
        AP: Mean average precision over the thresholds 0.50, 0.55, … 0.95.
        AP50: Average precision at threshold 0.50.
        AP75: Average precision at threshold 0.75.
        AR: Mean recall over the same thresholds, at the protocol's maximum number of detections per image.
    """

    AP: float | None
    AP50: float | None
    AP75: float | None
    AR: float | None


@dataclass(frozen=True, eq=False)
class _Ranking:
    """Detections of one category in the order of falling score.

    Attributes:
        image: ``(D,)`` image of each detection.
        correct: ``(T, D)`` whether it is correct and not ignored.
        wrong: ``(T, D)`` whether it is neither correct nor ignored.
        instances: ``(I,)`` number of instances to find in each image.
    """

    image: Array
    correct: Array
    wrong: Array
    instances: Array


class Scores:
    """Computes figures for weightings of the images of one measurement.

    Args:
        matches: The matches of all images.
    """

    def __init__(self, matches: ImageMatches) -> None:
        self._matches = matches
        self._rankings = [_rank(matches, category) for category in range(len(matches.categories))]

    @cached_property
    def metrics(self) -> Metrics:
        """The figures with every image counted once."""
        (row,) = self.sample(np.ones((1, len(self._matches.images)), np.int64)).tolist()
        named = dict(zip(Metrics.model_fields, row, strict=True))
        return Metrics(**{name: None if math.isnan(value) else value for name, value in named.items()})

    def sample(self, weights: Array) -> Doubles:
        """Compute the figures for several weightings.

        Args:
            weights: ``(B, I)`` how often each image counts.

        Returns:
            ``(B, 4)`` the figures in the order of ``Metrics``; NaN where no instance is to be found.
        """
        widest = max((len(ranking.image) for ranking in self._rankings), default=0)
        rows = max(1, _BLOCK // max(1, widest * len(self._matches.thresholds)))
        parts = [self._sample(weights[start : start + rows]) for start in range(0, len(weights), rows)]
        return np.concatenate(parts) if parts else np.empty((0, len(Metrics.model_fields)))

    def _sample(self, weights: Array) -> Doubles:
        levels = np.asarray(self._matches.thresholds)
        precision = np.zeros((len(weights), len(levels)))
        recall = np.zeros((len(weights), len(levels)))
        present = np.zeros((len(weights), 1))
        for ranking in self._rankings:
            instances = weights @ ranking.instances
            counted = instances > 0
            if not counted.any():
                continue
            average, reached = _accumulate(ranking, weights[counted], instances[counted])
            precision[counted] += average
            recall[counted] += reached
            present[counted] += 1
        with np.errstate(invalid="ignore"):  # 0 / 0: no instance to find
            precision, recall = precision / present, recall / present
        columns = [precision, *(precision[:, np.isclose(levels, level)] for level in (0.5, 0.75)), recall]
        return np.stack([_mean(column) for column in columns], axis=1)


def compute_metrics(matches: ImageMatches) -> Metrics:
    """Compute the figures over all images."""
    return Scores(matches).metrics


def _mean(columns: Doubles) -> Doubles:
    return columns.mean(axis=1) if columns.shape[1] else np.full(len(columns), np.nan)


def _rank(matches: ImageMatches, category: int) -> _Ranking:
    chosen = np.flatnonzero(matches.detection_category == category)
    # A stable sort: like pycocotools, equal scores keep the order of the images.
    order = chosen[np.argsort(-matches.score[chosen], kind="stable")]
    correct, ignored = matches.correct[order].T, matches.ignored[order].T
    wanted = (matches.instance_category == category) & ~matches.excluded
    return _Ranking(
        image=matches.detection_image[order],
        correct=np.ascontiguousarray(correct & ~ignored),
        wrong=np.ascontiguousarray(~correct & ~ignored),
        instances=np.bincount(matches.instance_image[wanted], minlength=len(matches.images)),
    )


def _accumulate(ranking: _Ranking, weights: Array, instances: Array) -> tuple[Doubles, Doubles]:
    """Average precision and recall of one category.

    Args:
        ranking: The detections.
        weights: ``(B, I)`` weights of the images.
        instances: ``(B,)`` weighted number of instances, above 0.

    Returns:
        Two arrays ``(B, T)``.
    """
    samples, levels, detections = len(weights), len(ranking.correct), len(ranking.image)
    if not detections:
        return np.zeros((samples, levels)), np.zeros((samples, levels))
    weight = weights[:, None, ranking.image]
    correct = np.cumsum(weight * ranking.correct, axis=2)
    wrong = np.cumsum(weight * ranking.wrong, axis=2)
    precision = correct / (correct + wrong + np.spacing(1))
    # The largest precision at this recall or a higher one.
    precision = np.maximum.accumulate(precision[:, :, ::-1], axis=2)[:, :, ::-1]
    recall = correct[:, :, -1] / instances[:, None]
    # Recall r is reached by the first detection that makes enough of them correct. The counts of all rows are
    # made one ascending array, so that one search serves all.
    needed = _needed(instances)[:, None, :]
    step = int(instances.max()) + 1
    offsets = step * np.arange(samples * levels).reshape(samples, levels, 1)
    place = np.searchsorted((correct + offsets).ravel(), (needed + offsets).ravel(), side="left")
    reached = needed <= correct[:, :, -1:]
    padded = np.append(precision.ravel(), 0.0)  # the last row may reach no recall: its place is the end
    read = np.where(reached, padded[place.reshape(samples, levels, -1)], 0.0)
    return read.mean(axis=2), recall


def _needed(instances: Array) -> Array:
    """``(B, 101)`` correct detections at which each recall is reached, compared as pycocotools does."""
    count = instances[:, None]
    needed = np.ceil(_RECALLS * count).astype(np.int64)
    # The product may be rounded across an integer; pycocotools compares the quotient with the recall.
    needed -= (needed - 1) / count >= _RECALLS
    needed += needed / count < _RECALLS
    return needed
