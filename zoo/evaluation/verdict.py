"""Does a published figure hold: a measured one beside it, judged to both sides.

On the whole set a figure is either the published one or it is not. On a part of it the question is whether
the published figure is one that images like these could have given: whether it lies inside the interval that
drawing the images anew spans.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from registry.errors import UsageError
from registry.schema import Entry
from registry.schema.base import Model
from registry.schema.figures import Accuracy as Figure
from registry.schema.protocol import DetectionProtocol, KeypointProtocol
from zoo.evaluation.scoring import Metrics, Spread
from zoo.runner.runner import no_protocol

_MOST_RESAMPLES, _FEWEST_RESAMPLES = 500, 100
_DRAWN_IMAGES = 200_000  # what may be added up for an interval: about as long as looking at the images takes

ROUNDING = 0.05
"""Percentage points by which a figure published with one decimal may have been rounded."""

WHOLE_SET = 0.1
"""Percentage points that evaluators of another version differ by on the same images, rounding included."""

_SPLITS = {("coco", "val2017"): 5000}

Standing = Literal["met", "below", "above", "not-comparable"]


class Verdict(Model):
    """What a measurement says about a published figure.

    Attributes:
        standing: ``met``, ``below`` or ``above`` the published figure, or ``not-comparable`` with it.
        metric: Name of the figure, as published.
        published: Percent.
        measured: Percent; None where the set holds nothing to find.
        low: Lower end of the 95 % interval, percent; None on the whole set.
        high: Upper end.
        reason: The verdict in words.
    """

    standing: Standing
    metric: Literal["AP", "mAP", "AP50"]
    published: float
    measured: float | None
    low: float | None = None
    high: float | None = None
    reason: str

    @property
    def met(self) -> bool:
        """Whether nothing speaks against the published figure."""
        return self.standing in ("met", "not-comparable")


def figure_of(entry: Entry, *, behind_detector: bool = False) -> Figure:
    """The published figure that can be measured: not on private images, nor under half a protocol.

    Args:
        entry: The entry.
        behind_detector: Whether a detector finds the boxes.

    Raises:
        UsageError: ``no-protocol``, or ``boxes-from-detector`` when the figure is about a pipeline.
    """
    for figure in entry.accuracy:
        if not isinstance(figure.protocol, (KeypointProtocol, DetectionProtocol)):
            continue
        if _boxes(figure) == "detector" and not behind_detector:
            raise UsageError(
                "boxes-from-detector",
                f"the figure of {entry.id} was measured behind a detector: it belongs to a pipeline",
                hint="add --detector NAME: what is measured then is labeled with that detector",
            )
        return figure
    raise no_protocol(entry)


def _boxes(figure: Figure) -> str | None:
    return figure.protocol.boxes if isinstance(figure.protocol, KeypointProtocol) else None


def is_whole(protocol: KeypointProtocol | DetectionProtocol, images: int, limit: int | None) -> bool:
    """Whether a set is known to be all of the split that the figure was measured on.

    Args:
        protocol: Names data set and split.
        images: Images in the annotation file.
        limit: How many of them may be taken; None for all.
    """
    size = _SPLITS.get((protocol.dataset, protocol.split))
    return size is not None and images >= size and (limit is None or limit >= images)


def resamples_for(images: int) -> int:
    """Sets to draw for an interval: fewer of large sets, whose intervals are narrow anyway.

    Args:
        images: In the set.
    """
    return min(_MOST_RESAMPLES, max(_FEWEST_RESAMPLES, _DRAWN_IMAGES // max(1, images)))


def judge(
    figure: Figure,
    metrics: Metrics,
    spread: Spread | None,
    *,
    published_protocol: bool,
    boxes_of: str | None = None,
) -> Verdict:
    """Compares a measurement with a published figure.

    Args:
        figure: The published figure.
        metrics: What was measured.
        spread: Its interval, when the set is a part of the split; None when it is the whole.
        published_protocol: Whether it was measured as the published one was.
        boxes_of: The detector whose boxes the persons were looked for in; None for annotated boxes.
    """
    name = "AP50" if figure.metric == "AP50" else "AP"
    measured = _percent(getattr(metrics, name))
    low = _percent(getattr(spread.low, name)) if spread else None
    high = _percent(getattr(spread.high, name)) if spread else None
    if boxes_of is not None and measured is not None:
        judged = _Judged("not-comparable", _other_boxes(figure, boxes_of))
    else:
        judged = _judged(figure.value, measured, low, high, published_protocol)
    return Verdict(
        standing=judged.standing,
        metric=figure.metric,
        published=figure.value,
        measured=measured,
        low=low,
        high=high,
        reason=judged.reason,
    )


def _other_boxes(figure: Figure, detector: str) -> str:
    theirs = (
        "ground-truth boxes"
        if _boxes(figure) == "ground_truth"
        else "the boxes of a detector it does not name"
    )
    return (
        f"measured with boxes found by {detector}, the published {figure.value:.1f} with {theirs}: "
        "not to be compared"
    )


class _Judged(NamedTuple):
    """A standing and why."""

    standing: Standing
    reason: str


def _judged(
    published: float, measured: float | None, low: float | None, high: float | None, same_protocol: bool
) -> _Judged:
    if measured is None:
        return _Judged("not-comparable", "the set holds nothing to find")
    if not same_protocol:
        return _Judged(
            "not-comparable", f"measured otherwise than the published {published:.1f}: not to be compared"
        )
    if low is None or high is None:
        low, high, slack = measured, measured, WHOLE_SET
        where = f"the published {published:.1f} on the whole set, within {WHOLE_SET:g}"
    else:
        slack = ROUNDING
        where = f"the 95 % interval {low:.1f} to {high:.1f} of these images, published {published:.1f}"
    # Figures have one decimal; what floating point adds to a difference must not decide.
    slack += 1e-9
    if published > high + slack:
        return _Judged("below", f"measured {measured:.1f} is below the published figure: {where}")
    if published < low - slack:
        words = "is above the published figure, which points to another protocol"
        return _Judged("above", f"measured {measured:.1f} {words}: {where}")
    return _Judged("met", f"measured {measured:.1f} agrees with the published figure: {where}")


def _percent(value: float | None) -> float | None:
    return None if value is None else 100 * value
