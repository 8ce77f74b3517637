"""``zoo convert``: from an entry or a local file to the format that is wanted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import Field

from converters.formats import Kind, inspect
from converters.formats.locate import locate_file, locate_in_folder
from converters.ncnn.options import NcnnOptions
from converters.onnx import QuantizeOptions
from converters.planning.plan import SourceKind, Step, TargetFormat, steps
from registry import Entry, Registry
from registry.errors import NotFoundError, UsageError
from registry.schema import Model
from zoo._utils.extras import requires_extra
from zoo.artifacts.export import copy_out
from zoo.artifacts.plan import words
from zoo.artifacts.resolver import ArtifactResolver
from zoo.conversion.options import ConvertOptions, conversion_target

_NO_ARGMAX = "ncnn has no arg-max: the model hands out heat maps alone, their maxima are for the app to find"


class ConvertPlan(Model):
    """How a source becomes what is wanted.

    Attributes:
        source: Entry name, or local path.
        have: What the source is.
        goal: What is wanted.
        steps: Conversions, in order.
    """

    source: str
    have: SourceKind
    goal: TargetFormat
    steps: tuple[Step, ...]

    def lines(self) -> list[str]:
        """The plan in words, one line a step."""
        lines = [f"{self.source} ({self.have}) to {self.goal}"]
        last = ["  write    the checkpoint as safetensors"] if self.goal == "safetensors" else []
        return [*lines, *[f"  convert  {words(step)}" for step in self.steps], *last]


class Made(Model):
    """A converted artifact.

    Attributes:
        path: The file, or the folder of an inference model.
        source: What it was made from.
        from_store: Whether it was there already.
        single_operators: Operators that compute in single precision inside a half-precision Lite file, to
            their number; empty for other files.
        left_out: What upstream's own export has and the format has no place for, in words; None for nothing.
    """

    path: Path
    source: str
    from_store: bool
    single_operators: dict[str, int] = Field(default_factory=dict)
    left_out: str | None = None


def plan(source: Path | str, request: ConvertOptions, entries: Registry) -> ConvertPlan:
    """How the source becomes what is wanted, without doing any of it.

    Raises:
        NotFoundError: The source is neither an entry nor a file.
        UsageError: No conversion leads there.
    """
    local = local_source(source, entries)
    if local is None:
        known = entries.get(str(source))
        _refuse_network(known, request)
        entry: Entry | None = known
        have: SourceKind = "weights" if _starts_from_weights(known, request) else "program"
    else:
        entry, have = _entry(request, entries), _have(local, request.to)
    return ConvertPlan(source=str(source), have=have, goal=request.to, steps=_steps(have, request, entry))


def convert(
    source: Path | str,
    request: ConvertOptions,
    *,
    out: Path | None,
    entries: Registry,
    resolver: ArtifactResolver,
) -> Made:
    """Converts, through the store, and copies the result to ``out`` where one is given.

    Raises:
        ZooError: As the tree in ``registry.errors`` says.
    """
    planned = plan(source, request, entries)
    if request.calibration is not None:
        _require_images()
    local = local_source(source, entries)
    entry = entries.get(str(source)) if local is None else _entry(request, entries)
    path, fresh = (
        (local, False) if local is not None else _published(entries.get(str(source)), planned, resolver)
    )
    if request.to == "safetensors":
        return Made(path=_write_safetensors(path, out), source=str(source), from_store=False)
    stem = entry.name if local is None and entry else Path(str(source)).stem
    for step in planned.steps:
        with _completed(step, path, request, entry, resolver.settings.cache / "work") as complete:
            converted = resolver.convert(path, complete, stem, entry)
        path, fresh = converted.path, fresh or converted.made
    single = _single_operators(path) if request.to == "lite" and request.precision == "fp16" else {}
    if out is not None:
        path = copy_out(path, out, work=resolver.settings.cache / "work")
    heat_maps_alone = any(isinstance(step, NcnnOptions) and step.without_argmax for step in planned.steps)
    return Made(
        path=path,
        source=str(source),
        from_store=not fresh,
        single_operators=single,
        left_out=_NO_ARGMAX if heat_maps_alone else None,
    )


@requires_extra("run")
def _require_images() -> None:
    """Passes where images can be prepared: asked before anything is converted that waits for them."""
    import numpy  # noqa: F401, I001  OpenCV prints where it finds none, instead of raising alone
    import cv2  # noqa: F401  heavy, and of another extra than conversions


@contextmanager
def _completed(
    step: Step, source: Path, request: ConvertOptions, entry: Entry | None, work: Path
) -> Iterator[Step]:
    """The step with the calibration it needs, which is there as long as the context is."""
    if not isinstance(step, QuantizeOptions) or request.calibration is None or entry is None:
        yield step
        return
    from zoo.conversion.calibration import calibration  # images and numpy, which only this needs

    normalization = inspect(source).normalization or "host"
    with calibration(entry, request.calibration, normalization, work=work) as seen:
        yield step.model_copy(update={"calibration": seen})


def local_source(source: Path | str, entries: Registry) -> Path | None:
    """The source as a file; None when it is an entry. A path wins over a name only when it looks like one.

    Raises:
        NotFoundError: It is neither.
    """
    text = str(source)
    if isinstance(source, str) and source in entries and "/" not in source:
        return None
    path = Path(source)
    if path.exists():
        return path
    if isinstance(source, str) and "/" not in source and not path.suffix:
        entries.get(source)
    raise NotFoundError("source-not-found", f"{text} is neither a file nor an entry", hint="zoo list")


def _entry(request: ConvertOptions, entries: Registry) -> Entry | None:
    return entries.get(request.architecture) if request.architecture else None


def _have(path: Path, to: TargetFormat) -> SourceKind:
    found = locate_in_folder(path) if path.is_dir() else locate_file(path)
    kinds: dict[Kind, SourceKind] = {
        Kind.PICKLE: "weights",
        Kind.SAFETENSORS: "weights",
        Kind.PROGRAM: "program",
        Kind.PIR: "pir",
        Kind.ONNX: "onnx",
    }
    if found.kind not in kinds:
        raise UsageError(
            "not-convertible",
            f"{path} cannot be converted",
            expected="a checkpoint (.pdparams, .safetensors), an inference model (.pdmodel, .json) or .onnx",
            found=found.kind.value,
            hint=f"unpack it and name the folder: zoo convert FOLDER --to {to}"
            if found.kind in (Kind.TAR, Kind.TAR_GZ, Kind.ZIP)
            else f"zoo inspect {path}",
        )
    return kinds[found.kind]


def _starts_from_weights(entry: Entry, request: ConvertOptions) -> bool:
    if request.to in ("inference", "safetensors") or request.shapes_the_graph:
        return True
    if request.to == "ncnn" and getattr(entry.output, "head", None) == "nms":
        return True  # what is published ends with what ncnn does not have
    return entry.artifact("inference") is None


def _refuse_network(entry: Entry, request: ConvertOptions) -> None:
    if request.architecture is not None:
        raise UsageError(
            "bad-combination",
            f"--architecture says which architecture a file has, but {entry.id} is an entry, whose own is known",
            expected="--architecture beside a file",
            found=f"--architecture {request.architecture}",
            hint="leave out --architecture, or start from a file: zoo convert FILE.pdparams --architecture NAME",
        )


def _steps(have: SourceKind, request: ConvertOptions, entry: Entry | None) -> tuple[Step, ...]:
    aim = conversion_target(request, have, entry)
    if request.to != "safetensors":
        return steps(have, aim, entry)
    if have != "weights":
        raise UsageError(
            "not-convertible",
            "only a training checkpoint can be written as safetensors",
            expected="a checkpoint (.pdparams, .safetensors)",
            found=have,
            hint="zoo convert FILE.pdparams --to safetensors --out FILE",
        )
    return ()


def _published(entry: Entry, planned: ConvertPlan, resolver: ArtifactResolver) -> tuple[Path, bool]:
    artifact = entry.artifact("weights" if planned.have == "weights" else "inference")
    if artifact is None:
        raise NotFoundError(
            "nothing-published", f"{entry.id} has no published {planned.have}", hint=f"zoo show {entry.name}"
        )
    stored = resolver.published(entry, artifact)
    return stored.path, not stored.from_cache


def _single_operators(path: Path) -> dict[str, int]:
    found = inspect(path).details["fp32_operators"]
    return {name: int(str(count)) for name, count in found.items()} if isinstance(found, dict) else {}


def _write_safetensors(source: Path, out: Path | None) -> Path:
    # Imported here: numpy, which only this needs.
    from converters.checkpoints import read_weights, write_safetensors

    target = out or source.with_suffix(".safetensors")
    write_safetensors(read_weights(source), target, {"source": source.name})
    return target
