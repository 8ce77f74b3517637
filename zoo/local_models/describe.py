"""Describe a model on disk as an entry: from its configuration, its graph, a similar model, and options."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from registry.choices import Normalization
from registry.errors import IntegrityError, UsageError
from registry.schema import DetectionOutput, Entry, HeatmapOutput, Source
from registry.schema.io import Input
from zoo.datasets.joints import COCO_FLIP_PAIRS, COCO_JOINTS, COCO_SKELETON
from zoo.local_models.export_config import ARCHITECTURES, ExportConfig
from zoo.local_models.graph import GraphFacts
from zoo.local_models.heads import fit_output, name_count, numbered_names
from zoo.local_models.options import ModelOptions, option_name
from zoo.local_models.source import RELEASE, Doubt, LocatedModel

LICENSE = "NOASSERTION"
"""SPDX's value for a license that is not stated."""

_EXPORTER_DEFAULT = (80, "person", "toothbrush")
"""Number, first and last of the labels that the exporter writes if it finds no annotation file: COCO's."""

_NO_STRIDE = 4
_MAX_NAME = 72
_NOT_SLUG = re.compile(r"[^a-z0-9]+")
_COCO_METRIC = "KeyPointTopDownCOCOEval"


@dataclass
class ModelFiles:
    """What is known about a model on disk.

    Attributes:
        name: Path as the user named it.
        graph: Facts of the graph.
        config: The configuration next to it; None if there is none.
        like: The model that supplies what is missing; None if none was named.
        options: Statements of the user.
        doubts: Collects the fields that are not settled.
    """

    name: str
    graph: GraphFacts
    config: ExportConfig | None
    like: LocatedModel | None
    options: ModelOptions
    doubts: list[Doubt] = field(default_factory=list)

    @property
    def source(self) -> Source:
        """Where the fields of the entry come from."""
        if self.config is not None:
            return Source(document=self.config.path.name, cell="Preprocess, label_list")
        return Source(
            document=Path(self.name).name,
            cell=f"the graph, and {self.like.entry.id}" if self.like else "the graph",
        )


def describe_model(files: ModelFiles, *, title: str) -> Entry:
    """Describe a model as an entry without artifacts and figures.

    Args:
        files: What is known about it; receives the doubts.
        title: Name for display; the name of the entry is derived from it.

    Raises:
        IntegrityError: ``config-mismatch``: the configuration contradicts the graph.
        UsageError: ``model-description-missing``; ``like-mismatch``; ``labels-mismatch``;
            ``option-not-applicable``.
    """
    _require_description(files)
    _require_same_kind(files)
    pose = _is_pose(files)
    output = _heatmaps(files) if pose else _detections(files)
    entry = Entry(
        name=entry_name(title),
        release=RELEASE,
        title=title,
        task="keypoint_detection" if pose else "object_detection",
        family="tinypose" if pose else "picodet",
        architecture=None,
        input=_input(files),
        output=output,
        tolerances=files.like.entry.tolerances if files.like else (),
        license=LICENSE,
    )
    stated = files.options
    return fit_output(
        entry,
        files.graph.channels or name_count(entry),
        labels=stated.labels,
        joints=stated.joints,
        sigmas=stated.sigmas,
    )


def entry_name(title: str) -> str:
    """Derive the name of an entry from any text."""
    return _NOT_SLUG.sub("_", title.lower()).strip("_")[:_MAX_NAME].strip("_") or "model"


def find_normalization(files: ModelFiles) -> Normalization:
    """Decide whether the host or the graph normalizes pixel values.

    Args:
        files: What is known about the model.

    Raises:
        IntegrityError: ``config-mismatch``.
        UsageError: ``model-description-missing``.
    """
    if files.options.normalization is not None:
        return files.options.normalization
    found = files.graph.normalization
    if files.config is not None:
        stated = files.config.normalization
        if found is not None and found != stated:
            raise _config_mismatch(
                files.config,
                "whether the graph normalizes pixel values",
                "a step NormalizeImage (on the host)"
                if stated == "host"
                else "no step NormalizeImage (in the graph)",
                "normalization in the graph"
                if found == "in_graph"
                else "no normalization before the first convolution",
                hint="state which is right: --normalization host, or --normalization in_graph",
            )
        return stated
    inherited = _normalization_of(files.like) if files.like else None
    if found is None and inherited is None:
        raise _missing(files, ["whether the graph normalizes pixel values"], "--normalization host")
    return found or inherited or "host"


def _normalization_of(like: LocatedModel) -> Normalization | None:
    if like.local is not None:
        return like.local.normalization
    published = like.entry.artifact("inference")
    stated = published.normalization if published else "host"
    return stated if stated in ("host", "in_graph") else None


def _require_description(files: ModelFiles) -> None:
    if files.config is None and files.like is None:
        what = ["how images are prepared (input size, mean, deviation)", "the class labels or joints"]
        raise _missing(files, what, "--like NAME")


def _missing(files: ModelFiles, what: Sequence[str], option: str) -> UsageError:
    return UsageError(
        "model-description-missing",
        f"{files.name} does not state {' and '.join(what)}",
        expected="infer_cfg.yml or inference.yml next to the model, or another model that has the same",
        found="no configuration" if files.config is None else files.config.path.name,
        hint=f"add {option}; zoo list shows the entries, and the path of an export folder works too",
    )


def _is_pose(files: ModelFiles) -> bool:
    if files.graph.head is not None:
        return files.graph.head == "heatmap"
    if files.config is not None:
        return files.config.geometry.resize == "top_down_affine"
    return files.like is not None and isinstance(files.like.entry.output, HeatmapOutput)


def _require_same_kind(files: ModelFiles) -> None:
    """Check that graph, configuration and similar model are all pose models, or all detectors."""
    pose = _is_pose(files)
    found = "heat maps" if pose else "boxes"
    if files.config is not None:
        architecture = files.config.architecture
        stated = ARCHITECTURES[architecture] == "pose" if architecture else pose
        cropped = files.config.geometry.resize == "top_down_affine"
        if stated != pose or cropped != pose:
            expected = f"arch {architecture}, {'TopDownEvalAffine' if cropped else 'Resize'}"
            raise _config_mismatch(files.config, "the kind of model", expected, found)
    if files.like is not None:
        output = files.like.entry.output
        if not isinstance(output, HeatmapOutput if pose else DetectionOutput):
            raise _like_mismatch(files, output.kind, found)


def _input(files: ModelFiles) -> Input:
    graph, config, like = files.graph, files.config, files.like
    recorded = graph.height, graph.width
    if config is not None:
        size = config.geometry.height, config.geometry.width
        if not _fits(size, recorded):
            raise _config_mismatch(config, "the input size", _size(size), _size(recorded))
    elif like is not None:
        size = like.entry.input.height, like.entry.input.width
        if not _fits(size, recorded):
            raise _like_mismatch(files, f"an input of {_size(size)}", f"an input of {_size(recorded)}")
    else:  # pragma: no cover - _require_description excludes it
        raise AssertionError("there is a configuration or a similar model")
    if files.options.input_size is not None:
        size = files.options.input_size
        if not _fits(size, recorded):
            raise UsageError(
                "input-size-mismatch",
                f"--input-size contradicts the graph of {files.name}",
                expected=f"{_size(recorded)} (graph)",
                found=f"{_size(size)} (--input-size)",
                hint=f"zoo inspect {files.name}",
            )
    if config is None:
        assert like is not None
        return like.entry.input.model_copy(
            update={"name": graph.input, "height": size[0], "width": size[1], "source": files.source}
        )
    pixels = config.pixels
    return Input(
        name=graph.input,
        height=size[0],
        width=size[1],
        resize=config.geometry.resize,
        interpolation=config.geometry.interpolation,
        scale=pixels.scale if pixels else 1,
        mean=pixels.mean if pixels else (0, 0, 0),
        std=pixels.std if pixels else (1, 1, 1),
        source=files.source,
    )


def _fits(size: tuple[int, int], recorded: tuple[int | None, int | None]) -> bool:
    return all(there in (None, stated) for stated, there in zip(size, recorded, strict=True))


def _size(size: tuple[int | None, int | None]) -> str:
    return "x".join("?" if side is None else str(side) for side in size)


def _heatmaps(files: ModelFiles) -> HeatmapOutput:
    _reject_detector_options(files)
    graph = files.graph
    like = files.like.entry.output if files.like else None
    if isinstance(like, HeatmapOutput):
        if graph.channels not in (None, len(like.joints)):
            raise _like_mismatch(files, f"{len(like.joints)} joints", f"{graph.channels} heat maps")
        return like.model_copy(update={"argmax": graph.argmax or (graph.head is None and like.argmax)})
    if graph.channels is None:
        raise _missing(files, ["the number of joints"], "--like NAME")
    output = HeatmapOutput(
        joints=numbered_names("joint", graph.channels),
        stride=graph.stride or _NO_STRIDE,
        argmax=graph.argmax,
        source=files.source,
    )
    metric = files.config.metric if files.config else None
    if metric == _COCO_METRIC and graph.channels == len(COCO_JOINTS):
        known = {"joints": COCO_JOINTS, "flip_pairs": COCO_FLIP_PAIRS, "skeleton": COCO_SKELETON}
        return output.model_copy(update=known)
    if files.options.joints is None:
        note = (
            f"{graph.channels} joints without names: they are numbered, and the flip test is off because the "
            "pairs of left and right joints are unknown; see --joints"
        )
        files.doubts.append(Doubt("output.joints", note))
    return output


def _reject_detector_options(files: ModelFiles) -> None:
    for option in ("score_threshold", "nms_threshold"):
        if getattr(files.options, option) is not None:
            raise UsageError(
                "option-not-applicable",
                f"{option_name(option)} applies to detectors, and {files.name} outputs heat maps",
                hint=f"leave out {option_name(option)}",
            )


def _detections(files: ModelFiles) -> DetectionOutput:
    graph, config = files.graph, files.config
    like = files.like.entry.output if files.like else None
    inherited = like if isinstance(like, DetectionOutput) else None
    head = graph.head or (inherited.head if inherited else None)
    if head is None or head == "heatmap":
        raise _missing(files, ["the kind of its outputs"], "--like NAME")
    values: dict[str, object] = {"classes": _classes(files, inherited), "head": head, "source": files.source}
    if config is not None and config.strides is not None:
        values["strides"] = config.strides
    elif inherited is not None:
        values["strides"] = inherited.strides
    reg_max = graph.reg_max or (inherited.reg_max if inherited else None)
    if reg_max is not None:
        values["reg_max"] = reg_max
    return DetectionOutput.model_validate(values)


def _classes(files: ModelFiles, inherited: DetectionOutput | None) -> tuple[str, ...]:
    count = files.graph.channels
    if files.options.labels is not None:  # fitted to the graph with those of pose models and checkpoints
        return numbered_names("class", count or len(files.options.labels))
    if files.config is not None and files.config.labels:
        return _configured_classes(files, files.config)
    if inherited is not None:
        if count not in (None, len(inherited.classes)):
            raise _like_mismatch(
                files,
                f"{len(inherited.classes)} classes",
                f"{count} classes",
                hint="add --labels with the class names in the order of the network's outputs",
            )
        return inherited.classes
    if count is None:
        raise _missing(files, ["the class labels"], "--labels a,b,c")
    note = f"{count} classes without names: they are numbered; --labels states their names"
    files.doubts.append(Doubt("output.classes", note))
    return numbered_names("class", count)


def _configured_classes(files: ModelFiles, config: ExportConfig) -> tuple[str, ...]:
    count, labels = files.graph.channels, config.labels
    if count in (None, len(labels)):
        return labels
    if (len(labels), labels[0], labels[-1]) != _EXPORTER_DEFAULT:
        raise _config_mismatch(
            config,
            "the number of classes",
            f"{len(labels)} labels: {', '.join(labels)}"[:200],
            f"{count} classes",
            hint="state the class names in the order of the network's outputs: --labels a,b,c",
            code="labels-mismatch",
        )
    # What PaddleDetection's exporter writes without an annotation file, for the published pedestrian
    # detectors too. Deployment code prints the label of class 0, person, for a network with one class.
    one = count == 1
    names = labels[:1] if one else numbered_names("class", count or 0)
    note = (
        f"{config.path.name} lists COCO's 80 classes, the default of the exporter, and the graph has "
        f"{count}: " + ("the class is called person" if one else "they are numbered") + "; see --labels"
    )
    files.doubts.append(Doubt("output.classes", note))
    return names


def _config_mismatch(
    config: ExportConfig,
    what: str,
    stated: str,
    found: str,
    *,
    hint: str | None = None,
    code: str = "config-mismatch",
) -> IntegrityError:
    return IntegrityError(
        code,
        f"{config.path} contradicts the graph next to it: {what}",
        expected=f"{stated} (configuration)",
        found=f"{found} (graph)",
        hint=hint or f"take both files from the same export, or correct {config.path.name}",
    )


def _like_mismatch(files: ModelFiles, expected: str, found: str, *, hint: str | None = None) -> UsageError:
    assert files.like is not None
    return UsageError(
        "like-mismatch",
        f"{files.name} differs from the model that --like names",
        expected=f"{expected} ({files.like.entry.id})",
        found=f"{found} ({Path(files.name).name})",
        hint=hint or "name a model of the same input size and outputs: zoo list shows the entries",
    )
