"""The Python API: what the commands do, as functions that return frozen results."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from zoo._utils.extras import requires_extra
from zoo._utils.validation import validate_kwargs
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
    from zoo.conversion.convert import ConvertPlan, Made
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
) -> Made:
    """Converts an entry, or a file of the caller's, and proves what came out.

    Args:
        source: Entry name, or a local file or folder.
        to: ``inference``, ``lite``, ``onnx``, ``openvino``, ``ncnn``, ``tflite`` or
            ``safetensors``.
        out: File to write, a folder for an inference model; the result stays in the store without it.
        settings: Settings; the environment's by default.
        reporter: Who hears about the work; nobody by default.
        options: The other fields of ``zoo.conversion.options.ConvertOptions``: ``architecture``, ``precision``,
            ``target``, ``lite_version``, ``weight_only``, ``calibration``, ``sparse``, ``opset``,
            ``ir_version``, ``fp16_io``, ``simplify``, ``program``, ``head``, ``argmax``, ``normalization``,
            ``batch``.

    Raises:
        ZooError: As the tree in ``registry.errors`` says.
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
) -> Made:
    """``convert`` with its options as one value."""
    from zoo.conversion import convert as conversion

    chosen = settings or from_environment()
    return conversion.convert(
        source,
        request,
        out=out,
        entries=load_registry(chosen),
        resolver=resolver_for(chosen, reporter=reporter),
    )


def plan_conversion(
    source: Path | str, request: ConvertOptions, *, settings: Settings | None = None
) -> ConvertPlan:
    """What ``convert_source`` would do, without doing any of it."""
    from zoo.conversion import convert as conversion

    return conversion.plan(source, request, load_registry(settings or from_environment()))


def inspect(path: Path | str, *, settings: Settings | None = None) -> Inspection:
    """What an artifact is, from its bytes; an archive is looked into as well.

    Args:
        path: File or folder.
        settings: Settings; the environment's by default.

    Raises:
        NotFoundError: Nothing is there.
        IntegrityError: It is torn, or something that only poses as an artifact.
    """
    from zoo.artifacts.inspect import inspect_path

    return inspect_path(Path(path), work=(settings or from_environment()).cache / "work")


def compare_artifacts(
    first: Path | str, second: Path | str, *, settings: Settings | None = None
) -> Comparison:
    """In what two artifacts differ: version, target, precision, ends, operators, kernels, weights.

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
    """The network in an artifact as a drawing that refers to nothing outside itself.

    Args:
        path: File, folder or archive.
        form: ``svg`` for an image, ``html`` for a page to drag, zoom and search in.
        settings: Settings; the environment's by default.

    Raises:
        UsageError: ``no-graph``: there is none in it.
        MissingToolError: ``graphviz-missing``.
        ZooError: As for ``inspect``.
    """
    from zoo.artifacts.describe import format_inspection
    from zoo.artifacts.inspect import draw_graph

    chosen = settings or from_environment()
    facts = format_inspection(inspect(path, settings=chosen))
    return draw_graph(Path(path), form, facts, work=chosen.cache / "work")


def verify(names: Sequence[str] = (), *, settings: Settings | None = None) -> StoreReport:
    """Hashes the store again and compares it with what was seen first.

    Args:
        names: Entries; none means the whole store.
        settings: Settings; the environment's by default.
    """
    chosen = settings or from_environment()
    entries = [model_info(name, settings=chosen) for name in names]
    return resolver_for(chosen).store.verify(entries or None)


def lock(
    names: Sequence[str] = (),
    *,
    accept: bool = False,
    check: bool = False,
    settings: Settings | None = None,
    reporter: Reporter | None = None,
) -> LockReport:
    """Writes the digests this machine has seen into the project's ``zoo.lock``.

    Args:
        names: Entries whose artifacts are written; none means every artifact that was seen.
        accept: Fetch what the named entries have in the store anew, and take the digests as they are now.
        check: Only compare; nothing is written.
        settings: Settings; the environment's by default.
        reporter: Who hears about the work; nobody by default.

    Raises:
        UsageError: ``missing-argument``: nothing is named to accept.
    """
    from zoo.artifacts import lockfile as project

    chosen = settings or from_environment()
    entries = [model_info(name, settings=chosen) for name in names]
    return project.lock(entries, resolver_for(chosen, reporter=reporter), accept=accept, check=check)
