"""``zoo compare``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from registry.errors import UsageError
from zoo.artifacts.source_options import SourceOptions
from zoo.cli import _options as options
from zoo.cli._output import Output
from zoo.cli._running import Fresh

if TYPE_CHECKING:
    from zoo.artifacts.resolver import Reporter


@options.with_source_options
@options.with_model_options
def compare(
    name: options.Model,
    images: Annotated[
        list[str] | None,
        typer.Argument(metavar="IMAGE", help="Images to compare outputs on. Default: drawn figures."),
    ] = None,
    shape: Annotated[
        list[str] | None,
        typer.Option(metavar="INPUT=1,3,48,320", help="Input shape of a model file with an open shape."),
    ] = None,
    calibration: options.CalibrationOption = None,
    fresh: Fresh = False,
    *,
    model: dict[str, Any],
    source: SourceOptions,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Compare a model's outputs across all formats.

    The reference is the inference model. Exits with 1 if a format differs, and names the first such layer.
    Raw outputs are compared if no configuration next to a model states how its images are prepared.
    """
    from zoo.artifacts.resolver import Reporter
    from zoo.catalogs.sources import load_registry
    from zoo.local_models.described import is_described
    from zoo.local_models.names import local_source

    output = Output(as_json=json, quiet=quiet)
    path = local_source(name, load_registry(source.settings))
    stated = any(value is not None for value in model.values())
    raw = path is not None and not stated and (bool(shape) or not is_described(path))
    with output.display() as display:
        reporter = Reporter(note=output.note, bar=display.bar)
        if raw and path is not None:
            _reject_unused(
                "a comparison of raw outputs",
                {
                    "IMAGE": images,
                    "--calibration": calibration,
                    "--build": source.build is not None,
                    "--locked": source.locked,
                    "--fresh": fresh,
                },
            )
            passed = _compare_file(path, shape or (), source, output, reporter)
        else:
            _reject_unused("a model whose input shape is known", {"--shape": shape})
            passed = _compare_entry(
                name, images or (), calibration, source, output, reporter=reporter, fresh=fresh, model=model
            )
    if not passed:
        raise typer.Exit(1)


def _compare_file(
    model: Path, shapes: list[str] | tuple[()], source: SourceOptions, output: Output, reporter: Reporter
) -> bool:
    from zoo import api
    from zoo.cli.render.results import format_parity, summarize_model_parity

    found = api.compare_model(
        model, shapes=shapes, lite_version=source.lite_version, settings=source.settings, reporter=reporter
    )
    if output.as_json:
        output.document(found)
    else:
        output.table(*format_parity(found))
        for line in summarize_model_parity(found):
            output.note(line)
    return found.passed


def _compare_entry(
    name: str,
    images: list[str] | tuple[()],
    calibration: Path | None,
    source: SourceOptions,
    output: Output,
    *,
    reporter: Reporter,
    fresh: bool,
    model: dict[str, Any],
) -> bool:
    from zoo import api
    from zoo.cli.render.results import format_parity, summarize_parity
    from zoo.runner.media import find_images

    found = api.compare(
        name,
        images=find_images(images),
        calibration=calibration,
        lite_version=source.lite_version,
        build=source.build,
        locked=source.locked,
        fresh=fresh,
        settings=source.settings,
        reporter=reporter,
        **model,
    )
    if output.as_json:
        output.document(found)
    else:
        output.table(*format_parity(found))
        for line in summarize_parity(found):
            output.note(line)
    return found.passed


def _reject_unused(subject: str, given: Mapping[str, object]) -> None:
    unused = [option for option, value in given.items() if value]
    if unused:
        raise UsageError(
            "option-not-applicable",
            f"{unused[0]} does not apply to {subject}",
            hint=f"leave out {unused[0]}",
        )
