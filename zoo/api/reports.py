"""Python side of ``zoo report``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from zoo._utils.extras import requires_extra
from zoo._utils.threads import default_jobs
from zoo.local_models.options import ModelOptions
from zoo.settings import Settings, from_environment

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from zoo.artifacts.resolver import Reporter
    from zoo.evaluation.latency import Plan
    from zoo.local_models.options import ModelKeywords
    from zoo.reports.report.result import ReportResult


@requires_extra("report")
def report(
    names: Sequence[str],
    *,
    data: Path | str | None = None,
    images: Sequence[Path] = (),
    detector: str | None = None,
    calibration: Path | str | None = None,
    limit: int | None = None,
    plan: Plan | None = None,
    jobs: int | None = None,
    lite_version: str | None = None,
    build: bool | None = None,
    locked: bool = False,
    command: str = "zoo report",
    settings: Settings | None = None,
    reporter: Reporter | None = None,
    **model: Unpack[ModelKeywords],
) -> ReportResult:
    """Measure accuracy, latency, size, parity and provenance of every format of some entries.

    ``zoo.reports.report.page.render_page`` makes a page of it.

    Args:
        names: ``name`` or ``name@release``, or paths of models. The built-in sample model has its own data.
        data: Folder with ``val2017/`` and ``annotations/``; None skips accuracy.
        images: Images to compare outputs on and to annotate; those of the data, or drawn ones, by default.
        detector: Detector that finds the persons in ``images`` for pose models.
        calibration: Folder of images that determine the ranges of ``int8`` files; drawn figures by default.
        limit: Measure accuracy on the first images only.
        plan: Warm-up and measured runs of the latency; its scope is ignored, both scopes are measured.
        jobs: Images processed in parallel; the number of processors by default.
        lite_version: Version of Paddle-Lite.
        build: True always converts on this machine, False never, None only what is not published.
        locked: Refuse artifacts that ``zoo.lock`` does not list.
        command: Command that makes the report again; printed in the report.
        settings: Settings; the environment's by default.
        reporter: Callbacks for progress and log messages.
        model: Statements about models on disk: the fields of ``zoo.local_models.options.ModelOptions``.

    Raises:
        ZooError: As documented in ``registry.errors``. An error of a single format is in the report.
    """
    # Imported here: only running a model needs numpy and the engines.
    from zoo.artifacts.resolver import Reporter
    from zoo.evaluation.latency import Plan
    from zoo.reports.report.collect import ReportOptions, collect
    from zoo.reports.report.jobs import prepare_jobs

    chosen, reporter = settings or from_environment(), reporter or Reporter()
    request = ReportOptions(
        data=Path(data) if data is not None else None,
        images=tuple(images),
        detector=detector,
        calibration=Path(calibration) if calibration is not None else None,
        limit=limit,
        plan=plan or Plan(),
        jobs=jobs or default_jobs(),
        lite_version=lite_version,
        build=build,
        locked=locked,
    )
    statements = ModelOptions.create(**model)
    with prepare_jobs(names, request, chosen, reporter, statements) as report_jobs:
        return collect(report_jobs, reporter, command=command)
