"""A report's values become one page of HTML that needs nothing besides itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from zoo._utils.units import megabytes
from zoo.artifacts.formats import ROWS
from zoo.evaluation.verdict import Verdict
from zoo.reports.charts.svg import SHAPES, Bars, Scatter, bars, color_of, outline, scatter
from zoo.reports.protocol_text import conditions, measurable
from zoo.reports.report.matrix import amount, cells
from zoo.reports.report.result import EntryReport, FormatReport, ReportResult
from zoo.reports.templates import FOLDER, environment_of

if TYPE_CHECKING:
    from jinja2 import Environment

_STANDINGS = {"met": "✓ met", "below": "✕ below", "above": "✕ above", "not-comparable": "not comparable"}


@dataclass(frozen=True)
class _Key:
    """A shape of a legend."""

    name: str
    path: str


@dataclass(frozen=True)
class _Group:
    """Plots of the entries whose figures may be compared, with their legend."""

    latency: Scatter | None
    size: Scatter | None
    formats: tuple[str, ...]
    shapes: tuple[_Key, ...]


@dataclass(frozen=True)
class _Page:
    """What the template shows besides the values themselves."""

    headline: str
    complaints: tuple[str, ...]
    engines: tuple[str, ...]
    groups: tuple[_Group, ...]
    bars: Bars | None


def page_of(result: ReportResult) -> str:
    """The page; equal values give equal pages.

    Args:
        result: What ``zoo.models.report`` returned.

    Raises:
        MissingToolError: ``jinja2-missing``.
    """
    template = require_templates().get_template("page.html")
    return template.render(result=result, page=_page(result))


def require_templates() -> Environment:
    """The templating library, ready; asked for before anything is measured.

    Raises:
        MissingToolError: ``jinja2-missing``.
    """
    environment = environment_of(FOLDER)
    environment.filters |= {
        "amount": amount,
        "capitalize_first": lambda text: text[:1].upper() + text[1:],
        "cells": cells,
        "color": color_of,
        "conditions": conditions,
        "measurable": measurable,
        "megabytes": megabytes,
        "standing": _standing,
    }
    return environment


def _page(result: ReportResult) -> _Page:
    complaints = tuple(line for report in result.entries for line in _complaints(report))
    return _Page(
        headline=_headline(result, complaints),
        complaints=complaints,
        engines=tuple(dict.fromkeys(_engines(result))),
        groups=tuple(_groups(result.entries)),
        bars=bars(result.entries),
    )


def _headline(result: ReportResult, complaints: Sequence[str]) -> str:
    if complaints:
        return "Something does not hold:"
    rows = [row for report in result.entries for row in report.formats]
    compared = sum(1 for row in rows if row.parity and row.parity.state == "same")
    measured = sum(1 for row in rows if row.validation)
    parts = []
    if measured:
        parts.append(f"{measured} measured accuracies agree with the published figures")
    if compared:
        parts.append(f"{compared} formats compute what their inference model computes")
    return ("; ".join(parts) or "Nothing was measured that could be judged") + "."


def _complaints(report: EntryReport) -> Iterator[str]:
    for row in report.formats:
        if row.validation and not row.validation.verdict.met:
            yield f"{report.entry.id}, {row.format}: {row.validation.verdict.reason}"
        if row.parity and row.parity.state == "differs":
            where = f"differs from the inference model first in the {row.parity.first} layer"
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
    """Entries measured with one metric on one data set, side by side; others say nothing about each other."""
    groups: dict[tuple[str, str], list[EntryReport]] = {}
    for report in entries:
        measured = next((row.validation for row in report.formats if row.validation), None)
        if measured is not None:
            key = (measured.verdict.metric, measured.protocol.dataset)
            groups.setdefault(key, []).append(report)
    for (metric, data), members in groups.items():
        words = f"{metric} on {data}"
        yield _Group(
            latency=scatter(
                members, f"{words} against latency", "network alone, median, ms", _latency, from_zero=True
            ),
            size=scatter(members, f"{words} against size", "size, MB", _megabytes, from_zero=False),
            formats=tuple(name for name in ROWS if any(_has(report, name) for report in members)),
            shapes=tuple(
                _Key(report.entry.id, outline(SHAPES[number % len(SHAPES)], 10, 10, 7))
                for number, report in enumerate(members)
            ),
        )


def _has(report: EntryReport, name: str) -> bool:
    return any(row.format == name and row.validation for row in report.formats)


def _latency(row: FormatReport) -> float | None:
    return row.latency


def _megabytes(row: FormatReport) -> float | None:
    return row.artifact.size / 1e6 if row.artifact else None


def _standing(verdict: Verdict) -> str:
    return _STANDINGS[verdict.standing]
