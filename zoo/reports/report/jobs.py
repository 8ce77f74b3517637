"""From the names of entries to orders: where each one's files and data come from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from converters.fs.workdir import temporary_directory
from zoo.artifacts.fetch import fetch
from zoo.artifacts.resolver import Reporter
from zoo.catalogs.queries import model_info
from zoo.reports.report.collect import Order, Request
from zoo.sample import CATALOG, IMAGES, NAME
from zoo.sample.local_server import served
from zoo.settings import Settings


@contextmanager
def orders_of(
    names: Sequence[str], request: Request, settings: Settings, reporter: Reporter
) -> Iterator[tuple[Order, ...]]:
    """What to report on.

    Args:
        names: ``name`` or ``name@release``; each counts once.
        request: What to report on.
        settings: The user's settings.
        reporter: Who hears about the work.

    Yields:
        Orders; the images that were drawn for them are gone afterwards.

    Raises:
        NotFoundError: No such entry.
        MissingToolError: ``temporary-directory-missing``.
    """
    known = {name: model_info(name, settings=settings) for name in names if not _is_sample(name)}
    with ExitStack() as stack:
        orders = []
        for name in dict.fromkeys(names):
            if name in known:
                orders.append(Order(known[name], request, settings))
            else:
                folder = stack.enter_context(temporary_directory())
                orders.append(_sample(name, request, settings, reporter, folder))
        yield tuple(orders)


def _is_sample(name: str) -> bool:
    return name.partition("@")[0] == NAME


def _sample(name: str, request: Request, settings: Settings, reporter: Reporter, folder: Path) -> Order:
    """The built-in model: not in the catalog, its files in the package, its images drawn."""
    from zoo.sample.figures import write_coco  # heavy: only who reports on the sample draws

    own = replace(settings, catalogs=(str(CATALOG),))
    entry = model_info(name, settings=own)
    with served(entry) as mirror:
        fetch(name, settings=replace(own, mirrors=(mirror,), offline=False), reporter=reporter)
    images = min(request.limit or IMAGES, IMAGES)
    reporter.note(f"{entry.id}: drawing {images} images")
    write_coco(folder, images)
    # Its data are its own, and images say nothing about it.
    mine = request.model_copy(update={"data": folder, "images": (), "detector": None, "limit": None})
    return Order(entry, mine, own)
