"""Reports about models, as a function that returns a frozen result."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from zoo._utils.extras import requires_extra
from zoo._utils.threads import default_jobs
from zoo.settings import Settings, from_environment

if TYPE_CHECKING:
    from zoo.artifacts.resolver import Reporter
    from zoo.evaluation.latency import Plan
    from zoo.reports.report.result import ReportResult


@requires_extra("report")
def report(
    names: Sequence[str],
    *,
    data: Path | str | None = None,
    images: Sequence[Path] = (),
    detector: str | None = None,
    limit: int | None = None,
    plan: Plan | None = None,
    jobs: int | None = None,
    lite_version: str | None = None,
    build: bool | None = None,
    locked: bool = False,
    command: str = "zoo report",
    settings: Settings | None = None,
    reporter: Reporter | None = None,
) -> ReportResult:
    """Accuracy, latency, size, parity and provenance of every format of some entries, in one value.

    ``zoo.reports.report.page.page_of`` makes a page of it.

    Args:
        names: ``name`` or ``name@release``. The built-in sample model brings its own data.
        data: Folder that holds ``val2017/`` and ``annotations/``; accuracy is not measured without it.
        images: Images to compare and to draw on; those of the data, or drawn ones, by default.
        detector: Entry that finds the persons in ``images`` for pose models.
        limit: Measure accuracy on the first images only.
        plan: Warm-up and repeats of the latency; its scope is passed over, both are measured.
        jobs: Images looked at together; the processors of this machine by default.
        lite_version: Version of Paddle-Lite.
        build: True converts here whatever is published, False never, None what is not published.
        locked: Refuse what ``zoo.lock`` does not name.
        command: What to type to get it again; stands in the report.
        settings: Settings; the environment's by default.
        reporter: Who hears about the work; nobody by default.

    Raises:
        ZooError: As the tree in ``registry.errors`` says. What keeps single formats out stands in the report.
    """
    # Imported here: numpy and the engines are for those who run a model.
    from zoo.artifacts.resolver import Reporter
    from zoo.evaluation.latency import Plan
    from zoo.reports.report.collect import Request, collect
    from zoo.reports.report.jobs import orders_of

    chosen, reporter = settings or from_environment(), reporter or Reporter()
    request = Request(
        data=Path(data) if data is not None else None,
        images=tuple(images),
        detector=detector,
        limit=limit,
        plan=plan or Plan(),
        jobs=jobs or default_jobs(),
        lite_version=lite_version,
        build=build,
        locked=locked,
    )
    with orders_of(names, request, chosen, reporter) as orders:
        return collect(orders, reporter, command=command)
