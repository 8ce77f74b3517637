"""Measures and gathers everything a report says, with the functions behind the other commands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from registry import Entry
from registry.errors import ConversionError, MissingToolError, NetworkError, NotFoundError, ZooError
from registry.schema import HeatmapOutput, Model
from zoo.artifacts.formats import FORMATS, OPTIONAL_TOOLS, PHONE_ONLY, ROWS, Format
from zoo.artifacts.resolver import ArtifactResolver, Fetched, Reporter
from zoo.artifacts.workspace import resolver_for
from zoo.catalogs.queries import complexity
from zoo.datasets.coco import CocoSet
from zoo.evaluation import tasks as models
from zoo.evaluation.accuracy import Data, Validation
from zoo.evaluation.compare_formats import without_optional_tools
from zoo.evaluation.latency import Plan, Scope, Timing
from zoo.evaluation.parity import Parity
from zoo.reports.protocol_text import measurable
from zoo.reports.report.artifacts import artifact_report
from zoo.reports.report.images import Shown, drawn_images, given_images, set_images
from zoo.reports.report.machine import this_machine
from zoo.reports.report.result import EntryReport, FormatReport, ReportResult
from zoo.settings import Settings

_ON_THE_PHONE = "its kernels are for ARM processors: to be measured on the phone"

_Found = TypeVar("_Found")

# What keeps one format out of a report, and not the report from being made.
_HINDRANCES = (ConversionError, MissingToolError, NetworkError, NotFoundError)

_SPECS = {PHONE_ONLY.id: PHONE_ONLY, **{each.name: each.want for each in FORMATS}}
_RUN = {each.name: each for each in FORMATS}


class Request(Model):
    """What to report on.

    Attributes:
        data: Folder laid out as COCO is; without it accuracy is not measured.
        images: Images to compare and to draw on.
        detector: Entry that finds the persons in those images for pose models.
        limit: Measure accuracy on the first images only.
        plan: How often to measure latency.
        jobs: Images looked at together.
        lite_version: Version of Paddle-Lite.
        build: True converts here whatever is published, False never, None what is not published.
        locked: Refuse what ``zoo.lock`` does not name.
    """

    data: Path | None = None
    images: tuple[Path, ...] = ()
    detector: str | None = None
    limit: int | None = None
    plan: Plan = Plan()
    jobs: int = 1
    lite_version: str | None = None
    build: bool | None = None
    locked: bool = False


@dataclass(frozen=True)
class Order:
    """One entry to report on.

    Attributes:
        entry: The entry.
        request: What to report on.
        settings: Where its files come from.
    """

    entry: Entry
    request: Request
    settings: Settings


def collect(
    orders: Sequence[Order],
    reporter: Reporter,
    *,
    command: str = "zoo report",
) -> ReportResult:
    """Looks at entries, one after the other.

    Args:
        orders: The entries.
        reporter: Who hears about the work.
        command: What to type to get the report again.

    Raises:
        ZooError: No format of an entry can be had, or the data cannot be read; what keeps single formats out
            stands in their place in the report.
    """
    collectors = [_Collector(order.entry, order.request, order.settings, reporter) for order in orders]
    # Before anything is fetched: a wrong path is the likelier mistake.
    for collector in collectors:
        collector.photos()
    return ReportResult(
        made=datetime.now(timezone.utc).replace(microsecond=0),
        command=command,
        machine=this_machine(),
        entries=tuple(collector.report() for collector in collectors),
    )


@dataclass(frozen=True)
class _Attempt:
    """A value, or why there is none."""

    value: Any = None
    reason: str | None = None
    error: ZooError | None = None


def _attempt(work: Callable[[], _Found]) -> _Attempt:
    try:
        return _Attempt(value=work())
    except _HINDRANCES as error:
        # What is missing here can be got; what cannot be done at all has no next command in a report.
        hint = f"; try: {error.hint}" if error.hint and not isinstance(error, ConversionError) else ""
        return _Attempt(reason=error.message + hint, error=error)


@dataclass(frozen=True, eq=False)
class _Collector:
    """The work on one entry."""

    entry: Entry
    request: Request
    settings: Settings
    reporter: Reporter

    def photos(self) -> CocoSet | None:
        """The images that accuracy is measured on."""
        protocol = measurable(self.entry)
        if self.request.data is None or protocol is None:
            return None
        return Data(folder=self.request.data, limit=self.request.limit).load(protocol)

    def report(self) -> EntryReport:
        """Everything about the entry."""
        resolver = without_optional_tools(
            resolver_for(self.settings, locked=self.request.locked, reporter=self.reporter)
        )
        artifacts = {name: _attempt(partial(self._artifact, name, resolver)) for name in ROWS}
        errors = [attempt.error for attempt in artifacts.values()]
        if all(errors) and errors[0] is not None:
            raise errors[0]
        parity = _attempt(self._parity)
        pictures = _attempt(self._images)
        return EntryReport(
            entry=self.entry,
            complexity=complexity(self.entry),
            formats=tuple(self._format(name, artifacts[name], parity.value) for name in ROWS),
            reference=parity.value.reference if parity.value else None,
            no_parity=parity.reason,
            compared=parity.value.images if parity.value else 0,
            found=parity.value.found if parity.value else 0,
            plan=self.request.plan,
            published=tuple(figure for figure in self.entry.latency if figure.scope == "network"),
            images=pictures.value or (),
            no_images=pictures.reason,
        )

    def _artifact(self, name: str, resolver: ArtifactResolver) -> Fetched:
        want = _SPECS[name]
        if want.kind == "lite":
            want = want.model_copy(update={"lite_version": self.request.lite_version})
        tool = _RUN[name].runner if name in _RUN else None
        if tool in OPTIONAL_TOOLS:
            # A file that was made before is of no use without it.
            resolver.toolchains.ensure(tool, self.reporter.note)
        (found,) = resolver.all([(self.entry, want)], build=self._build(name))
        return found

    def _format(self, name: str, artifact: _Attempt, parity: Parity | None) -> FormatReport:
        compared = next((row for row in parity.formats if row.format == name), None) if parity else None
        validation = self._validation(name, artifact)
        network, pipeline = (self._latency(name, scope, artifact) for scope in ("network", "pipeline"))
        return FormatReport(
            format=name,
            artifact=artifact_report(artifact.value) if artifact.value else None,
            no_artifact=artifact.reason,
            validation=validation.value,
            no_validation=validation.reason,
            network=network.value,
            pipeline=pipeline.value,
            no_latency=network.reason or pipeline.reason,
            parity=compared,
        )

    def _validation(self, name: str, artifact: _Attempt) -> _Attempt:
        if measurable(self.entry) is None:
            return _Attempt(reason="the catalog has no figure for it with a protocol that can be executed")
        if name not in _RUN:
            return _Attempt(reason=_ON_THE_PHONE)
        if self.request.data is None:
            return _Attempt(reason="not measured: no data was given")
        if artifact.error is not None:
            return artifact
        self.reporter.note(f"{self.entry.id}: accuracy of {name}")
        return _attempt(lambda: self._validated(_RUN[name]))

    def _validated(self, ran: Format) -> Validation:
        return models.validate(
            self.entry.id,
            data=self.request.data or "",
            limit=self.request.limit,
            jobs=self.request.jobs,
            **{**self._common(), **self._run_by(ran), "build": self._build(ran.name)},
        )

    def _run_by(self, ran: Format) -> dict[str, Any]:
        version = self.request.lite_version if ran.want.kind == "lite" else None
        return {"backend": ran.backend, "precision": ran.precision, "lite_version": version}

    def _build(self, name: str) -> bool | None:
        # As parity has it: what upstream published in half precision may be of another Paddle-Lite.
        interpreted = name in _RUN and _RUN[name].interpreted
        return True if interpreted and self.request.build is None else self.request.build

    def _parity(self) -> Parity:
        self.reporter.note(f"{self.entry.id}: parity")
        photos = self.photos()
        images = list(self.request.images)
        if not images and photos is not None and not isinstance(self.entry.output, HeatmapOutput):
            images = [photo.path for photo in photos.images[:8]]
        return models.compare(
            self.entry.id, images=images, lite_version=self.request.lite_version, **self._common()
        )

    def _latency(self, name: str, scope: Scope, artifact: _Attempt) -> _Attempt:
        if name not in _RUN or _RUN[name].interpreted:
            # Whatever computes such a file here, its times would say nothing about a phone.
            return _Attempt(reason=_ON_THE_PHONE)
        if artifact.error is not None:
            return artifact
        return _attempt(lambda: self._timed(_RUN[name], scope))

    def _timed(self, ran: Format, scope: Scope) -> Timing:
        found = models.bench(
            self.entry.id,
            plan=self.request.plan.model_copy(update={"scope": scope}),
            image=self.request.images[0] if self.request.images else None,
            **self._common(),
            **self._run_by(ran),
        )
        return found.timings[0]

    def _images(self) -> tuple[Any, ...]:
        self.reporter.note(f"{self.entry.id}: images")
        shown = Shown(self.entry, self.settings, self.reporter, self.request.build, self.request.locked)
        photos = self.photos()
        if self.request.images:
            return given_images(shown, self.request.images, self.request.detector)
        return set_images(shown, photos) if photos is not None else drawn_images(shown)

    def _common(self) -> dict[str, Any]:
        return {
            "build": self.request.build,
            "locked": self.request.locked,
            "settings": self.settings,
            "reporter": self.reporter,
        }
