"""Fetch artifacts of entries: one, several, or only the plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from converters.choices import WeightOnly
from registry.choices import Precision, Target
from registry.errors import UsageError
from zoo._utils.choices import FetchFormat
from zoo._utils.extras import requires_extra
from zoo._utils.validation import validate_kwargs
from zoo.artifacts.source_options import SourceOptions
from zoo.artifacts.spec import FetchOptions
from zoo.artifacts.workspace import resolver_for
from zoo.catalogs.queries import model_info
from zoo.settings import Settings, from_environment

if TYPE_CHECKING:
    from zoo.artifacts.plan import FetchPlan
    from zoo.artifacts.resolver import Fetched, Reporter
    from zoo.artifacts.spec import ArtifactSpec
    from zoo.runner.calibration import ImageCalibrator


@requires_extra("convert")
def fetch(
    name: str,
    *,
    weights: bool = False,
    config: bool = False,
    inference: bool = False,
    lite: Precision | None = None,
    onnx: Precision | None = None,
    format: FetchFormat | None = None,
    precision: Precision | None = None,
    weight_only: WeightOnly | None = None,
    calibration: Path | str | None = None,
    target: Target | None = None,
    lite_version: str | None = None,
    build: bool | None = None,
    out: Path | str | None = None,
    locked: bool = False,
    settings: Settings | None = None,
    reporter: Reporter | None = None,
) -> Fetched:
    """Fetch and verify one artifact of one entry; by default the inference model.

    Args:
        name: ``name`` or ``name@release``.
        weights: The training checkpoint.
        config: Upstream's configuration.
        inference: The inference model.
        lite: The Paddle-Lite file in this precision; short for ``format="lite"`` with it.
        onnx: The ONNX file in this precision; short for ``format="onnx"`` with it.
        format: The file in this format, published or converted here: a format of ``zoo.convert``.
        precision: Precision of ``format``; ``fp32`` by default.
        weight_only: Integer type for the weights of ``format``.
        calibration: Folder of images that determine the ranges of ``precision="int8"``.
        target: Processor of the Lite file; ``arm`` by default.
        lite_version: Version of Paddle-Lite's opt.
        build: True converts here whatever is published, False never, None what is not published.
        out: Folder to copy the artifact into.
        locked: Refuse an artifact that ``zoo.lock`` does not name, and hash every byte.
        settings: Settings; the environment's by default.
        reporter: Callbacks for progress and log messages.

    Raises:
        ZooError: Any error of the tree in ``registry.errors``.
    """
    options = {
        "weights": weights,
        "config": config,
        "inference": inference,
        "lite": lite,
        "onnx": onnx,
        "format": format,
        "precision": precision,
        "weight_only": weight_only,
        "target": target,
        "lite_version": lite_version,
        "build": build,
    }
    request = validate_kwargs(FetchOptions, "fetch", options)
    source = SourceOptions(
        settings=settings or from_environment(), locked=locked, build=build, lite_version=lite_version
    )
    if len(request.specs(model_info(name, settings=source.settings))) > 1:
        raise UsageError(
            "multiple-artifacts",
            "fetch() returns one artifact, but several are requested",
            hint="use fetch_many()",
        )
    path = Path(out) if out is not None else None
    images = Path(calibration) if calibration is not None else None
    (found,) = _fetch_all([name], request, source, calibration=images, out=path, jobs=1, reporter=reporter)
    return found


@requires_extra("convert")
def fetch_many(
    names: Sequence[str],
    request: FetchOptions,
    *,
    calibration: Path | None = None,
    out: Path | None = None,
    locked: bool = False,
    jobs: int = 4,
    settings: Settings | None = None,
    reporter: Reporter | None = None,
) -> tuple[Fetched, ...]:
    """Fetch and verify the requested artifacts of each entry, in order.

    Args:
        names: Entries.
        request: The artifacts to fetch of each.
        calibration: Folder of images that determine the ranges of models in int8.
        out: Folder to copy the artifacts into; every byte is hashed then.
        locked: Refuse an artifact that ``zoo.lock`` does not name, and hash every byte.
        jobs: Artifacts fetched at the same time.
        settings: Settings; the environment's by default.
        reporter: Callbacks for progress and log messages.

    Raises:
        ZooError: The first failure in order; the other artifacts stay in the cache.
    """
    source = SourceOptions(settings=settings or from_environment(), locked=locked, build=request.build)
    return _fetch_all(names, request, source, calibration=calibration, out=out, jobs=jobs, reporter=reporter)


def _fetch_all(
    names: Sequence[str],
    request: FetchOptions,
    source: SourceOptions,
    *,
    calibration: Path | None,
    out: Path | None,
    jobs: int,
    reporter: Reporter | None,
) -> tuple[Fetched, ...]:
    # Imported here: planning needs no copy.
    from zoo.artifacts.export import copy_out

    entries = [model_info(name, settings=source.settings) for name in names]
    orders = [(entry, spec) for entry in entries for spec in request.specs(entry)]
    resolver = replace(
        resolver_for(source, reporter=reporter),
        reread=out is not None,
        calibrator=_calibrator(calibration, [spec for _, spec in orders]),
    )
    found = resolver.resolve(orders, build=source.build, jobs=jobs)
    if out is None:
        return found
    cache = source.settings.cache
    return tuple(
        item.model_copy(update={"path": copy_out(item.path, out / item.file_name, cache=cache)})
        for item in found
    )


def _calibrator(folder: Path | None, specs: Sequence[ArtifactSpec]) -> ImageCalibrator | None:
    """Prepare calibration from the images of the caller; a file to deploy has no default for them."""
    if folder is None:
        return None
    # Imported here, as the copy.
    from zoo.runner.calibration import ImageCalibrator, calibration_unused, require_image_packages

    if not any(spec.calibrated for spec in specs):
        raise calibration_unused()
    calibrator = ImageCalibrator(folder)
    calibrator.require_folder()
    require_image_packages()
    return calibrator


def plan(
    names: Sequence[str], request: FetchOptions, *, settings: Settings | None = None
) -> tuple[FetchPlan, ...]:
    """Plan what ``fetch_many`` would try first, without doing any of it.

    Args:
        names: Entries.
        request: The artifacts to fetch of each.
        settings: Settings; the environment's by default.

    Raises:
        NotFoundError: No such entry, or no route to an artifact.
    """
    from zoo.artifacts.plan import plans

    entries = [model_info(name, settings=settings) for name in names]
    return tuple(
        plans(entry, spec, build=request.build)[0] for entry in entries for spec in request.specs(entry)
    )
