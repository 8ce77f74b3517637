"""Collect the contents of a report with the functions behind the other commands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from functools import cached_property, partial
from pathlib import Path
from typing import Any, TypeVar

from registry import Entry
from registry.choices import Scope
from registry.errors import ConversionError, MissingToolError, NetworkError, NotFoundError, ZooError
from registry.schema import HeatmapOutput, Model
from zoo.artifacts.formats import FORMATS, OPTIONAL_TOOLS, PHONE_ONLY, ROWS, Format
from zoo.artifacts.resolver import ArtifactResolver, Fetched, Reporter
from zoo.artifacts.source_options import SourceOptions
from zoo.artifacts.workspace import resolver_for
from zoo.catalogs.queries import complexity
from zoo.datasets.coco import CocoSet
from zoo.evaluation.accuracy import CocoFolder, Validation
from zoo.evaluation.bench import bench
from zoo.evaluation.compare import compare
from zoo.evaluation.compare_formats import without_optional_tools
from zoo.evaluation.latency import Plan, Timing
from zoo.evaluation.parity import Parity
from zoo.evaluation.validate import validate
from zoo.local_models.source import LocalSource, LocatedModel
from zoo.measurements.machine import this_machine
from zoo.reports.protocol_text import measurable
from zoo.reports.report.artifacts import artifact_report
from zoo.reports.report.images import ModelSource, drawn_images, given_images, set_images
from zoo.reports.report.result import EntryReport, FormatReport, ReportResult
from zoo.runner.calibration import ImageCalibrator
from zoo.settings import Settings

_NEEDS_ARM = "needs an ARM processor"

_COMPARED = 8  # images of the data set for the comparison of a detector

_Found = TypeVar("_Found")

# Errors that concern a single format: the report shows them as a reason.
_REPORTABLE_ERRORS = (ConversionError, MissingToolError, NetworkError, NotFoundError)

_SPECS = {PHONE_ONLY.id: PHONE_ONLY, **{each.name: each.spec for each in FORMATS}}
_RUN = {each.name: each for each in FORMATS}


class ReportOptions(Model):
    """Options of a report.

    Attributes:
        data: Folder in COCO layout; the accuracy is not measured without it.
        images: Images for the comparison and for the drawn results.
        detector: Entry that finds the persons in those images, for pose models.
        calibration: Folder of images that determine the ranges of ``int8`` files; None for drawn figures.
        limit: Measure the accuracy only on the first N images.
        plan: Number of runs of the latency measurement.
        jobs: Images processed in parallel.
        lite_version: Version of Paddle-Lite.
        build: True always converts locally, False never does, None converts what is not published.
        locked: Reject artifacts that ``zoo.lock`` does not name.
    """

    data: Path | None = None
    images: tuple[Path, ...] = ()
    detector: str | None = None
    calibration: Path | None = None
    limit: int | None = None
    plan: Plan = Plan()
    jobs: int = 1
    lite_version: str | None = None
    build: bool | None = None
    locked: bool = False


@dataclass(frozen=True)
class ReportJob:
    """One entry of a report.

    Attributes:
        entry: The entry.
        options: Options of the report.
        settings: Settings with the source of its files.
        local: The files of a model on disk; None for an entry of the catalog.
    """

    entry: Entry
    options: ReportOptions
    settings: Settings
    local: LocalSource | None = None

    @property
    def name(self) -> str:
        """Name or path by which the other functions find the model."""
        return self.local.name if self.local else self.entry.id


def collect(
    jobs: Sequence[ReportJob],
    reporter: Reporter,
    *,
    command: str = "zoo report",
) -> ReportResult:
    """Collect the report of several entries, one after the other.

    Args:
        jobs: The entries.
        reporter: Callbacks for progress and log messages.
        command: Command that creates the report again.

    Raises:
        ZooError: No format of an entry is available, or the data cannot be read. Errors of single formats are
            reasons in the report.
    """
    collectors = [_Collector(job, reporter) for job in jobs]
    # Read the annotations before anything is fetched: a wrong path is the most likely mistake.
    for collector in collectors:
        _ = collector.dataset
    return ReportResult(
        created=datetime.now(timezone.utc).replace(microsecond=0),
        command=command,
        machine=this_machine(),
        entries=tuple(collector.report() for collector in collectors),
    )


@dataclass(frozen=True)
class _Attempt:
    """A value, or the reason why there is none."""

    value: Any = None
    reason: str | None = None
    error: ZooError | None = None


def _attempt(work: Callable[[], _Found]) -> _Attempt:
    try:
        return _Attempt(value=work())
    except _REPORTABLE_ERRORS as error:
        # A missing tool or file can be installed or fetched; a failed conversion has no next command.
        hint = f"; try: {error.hint}" if error.hint and not isinstance(error, ConversionError) else ""
        return _Attempt(reason=error.message + hint, error=error)


@dataclass(frozen=True, eq=False)
class _Collector:
    """Collects the report of one entry."""

    job: ReportJob
    reporter: Reporter

    @property
    def entry(self) -> Entry:
        return self.job.entry

    @property
    def options(self) -> ReportOptions:
        return self.job.options

    @property
    def settings(self) -> Settings:
        return self.job.settings

    @cached_property
    def dataset(self) -> CocoSet | None:
        """Images for the accuracy; None without data or without a protocol."""
        protocol = measurable(self.entry)
        if self.options.data is None or protocol is None:
            return None
        return CocoFolder(folder=self.options.data, limit=self.options.limit).load(protocol, self.entry)

    def report(self) -> EntryReport:
        """Collect everything about the entry."""
        source = SourceOptions(settings=self.settings, locked=self.options.locked)
        resolver = replace(
            without_optional_tools(
                resolver_for(
                    source, reporter=self.reporter, models=[LocatedModel(self.entry, self.job.local)]
                )
            ),
            calibrator=ImageCalibrator(self.options.calibration),
        )
        artifacts = {name: _attempt(partial(self._artifact, name, resolver)) for name in ROWS}
        errors = [attempt.error for attempt in artifacts.values()]
        if all(errors) and errors[0] is not None:
            raise errors[0]
        parity = _attempt(self._parity)
        images = _attempt(self._images)
        return EntryReport(
            entry=self.entry,
            complexity=complexity(self.entry),
            formats=tuple(self._format(name, artifacts[name], parity.value) for name in ROWS),
            reference=parity.value.reference if parity.value else None,
            no_parity=parity.reason,
            compared_images=parity.value.images if parity.value else 0,
            instances=parity.value.instances if parity.value else 0,
            plan=self.options.plan,
            published=tuple(figure for figure in self.entry.latency if figure.scope == "network"),
            images=images.value or (),
            no_images=images.reason,
        )

    def _artifact(self, name: str, resolver: ArtifactResolver) -> Fetched:
        want = _SPECS[name]
        if want.kind == "lite":
            want = want.model_copy(update={"lite_version": self.options.lite_version})
        tool = _RUN[name].runner if name in _RUN else None
        if tool in OPTIONAL_TOOLS:
            # An artifact converted earlier cannot be run without the tool.
            resolver.toolchains.ensure(tool, self.reporter.note)
        (found,) = resolver.resolve([(self.entry, want)], build=self._build(name))
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
            return _Attempt(reason="the accuracy of this kind of entry cannot be measured")
        if name not in _RUN:
            return _Attempt(reason=_NEEDS_ARM)
        if self.options.data is None:
            return _Attempt(reason="not measured: no data set was given")
        if artifact.error is not None:
            return artifact
        self.reporter.note(f"{self.entry.id}: accuracy of {name}")
        return _attempt(lambda: self._validate(_RUN[name]))

    def _validate(self, format: Format) -> Validation:
        return validate(
            self.job.name,
            data=self.options.data or "",
            limit=self.options.limit,
            jobs=self.options.jobs,
            **{**self._common(), **self._run_options(format), "build": self._build(format.name)},
        )

    def _run_options(self, format: Format) -> dict[str, Any]:
        version = self.options.lite_version if format.spec.kind == "lite" else None
        return {
            "backend": format.backend,
            "precision": format.precision,
            "weight_only": format.weight_only,
            "calibration": self.options.calibration if format.calibrated else None,
            "lite_version": version,
        }

    def _build(self, name: str) -> bool | None:
        # As for the comparison: a published FP16 file may come from another version of Paddle-Lite.
        interpreted = name in _RUN and _RUN[name].interpreted
        return True if interpreted and self.options.build is None else self.options.build

    def _parity(self) -> Parity:
        self.reporter.note(f"{self.entry.id}: parity")
        images = list(self.options.images)
        if not images and self.dataset is not None and not isinstance(self.entry.output, HeatmapOutput):
            images = [image.path for image in self.dataset.images[:_COMPARED]]
        return compare(
            self.job.name,
            images=images,
            calibration=self.options.calibration,
            lite_version=self.options.lite_version,
            **self._common(),
        )

    def _latency(self, name: str, scope: Scope, artifact: _Attempt) -> _Attempt:
        if name not in _RUN or _RUN[name].interpreted:
            # The time of the emulation does not predict the time on a phone.
            return _Attempt(reason=_NEEDS_ARM)
        if artifact.error is not None:
            return artifact
        return _attempt(lambda: self._time(_RUN[name], scope))

    def _time(self, format: Format, scope: Scope) -> Timing:
        found = bench(
            self.job.name,
            plan=self.options.plan.model_copy(update={"scope": scope}),
            image=self.options.images[0] if self.options.images else None,
            **self._common(),
            **self._run_options(format),
        )
        return found.timings[0]

    def _images(self) -> tuple[Any, ...]:
        self.reporter.note(f"{self.entry.id}: images")
        source = ModelSource(
            self.entry,
            self.settings,
            self.reporter,
            self.options.build,
            self.options.locked,
            local=self.job.local,
        )
        if self.options.images:
            return given_images(source, self.options.images, self.options.detector)
        return set_images(source, self.dataset) if self.dataset is not None else drawn_images(source)

    def _common(self) -> dict[str, Any]:
        local = self.job.local
        return {
            **(local.options.keywords() if local else {}),
            "build": self.options.build,
            "locked": self.options.locked,
            "settings": self.settings,
            "reporter": self.reporter,
        }
