"""Fit an entry to a network with other classes or joints than the published one. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from converters.networks.head_layers import Shape, output_count, read_output_count, with_output_count
from registry.errors import UsageError
from registry.schema import Architecture, DetectionOutput, Entry, HeatmapOutput
from zoo.local_models.joints import JointSet

_PUBLISHED_FIELDS = ("accuracy", "latency", "complexity", "training", "artifacts", "conflicts", "notes")
"""Fields about the published network, which do not hold for one with another head."""


def fit_entry(
    base: Entry,
    shapes: Mapping[str, Shape],
    *,
    labels: Sequence[str] | None = None,
    joints: JointSet | None = None,
    sigmas: Sequence[float] | None = None,
) -> Entry:
    """Fit an entry to a checkpoint: the number of classes or joints follows from its weights.

    Args:
        base: Entry of the architecture.
        shapes: Shape by parameter name, as ``WeightsSummary.shapes``.
        labels: Names of the classes of a detector. Default: those of the entry if their number is that of
            the weights, otherwise ``class_0``, ``class_1``, …
        joints: Joints of a pose network. Default: those of the entry if their number is that of the weights,
            otherwise ``joint_0``, ``joint_1``, … without flip pairs and skeleton.
        sigmas: Constants of the joints for keypoint similarity; one value is for all joints.

    Returns:
        The entry with this head. It is ``base`` itself if nothing differs; otherwise it has no published
        figures and files. If the weights do not have the layers of this head, only names are applied: a
        conversion compares all parameters and reports the differences.

    Raises:
        UsageError: ``labels-mismatch``, ``joints-mismatch``, ``sigmas-mismatch``, or
            ``option-not-applicable``.
    """
    count = read_output_count(base.architecture, shapes) if base.architecture is not None else None
    return fit_output(base, count or name_count(base), labels=labels, joints=joints, sigmas=sigmas)


def fit_output(
    base: Entry,
    count: int,
    *,
    labels: Sequence[str] | None = None,
    joints: JointSet | None = None,
    sigmas: Sequence[float] | None = None,
) -> Entry:
    """Fit an entry to a network whose number of classes or joints is known.

    Args:
        base: The entry.
        count: Number of classes or joints of the network, at least 1.
        labels: As for `fit_entry`.
        joints: As for `fit_entry`.
        sigmas: As for `fit_entry`.

    Raises:
        UsageError: As for `fit_entry`.
    """
    output = _fitted_output(base, count, labels, joints, sigmas)
    if output == base.output:
        return base
    defaults = {name: Entry.model_fields[name].get_default() for name in _PUBLISHED_FIELDS}
    architecture = _fitted_architecture(base.architecture, count)
    return base.model_copy(update={"output": output, "architecture": architecture, **defaults})


def name_count(entry: Entry) -> int:
    """Number of classes or joints of an entry."""
    output = entry.output
    if isinstance(output, DetectionOutput):
        return len(output.classes)
    return len(output.joints) if isinstance(output, HeatmapOutput) else output.joints


def _fitted_architecture(architecture: Architecture | None, count: int) -> Architecture | None:
    if architecture is None or output_count(architecture) == count:
        return architecture
    return with_output_count(architecture, count)


def _fitted_output(
    base: Entry,
    count: int,
    labels: Sequence[str] | None,
    joints: JointSet | None,
    sigmas: Sequence[float] | None,
) -> object:
    output = base.output
    pose = {"--joints": joints, "--sigmas": sigmas}
    if isinstance(output, DetectionOutput):
        _reject_options(base, "boxes", pose)
        return _fitted_classes(output, count, labels)
    _reject_options(base, "joints", {"--labels": labels})
    if isinstance(output, HeatmapOutput):
        return _fitted_joints(output, count, joints, sigmas)
    _reject_options(base, "joints in space", pose)
    return output if output.joints == count else output.model_copy(update={"joints": count})


def _fitted_classes(output: DetectionOutput, count: int, labels: Sequence[str] | None) -> DetectionOutput:
    names = tuple(
        labels or (output.classes if len(output.classes) == count else numbered_names("class", count))
    )
    if len(names) != count:
        raise UsageError(
            "labels-mismatch",
            f"the network has {count} classes, and {len(names)} labels are given",
            expected=f"{count} labels, in the order of the network's classes",
            found=_shorten(names),
            hint="pass one label per class: --labels A,B,C or --labels FILE",
        )
    return output if names == output.classes else output.model_copy(update={"classes": names})


def _fitted_joints(
    output: HeatmapOutput, count: int, joints: JointSet | None, sigmas: Sequence[float] | None
) -> HeatmapOutput:
    if joints is None and len(output.joints) != count:
        joints = JointSet(names=numbered_names("joint", count))
    if joints is not None:
        if len(joints.names) != count:
            raise UsageError(
                "joints-mismatch",
                f"the network has {count} joints, and {len(joints.names)} are given",
                expected=f"{count} joints, in the order of the network's heat maps",
                found=_shorten(joints.names),
                hint="correct the file of --joints",
            )
        output = with_joints(output, joints)
    return output if sigmas is None else with_sigmas(output, sigmas)


def with_joints(output: HeatmapOutput, joints: JointSet) -> HeatmapOutput:
    """Return the output with other names, skeleton, flip pairs and constants of as many joints."""
    changes = {
        "joints": joints.names,
        "skeleton": joints.skeleton,
        "flip_pairs": joints.flip_pairs,
        "sigmas": joints.sigmas,
    }
    return output.model_copy(update=changes)


def with_sigmas(output: HeatmapOutput, sigmas: Sequence[float]) -> HeatmapOutput:
    """Return the output with constants for keypoint similarity.

    Args:
        output: The output.
        sigmas: One value per joint, or one for all joints.

    Raises:
        UsageError: ``sigmas-mismatch``.
    """
    count = len(output.joints)
    values = tuple(sigmas) * count if len(sigmas) == 1 else tuple(sigmas)
    if len(values) != count:
        raise UsageError(
            "sigmas-mismatch",
            f"the network has {count} joints, and {len(values)} sigmas are given",
            expected=f"{count} values, or one for all joints",
            found=f"{len(values)} values",
            hint="pass one value per joint: --sigmas 0.026,0.025,…",
        )
    return output.model_copy(update={"sigmas": values})


def numbered_names(noun: str, count: int) -> tuple[str, ...]:
    """Return names for classes or joints without names.

    Args:
        noun: ``class`` or ``joint``.
        count: How many.
    """
    return tuple(f"{noun}_{index}" for index in range(count))


def _reject_options(entry: Entry, outputs: str, options: Mapping[str, object]) -> None:
    given = [name for name, value in options.items() if value is not None]
    if given:
        raise UsageError(
            "option-not-applicable",
            f"{given[0]} does not apply to {entry.id}, which outputs {outputs}",
            hint=f"leave out {given[0]}",
        )


def _shorten(names: Sequence[str]) -> str:
    rest = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return ", ".join(names[:10]) + rest
