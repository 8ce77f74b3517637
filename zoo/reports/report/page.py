"""Render a report as one self-contained HTML page."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from zoo._utils.units import format_size
from zoo.artifacts.formats import ROWS
from zoo.evaluation.outcome import Outcome
from zoo.evaluation.verdict import Verdict
from zoo.reports.charts.svg import SHAPES, Bars, Duration, Measurement, Scatter, bars, outline, scatter
from zoo.reports.protocol_text import conditions, measurable
from zoo.reports.report.matrix import amount, cells
from zoo.reports.report.result import EntryReport, FormatReport, ReportResult
from zoo.reports.templates import FOLDER, environment_of

if TYPE_CHECKING:
    from jinja2 import Environment

_OUTCOMES: dict[Outcome, str] = {
    "met": "✓ met",
    "below": "✕ below",
    "above": "✕ above",
    "undecided": "undecided",
    "not-comparable": "not comparable",
    "not-published": "no published figure",
}


@dataclass(frozen=True)
class _Key:
    """A shape of the legend."""

    name: str
    path: str


@dataclass(frozen=True)
class _Group:
    """Charts of entries with comparable figures, with their legend."""

    latency: Scatter | None
    size: Scatter | None
    formats: tuple[str, ...]
    shapes: tuple[_Key, ...]


@dataclass(frozen=True)
class _Page:
    """Values of the template that are derived from the report."""

    headline: str
    failures: tuple[str, ...]
    engines: tuple[str, ...]
    groups: tuple[_Group, ...]
    bars: Bars | None


def render_page(result: ReportResult) -> str:
    """Render the page; equal values give equal pages.

    Args:
        result: The report.

    Raises:
        MissingToolError: ``jinja2-missing``.
    """
    template = require_templates().get_template("page.html")
    return template.render(result=result, page=_page(result))


def require_templates() -> Environment:
    """Load the template engine; called before anything is measured.

    Raises:
        MissingToolError: ``jinja2-missing``.
    """
    environment = environment_of(FOLDER)
    environment.filters |= {
        "amount": amount,
        "capitalize_first": lambda text: text[:1].upper() + text[1:],
        "cells": cells,
        "color": _color,
        "conditions": conditions,
        "measurable": measurable,
        "megabytes": format_size,
        "outcome": _format_outcome,
    }
    return environment


def _page(result: ReportResult) -> _Page:
    failures = tuple(line for report in result.entries for line in _failures(report))
    return _Page(
        headline=_headline(result, failures),
        failures=failures,
        engines=tuple(dict.fromkeys(_engines(result))),
        groups=tuple(_groups(result.entries)),
        bars=bars(_durations(result.entries)),
    )


def _headline(result: ReportResult, failures: Sequence[str]) -> str:
    if failures:
        return "Failed checks:"
    rows = [row for report in result.entries for row in report.formats]
    compared = sum(1 for row in rows if row.parity and row.parity.state == "same")
    met = sum(1 for row in rows if row.validation and row.validation.verdict.outcome == "met")
    parts = []
    if met:
        parts.append(f"{met} measured accuracies agree with the published figures")
    if compared:
        parts.append(f"{compared} formats compute the same as their inference model")
    return ("; ".join(parts) or "No measurement could be compared with a reference") + "."


def _failures(report: EntryReport) -> Iterator[str]:
    for row in report.formats:
        if row.validation and not row.validation.verdict.passed:
            yield f"{report.entry.id}, {row.format}: {row.validation.verdict.reason}"
        if row.parity and row.parity.state == "differs":
            where = f"differs from the inference model first in the {row.parity.first_layer} layer"
            yield f"{report.entry.id}, {row.format}: {where}"
        if row.parity and row.parity.state == "failed":
            yield f"{report.entry.id}, {row.format}: {row.parity.reason}"


def _engines(result: ReportResult) -> Iterator[str]:
    for report in result.entries:
        for row in report.formats:
            for found in (row.validation, row.network, row.parity):
                if found is not None and found.engine:
                    yield found.engine


def _groups(entries: Sequence[EntryReport]) -> Iterator[_Group]:
    """Group entries by metric and data set; figures of different groups cannot be compared."""
    groups: dict[tuple[str, str], list[EntryReport]] = {}
    for report in entries:
        measured = next((row.validation for row in report.formats if row.validation), None)
        if measured is not None:
            key = (measured.verdict.metric, measured.protocol.dataset)
            groups.setdefault(key, []).append(report)
    for (metric, data), members in groups.items():
        yield _Group(
            latency=scatter(
                _measurements(members, _latency),
                title=f"{metric} on {data} against latency",
                metric=metric,
                x_title="network only, median, ms",
                from_zero=True,
            ),
            size=scatter(
                _measurements(members, _megabytes),
                title=f"{metric} on {data} against size",
                metric=metric,
                x_title="size, MB",
                from_zero=False,
            ),
            formats=tuple(name for name in ROWS if any(_has(report, name) for report in members)),
            shapes=tuple(
                _Key(report.entry.id, outline(SHAPES[number % len(SHAPES)], 10, 10, 7))
                for number, report in enumerate(members)
            ),
        )


def _measurements(
    entries: Sequence[EntryReport], x_of: Callable[[FormatReport], float | None]
) -> list[Measurement]:
    found = []
    for number, report in enumerate(entries):
        for row in report.formats:
            verdict = row.validation.verdict if row.validation else None
            x = x_of(row)
            if verdict is None or verdict.measured is None or x is None:
                continue
            found.append(
                Measurement(
                    series=number,
                    color=_color(row.format),
                    label=f"{report.entry.id}, {row.format}",
                    x=x,
                    y=verdict.measured,
                    low=verdict.low,
                    high=verdict.high,
                    reference=verdict.published,
                )
            )
    return found


def _durations(entries: Sequence[EntryReport]) -> list[Duration]:
    return [
        Duration(
            label=f"{report.entry.id}  {row.format}",
            color=_color(row.format),
            p50=row.network.summary.p50,
            p90=row.network.summary.p90,
        )
        for report in entries
        for row in report.formats
        if row.network and row.network.summary
    ]


def _color(name: str) -> int:
    return ROWS.index(name)


def _has(report: EntryReport, name: str) -> bool:
    return any(row.format == name and row.validation for row in report.formats)


def _latency(row: FormatReport) -> float | None:
    return row.latency


def _megabytes(row: FormatReport) -> float | None:
    return row.artifact.size / 1e6 if row.artifact else None


def _format_outcome(verdict: Verdict) -> str:
    return _OUTCOMES[verdict.outcome]
