"""Decide whether a measured accuracy agrees with the published figure.

On the complete split the measured figure must equal the published one. On a part of the split the published
figure must lie inside the 95 % bootstrap interval of the measured one. On a part that is too small for a
narrow interval the verdict is "undecided".
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from registry.errors import UsageError
from registry.schema import Entry
from registry.schema.base import Model
from registry.schema.figures import Accuracy as Figure
from registry.schema.protocol import DetectionProtocol, KeypointProtocol
from zoo.evaluation.average_precision import Metrics
from zoo.evaluation.bootstrap import ConfidenceInterval
from zoo.evaluation.outcome import FAILED, Outcome

_MOST_RESAMPLES, _FEWEST_RESAMPLES = 500, 100
_DRAWN_IMAGES = 200_000  # total images drawn for an interval: takes about as long as running the model

ROUNDING = 0.05
"""Percentage points: rounding error of a figure published with one decimal."""

WHOLE_SET = 0.1
"""Percentage points by which evaluators of different versions differ on the same images, with rounding."""

FEWEST_IMAGES = 20
"""Images below which nothing is decided: a bootstrap over fewer images underestimates the spread."""

WIDEST_INTERVAL = 20.0
"""Percentage points: a wider interval contains so many figures that it confirms none of them."""

_SPLITS = {("coco", "val2017"): 5000}


class Verdict(Model):
    """Comparison of a measured accuracy with the published figure.

    Attributes:
        outcome: The outcome.
        metric: Name of the figure, as published.
        published: Published figure, percent; None if there is none.
        measured: Measured figure, percent; None if the set contains no instance to find.
        low: Lower end of the 95 % interval, percent; None on the complete split.
        high: Upper end.
        reason: Explanation of the outcome.
    """

    outcome: Outcome
    metric: Literal["AP", "mAP", "AP50"]
    published: float | None
    measured: float | None
    low: float | None = None
    high: float | None = None
    reason: str

    @property
    def passed(self) -> bool:
        """Whether the measurement does not contradict the published figure."""
        return self.outcome not in FAILED


def select_figure(entry: Entry, *, with_detector_boxes: bool = False) -> Figure | None:
    """Select the published figure whose protocol can be executed.

    Figures on private images and those with an incomplete protocol are skipped.

    Args:
        entry: The entry.
        with_detector_boxes: Whether a detector supplies the boxes.

    Returns:
        The figure; None if the entry has none that can be measured.

    Raises:
        UsageError: ``boxes-from-detector`` if the figure is about a pipeline.
    """
    for figure in entry.accuracy:
        if not isinstance(figure.protocol, (KeypointProtocol, DetectionProtocol)):
            continue
        if _box_source(figure) == "detector" and not with_detector_boxes:
            raise UsageError(
                "boxes-from-detector",
                f"the published figure of {entry.id} was measured with the boxes of a detector",
                hint="add --detector NAME; the result is labeled with the name of that detector",
            )
        return figure
    return None


def _box_source(figure: Figure) -> str | None:
    return figure.protocol.boxes if isinstance(figure.protocol, KeypointProtocol) else None


def is_whole_split(protocol: KeypointProtocol | DetectionProtocol, images: int, limit: int | None) -> bool:
    """Report whether a set is known to be the complete split of the published figure.

    Args:
        protocol: Protocol with the names of data set and split.
        images: Images in the annotation file.
        limit: Maximum number of images to evaluate; None for all.
    """
    size = _SPLITS.get((protocol.dataset, protocol.split))
    return size is not None and images >= size and (limit is None or limit >= images)


def choose_resamples(images: int) -> int:
    """Choose the number of bootstrap samples; large sets have narrow intervals and need fewer.

    Args:
        images: Images in the set.
    """
    return min(_MOST_RESAMPLES, max(_FEWEST_RESAMPLES, _DRAWN_IMAGES // max(1, images)))


def decide_verdict(
    figure: Figure,
    metrics: Metrics,
    interval: ConfidenceInterval | None,
    *,
    images: int,
    published_protocol: bool,
    detector: str | None = None,
) -> Verdict:
    """Compare a measurement with a published figure.

    Args:
        figure: The published figure.
        metrics: The measured figures.
        interval: Their interval if the set is a part of the split; None if it is complete.
        images: Images in the set.
        published_protocol: Whether the protocol is that of the published figure.
        detector: The detector whose boxes were used; None for annotated boxes.
    """
    name = "AP50" if figure.metric == "AP50" else "AP"
    measured = _percent(getattr(metrics, name))
    low = _percent(getattr(interval.low, name)) if interval else None
    high = _percent(getattr(interval.high, name)) if interval else None
    if measured is None:
        decision = _Decision("not-comparable", "the set contains no annotated instance to find")
    elif detector is not None:
        decision = _Decision("not-comparable", _explain_boxes(figure, detector))
    elif not published_protocol:
        reason = f"the protocol differs from that of the published {figure.value:.1f}"
        decision = _Decision("not-comparable", reason)
    elif low is None or high is None:
        decision = _decide_whole(figure.value, measured)
    else:
        decision = _decide_part(figure.value, measured, low, high, images)
    return Verdict(
        outcome=decision.outcome,
        metric=figure.metric,
        published=figure.value,
        measured=measured,
        low=low,
        high=high,
        reason=decision.reason,
    )


def report_without_figure(
    metric: Literal["AP", "mAP"], metrics: Metrics, interval: ConfidenceInterval | None
) -> Verdict:
    """Report a measurement of an entry without a published figure to compare with.

    Args:
        metric: Name of the figure.
        metrics: The measured figures.
        interval: Their interval; None on the complete split.
    """
    measured = _percent(metrics.AP)
    low = _percent(interval.low.AP) if interval else None
    high = _percent(interval.high.AP) if interval else None
    if measured is None:
        reason = "the set contains no annotated instance to find"
    elif low is None or high is None:
        reason = f"measured {measured:.1f} on the complete split"
    else:
        reason = f"measured {measured:.1f}, 95 % interval {low:.1f} to {high:.1f}"
    return Verdict(
        outcome="not-published",
        metric=metric,
        published=None,
        measured=measured,
        low=low,
        high=high,
        reason=reason,
    )


class _Decision(NamedTuple):
    """An outcome and its explanation."""

    outcome: Outcome
    reason: str


def _explain_boxes(figure: Figure, detector: str) -> str:
    published = "ground-truth boxes" if _box_source(figure) == "ground_truth" else "an unnamed detector"
    return (
        f"the persons were found by {detector}, but the published {figure.value:.1f} was measured with "
        f"{published}"
    )


def _decide_whole(published: float, measured: float) -> _Decision:
    where = f"the published {published:.1f} on the complete split, tolerance {WHOLE_SET:g}"
    return _decide(published, measured, (measured, measured), WHOLE_SET, where)


def _decide_part(published: float, measured: float, low: float, high: float, images: int) -> _Decision:
    interval = f"95 % interval {low:.1f} to {high:.1f}, published {published:.1f}"
    if images < FEWEST_IMAGES:
        few = "1 image is" if images == 1 else f"{images} images are"
        return _Decision(
            "undecided", f"{few} too few to decide, at least {FEWEST_IMAGES} are needed: {interval}"
        )
    decision = _decide(published, measured, (low, high), ROUNDING, interval)
    if decision.outcome == "met" and high - low > WIDEST_INTERVAL:
        return _Decision(
            "undecided",
            f"{images} images are too few to decide, the interval is wider than {WIDEST_INTERVAL:g} points: "
            f"{interval}",
        )
    return decision


def _decide(
    published: float, measured: float, interval: tuple[float, float], tolerance: float, where: str
) -> _Decision:
    low, high = interval
    # Figures have one decimal; the rounding of floating-point arithmetic must not decide.
    tolerance += 1e-9
    if published > high + tolerance:
        return _Decision("below", f"measured {measured:.1f} is below the published figure: {where}")
    if published < low - tolerance:
        return _Decision(
            "above",
            f"measured {measured:.1f} is above the published figure, possibly by another protocol: {where}",
        )
    return _Decision("met", f"measured {measured:.1f} agrees with the published figure: {where}")


def _percent(value: float | None) -> float | None:
    return None if value is None else 100 * value
