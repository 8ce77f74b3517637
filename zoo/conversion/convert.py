"""``zoo convert``: plans and runs the steps from an entry or a local file to another format."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import Field

from converters.checkpoints import summarize
from converters.choices import TargetFormat
from converters.formats import inspect
from converters.lite import LiteOptions, require_precision
from converters.ncnn.options import NcnnOptions
from converters.planning.plan import SourceKind, Step, plan_steps
from registry import Entry, Registry
from registry.errors import NotFoundError, UsageError, ZooError
from registry.schema import Model
from zoo.artifacts.export import copy_out
from zoo.artifacts.plan import describe_step
from zoo.artifacts.resolver import ArtifactResolver
from zoo.conversion.options import ConvertOptions, conversion_target
from zoo.conversion.source import source_kind
from zoo.local_models.architectures import architecture_hint
from zoo.local_models.heads import fit_entry
from zoo.local_models.names import local_source
from zoo.runner.calibration import ImageCalibrator, require_image_packages

_NO_ARGMAX = (
    "ncnn has no arg-max operator: the model outputs heat maps only, and the app must find their maxima"
)
_ARCHITECTURE_ERRORS = {"architecture-required", "weights-mismatch"}


class ConvertPlan(Model):
    """The conversion steps from a source to a target format.

    Attributes:
        source: Entry name, or local path.
        source_kind: What the source is.
        target: Target format.
        steps: Conversions, in order.
    """

    source: str
    source_kind: SourceKind
    target: TargetFormat
    steps: tuple[Step, ...]

    def lines(self) -> list[str]:
        """Describe the plan, one line for each step."""
        lines = [f"{self.source} ({self.source_kind}) to {self.target}"]
        last = ["  write    the checkpoint as safetensors"] if self.target == "safetensors" else []
        return [*lines, *[f"  convert  {describe_step(step)}" for step in self.steps], *last]


class Conversion(Model):
    """A converted artifact.

    Attributes:
        path: The file, or the folder of an inference model.
        source: Entry name, or local path.
        from_cache: Whether the artifact was in the cache, so that nothing was fetched or converted.
        fp32_operators: Number of operators of each type that compute in fp32 inside an fp16 Lite file; empty
            for other files.
        omitted: A part of the upstream export that the format cannot express; None if nothing is missing.
    """

    path: Path
    source: str
    from_cache: bool
    fp32_operators: dict[str, int] = Field(default_factory=dict)
    omitted: str | None = None


@dataclass(frozen=True)
class _Source:
    """A source that was located once.

    Attributes:
        name: Entry name, or local path.
        path: The local file or folder; None for an entry.
        entry: The entry, or the entry whose architecture the file has; None if no entry is named.
        kind: What the source is.
    """

    name: str
    path: Path | None
    entry: Entry | None
    kind: SourceKind

    @property
    def stem(self) -> str:
        """Base name of the result in the cache."""
        return self.entry.name if self.path is None and self.entry else Path(self.name).stem


def plan(source: Path | str, request: ConvertOptions, entries: Registry) -> ConvertPlan:
    """Plan a conversion without fetching or converting anything.

    Args:
        source: Entry name, or local file or folder.
        request: Target format and options.
        entries: The catalog.

    Raises:
        NotFoundError: The source is neither an entry nor a file.
        UsageError: ``ambiguous-source``, or no conversion leads to the target format.
    """
    located = _locate(source, request, entries)
    with _suggest_architectures(located, entries):
        return _plan(located, request)


def convert(
    source: Path | str,
    request: ConvertOptions,
    *,
    out: Path | None,
    entries: Registry,
    resolver: ArtifactResolver,
) -> Conversion:
    """Convert a source, with the cache for every step, and copies the result out.

    Args:
        source: Entry name, or local file or folder.
        request: Target format and options.
        out: Output path; None leaves the result in the cache.
        entries: The catalog.
        resolver: Access to the cache and the toolchains.

    Raises:
        ZooError: As documented in ``registry.errors``.
    """
    located = _locate(source, request, entries)
    with _suggest_architectures(located, entries):
        return _convert(located, request, out, resolver)


def _convert(
    located: _Source, request: ConvertOptions, out: Path | None, resolver: ArtifactResolver
) -> Conversion:
    planned = _plan(located, request)
    if request.calibration is not None:
        require_image_packages()
        calibrator = ImageCalibrator(request.calibration)
        calibrator.require_folder()
        resolver = replace(resolver, calibrator=calibrator)
    # Files that are copied out of the cache are hashed once more.
    resolver = replace(resolver, reread=resolver.reread or out is not None)
    path, fresh = (located.path, False) if located.path is not None else _fetch(located, resolver)
    if request.to == "safetensors":
        return Conversion(path=_write_safetensors(path, out), source=located.name, from_cache=False)
    for step in planned.steps:
        result = resolver.resolve_step(path, step, located.stem, located.entry)
        path, fresh = result.path, fresh or not result.from_cache
    fp32 = _fp32_operators(path) if request.to == "lite" and request.precision == "fp16" else {}
    if out is not None:
        path = copy_out(path, out, cache=resolver.settings.cache)
    without_argmax = any(isinstance(step, NcnnOptions) and step.without_argmax for step in planned.steps)
    return Conversion(
        path=path,
        source=located.name,
        from_cache=not fresh,
        fp32_operators=fp32,
        omitted=_NO_ARGMAX if without_argmax else None,
    )


def _locate(source: Path | str, request: ConvertOptions, entries: Registry) -> _Source:
    path = local_source(source, entries)
    if path is not None:
        kind = source_kind(path, request.to)
        entry = entries.get(request.architecture) if request.architecture else None
        # A conversion to safetensors rejects --architecture: the file need not be read for that.
        if entry is not None and kind == "weights" and request.to != "safetensors":
            entry = fit_entry(entry, summarize(path).shapes)
        return _Source(name=str(source), path=path, entry=entry, kind=kind)
    entry = entries.get(str(source))
    _reject_architecture(entry, request)
    kind = "weights" if _starts_from_weights(entry, request) else "program"
    return _Source(name=str(source), path=None, entry=entry, kind=kind)


@contextmanager
def _suggest_architectures(source: _Source, entries: Registry) -> Iterator[None]:
    """Add the names of matching entries to an error about the architecture of a weights file."""
    try:
        yield
    except ZooError as error:
        if error.code in _ARCHITECTURE_ERRORS and source.path is not None and source.kind == "weights":
            error.hint = architecture_hint(source.path, entries)
        raise


def _plan(source: _Source, request: ConvertOptions) -> ConvertPlan:
    steps = _steps(source.kind, request, source.entry)
    if source.path is None and source.entry is not None:
        _require_lite_precision(source.entry, steps)
    return ConvertPlan(source=source.name, source_kind=source.kind, target=request.to, steps=steps)


def _starts_from_weights(entry: Entry, request: ConvertOptions) -> bool:
    if request.to in {"inference", "safetensors"} or request.shapes_graph:
        return True
    if request.to == "ncnn" and getattr(entry.output, "head", None) == "nms":
        return True  # the published model ends with an operator that ncnn does not have
    return entry.artifact("inference") is None


def _reject_architecture(entry: Entry, request: ConvertOptions) -> None:
    if request.architecture is not None:
        raise UsageError(
            "option-not-applicable",
            f"--architecture applies to files, and {entry.id} is an entry with a known architecture",
            expected="--architecture with a file",
            found=f"--architecture {request.architecture}",
            hint="leave out --architecture, or name a file: zoo convert FILE.pdparams --architecture NAME",
        )


def _require_lite_precision(entry: Entry, steps: tuple[Step, ...]) -> None:
    # Known from the catalog, before anything is fetched.
    published = entry.artifact("inference")
    for step in steps:
        if isinstance(step, LiteOptions):
            require_precision(step, quantized=published is not None and published.precision == "int8")


def _steps(kind: SourceKind, request: ConvertOptions, entry: Entry | None) -> tuple[Step, ...]:
    target = conversion_target(request, kind, entry)
    if request.to != "safetensors":
        return plan_steps(kind, target, entry)
    if kind != "weights":
        raise UsageError(
            "not-convertible",
            "only a training checkpoint can be written as safetensors",
            expected="a checkpoint (.pdparams, .safetensors)",
            found=kind,
            hint="zoo convert FILE.pdparams --to safetensors --out FILE",
        )
    return ()


def _fetch(source: _Source, resolver: ArtifactResolver) -> tuple[Path, bool]:
    """Return the published artifact that the conversion starts from, and whether it was downloaded."""
    entry = source.entry
    artifact = entry.artifact("weights" if source.kind == "weights" else "inference") if entry else None
    if entry is None or artifact is None:
        raise NotFoundError(
            "nothing-published",
            f"{source.name} has no published {source.kind}",
            hint=f"zoo show {source.name}",
        )
    stored = resolver.fetch_published(entry, artifact)
    return stored.path, not stored.from_cache


def _fp32_operators(path: Path) -> dict[str, int]:
    found = inspect(path).details["fp32_operators"]
    return {name: int(str(count)) for name, count in found.items()} if isinstance(found, dict) else {}


def _write_safetensors(source: Path, out: Path | None) -> Path:
    # Imported here: numpy, which only this needs.
    from converters.checkpoints import read_weights, write_safetensors

    target = out or source.with_suffix(".safetensors")
    write_safetensors(read_weights(source), target, {"source": source.name})
    return target
