"""Bootstrap over images: the interval of one model's figures, and of the difference of two models.

Images are drawn with replacement, as many as the set has (Efron, Annals of Statistics 7, 1979). For a
difference both models are scored on the same draws: what makes an image hard is common to both and cancels.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from registry.schema.base import Model
from zoo._utils.arrays import Array, Doubles
from zoo.evaluation.average_precision import Metrics, Scores

_DRAWS = 200  # samples whose weights are in memory at the same time


class ConfidenceInterval(Model):
    """95 % bootstrap interval of the figures over images.

    Attributes:
        low: Lower ends, as fractions.
        high: Upper ends.
        resamples: Number of bootstrap samples.
        seed: Seed of the random generator.
    """

    low: Metrics
    high: Metrics
    resamples: int
    seed: int


def bootstrap_interval(scores: Scores, images: int, resamples: int, *, seed: int = 0) -> ConfidenceInterval:
    """Compute the percentile interval of every figure.

    Args:
        scores: The measurement.
        images: Number of its images.
        resamples: Number of bootstrap samples, each as large as the set.
        seed: Seed of the random generator; equal seeds give equal intervals.
    """
    found = bootstrap_samples((scores,), images, resamples, seed=seed)[0]
    low, high = (percentiles(found, end) for end in (2.5, 97.5))
    return ConfidenceInterval(low=low, high=high, resamples=resamples, seed=seed)


def bootstrap_samples(
    models: tuple[Scores, ...], images: int, resamples: int, *, seed: int = 0
) -> tuple[Doubles, ...]:
    """Compute the figures of one or several models on the same bootstrap samples.

    Args:
        models: Measurements of the same images.
        images: Number of images.
        resamples: Number of samples.
        seed: Seed of the random generator.

    Returns:
        One array ``(resamples, 4)`` for each model, with columns in the order of ``Metrics``.
    """
    parts: list[list[Doubles]] = [[] for _ in models]
    for weights in draw_weights(images, resamples, seed=seed):
        for part, model in zip(parts, models, strict=True):
            part.append(model.sample(weights))
    return tuple(np.concatenate(part) for part in parts)


def draw_weights(images: int, resamples: int, *, seed: int) -> Iterator[Array]:
    """Yield arrays ``(B, images)``: how often each image was drawn, in ``resamples`` rows altogether."""
    # PCG64 is named explicitly because the generator behind default_rng may change.
    random = np.random.Generator(np.random.PCG64(seed))
    for start in range(0, resamples, _DRAWS):
        rows = min(_DRAWS, resamples - start)
        drawn = random.integers(images, size=(rows, images)) + images * np.arange(rows)[:, None]
        yield np.bincount(drawn.ravel(), minlength=rows * images).reshape(rows, images)


def percentiles(samples: Doubles, percent: float) -> Metrics:
    """Compute a percentile of each figure, over the samples in which the figure exists.

    Args:
        samples: ``(B, 4)`` figures in the order of ``Metrics``.
        percent: From 0 to 100.
    """
    columns = [column[~np.isnan(column)] for column in samples.T]
    values = [float(np.percentile(column, percent)) if column.size else None for column in columns]
    return Metrics(**dict(zip(Metrics.model_fields, values, strict=True)))
