"""Accuracy against latency: which entries nothing else beats, among those that may be compared at all.

Two figures stand in one ranking only if they were measured on the same data, scored in the same way, and
timed on the same device with the same engine, threads, precision, batch and scope.
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
from registry.tables import headline


class Scale(Model):
    """What an accuracy is a figure of.

    Attributes:
        metric: ``AP``, ``mAP`` or ``AP50``.
        dataset: Name of the data.
        split: Part of it.
        scored: What counts: the categories of a detector, whose boxes a pose model is given, which pictures.
    """

    metric: str
    dataset: str
    split: str
    scored: str

    def __str__(self) -> str:
        return f"{self.metric} on {self.dataset} {self.split}, {self.scored}"


class Timing(Model):
    """What a latency is a time of.

    Attributes:
        device: Processor or phone chip.
        engine: Inference engine; None where upstream does not say.
        threads: Worker threads; None where upstream does not say.
        precision: Arithmetic precision; None where upstream does not say.
        scope: ``network`` alone, or ``pipeline`` with pre- and post-processing.
        persons: People in the image, of a pipeline.
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
        measured_with: Version of the engine and what did the timing, where upstream says so.
        beaten_by: An entry that is no less accurate and no slower, and better in one of both; None for those
            on the Pareto front.
    """

    entry: str
    accuracy: float
    milliseconds: float
    measured_with: str
    beaten_by: str | None = None


class Ranking(Model):
    """Entries that may be compared, fastest first.

    Attributes:
        accuracy: What their accuracy is a figure of.
        timing: What their latency is a time of.
        rows: The entries.
    """

    accuracy: Scale
    timing: Timing
    rows: tuple[Candidate, ...]

    def __str__(self) -> str:
        return f"{self.accuracy}; {self.timing}"


class Unranked(Model):
    """An entry that stands in no ranking.

    Attributes:
        entry: Name and release.
        reason: Why not.
    """

    entry: str
    reason: str


class Comparison(Model):
    """Accuracy against latency.

    Attributes:
        rankings: One for each set of comparable figures.
        apart: Entries in none of them.
    """

    rankings: tuple[Ranking, ...]
    apart: tuple[Unranked, ...]

    def front(self) -> Comparison:
        """The same rankings with those entries alone that nothing beats."""
        kept = (
            ranking.model_copy(update={"rows": tuple(row for row in ranking.rows if row.beaten_by is None)})
            for ranking in self.rankings
        )
        return self.model_copy(update={"rankings": tuple(kept)})


def compare(
    entries: Iterable[Entry | Pipeline],
    *,
    device: str,
    precision: str | None = None,
    threads: int | None = None,
    scope: Literal["network", "pipeline"] = "network",
    metric: str | None = None,
) -> Comparison:
    """Ranks entries by published figures.

    Args:
        entries: Entries to look at.
        device: Short name of a device, ``sd865``.
        precision: Only latencies in this arithmetic; None takes any, each in a ranking of its own.
        threads: Only latencies with so many threads; None takes any, each in a ranking of its own.
        scope: What the latency includes.
        metric: Accuracy to rank by, ``AP50``; None takes each entry's main figure.

    Raises:
        UsageError: ``unknown-condition``: no entry was timed on that device and so, or has such a figure.
    """
    pool = tuple(entries)
    _require_device(device, pool)
    _require_metric(metric, pool)
    _require_conditions(device, precision, threads, pool)
    groups: dict[tuple[Scale, Timing], list[Candidate]] = {}
    apart = []
    for entry in pool:
        figure = _figure(entry, metric)
        scale = _scale(figure) if figure else None
        timed = [latency for latency in entry.latency if device_name(latency.device) == device]
        timed = [latency for latency in timed if precision in (None, latency.precision)]
        timed = [latency for latency in timed if threads in (None, latency.threads)]
        timings = [latency for latency in timed if latency.scope == scope and latency.batch == 1]
        if figure is None or scale is None:
            apart.append(Unranked(entry=entry.id, reason="no accuracy that others can repeat"))
        elif not timings:
            apart.append(Unranked(entry=entry.id, reason=_missing(timed, scope, device)))
        else:
            for latency in timings:
                group = groups.setdefault((scale, _timing(latency)), [])
                group.append(_candidate(entry, figure, latency))
    rankings = [
        Ranking(accuracy=scale, timing=timing, rows=_ranked(rows)) for (scale, timing), rows in groups.items()
    ]
    return Comparison(rankings=tuple(sorted(rankings, key=str)), apart=tuple(apart))


def require_one_ranking(comparison: Comparison, names: Sequence[str]) -> None:
    """Refuses to compare what was asked for by name where it cannot be compared.

    Args:
        comparison: Of the entries of that name.
        names: Their ids.

    Raises:
        UsageError: No ranking holds them all; says what sets them apart.
    """
    if any(set(names) <= {row.entry for row in ranking.rows} for ranking in comparison.rankings):
        return
    reasons = [f"{apart.entry}: {apart.reason}" for apart in comparison.apart]
    for ranking in comparison.rankings:
        reasons += [f"{row.entry}: {ranking}" for row in ranking.rows if row.entry in names]
    raise UsageError(
        "not-comparable",
        "these entries were not measured in the same way, so no ranking of them would mean anything",
        expected="the same data, scoring, device, engine, threads, precision and scope",
        found="\n    ".join(reasons),
        hint="zoo rank ranks everything that is comparable, group by group",
    )


def _require_device(device: str, entries: Sequence[Entry | Pipeline]) -> None:
    known = sorted({device_name(latency.device) for entry in entries for latency in entry.latency})
    if device not in known:
        raise UsageError(
            "unknown-condition",
            f"no latency of these entries was published for the device {device!r}",
            expected=f"one of {', '.join(known)}" if known else None,
            hint="leave out --device, or name other entries: zoo list --device DEVICE",
        )


def _require_metric(metric: str | None, entries: Sequence[Entry | Pipeline]) -> None:
    known = sorted({figure.metric for entry in entries for figure in entry.accuracy})
    if metric is not None and metric not in known:
        raise UsageError(
            "unknown-condition",
            f"no accuracy of these entries is a figure of {metric!r}",
            expected=f"one of {', '.join(known)}" if known else None,
            hint="leave out --metric, or name other entries: zoo list",
        )


def _require_conditions(
    device: str, precision: str | None, threads: int | None, entries: Sequence[Entry | Pipeline]
) -> None:
    timed = [
        latency for entry in entries for latency in entry.latency if device_name(latency.device) == device
    ]
    asked: dict[str, tuple[object, set[str]]] = {
        "with so many threads": (threads, {str(each.threads) for each in timed if each.threads}),
        "in this precision": (precision, {each.precision for each in timed if each.precision}),
    }
    for words, (value, found) in asked.items():
        known = sorted(found)
        if value is not None and str(value) not in known:
            raise UsageError(
                "unknown-condition",
                f"no latency of these entries on {device} was published {words}",
                expected=f"one of {', '.join(known)}" if known else "none: upstream does not say",
                found=str(value),
                hint="zoo rank, without it, says which there are",
            )


def _figure(entry: Entry | Pipeline, metric: str | None) -> Accuracy | None:
    if metric is None:
        return headline(entry)
    return next((figure for figure in entry.accuracy if figure.metric == metric), None)


def _scale(figure: Accuracy) -> Scale | None:
    protocol = figure.protocol
    if protocol.kind == "keypoints":
        boxes = "ground-truth boxes" if protocol.boxes == "ground_truth" else "a detector's boxes"
        scored = f"{boxes}, {_images(protocol.images)}, flip {'on' if protocol.flip else 'off'}"
    elif protocol.kind == "detection":
        scored = "persons" if protocol.category_scope == "person" else "all categories"
    elif protocol.kind == "pipeline":
        scored = f"boxes of its own detector, {_images(protocol.images)}"
    else:
        return None  # private, or not described completely enough to be compared
    return Scale(metric=figure.metric, dataset=protocol.dataset, split=protocol.split, scored=scored)


def _images(subset: str) -> str:
    words = {"all": "all images", "one_person": "images of one person"}
    return words.get(subset, f"images of {subset.removesuffix('_persons').replace('_', ' ')} persons")


def _timing(latency: Latency) -> Timing:
    return Timing(
        device=latency.device,
        engine=latency.engine,
        threads=latency.threads,
        precision=latency.precision,
        scope=latency.scope,
        persons=latency.persons,
    )


def _candidate(entry: Entry | Pipeline, figure: Accuracy, latency: Latency) -> Candidate:
    with_what = " ".join(part for part in (latency.engine_version, latency.harness) if part)
    return Candidate(
        entry=entry.id,
        accuracy=figure.value,
        milliseconds=latency.milliseconds,
        measured_with=with_what,
    )


def _missing(timed: Sequence[Latency], scope: str, device: str) -> str:
    if any(latency.batch != 1 for latency in timed):
        return f"timed on {device} in batches only"
    if timed:
        return (
            f"timed on {device} as {timed[0].scope}, not as {scope}: one includes what the other leaves out"
        )
    return f"no latency was published for {device} under these conditions"


def _ranked(rows: Sequence[Candidate]) -> tuple[Candidate, ...]:
    ordered = sorted(rows, key=lambda row: (row.milliseconds, -row.accuracy, row.entry))
    return tuple(row.model_copy(update={"beaten_by": _winner(row, ordered)}) for row in ordered)


def _winner(row: Candidate, ordered: Sequence[Candidate]) -> str | None:
    """The most accurate of those that are no worse in either and better in one."""
    better = [
        other
        for other in ordered
        if other.milliseconds <= row.milliseconds
        and other.accuracy >= row.accuracy
        and (other.milliseconds, other.accuracy) != (row.milliseconds, row.accuracy)
    ]
    return max(better, key=lambda other: other.accuracy).entry if better else None
