"""Python side of the commands about artifacts: convert, inspect, diff, verify, lock."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from zoo._utils.extras import requires_extra
from zoo._utils.validation import validate_kwargs
from zoo.artifacts.source_options import SourceOptions
from zoo.artifacts.workspace import resolver_for
from zoo.catalogs.queries import model_info
from zoo.catalogs.sources import load_registry
from zoo.settings import Settings, from_environment

if TYPE_CHECKING:
    from converters.choices import TargetFormat
    from converters.formats import Inspection
    from converters.formats.compare import Comparison
    from zoo.artifacts.lockfile import LockReport
    from zoo.artifacts.resolver import Reporter
    from zoo.conversion.convert import Conversion, ConvertPlan
    from zoo.conversion.options import ConvertOptions
    from zoo.store import StoreReport


@requires_extra("convert")
def convert(
    source: Path | str,
    *,
    to: TargetFormat,
    out: Path | str | None = None,
    settings: Settings | None = None,
    reporter: Reporter | None = None,
    **options: Any,
) -> Conversion:
    """Convert an entry or a local file to another format, and inspect the result.

    Args:
        source: Name of an entry, or a local file or folder. Text without a path separator that names both an
            entry and a file is refused; ``./NAME`` or a ``Path`` is the file.
        to: ``inference``, ``lite``, ``onnx``, ``openvino``, ``ncnn``, ``tflite`` or ``safetensors``.
        out: Output file, a folder for an inference model; None leaves the result in the cache.
        settings: Settings; the environment's by default.
        reporter: Callbacks for progress and log messages.
        options: The other fields of ``zoo.conversion.options.ConvertOptions``: ``architecture``,
            ``precision``, ``target``, ``lite_version``, ``weight_only``, ``calibration``, ``sparse``,
            ``opset``, ``ir_version``, ``fp16_io``, ``simplify``, ``program``, ``head``, ``argmax``,
            ``normalization``, ``batch``.

    Raises:
        ZooError: As documented in ``registry.errors``.
    """
    from zoo.conversion.options import ConvertOptions

    request = validate_kwargs(ConvertOptions, "convert", {"to": to, **options})
    path = Path(out) if out is not None else None
    return convert_source(source, request, out=path, settings=settings, reporter=reporter)


@requires_extra("convert")
def convert_source(
    source: Path | str,
    request: ConvertOptions,
    *,
    out: Path | None = None,
    settings: Settings | None = None,
    reporter: Reporter | None = None,
) -> Conversion:
    """Convert as ``convert`` does, with the options as one value."""
    from zoo.conversion import convert as conversion

    chosen = settings or from_environment()
    return conversion.convert(
        source,
        request,
        out=out,
        entries=load_registry(chosen),
        resolver=resolver_for(SourceOptions(settings=chosen), reporter=reporter),
    )


def plan_conversion(
    source: Path | str, request: ConvertOptions, *, settings: Settings | None = None
) -> ConvertPlan:
    """Plan the steps of ``convert_source`` without fetching or converting anything."""
    from zoo.conversion import convert as conversion

    return conversion.plan(source, request, load_registry(settings or from_environment()))


def inspect(path: Path | str, *, settings: Settings | None = None) -> Inspection:
    """Determine what a file is from its content; archives are inspected, too.

    Args:
        path: File or folder.
        settings: Settings; the environment's by default.

    Raises:
        NotFoundError: The path does not exist.
        IntegrityError: The file is truncated, corrupt, or not a valid artifact.
    """
    from zoo.artifacts.inspect import inspect_path

    chosen = settings or from_environment()
    return inspect_path(Path(path), cache=chosen.cache, keys=chosen.trusted_keys)


def compare_artifacts(
    first: Path | str, second: Path | str, *, settings: Settings | None = None
) -> Comparison:
    """Compare two artifacts: version, target, precision, inputs, outputs, operators, kernels, weights.

    Args:
        first: File or folder.
        second: File or folder.
        settings: Settings; the environment's by default.

    Raises:
        ZooError: As for ``inspect``.
    """
    from converters.formats.compare import compare

    return compare(inspect(first, settings=settings), inspect(second, settings=settings))


def draw(path: Path | str, form: Literal["svg", "html"] = "html", *, settings: Settings | None = None) -> str:
    """Draw the network of an artifact as a self-contained document.

    Args:
        path: File, folder or archive.
        form: ``svg`` for an image, ``html`` for a page with drag, zoom and search.
        settings: Settings; the environment's by default.

    Raises:
        UsageError: ``no-graph``: the artifact contains no network.
        MissingToolError: ``graphviz-missing``.
        ZooError: As for ``inspect``.
    """
    from zoo.artifacts.describe import format_inspection
    from zoo.artifacts.inspect import draw_graph

    chosen = settings or from_environment()
    facts = format_inspection(inspect(path, settings=chosen))
    return draw_graph(Path(path), form, facts, cache=chosen.cache)


def verify(
    names: Sequence[str] = (),
    *,
    repair: bool = False,
    settings: Settings | None = None,
    reporter: Reporter | None = None,
) -> StoreReport:
    """Compare cached files with their recorded digests.

    Args:
        names: Entries; none means the whole cache.
        repair: Move damaged files to the quarantine, fetch their artifacts again, and verify once more.
        settings: Settings; the environment's by default.
        reporter: Callbacks for progress and log messages.

    Raises:
        ZooError: A damaged artifact cannot be fetched again.
    """
    chosen = settings or from_environment()
    entries = [model_info(name, settings=chosen) for name in names] or None
    resolver = resolver_for(SourceOptions(settings=chosen), reporter=reporter)
    report = resolver.store.verify(entries)
    if report.clean or not repair:
        return report
    # Imported here: a clean cache needs no repair.
    from zoo.artifacts import repair as repairs

    return repairs.repair(resolver, report, load_registry(chosen), entries)


def lock(
    names: Sequence[str] = (),
    *,
    accept: bool = False,
    check: bool = False,
    settings: Settings | None = None,
    reporter: Reporter | None = None,
) -> LockReport:
    """Write the digests that this machine recorded to the project's ``zoo.lock``.

    Args:
        names: Entries whose artifacts are written; none means every artifact that was fetched.
        accept: Fetch the cached artifacts of the named entries again, and record their present digests.
        check: Only compare; write nothing.
        settings: Settings; the environment's by default.
        reporter: Callbacks for progress and log messages.

    Raises:
        UsageError: ``missing-argument``: ``accept`` needs the names of entries.
    """
    from zoo.artifacts import lockfile

    chosen = settings or from_environment()
    entries = [model_info(name, settings=chosen) for name in names]
    return lockfile.lock(
        entries, resolver_for(SourceOptions(settings=chosen), reporter=reporter), accept=accept, check=check
    )
