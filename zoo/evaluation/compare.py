"""``zoo.compare`` and ``zoo.compare_model``: compare the outputs of all formats of a model."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from zoo._utils.extras import requires_extra
from zoo.artifacts.source_options import SourceOptions
from zoo.artifacts.workspace import resolver_for
from zoo.catalogs.sources import load_registry
from zoo.evaluation.compare_formats import (
    compare_format,
    formats_to_compare,
    load_samples,
    not_runnable,
    without_optional_tools,
)
from zoo.local_models.opened import open_models
from zoo.local_models.options import ModelOptions
from zoo.runner.load import make_config
from zoo.settings import Settings, from_environment

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from zoo.artifacts.resolver import Reporter
    from zoo.evaluation.compare_model import ModelParity
    from zoo.evaluation.parity import Parity
    from zoo.local_models.options import ModelKeywords


@requires_extra("run")
def compare(
    name: str | Path,
    *,
    images: Sequence[Path] = (),
    calibration: Path | str | None = None,
    lite_version: str | None = None,
    build: bool | None = None,
    locked: bool = False,
    fresh: bool = False,
    settings: Settings | None = None,
    reporter: Reporter | None = None,
    **model: Unpack[ModelKeywords],
) -> Parity:
    """Compare every format of an entry with its inference model, layer by layer.

    A format that cannot be converted or run on this machine has a row with the reason. Toolchains of optional
    engines are not installed for a comparison: the rows of these formats name the command that does.

    Args:
        name: ``name`` or ``name@release``, or the path of a model: an export folder, an archive, a file.
        images: Images to compare on; a pose model treats a whole image as one person. Default: drawn figures.
        calibration: Folder of images that determine the ranges of ``int8`` files; drawn figures by default.
        lite_version: Version of Paddle-Lite.
        build: True always converts locally, False never does, None converts what is not published.
        locked: Reject artifacts that ``zoo.lock`` does not name.
        fresh: Compare again, even if a kept measurement has equal conditions.
        settings: Settings. Default: from the environment.
        reporter: Callbacks for progress and log messages.
        model: Statements about a model on disk: the fields of ``zoo.local_models.options.ModelOptions``.

    Raises:
        ZooError: An error of the tree in ``registry.errors``.
    """
    from zoo.evaluation.parity import Parity
    from zoo.evaluation.recorded_parity import FormatComparison
    from zoo.measurements.recorder import Recorder
    from zoo.runner.loading import load_networks

    chosen = settings or from_environment()
    samples = load_samples(images)
    requests = [(name, ModelOptions.create(**model))]
    with open_models(requests, load_registry(chosen), cache=chosen.cache) as located, ExitStack() as stack:
        entry, local = located[0].entry, located[0].local
        source = SourceOptions(settings=chosen, locked=locked)
        resolver = resolver_for(source, reporter=reporter, models=located)
        # Of an ONNX file there is no inference model: it is the reference itself.
        first = "onnx" if local is not None and local.kind == "onnx" else "paddle"
        reference = make_config("compare", backend=first, build=build)
        (network,) = stack.enter_context(load_networks([(entry, reference)], resolver))
        recorder = Recorder(chosen.cache, resolver.reporter.note, fresh=fresh)
        compare_one = FormatComparison(network, samples, recorder, resolver)
        configs = formats_to_compare(
            build=build,
            lite_version=lite_version,
            calibration=Path(calibration) if calibration is not None else None,
        )
        rows = [
            compare_format(entry, config, compare_one, without_optional_tools(resolver))
            for config in configs
            if config.format != reference.format
        ]
        return Parity(
            entry=entry.id,
            reference=compare_one.engine,
            images=len(samples),
            instances=compare_one.instances,
            formats=(*rows, not_runnable()),
        )


@requires_extra("run")
def compare_model(
    model: Path | str,
    *,
    shapes: Sequence[str] = (),
    lite_version: str | None = None,
    settings: Settings | None = None,
    reporter: Reporter | None = None,
) -> ModelParity:
    """Convert an inference model to ONNX and Lite, and compare the raw outputs on synthetic inputs.

    For a model of any family, and for one without a configuration: how its images are prepared is not known.

    Args:
        model: File or folder of an inference model.
        shapes: ``NAME=1,3,48,320`` for inputs with dynamic dimensions. A repeated name starts another run. A
            dynamic batch dimension needs no shape.
        lite_version: Version of Paddle-Lite.
        settings: Settings. Default: from the environment.
        reporter: Callbacks for progress and log messages.

    Raises:
        ZooError: An error of the tree in ``registry.errors``.
    """
    from zoo.evaluation.compare_model import compare_conversions
    from zoo.evaluation.feeds import parse_shapes

    resolver = resolver_for(SourceOptions(settings=settings or from_environment()), reporter=reporter)
    return compare_conversions(Path(model), parse_shapes(shapes), resolver, lite_version=lite_version)
