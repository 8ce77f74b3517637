"""Find the reference of a paired comparison, and judge a model against it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from converters.formats import Kind
from converters.formats.locate import locate_file
from registry import Registry
from registry.errors import UsageError
from registry.schema import Entry
from registry.schema.protocol import DetectionProtocol, KeypointProtocol
from zoo.artifacts.formats import FORMATS, Format
from zoo.datasets.coco import CocoSet
from zoo.evaluation.accuracy import Validation
from zoo.evaluation.against import Against
from zoo.evaluation.changes import find_changes
from zoo.evaluation.paired import DEFAULT_MARGIN, check_margin, compare_paired
from zoo.local_models.names import has_separator, local_source
from zoo.local_models.options import NO_OPTIONS, ModelOptions
from zoo.local_models.source import LocatedModel
from zoo.runner.loading import RunConfig


def choose_margin(against: str | Path | None, margin: float | None) -> float:
    """Return the margin in percentage points; the default without one.

    Args:
        against: The reference; None without one.
        margin: The margin of the caller; None without one.

    Raises:
        UsageError: ``option-not-applicable`` for a margin without a reference, or as for ``check_margin``.
    """
    if margin is None:
        return DEFAULT_MARGIN
    if against is None:
        raise UsageError(
            "option-not-applicable",
            "--margin applies to a difference, which needs a reference",
            found=f"--margin {margin:g} without --against",
            hint="add --against onnx-fp32",
        )
    return check_margin(margin)


class Run(NamedTuple):
    """A model, how it runs, and the protocol of its accuracy."""

    entry: Entry
    config: RunConfig
    protocol: KeypointProtocol | DetectionProtocol


@dataclass(frozen=True)
class Reference:
    """The reference that the caller named.

    Attributes:
        config: How it runs; for a file, how the judged model runs.
        model: Name or path of another model, with the statements about it; None for the judged model.
    """

    config: RunConfig
    model: tuple[Path | str, ModelOptions] | None = None

    def config_for(self, located: LocatedModel) -> RunConfig:
        """How the reference runs: a converted file in its own format, other models like the judged one.

        Args:
            located: The reference.

        Raises:
            UsageError: ``reference-not-runnable``.
        """
        local = located.local
        if self.model is None or local is None or local.kind in ("weights", "inference"):
            return self.config
        for each in FORMATS:
            spec = each.spec
            if (spec.kind, each.precision) != (local.kind, local.precision or "fp32") or spec.weight_only:
                continue
            if local.target in (None, spec.target):
                return _with_format(self.config, each)
        raise UsageError(
            "reference-not-runnable",
            f"{local.name} cannot run on this machine, so nothing can be compared with it",
            expected=", ".join(each.name for each in FORMATS),
            found="-".join(filter(None, (local.kind, local.target, local.precision))),
            hint="--against onnx-fp32",
        )


def parse_reference(
    text: str | Path, model: str | Path, options: ModelOptions, config: RunConfig, registry: Registry
) -> Reference:
    """Find out what ``--against`` names.

    Args:
        text: Name of a format, for example ``onnx-fp32``; name of an entry; or path of a model.
        model: Name or path of the judged model.
        options: Statements about it, which apply to a reference on disk too.
        config: How it runs.
        registry: The catalog.

    Raises:
        NotFoundError: ``source-not-found``.
        UsageError: ``reference-unknown``, or ``reference-is-model`` if it is the judged model itself.
    """
    for each in FORMATS:
        if each.name == text:
            if each == config.format:
                raise _is_model(str(text), "choose what to measure with --backend and --precision")
            return Reference(_with_format(config, each))
    if isinstance(text, str) and not has_separator(text) and text not in registry and not Path(text).exists():
        raise UsageError(
            "reference-unknown",
            "--against names no format, no entry and no file",
            expected=f"an entry, a path, or one of {', '.join(each.name for each in FORMATS)}",
            found=text,
            hint="--against onnx-fp32",
        )
    path = local_source(text, registry)
    if str(text) == str(model):
        raise _is_model(str(text), "name another model, or one of its formats such as onnx-fp32")
    return Reference(config, (text, NO_OPTIONS if path is None else _options_of(path, model, options)))


def _is_model(text: str, hint: str) -> UsageError:
    return UsageError("reference-is-model", f"{text} is the measured model itself", hint=hint)


def _options_of(path: Path, model: str | Path, options: ModelOptions) -> ModelOptions:
    """Statements about a reference on disk: those about the judged model, or that it is like that model."""
    if options.given or path.is_dir():
        return options
    if locate_file(path).kind in (Kind.PICKLE, Kind.SAFETENSORS):
        return ModelOptions.create(architecture=str(model))
    return ModelOptions.create(like=model)


def _with_format(config: RunConfig, each: Format) -> RunConfig:
    changed = {
        "backend": each.backend,
        "precision": each.precision,
        "weight_only": each.weight_only,
        "calibration": config.calibration if each.calibrated else None,
        "lite_version": config.lite_version if each.spec.kind == "lite" else None,
    }
    return config.model_copy(update=changed)


def judge(found: Validation, reference: Validation, *, data: CocoSet, margin: float) -> Validation:
    """Add the comparison with a reference to a result.

    Args:
        found: The result of the model.
        reference: The result of the reference on the same images.
        data: The images.
        margin: Largest difference that does not matter, in percentage points.

    Raises:
        UsageError: ``pair-mismatch``.
    """
    if found.matches is None or reference.matches is None:
        raise ValueError("only results that were measured in this process have matches")
    # AP50 decides where it is the published figure.
    metric: Literal["AP", "AP50"] = "AP50" if found.verdict.metric == "AP50" else "AP"
    paired = compare_paired(reference.matches, found.matches, margin=margin, metric=metric)
    against = Against(
        entry=reference.entry,
        artifact=reference.artifact,
        origin=reference.origin,
        engine=reference.engine,
        metrics=reference.metrics,
        difference=paired.difference,
        interval=paired.interval,
        verdict=paired.verdict,
        changes=find_changes(reference.matches, found.matches, data),
    )
    return found.model_copy(update={"against": against})
