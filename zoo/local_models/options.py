"""Options that state what the files of a model do not say, or say wrongly."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar

from registry.choices import Normalization
from registry.errors import UsageError
from registry.schema.protocol import MulticlassNms
from zoo.local_models.joints import JointSet, parse_sigmas, read_joints
from zoo.local_models.labels import parse_labels

if TYPE_CHECKING:
    from typing_extensions import Unpack

_Value = TypeVar("_Value")
_SIZE = re.compile(r"([1-9][0-9]{0,4})x([1-9][0-9]{0,4})")


class ModelKeywords(TypedDict, total=False):
    """Keyword arguments of the Python functions that take a model; as for :class:`ModelOptions`."""

    like: str | Path | None
    architecture: str | None
    labels: str | Path | Sequence[str] | None
    joints: str | Path | JointSet | None
    sigmas: str | Path | Sequence[float] | None
    input_size: str | tuple[int, int] | None
    normalization: Normalization | None
    score_threshold: float | None
    nms_threshold: float | None


@dataclass(frozen=True, kw_only=True)
class ModelOptions:
    """Statements about a model on disk; each takes precedence over its files.

    Attributes:
        like: Entry, or path of another model, with what a file itself does not say: preprocessing, labels.
        architecture: Entry whose architecture a checkpoint has.
        labels: Class names of a detector, in the order of its outputs.
        joints: Joints of a pose network, in the order of its heat maps.
        sigmas: Constants of the joints for object keypoint similarity; one value is for all joints.
        input_size: Height and width in pixels, of a graph that leaves them open.
        normalization: Whether the caller (``host``) or the graph (``in_graph``) normalizes pixels.
        score_threshold: Smallest score of a box.
        nms_threshold: Intersection over union above which the box with the lower score is removed.
    """

    like: str | None = None
    architecture: str | None = None
    labels: tuple[str, ...] | None = None
    joints: JointSet | None = None
    sigmas: tuple[float, ...] | None = None
    input_size: tuple[int, int] | None = None
    normalization: Normalization | None = None
    score_threshold: float | None = None
    nms_threshold: float | None = None

    @classmethod
    def create(cls, **values: Unpack[ModelKeywords]) -> ModelOptions:
        """Parse options as they come from the command line or a Python call.

        Args:
            values: As for the class. Text and paths are read: ``labels`` by ``parse_labels``, ``joints`` by
                ``read_joints``, ``sigmas`` by ``parse_sigmas``; ``input_size`` is ``HEIGHTxWIDTH``.

        Raises:
            NotFoundError: A file does not exist.
            UsageError: ``bad-option``, or as for these functions.
        """
        unknown = sorted({*values} - {field.name for field in fields(cls)})
        if unknown:
            raise TypeError(f"unexpected keyword argument {unknown[0]!r}")
        like, labels, joints = values.get("like"), values.get("labels"), values.get("joints")
        sigmas = values.get("sigmas")
        return cls(
            like=str(like) if like is not None else None,
            architecture=values.get("architecture"),
            labels=parse_labels(str(labels)) if isinstance(labels, (str, Path)) else _tuple(labels),
            joints=read_joints(Path(joints)) if isinstance(joints, (str, Path)) else joints,
            sigmas=parse_sigmas(str(sigmas)) if isinstance(sigmas, (str, Path)) else _tuple(sigmas),
            input_size=_parse_size(values.get("input_size")),
            normalization=_parse_normalization(values.get("normalization")),
            score_threshold=_parse_share("score_threshold", values.get("score_threshold")),
            nms_threshold=_parse_share("nms_threshold", values.get("nms_threshold")),
        )

    def override(self, nms: MulticlassNms) -> MulticlassNms:
        """Return a suppression rule with the thresholds that the user stated."""
        stated = {"score_threshold": self.score_threshold, "iou_threshold": self.nms_threshold}
        return nms.model_copy(update={name: value for name, value in stated.items() if value is not None})

    def keywords(self) -> dict[str, Any]:
        """Return the options that have a value as keyword arguments of the Python functions."""
        return {name: getattr(self, name) for name in self.given}

    @property
    def given(self) -> tuple[str, ...]:
        """Names of the options that have a value."""
        return tuple(field.name for field in fields(self) if getattr(self, field.name) is not None)


NO_OPTIONS = ModelOptions()


def option_name(field: str) -> str:
    """Return the option on the command line of a field."""
    return "--" + field.replace("_", "-")


def _tuple(values: Sequence[_Value] | None) -> tuple[_Value, ...] | None:
    return None if values is None else tuple(values)


def _parse_size(value: str | tuple[int, int] | None) -> tuple[int, int] | None:
    if value is None or isinstance(value, tuple):
        return value
    found = _SIZE.fullmatch(value)
    if found is None:
        raise UsageError(
            "bad-option",
            "--input-size is not a height and a width",
            expected="HEIGHTxWIDTH in pixels, for example 192x192",
            found=value[:40],
            hint="--input-size 128x96",
        )
    return int(found[1]), int(found[2])


def _parse_normalization(value: Normalization | None) -> Normalization | None:
    if value not in (None, "host", "in_graph"):
        raise UsageError(
            "bad-option",
            "normalization is neither on the host nor in the graph",
            expected="host or in_graph",
            found=str(value)[:40],
            hint="--normalization host",
        )
    return value


def _parse_share(field: str, value: float | None) -> float | None:
    if value is None or 0 <= value <= 1:
        return value
    raise UsageError(
        "bad-option",
        f"{option_name(field)} is not a share",
        expected="a number from 0 to 1",
        found=f"{value:g}",
        hint=f"{option_name(field)} 0.5",
    )
