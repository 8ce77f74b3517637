"""Fetching artifacts of entries: one, several, or only the plan."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from registry.choices import Precision, Target
from registry.errors import UsageError
from zoo._utils.extras import requires_extra
from zoo._utils.validation import validate_kwargs
from zoo.artifacts.spec import FetchOptions
from zoo.artifacts.workspace import resolver_for
from zoo.catalogs.queries import model_info
from zoo.settings import Settings, from_environment

if TYPE_CHECKING:
    from zoo.artifacts.plan import FetchPlan
    from zoo.artifacts.resolver import Fetched, Reporter


@requires_extra("convert")
def fetch(
    name: str,
    *,
    weights: bool = False,
    config: bool = False,
    inference: bool = False,
    lite: Precision | None = None,
    onnx: Precision | None = None,
    target: Target | None = None,
    lite_version: str | None = None,
    build: bool | None = None,
    out: Path | str | None = None,
    locked: bool = False,
    settings: Settings | None = None,
    reporter: Reporter | None = None,
) -> Fetched:
    """One artifact of one entry, verified and proven; the inference model unless something else is asked for.

    Args:
        name: ``name`` or ``name@release``.
        weights: The training checkpoint.
        config: Upstream's configuration.
        inference: The inference model.
        lite: The Paddle-Lite file in this precision.
        onnx: The ONNX file in this precision.
        target: Processor of the Lite file; ``arm`` by default.
        lite_version: Version of Paddle-Lite's opt.
        build: True converts here whatever is published, False never, None what is not published.
        out: Folder to copy the artifact into.
        locked: Refuse what ``zoo.lock`` does not name.
        settings: Settings; the environment's by default.
        reporter: Who hears about the work; nobody by default.

    Raises:
        ZooError: As the tree in ``registry.errors`` says.
    """
    options = {
        "weights": weights,
        "config": config,
        "inference": inference,
        "lite": lite,
        "onnx": onnx,
        "target": target,
        "lite_version": lite_version,
        "build": build,
    }
    request = validate_kwargs(FetchOptions, "fetch", options)
    chosen = settings or from_environment()
    if len(request.specs(model_info(name, settings=chosen))) > 1:
        raise UsageError(
            "multiple-artifacts",
            "fetch() gives one artifact, several were asked for",
            hint="use fetch_many()",
        )
    (found,) = fetch_many(
        [name],
        request,
        out=Path(out) if out is not None else None,
        locked=locked,
        settings=chosen,
        reporter=reporter,
    )
    return found


@requires_extra("convert")
def fetch_many(
    names: Sequence[str],
    request: FetchOptions,
    *,
    out: Path | None = None,
    locked: bool = False,
    jobs: int = 4,
    settings: Settings | None = None,
    reporter: Reporter | None = None,
) -> tuple[Fetched, ...]:
    """The artifacts a request asks of each entry, in order.

    Args:
        names: Entries.
        request: What to get of each.
        out: Folder to copy the artifacts into.
        locked: Refuse what ``zoo.lock`` does not name.
        jobs: Artifacts fetched at the same time.
        settings: Settings; the environment's by default.
        reporter: Who hears about the work; nobody by default.

    Raises:
        ZooError: The first failure in order; what the others got stays in the store.
    """
    from zoo.artifacts.export import copy_out

    chosen = settings or from_environment()
    entries = [model_info(name, settings=chosen) for name in names]
    orders = [(entry, want) for entry in entries for want in request.specs(entry)]
    found = resolver_for(chosen, locked=locked, reporter=reporter).all(orders, build=request.build, jobs=jobs)
    if out is None:
        return found
    work = chosen.cache / "work"
    return tuple(
        item.model_copy(update={"path": copy_out(item.path, out / item.file_name, work=work)})
        for item in found
    )


def plan(
    names: Sequence[str], request: FetchOptions, *, settings: Settings | None = None
) -> tuple[FetchPlan, ...]:
    """What ``fetch_many`` would do first, without doing any of it.

    Args:
        names: Entries.
        request: What to get of each.
        settings: Settings; the environment's by default.

    Raises:
        NotFoundError: No such entry, or no way to an artifact.
    """
    from zoo.artifacts.plan import plans

    entries = [model_info(name, settings=settings) for name in names]
    return tuple(
        plans(entry, want, build=request.build)[0] for entry in entries for want in request.specs(entry)
    )
