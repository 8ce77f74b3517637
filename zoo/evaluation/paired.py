"""The difference of two models on the same images, and whether it matters.

The interval of the difference is a paired bootstrap. Equivalence within a margin is shown by two one-sided
tests at the 5 % level (Schuirmann, Journal of Pharmacokinetics and Biopharmaceutics 15, 1987): the 90 %
interval must lie inside the margin. A loss or gain is shown if the 95 % interval excludes zero.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import numpy as np

from registry.errors import UsageError
from registry.schema.base import Model
from zoo.evaluation.average_precision import Metrics, Scores
from zoo.evaluation.bootstrap import ConfidenceInterval, bootstrap_samples, percentiles
from zoo.evaluation.per_image import ImageMatches
from zoo.evaluation.verdict import FEWEST_IMAGES

Comparison = Literal["equivalent", "worse", "better", "undecided"]

DEFAULT_MARGIN = 0.5
"""Percentage points of AP."""

_MOST_RESAMPLES, _FEWEST_RESAMPLES = 2000, 500
_DRAWN_IMAGES = 2_000_000  # total images drawn: about 10 seconds for persons
_Z90, _Z95 = 1.645, 1.960  # quantiles of the normal distribution, two-sided


class DifferenceVerdict(Model):
    """Whether a difference matters. All figures are percentage points, candidate minus reference.

    Attributes:
        outcome: ``equivalent`` within the margin, ``worse``, ``better``, or ``undecided``.
        metric: Name of the figure.
        margin: Largest difference that does not matter.
        difference: The difference; None if the set contains no instance to find.
        low: Lower end of its 95 % interval.
        high: Upper end.
        low90: Lower end of its 90 % interval, for the tests against the margin.
        high90: Upper end.
        more_images: Additional images that would decide, if the difference stays as it is; None if it is
            decided, or if no number of images is likely to decide.
        reason: Explanation of the outcome.
    """

    outcome: Comparison
    metric: str
    margin: float
    difference: float | None
    low: float | None = None
    high: float | None = None
    low90: float | None = None
    high90: float | None = None
    more_images: int | None = None
    reason: str

    @property
    def passed(self) -> bool:
        """Whether no loss was shown."""
        return self.outcome != "worse"


class PairedDifference(Model):
    """Difference of the figures of two models on the same images, candidate minus reference.

    Attributes:
        difference: Differences, as fractions.
        interval: Their 95 % intervals.
        verdict: Whether the difference of the decisive figure matters.
    """

    difference: Metrics
    interval: ConfidenceInterval
    verdict: DifferenceVerdict


def check_margin(margin: float) -> float:
    """Return the margin, in percentage points.

    Raises:
        UsageError: ``margin-out-of-range``.
    """
    if 0 < margin < 100:
        return margin
    raise UsageError(
        "margin-out-of-range",
        "the margin is the difference in percentage points that does not matter",
        expected="a number between 0 and 100",
        found=f"{margin:g}",
        hint=f"--margin {DEFAULT_MARGIN:g}",
    )


def compare_paired(
    reference: ImageMatches,
    candidate: ImageMatches,
    *,
    margin: float = DEFAULT_MARGIN,
    metric: Literal["AP", "AP50"] = "AP",
    resamples: int | None = None,
    seed: int = 0,
) -> PairedDifference:
    """Compare two models that ran on the same images.

    Args:
        reference: Matches of the reference.
        candidate: Matches of the model that is judged.
        margin: Largest difference that does not matter, in percentage points.
        metric: The decisive figure.
        resamples: Number of bootstrap samples; None chooses by the number of images.
        seed: Seed of the random generator.

    Raises:
        UsageError: ``pair-mismatch`` or ``margin-out-of-range``.
    """
    check_margin(margin)
    _check_pair(reference, candidate)
    images = len(reference.images)
    count = resamples or min(_MOST_RESAMPLES, max(_FEWEST_RESAMPLES, _DRAWN_IMAGES // max(1, images)))
    models = Scores(reference), Scores(candidate)
    first, second = bootstrap_samples(models, images, count, seed=seed)
    differences = second - first
    low, high = (percentiles(differences, end) for end in (2.5, 97.5))
    return PairedDifference(
        difference=_subtract(models[1].metrics, models[0].metrics),
        interval=ConfidenceInterval(low=low, high=high, resamples=count, seed=seed),
        verdict=_judge(models, differences, metric, margin, images),
    )


def _judge(
    models: tuple[Scores, Scores], differences: np.ndarray, metric: str, margin: float, images: int
) -> DifferenceVerdict:
    values = [getattr(model.metrics, metric) for model in models]
    column = 100 * differences[:, list(Metrics.model_fields).index(metric)]
    column = column[~np.isnan(column)]
    if None in values or not column.size:
        return DifferenceVerdict(
            outcome="undecided",
            metric=metric,
            margin=margin,
            difference=None,
            reason="the set contains no annotated instance to find",
        )
    low, low90, high90, high = np.percentile(column, (2.5, 5, 95, 97.5)).tolist()
    estimate = Estimate(100 * (values[1] - values[0]), low, high, low90, high90, float(column.std()))
    decision = decide_difference(estimate, margin, images)
    return DifferenceVerdict(
        outcome=decision.outcome,
        metric=metric,
        margin=margin,
        difference=estimate.difference,
        low=low,
        high=high,
        low90=low90,
        high90=high90,
        more_images=decision.more_images,
        reason=decision.reason,
    )


class Estimate(NamedTuple):
    """A difference with its intervals and standard error, in percentage points."""

    difference: float
    low: float
    high: float
    low90: float
    high90: float
    error: float


class Decision(NamedTuple):
    """An outcome, the images that are missing for another one, and the explanation."""

    outcome: Comparison
    more_images: int | None
    reason: str


def decide_difference(estimate: Estimate, margin: float, images: int) -> Decision:
    """Decide whether a difference matters.

    Args:
        estimate: The difference.
        margin: Largest difference that does not matter, in percentage points.
        images: Number of images.
    """
    seen = (
        f"difference {estimate.difference:+.2f} points, 95 % interval {estimate.low:+.2f} to "
        f"{estimate.high:+.2f}"
    )
    if images < FEWEST_IMAGES:
        few = "1 image is" if images == 1 else f"{images} images are"
        more = FEWEST_IMAGES - images
        return Decision("undecided", more, f"{few} too few, at least {FEWEST_IMAGES} are needed: {seen}")
    if -margin < estimate.low90 and estimate.high90 < margin:
        return Decision("equivalent", None, f"the loss or gain is below {margin:g} points: {seen}")
    if estimate.high < 0:
        return Decision("worse", None, f"a loss is shown: {seen}")
    if estimate.low > 0:
        return Decision("better", None, f"a gain is shown: {seen}")
    more_images = _more_images(estimate, margin, images)
    advice = "" if more_images is None else f"; about {more_images} more images would decide"
    return Decision("undecided", more_images, f"neither a change nor equivalence is shown: {seen}{advice}")


def _more_images(estimate: Estimate, margin: float, images: int) -> int | None:
    """Additional images, if the difference stays and its error falls with the root of their number."""
    size = abs(estimate.difference)
    ratios = [_Z95 * estimate.error / size] if size else []
    ratios += [_Z90 * estimate.error / (margin - size)] if size < margin else []
    if not ratios:
        return None
    return max(1, math.ceil(images * min(ratios) ** 2) - images)


def _check_pair(reference: ImageMatches, candidate: ImageMatches) -> None:
    for name in ("kind", "thresholds", "categories", "images", "annotation"):
        if not np.array_equal(getattr(reference, name), getattr(candidate, name)):
            raise UsageError(
                "pair-mismatch",
                f"a difference needs the same {name} in both measurements",
                hint="measure both on the same data, under the same protocol",
            )


def _subtract(first: Metrics, second: Metrics) -> Metrics:
    pairs = {name: (getattr(first, name), getattr(second, name)) for name in Metrics.model_fields}
    return Metrics(**{name: None if None in pair else pair[0] - pair[1] for name, pair in pairs.items()})
