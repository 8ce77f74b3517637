"""Python side of ``zoo results``: list, compare, export and remove kept measurements."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

from registry.errors import UsageError
from registry.schema import Model
from zoo._utils.cache_root import check_cache
from zoo._utils.disk import translate_os_errors
from zoo.measurements.diff import MeasurementDiff, diff
from zoo.measurements.export import export
from zoo.measurements.measurement import Kind, Measurement
from zoo.measurements.prune import ResultsPolicy, select
from zoo.measurements.store import MeasurementStore
from zoo.settings import Settings, from_environment


class ResultList(Model):
    """Kept measurements.

    Attributes:
        measurements: The measurements, oldest first.
        damaged: Files that cannot be read.
    """

    measurements: tuple[Measurement, ...]
    damaged: tuple[Path, ...] = ()


class PrunedResults(Model):
    """The result of removing measurements, or of a dry run.

    Attributes:
        removed: The measurements.
        files: Files that could not be read, and were removed.
        remaining: Number of measurements that remain.
    """

    removed: tuple[Measurement, ...]
    files: tuple[Path, ...]
    remaining: int


def list_results(
    name: str | None = None,
    *,
    kind: Kind | None = None,
    format: str | None = None,
    settings: Settings | None = None,
) -> ResultList:
    """List kept measurements, oldest first.

    Args:
        name: Only those of this entry: ``name``, or ``name@release``.
        kind: Only those of this command.
        format: Only those of this format, for example ``onnx-fp32``.
        settings: Settings; the environment's by default.
    """
    found, damaged = _store(settings).read()
    return ResultList(
        measurements=tuple(
            each
            for each in found
            if (kind is None or each.kind == kind)
            and (format is None or each.conditions.format == format)
            and (name is None or name in (each.conditions.entry, each.conditions.entry.partition("@")[0]))
        ),
        damaged=tuple(each.file.path for each in damaged),
    )


def show_result(id: str, *, settings: Settings | None = None) -> Measurement:
    """Get one measurement.

    Args:
        id: Its id, or the beginning of it.
        settings: Settings; the environment's by default.

    Raises:
        ZooError: As for ``MeasurementStore.get``.
    """
    return _store(settings).get(id)


def diff_results(before: str, after: str, *, settings: Settings | None = None) -> MeasurementDiff:
    """Compare two measurements.

    Args:
        before: Id of the first, or the beginning of it.
        after: Id of the second.
        settings: Settings; the environment's by default.

    Raises:
        ZooError: As for ``MeasurementStore.get`` and ``diff``.
    """
    store = _store(settings)
    return diff(store.get(before), store.get(after))


def export_results(
    out: Path | str,
    name: str | None = None,
    *,
    kind: Kind | None = None,
    format: str | None = None,
    settings: Settings | None = None,
) -> ResultList:
    """Write measurements to a CSV, Parquet or JSON lines file.

    Args:
        out: The file; its suffix decides the format.
        name: As for ``list_results``.
        kind: As for ``list_results``.
        format: As for ``list_results``.
        settings: Settings; the environment's by default.

    Returns:
        The measurements that were written.

    Raises:
        ZooError: As for ``export``.
    """
    found = list_results(name, kind=kind, format=format, settings=settings)
    export(found.measurements, Path(out))
    return found


def prune_results(
    policy: ResultsPolicy, *, dry_run: bool = False, settings: Settings | None = None
) -> PrunedResults:
    """Remove the measurements that a policy selects.

    Args:
        policy: Which to remove.
        dry_run: Only report what would be removed.
        settings: Settings; the environment's by default.

    Raises:
        UsageError: ``nothing-selected``: the policy is empty.
    """
    if policy.empty:
        raise UsageError(
            "nothing-selected",
            "zoo results prune needs a rule: measurements are not removed by default",
            expected="--older-than, --keep or --damaged",
            done="nothing was removed",
            hint="zoo results prune --older-than 90d --dry-run",
        )
    store = _store(settings)
    found, damaged = store.read()
    chosen = select(found, policy, datetime.now(timezone.utc))
    files: tuple[Path, ...] = ()
    if dry_run:
        files = tuple(each.file.path for each in damaged) if policy.damaged else ()
    else:
        for each in chosen:
            store.remove(each)
        files = store.remove_damaged() if policy.damaged else ()
    return PrunedResults(removed=tuple(chosen), files=files, remaining=len(found) - len(chosen))


def _store(settings: Settings | None) -> MeasurementStore:
    root = (settings or from_environment()).cache
    with translate_os_errors(root):
        check_cache(root)
    return MeasurementStore(root)
