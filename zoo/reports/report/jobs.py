"""Prepare the entries of a report; the sample model gets its own files and images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from converters.fs.workdir import temporary_directory
from zoo.artifacts.resolver import Reporter
from zoo.artifacts.source_options import SourceOptions
from zoo.artifacts.spec import ArtifactSpec
from zoo.artifacts.workspace import resolver_for
from zoo.catalogs.queries import model_info
from zoo.catalogs.sources import load_registry
from zoo.local_models.opened import open_models
from zoo.local_models.options import NO_OPTIONS, ModelOptions
from zoo.reports.report.collect import ReportJob, ReportOptions
from zoo.sample import CATALOG, IMAGES, NAME
from zoo.sample.local_server import serve_sample
from zoo.settings import Settings


@contextmanager
def prepare_jobs(
    names: Sequence[str],
    options: ReportOptions,
    settings: Settings,
    reporter: Reporter,
    model: ModelOptions = NO_OPTIONS,
) -> Iterator[tuple[ReportJob, ...]]:
    """Prepare the entries of a report.

    Args:
        names: ``name`` or ``name@release``, or paths of models; duplicates are ignored.
        options: Options of the report.
        settings: Settings of the user.
        reporter: Callbacks for progress and log messages.
        model: Statements about models on disk.

    Yields:
        One job per entry. Drawn images are deleted when the context ends.

    Raises:
        NotFoundError: No such entry.
        MissingToolError: ``temporary-directory-missing``.
    """
    paths = [name for name in dict.fromkeys(names) if not _is_sample(name)]
    with ExitStack() as stack:
        requests = [(name, model) for name in paths]
        located = open_models(requests, load_registry(settings), cache=settings.cache)
        known = dict(zip(paths, stack.enter_context(located), strict=True))
        jobs = []
        for name in dict.fromkeys(names):
            if name in known:
                jobs.append(ReportJob(known[name].entry, options, settings, known[name].local))
            else:
                folder = stack.enter_context(temporary_directory())
                jobs.append(_sample(name, options, settings, reporter, folder))
        yield tuple(jobs)


def _is_sample(name: str) -> bool:
    return name.partition("@")[0] == NAME


def _sample(
    name: str, options: ReportOptions, settings: Settings, reporter: Reporter, folder: Path
) -> ReportJob:
    """Prepare the built-in sample model: its files come from the package and its images are drawn."""
    from zoo.sample.figures import write_coco  # imported here: only the sample model needs drawn images

    own = replace(settings, catalogs=(str(CATALOG),))
    entry = model_info(name, settings=own)
    with serve_sample(entry) as mirror:
        served = SourceOptions(settings=replace(own, mirrors=(mirror,), offline=False))
        resolver_for(served, reporter=reporter).resolve([(entry, ArtifactSpec(kind="inference"))], build=None)
    images = min(options.limit or IMAGES, IMAGES)
    reporter.note(f"{entry.id}: drawing {images} images")
    write_coco(folder, images)
    # The sample model works on drawn images only, so the images of the caller are not used.
    own_options = options.model_copy(update={"data": folder, "images": (), "detector": None, "limit": None})
    return ReportJob(entry, own_options, own)
