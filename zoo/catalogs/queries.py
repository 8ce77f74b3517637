"""What the catalog answers: which entries there are, what is known about one, which is best."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from registry import Entry
from registry.schema import Pipeline
from zoo.catalogs.sources import registry_of
from zoo.settings import Settings, from_environment

if TYPE_CHECKING:
    from converters.networks.measured import Complexity
    from registry.ranking import Comparison


def list_models(*, settings: Settings | None = None, **conditions: Any) -> tuple[Entry, ...]:
    """The entries that meet every condition, in a fixed order.

    Args:
        settings: Settings; the environment's by default.
        conditions: Attributes of ``registry.search.Conditions``: ``task``, ``family``, ``release``, ``size``,
            ``min_ap``, ``device``, ``precision``, ``artifact``, ``where``, ``sort``.

    Raises:
        UsageError: The expression cannot be read, or a condition names what no entry knows.
        CatalogError: A catalog is broken.
    """
    return registry_of(settings or from_environment()).search(**conditions)


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
    """Published accuracy against published latency, each ranking of figures that may be compared.

    Args:
        names: Entries to compare with each other; none means the whole catalog, group by group.
        device: Short name of the device, as in ``zoo list --device``.
        precision: Only latencies in this arithmetic.
        threads: Only latencies with so many threads.
        scope: What the latency includes.
        metric: Accuracy to rank by, ``AP50``; each entry's main figure by default.
        where: Only entries that meet this expression; see ``registry.search``.
        settings: Settings; the environment's by default.

    Raises:
        NotFoundError: No such entry.
        UsageError: The named entries were not measured in the same way, or nothing was timed on the device.
    """
    from registry import ranking as pareto
    from registry.search import Conditions, search

    known = registry_of(settings or from_environment())
    chosen = tuple(known.find(name) for name in names) or known.listed
    found = pareto.compare(
        search(chosen, Conditions(where=where)),
        device=device,
        precision=precision,
        threads=threads,
        scope=scope,
        metric=metric,
    )
    if names:
        pareto.require_one_ranking(found, [entry.id for entry in chosen])
    return found


def model_info(name: str, *, settings: Settings | None = None) -> Entry:
    """Everything known about one model.

    Args:
        name: ``name`` or ``name@release``.
        settings: Settings; the environment's by default.

    Raises:
        NotFoundError: No such entry; close names are suggested.
        UsageError: ``not-a-model``: the name is that of a pair of models.
    """
    return registry_of(settings or from_environment()).get(name)


def info(name: str, *, settings: Settings | None = None) -> Entry | Pipeline:
    """Everything known about a model or a pipeline.

    Args:
        name: ``name`` or ``name@release``.
        settings: Settings; the environment's by default.

    Raises:
        NotFoundError: No such entry; close names are suggested.
    """
    return registry_of(settings or from_environment()).find(name)


def complexity(entry: Entry) -> Complexity | None:
    """Parameters and multiply-adds of an entry's network, computed from the network itself.

    Args:
        entry: The entry.

    Returns:
        None where the architecture is not modeled, or not among those that were measured for the package.
    """
    from converters.networks.measured import measurement_of

    measurement = measurement_of(entry.architecture) if entry.architecture else None
    return measurement.complexity(entry.input.height, entry.input.width) if measurement else None
