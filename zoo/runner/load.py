"""``zoo.load``: load an entry as a callable model."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from zoo._utils.extras import requires_extra
from zoo._utils.validation import validate_kwargs
from zoo.artifacts.source_options import SourceOptions
from zoo.artifacts.workspace import resolver_for
from zoo.catalogs.sources import load_registry
from zoo.local_models.opened import open_models
from zoo.local_models.options import NO_OPTIONS, ModelOptions
from zoo.settings import Settings, from_environment

if TYPE_CHECKING:
    from pathlib import Path

    from typing_extensions import Unpack

    from converters.choices import WeightOnly
    from registry.choices import Precision
    from zoo._utils.choices import Backend
    from zoo.artifacts.resolver import Reporter
    from zoo.local_models.options import ModelKeywords
    from zoo.runner.loading import RunConfig
    from zoo.runner.runner import Runner


@requires_extra("run")
def load(
    name: str | Path,
    *,
    backend: Backend = "onnx",
    precision: Precision = "fp32",
    weight_only: WeightOnly | None = None,
    calibration: Path | str | None = None,
    detector: str | Path | None = None,
    box_threshold: float | None = None,
    threads: int = 1,
    lite_version: str | None = None,
    build: bool | None = None,
    locked: bool = False,
    settings: Settings | None = None,
    reporter: Reporter | None = None,
    **model: Unpack[ModelKeywords],
) -> Runner:
    """Load a model; the result is callable on arrays, paths and PIL images.

    Close it, or use it in a ``with`` statement: some engines run in a child process.

    Args:
        name: ``name`` or ``name@release``, or the path of a model: an export folder, an archive, a file.
        backend: ``onnx``, ``paddle``, ``lite``, ``openvino``, ``ncnn`` or ``tflite``.
        precision: Precision of the file; OpenVINO, ncnn and LiteRT compute FP16 files in single precision.
        weight_only: Integer type of the stored weights.
        calibration: Folder of images that determine the ranges of an ``int8`` file; drawn figures by default.
        detector: Name or path of the detector that finds persons for a pose model; without it the whole
            image is one person.
        box_threshold: Persons must score above this. Default: as in the configuration of a model on disk,
            else 0.5.
        threads: Threads one run may use.
        lite_version: Version of Paddle-Lite.
        build: True always converts locally, False never, None only what is not published.
        locked: Refuse artifacts that ``zoo.lock`` does not list.
        settings: Settings; by default those of the environment.
        reporter: Callbacks for progress and log messages; none by default.
        model: Statements about a model on disk: the fields of ``zoo.local_models.options.ModelOptions``.

    Raises:
        ZooError: See the error tree in ``registry.errors``.
    """
    # Imported here to keep ``import zoo`` light: only running a model needs NumPy and the engines.
    from zoo.runner.loading import load_networks
    from zoo.runner.runner import Runner, require_runnable

    config = make_config(
        "load",
        backend=backend,
        precision=precision,
        weight_only=weight_only,
        calibration=calibration,
        threads=threads,
        lite_version=lite_version,
        build=build,
    )
    resolved = settings or from_environment()
    resources = ExitStack()
    try:
        located = resources.enter_context(
            open_models(
                [(name, ModelOptions.create(**model)), *([(detector, NO_OPTIONS)] if detector else [])],
                load_registry(resolved),
                cache=resolved.cache,
            )
        )
        entries = [each.entry for each in located]
        require_runnable(*entries)
        requests = [(entry, config) for entry in entries]
        source = SourceOptions(settings=resolved, locked=locked)
        resolver = resolver_for(source, reporter=reporter, models=located)
        models = resources.enter_context(load_networks(requests, resolver))
        person_detector = models[1] if detector is not None else None
        return Runner(models[0], person_detector, box_threshold=box_threshold, close=resources.close)
    except BaseException:
        resources.close()
        raise


def make_config(function: str, **values: object) -> RunConfig:
    """Validate the keyword arguments of a public function as a :class:`RunConfig`.

    Args:
        function: Name of the function, for error messages.
        values: Fields of the configuration.

    Raises:
        UsageError: A value is invalid.
    """
    from zoo.runner.loading import RunConfig

    return validate_kwargs(RunConfig, function, values)
