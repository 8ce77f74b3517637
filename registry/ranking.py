"""Ranks entries by accuracy and latency and finds the Pareto front of each ranking.

A ranking contains only figures that were measured on the same data, scored in the same way, and timed on the
same device with the same engine, threads, precision, batch size and scope.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from registry.errors import UsageError
from registry.schema.base import Model
from registry.schema.entry import Entry
from registry.schema.figures import Accuracy, Latency
from registry.schema.pipeline import Pipeline
from registry.search import device_name
from registry.suggest import format_suggestion
from registry.tables import headline_accuracy


class AccuracyConditions(Model):
    """Conditions of an accuracy figure.

    Attributes:
        metric: ``AP``, ``mAP`` or ``AP50``.
        dataset: Name of the data.
        split: Split of the data set.
        scored: What is scored: categories of a detector; boxes, images and flip test of a pose model.
    """

    metric: str
    dataset: str
    split: str
    scored: str

    def __str__(self) -> str:
        return f"{self.metric} on {self.dataset} {self.split}, {self.scored}"


class LatencyConditions(Model):
    """Conditions of a latency figure.

    Attributes:
        device: Processor or phone chip.
        engine: Inference engine; None if upstream does not state it.
        threads: Worker threads; None if upstream does not state them.
        precision: Arithmetic precision; None if upstream does not state it.
        scope: ``network`` (inference alone) or ``pipeline`` (with pre- and post-processing).
        persons: For a pipeline, number of people in the image.
    """

    device: str
    engine: str | None
    threads: int | None
    precision: str | None
    scope: Literal["network", "pipeline"]
    persons: int | None

    def __str__(self) -> str:
        parts = [
            self.device,
            self.engine or "engine not stated",
            None if self.threads is None else f"{self.threads} thread{'s' if self.threads > 1 else ''}",
            self.precision,
            "network alone" if self.scope == "network" else "whole pipeline",
            {None: None, 1: "one person"}.get(self.persons, f"up to {self.persons} persons"),
        ]
        return ", ".join(part for part in parts if part)


class Candidate(Model):
    """One entry of a ranking.

    Attributes:
        entry: Name and release.
        accuracy: Percent.
        milliseconds: Latency.
        measured_with: Version of the engine and timing tool, if upstream states them.
        beaten_by: An entry that is at least as accurate and as fast, and better in one of the two; None for
            entries on the Pareto front.
    """

    entry: str
    accuracy: float
    milliseconds: float
    measured_with: str
    beaten_by: str | None = None


class Ranking(Model):
    """Entries with comparable figures, fastest first.

    Attributes:
        accuracy: Conditions of their accuracy.
        timing: Conditions of their latency.
        rows: The entries.
    """

    accuracy: AccuracyConditions
    timing: LatencyConditions
    rows: tuple[Candidate, ...]

    def __str__(self) -> str:
        return f"{self.accuracy}; {self.timing}"


class Unranked(Model):
    """An entry that is in no ranking.

    Attributes:
        entry: Name and release.
        reason: Why it is in none.
    """

    entry: str
    reason: str


class Comparison(Model):
    """Rankings by accuracy and latency.

    Attributes:
        rankings: One for each set of comparable figures.
        unranked: Entries in no ranking.
    """

    rankings: tuple[Ranking, ...]
    unranked: tuple[Unranked, ...]

    def pareto_front(self) -> Comparison:
        """Return the rankings with only the entries on their Pareto fronts."""
        fronts = (
            ranking.model_copy(update={"rows": tuple(row for row in ranking.rows if row.beaten_by is None)})
            for ranking in self.rankings
        )
        return self.model_copy(update={"rankings": tuple(fronts)})


def rank_entries(
    entries: Iterable[Entry | Pipeline],
    *,
    device: str,
    precision: str | None = None,
    threads: int | None = None,
    scope: Literal["network", "pipeline"] = "network",
    metric: str | None = None,
) -> Comparison:
    """Rank entries by published figures.

    Args:
        entries: Entries to rank.
        device: Short name of a device, ``sd865``.
        precision: Only latencies at this precision; None ranks each precision separately.
        threads: Only latencies at this number of threads; None ranks each number separately.
        scope: What the latency includes.
        metric: Accuracy metric to rank by, ``AP50``; None takes the main figure of each entry.

    Raises:
        UsageError: ``unknown-condition``: no entry has a latency under these conditions, or no entry has a
            figure of that metric.
    """
    pool = tuple(entries)
    _require_device(device, pool)
    _require_metric(metric, pool)
    _require_conditions(device, precision, threads, pool)
    groups: dict[tuple[AccuracyConditions, LatencyConditions], list[Candidate]] = {}
    unranked = []
    for entry in pool:
        figure = _figure(entry, metric)
        scale = _accuracy_conditions(figure) if figure else None
        timed = [latency for latency in entry.latency if device_name(latency.device) == device]
        timed = [latency for latency in timed if precision in (None, latency.precision)]
        timed = [latency for latency in timed if threads in (None, latency.threads)]
        timings = [latency for latency in timed if latency.scope == scope and latency.batch == 1]
        if figure is None or scale is None:
            unranked.append(Unranked(entry=entry.id, reason="no accuracy figure that can be reproduced"))
        elif not timings:
            unranked.append(Unranked(entry=entry.id, reason=_explain_missing(timed, scope, device)))
        else:
            for latency in timings:
                group = groups.setdefault((scale, _latency_conditions(latency)), [])
                group.append(_candidate(entry, figure, latency))
    rankings = [
        Ranking(accuracy=scale, timing=timing, rows=_rank(rows)) for (scale, timing), rows in groups.items()
    ]
    return Comparison(rankings=tuple(sorted(rankings, key=str)), unranked=tuple(unranked))


def require_one_ranking(comparison: Comparison, names: Sequence[str]) -> None:
    """Check that named entries can be compared with each other.

    Args:
        comparison: Rankings of these entries.
        names: Their ids.

    Raises:
        UsageError: ``not-comparable``: no ranking contains all of them; the message lists the differences.
    """
    if any(set(names) <= {row.entry for row in ranking.rows} for ranking in comparison.rankings):
        return
    reasons = [f"{entry.entry}: {entry.reason}" for entry in comparison.unranked]
    for ranking in comparison.rankings:
        reasons += [f"{row.entry}: {ranking}" for row in ranking.rows if row.entry in names]
    raise UsageError(
        "not-comparable",
        "these entries were not measured under the same conditions and cannot be ranked together",
        expected="the same data, scoring, device, engine, threads, precision and scope",
        found="\n    ".join(reasons),
        hint="zoo rank ranks all comparable entries in groups",
    )


def _require_device(device: str, entries: Sequence[Entry | Pipeline]) -> None:
    known = sorted({device_name(latency.device) for entry in entries for latency in entry.latency})
    if device not in known:
        raise UsageError(
            "unknown-condition",
            f"no latency of these entries was published for the device {device!r}",
            expected=f"one of {', '.join(known)}" if known else None,
            hint=format_suggestion(
                device_name(device), known, otherwise="leave out --device, or name other entries"
            ),
        )


def _require_metric(metric: str | None, entries: Sequence[Entry | Pipeline]) -> None:
    known = sorted({figure.metric for entry in entries for figure in entry.accuracy})
    if metric is not None and metric not in known:
        raise UsageError(
            "unknown-condition",
            f"none of these entries has a published accuracy in {metric!r}",
            expected=f"one of {', '.join(known)}" if known else None,
            hint=format_suggestion(metric, known, otherwise="leave out --metric, or name other entries"),
        )


def _require_conditions(
    device: str, precision: str | None, threads: int | None, entries: Sequence[Entry | Pipeline]
) -> None:
    timed = [
        latency for entry in entries for latency in entry.latency if device_name(latency.device) == device
    ]
    requested: dict[str, tuple[object, set[str]]] = {
        "at this number of threads": (threads, {str(each.threads) for each in timed if each.threads}),
        "at this precision": (precision, {each.precision for each in timed if each.precision}),
    }
    for words, (value, found) in requested.items():
        known = sorted(found)
        if value is not None and str(value) not in known:
            raise UsageError(
                "unknown-condition",
                f"no latency of these entries on {device} was published {words}",
                expected=f"one of {', '.join(known)}" if known else "none: upstream does not state it",
                found=str(value),
                hint="zoo rank without this option lists the published conditions",
            )


def _figure(entry: Entry | Pipeline, metric: str | None) -> Accuracy | None:
    if metric is None:
        return headline_accuracy(entry)
    return next((figure for figure in entry.accuracy if figure.metric == metric), None)


def _accuracy_conditions(figure: Accuracy) -> AccuracyConditions | None:
    protocol = figure.protocol
    if protocol.kind == "keypoints":
        boxes = "ground-truth boxes" if protocol.boxes == "ground_truth" else "a detector's boxes"
        scored = f"{boxes}, {_images(protocol.images)}, flip {'on' if protocol.flip else 'off'}"
    elif protocol.kind == "detection":
        scored = "persons" if protocol.category_scope == "person" else "all categories"
    elif protocol.kind == "pipeline":
        scored = f"boxes of the pipeline's detector, {_images(protocol.images)}"
    else:
        return None  # private, or not described completely enough to be compared
    return AccuracyConditions(
        metric=figure.metric, dataset=protocol.dataset, split=protocol.split, scored=scored
    )


def _images(subset: str) -> str:
    words = {"all": "all images", "one_person": "images of one person"}
    return words.get(subset, f"images of {subset.removesuffix('_persons').replace('_', ' ')} persons")


def _latency_conditions(latency: Latency) -> LatencyConditions:
    return LatencyConditions(
        device=latency.device,
        engine=latency.engine,
        threads=latency.threads,
        precision=latency.precision,
        scope=latency.scope,
        persons=latency.persons,
    )


def _candidate(entry: Entry | Pipeline, figure: Accuracy, latency: Latency) -> Candidate:
    measured_with = " ".join(part for part in (latency.engine_version, latency.harness) if part)
    return Candidate(
        entry=entry.id,
        accuracy=figure.value,
        milliseconds=latency.milliseconds,
        measured_with=measured_with,
    )


def _explain_missing(timed: Sequence[Latency], scope: str, device: str) -> str:
    if any(latency.batch != 1 for latency in timed):
        return f"timed on {device} only at other batch sizes"
    if timed:
        return f"timed on {device} with scope {timed[0].scope}, not {scope}: the two are not comparable"
    return f"no latency was published for {device} under these conditions"


def _rank(rows: Sequence[Candidate]) -> tuple[Candidate, ...]:
    ordered = sorted(rows, key=lambda row: (row.milliseconds, -row.accuracy, row.entry))
    return tuple(row.model_copy(update={"beaten_by": _find_dominating(row, ordered)}) for row in ordered)


def _find_dominating(row: Candidate, ordered: Sequence[Candidate]) -> str | None:
    """Return the most accurate entry that is no worse in both figures and better in one."""
    better = [
        other
        for other in ordered
        if other.milliseconds <= row.milliseconds
        and other.accuracy >= row.accuracy
        and (other.milliseconds, other.accuracy) != (row.milliseconds, row.accuracy)
    ]
    return max(better, key=lambda other: other.accuracy).entry if better else None
