"""Queries about the entries of the catalogs: lists, details, rankings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from registry import Entry
from registry.schema import Pipeline
from zoo.catalogs.sources import load_registry
from zoo.settings import Settings, from_environment

if TYPE_CHECKING:
    from converters.networks.measured import Complexity
    from registry.ranking import Comparison


def list_models(*, settings: Settings | None = None, **conditions: Any) -> tuple[Entry, ...]:
    """Return the models that meet every condition, in a fixed order.

    Args:
        settings: Settings; by default from the environment.
        conditions: Attributes of ``registry.search.Conditions``: ``task``, ``family``, ``release``, ``size``,
            ``min_ap``, ``device``, ``precision``, ``artifact``, ``where``, ``sort``.

    Raises:
        UsageError: The expression is malformed, or a condition names a value that no entry has.
        CatalogError: A catalog is invalid.
    """
    return load_registry(settings or from_environment()).search(**conditions)


def compare_models(
    names: Sequence[str] = (),
    *,
    device: str = "sd865",
    precision: str | None = None,
    threads: int | None = None,
    scope: Literal["network", "pipeline"] = "network",
    metric: str | None = None,
    where: str | None = None,
    settings: Settings | None = None,
) -> Comparison:
    """Rank entries by published accuracy and latency; each ranking contains only comparable figures.

    Args:
        names: Entries to rank against each other; none means all entries, in groups that are comparable.
        device: Short name of the device, as in ``zoo list --device``.
        precision: Only latencies at this precision.
        threads: Only latencies at this number of threads.
        scope: What the latency includes.
        metric: Accuracy metric to rank by, ``AP50``; by default the main figure of each entry.
        where: Only entries that meet this expression; see ``registry.search``.
        settings: Settings; by default from the environment.

    Raises:
        NotFoundError: No such entry.
        UsageError: The named entries were not measured under the same conditions, or no latency was
            published for the device.
    """
    from registry.ranking import rank_entries, require_one_ranking
    from registry.search import Conditions, search

    known = load_registry(settings or from_environment())
    chosen = tuple(known.find(name) for name in names) or known.all_entries
    comparison = rank_entries(
        search(chosen, Conditions(where=where)),
        device=device,
        precision=precision,
        threads=threads,
        scope=scope,
        metric=metric,
    )
    if names:
        require_one_ranking(comparison, [entry.id for entry in chosen])
    return comparison


def model_info(name: str, *, settings: Settings | None = None) -> Entry:
    """Return one model.

    Args:
        name: ``name`` or ``name@release``.
        settings: Settings; by default from the environment.

    Raises:
        NotFoundError: No such entry; close names are suggested.
        UsageError: ``not-a-model``: the name is that of a pipeline.
    """
    return load_registry(settings or from_environment()).get(name)


def info(name: str, *, settings: Settings | None = None) -> Entry | Pipeline:
    """Return one model or pipeline.

    Args:
        name: ``name`` or ``name@release``.
        settings: Settings; by default from the environment.

    Raises:
        NotFoundError: No such entry; close names are suggested.
    """
    return load_registry(settings or from_environment()).find(name)


def complexity(entry: Entry) -> Complexity | None:
    """Return parameters and multiply-adds of an entry, computed from its architecture.

    Args:
        entry: The entry.

    Returns:
        None if the architecture is not modeled or was not measured for this version of the package.
    """
    from converters.networks.measured import measurement_of

    measurement = measurement_of(entry.architecture) if entry.architecture else None
    return measurement.complexity(entry.input.height, entry.input.width) if measurement else None
