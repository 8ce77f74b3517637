"""``zoo.bench``: measure latency on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from registry import Entry
from registry.errors import ConversionError, MissingToolError, UsageError
from zoo._utils.extras import requires_extra
from zoo.artifacts.source_options import SourceOptions
from zoo.artifacts.workspace import resolver_for
from zoo.catalogs.sources import load_registry
from zoo.evaluation.compare_formats import load_samples, without_optional_tools
from zoo.local_models.opened import open_models
from zoo.local_models.options import ModelOptions
from zoo.runner.load import make_config
from zoo.settings import Settings, from_environment

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from converters.choices import WeightOnly
    from registry.choices import Precision
    from zoo._utils.choices import Backend
    from zoo.artifacts.resolver import ArtifactResolver, Reporter
    from zoo.evaluation.latency import Bench, Plan, Timing
    from zoo.local_models.options import ModelKeywords
    from zoo.measurements.recorder import Recorder
    from zoo.runner.images import Image
    from zoo.runner.loading import RunConfig


@requires_extra("run")
def bench(
    name: str | Path,
    *,
    backend: Backend | None = None,
    precision: Precision = "fp32",
    weight_only: WeightOnly | None = None,
    calibration: Path | str | None = None,
    plan: Plan | None = None,
    threads: int = 1,
    image: Path | str | None = None,
    lite_version: str | None = None,
    build: bool | None = None,
    locked: bool = False,
    settings: Settings | None = None,
    reporter: Reporter | None = None,
    **model: Unpack[ModelKeywords],
) -> Bench:
    """Measure the latency of an entry on this machine, next to published figures of the same scope.

    Args:
        name: ``name`` or ``name@release``, or the path of a model: an export folder, an archive, a file.
        backend: One backend; its failure is an error. Default: all backends, with a reason in the row of each
            that cannot run. Toolchains of optional engines are installed only for a backend named here.
        precision: Precision of the file.
        weight_only: Integer type of the stored weights.
        calibration: Folder of images that determine the ranges of an ``int8`` file; drawn figures by default.
        plan: Scope, number of warm-up runs and of measured runs.
        threads: Threads of one run.
        image: Input image. Default: a drawn one.
        lite_version: Version of Paddle-Lite.
        build: True always converts locally, False never does, None converts what is not published.
        locked: Reject artifacts that ``zoo.lock`` does not name.
        settings: Settings. Default: from the environment.
        reporter: Callbacks for progress and log messages.
        model: Statements about a model on disk: the fields of ``zoo.local_models.options.ModelOptions``.

    Raises:
        ZooError: An error of the tree in ``registry.errors``.
    """
    from zoo.artifacts.formats import BACKENDS
    from zoo.evaluation.latency import Plan, build_bench
    from zoo.evaluation.layers import load_sample_image
    from zoo.measurements.recorder import Recorder

    chosen = settings or from_environment()
    sample = load_sample_image(load_samples([Path(image)] if image is not None else ())[0])
    plan = plan or Plan()
    requests = [(name, ModelOptions.create(**model))]
    with open_models(requests, load_registry(chosen), cache=chosen.cache) as located:
        source = SourceOptions(settings=chosen, locked=locked)
        resolver = resolver_for(source, reporter=reporter, models=located)
        if backend is None:
            resolver = without_optional_tools(resolver)
        recorder = Recorder(chosen.cache, resolver.reporter.note)
        timings = []
        for each in (backend,) if backend else BACKENDS:
            config = make_config(
                "bench",
                backend=each,
                precision=precision,
                weight_only=weight_only,
                calibration=calibration,
                threads=threads,
                lite_version=lite_version if each == "lite" or backend else None,
                build=build,
            )
            resolver.reporter.note(f"measuring {each}")
            timings.append(
                _time_backend(
                    located[0].entry,
                    config,
                    sample,
                    plan,
                    resolver=resolver,
                    recorder=recorder,
                    required=backend is not None,
                )
            )
        return build_bench(located[0].entry, plan, timings)


def _time_backend(
    entry: Entry,
    config: RunConfig,
    image: Image,
    plan: Plan,
    *,
    resolver: ArtifactResolver,
    recorder: Recorder,
    required: bool,
) -> Timing:
    from zoo.evaluation.latency import Timing, latency_not_measurable, time_network
    from zoo.evaluation.recorded_latency import keep_timing
    from zoo.runner.loading import load_networks

    try:
        if config.format.interpreted:
            raise latency_not_measurable()
        with load_networks([(entry, config)], resolver) as (network,):
            timing = time_network(network, image, plan)
            keep_timing(recorder, network, plan, timing, resolver)
            return timing
    except (ConversionError, MissingToolError, UsageError) as error:
        # When all backends are measured, one that is missing or unsupported is a row with a reason.
        if required:
            raise
        # Only a missing tool has a next command: it can be installed.
        hint = error.hint if isinstance(error, MissingToolError) else None
        return Timing(
            format=config.backend,
            backend=config.backend,
            precision=config.precision,
            weight_only=config.weight_only,
            threads=config.threads,
            reason="; ".join(filter(None, (error.message, hint))),
        )
