"""Render the files of the site; equal catalogs give equal files."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from registry import Entry, Registry
from registry.ranking import Comparison, Ranking, rank_entries
from registry.schema import Pipeline
from registry.search import device_name
from registry.tables import headline_accuracy, phone_latency
from zoo._utils.units import format_size
from zoo.reports.protocol_text import conditions
from zoo.reports.site.commands import commands_of
from zoo.reports.site.plots import Plot, make_plot
from zoo.reports.templates import FOLDER, environment_of

if TYPE_CHECKING:
    from jinja2 import Environment

_HERE = Path(__file__).parent
_TASKS = {
    "keypoint_detection": "Key points",
    "keypoint_detection_3d": "Key points in space",
    "object_detection": "Boxes",
}


@dataclass(frozen=True)
class File:
    """One file of the site.

    Attributes:
        path: Path relative to the folder of the site.
        content: Its content.
    """

    path: str
    content: bytes


@dataclass(frozen=True)
class RankingView:
    """A ranking on a page.

    Attributes:
        ranking: The ranking.
        plot: Its chart; the entry of the page is highlighted.
    """

    ranking: Ranking
    plot: Plot

    def number_of(self, entry: str) -> int:
        """Row number of an entry, from 1."""
        return 1 + [row.entry for row in self.ranking.rows].index(entry)


def site_of(registry: Registry, *, version: str) -> Iterator[File]:
    """Render every file of the site, pages first.

    Args:
        registry: The catalog.
        version: Version of the package, for the footer of the pages.

    Raises:
        MissingToolError: ``jinja2-missing``.
    """
    environment = _environment(registry, version)
    rankings = _rankings(registry)

    def page(path: str, template: str, **values: object) -> File:
        up = "../" * path.count("/")
        return File(path, environment.get_template(template).render(up=up, **values).encode())

    models = {task: [entry for entry in registry if entry.task == task] for task in _TASKS}
    yield page(
        "index.html",
        "index.html",
        models={_TASKS[task]: found for task, found in models.items() if found},
        pipelines=registry.pipelines,
    )
    yield page(
        "compare.html", "compare.html", views=[RankingView(found, make_plot(found)) for found in rankings]
    )
    for entry in registry.all_entries:
        views = [
            RankingView(found, make_plot(found, highlight=entry.id))
            for found in rankings
            if any(row.entry == entry.id for row in found.rows)
        ]
        template = "pipeline.html" if entry.kind == "pipeline" else "entry.html"
        yield page(page_of(entry), template, entry=entry, views=views, commands=commands_of(entry))
    documents = [entry.model_dump(mode="json") for entry in registry.all_entries]
    yield File("registry.json", json.dumps(documents, indent=1, ensure_ascii=False).encode())
    style = (FOLDER / "page.css").read_bytes() + (_HERE / "templates" / "site.css").read_bytes()
    yield File("style.css", style)
    yield File("site.js", (_HERE / "templates" / "site.js").read_bytes())


def page_of(entry: Entry | Pipeline) -> str:
    """Path of the page of an entry."""
    return f"models/{entry.id}.html"


def _rankings(registry: Registry) -> list[Ranking]:
    devices = sorted({device_name(time.device) for entry in registry.all_entries for time in entry.latency})
    found: list[Comparison] = []
    for device in devices:
        found.append(rank_entries(registry.all_entries, device=device))
        found.append(rank_entries(registry.all_entries, device=device, scope="pipeline"))
    # A ranking needs two entries. The longest ranking comes first.
    rankings = [ranking for each in found for ranking in each.rankings if len(ranking.rows) > 1]
    return sorted(rankings, key=lambda ranking: (-len(ranking.rows), str(ranking)))


def offered(entry: Entry) -> tuple[str, ...]:
    """List the kinds of artifacts that are published for an entry, Lite files with their precision."""
    source = [
        f"lite {artifact.precision}" if artifact.kind == "lite" else artifact.kind
        for artifact in entry.artifacts
        if artifact.picked_by_default and artifact.kind not in ("config", "log")
    ]
    return tuple(dict.fromkeys(source))


def _environment(registry: Registry, version: str) -> Environment:
    environment = environment_of(_HERE / "templates", FOLDER)
    environment.globals |= {"registry": registry, "version": version}
    filters: dict[str, Callable[..., object]] = {
        "conditions": conditions,
        "headline": headline_accuracy,
        "megabytes": format_size,
        "offered": offered,
        "page_of": page_of,
        "phone_latency": phone_latency,
    }
    environment.filters |= filters
    return environment
