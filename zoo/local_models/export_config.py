"""Read the configuration that PaddleDetection and PaddleX write next to an exported model.

PaddleDetection names it ``infer_cfg.yml``. PaddleX calls the same exporter and names it ``inference.yml``;
the keys have the same meaning (``deploy/README.md`` of PaddleDetection, ``inference/models`` of PaddleX 3).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, PositiveInt, ValidationError

from converters.formats.bounded_io import open_regular_file
from registry.choices import Normalization
from registry.errors import IntegrityError, UsageError
from registry.safe_yaml import YamlError, YamlLimits, read_yaml
from registry.schema.base import Line, Model
from registry.schema.io import Triple
from registry.schema.protocol import MulticlassNms

FILE_NAMES = ("infer_cfg.yml", "inference.yml")
"""Names of the file, in PaddleDetection and in PaddleX."""

ARCHITECTURES = {"PicoDet": "detector", "GFL": "detector", "HRNet": "pose"}
"""Values of ``arch``: GFL is a PicoDet with its post-processing in the graph, HRNet a TinyPose."""

_MAX_BYTES = 1 << 20  # the character lists of OCR models take about 200 kB
_LIMITS = YamlLimits(characters=_MAX_BYTES, values=100_000, depth=64)
_INTERPOLATIONS: dict[int, Literal["linear", "cubic"]] = {1: "linear", 2: "cubic"}
"""Numbers of OpenCV's interpolation methods; upstream trains with these two."""

_STEPS = ("Resize", "TopDownEvalAffine", "NormalizeImage", "Permute", "PadStride")
_Steps = tuple[dict[str, Any], ...]


class Geometry(Model):
    """How an image becomes the input of a network.

    Attributes:
        resize: As in ``registry.schema.Input``.
        height: Height of the input in pixels.
        width: Width of the input in pixels.
        interpolation: OpenCV interpolation of the resize.
    """

    resize: Literal["stretch", "top_down_affine"]
    height: PositiveInt
    width: PositiveInt
    interpolation: Literal["linear", "cubic"]


class PixelValues(Model):
    """Normalization of pixel values by the caller.

    Attributes:
        scale: Factor on the values 0 to 255.
        mean: Value subtracted from each channel after scaling.
        std: Value that each channel is divided by after that.
    """

    scale: float
    mean: Triple
    std: Triple


class ExportConfig(Model):
    """Contents of a configuration, as far as they matter for running the model.

    Attributes:
        path: The file.
        architecture: ``arch``: name by which deployment code selects its post-processing.
        metric: ``metric``: the evaluation that the model was trained for.
        model_name: ``Global.model_name`` of PaddleX.
        geometry: Input size and resize rule.
        pixels: Normalization by the caller; None if the graph normalizes.
        labels: ``label_list``.
        nms: ``NMS``: suppression that deployment code applies to the outputs of a detector.
        strides: ``fpn_stride``.
        draw_threshold: ``draw_threshold``: score above which boxes are drawn.
    """

    path: Path
    architecture: Line | None = None
    metric: Line | None = None
    model_name: Line | None = None
    geometry: Geometry
    pixels: PixelValues | None
    labels: tuple[Line, ...] = ()
    nms: MulticlassNms | None = None
    strides: tuple[PositiveInt, ...] | None = None
    draw_threshold: float | None = Field(default=None, ge=0, le=1)

    @property
    def normalization(self) -> Normalization:
        """Whether the host or the graph normalizes pixel values."""
        return "in_graph" if self.pixels is None else "host"


def find_config(folder: Path) -> Path | None:
    """Find the configuration in a folder; None if there is none.

    Raises:
        UsageError: ``ambiguous-config``: the folder has both names.
    """
    found = [folder / name for name in FILE_NAMES if (folder / name).is_file()]
    if len(found) > 1:
        raise UsageError(
            "ambiguous-config",
            f"{folder} contains two configurations of one model",
            expected=" or ".join(FILE_NAMES),
            found=" and ".join(path.name for path in found),
            hint=f"move the one that does not belong to the model: mv {found[1]} …",
        )
    return found[0] if found else None


def read_export_config(path: Path) -> ExportConfig:
    """Read a configuration.

    Args:
        path: The file.

    Raises:
        IntegrityError: ``configuration-unreadable``: not such a configuration.
        UsageError: ``model-family-unsupported``; ``preprocessing-unsupported`` for a step or a value that is
            not implemented here.
    """
    content = _read(path)
    steps = _steps(content, path)
    architecture = content.get("arch")
    if architecture is not None and str(architecture) not in ARCHITECTURES:
        raise UsageError(
            "model-family-unsupported",
            f"{path} belongs to a model of another family",
            expected=f"arch {', '.join(ARCHITECTURES)}",
            found=f"arch {architecture}"[:80],
            hint="zoo convert converts models of any family to ONNX and Paddle-Lite",
        )
    _require_known(steps, path)
    nms = content.get("NMS")
    identity = content.get("Global")
    values = {
        "path": path,
        "architecture": architecture,
        "metric": content.get("metric"),
        "model_name": identity.get("model_name") if isinstance(identity, dict) else None,
        "geometry": _geometry(steps, path),
        "pixels": _pixels(steps, path),
        "labels": content.get("label_list") or (),
        "nms": _nms(nms) if isinstance(nms, dict) else None,
        "strides": content.get("fpn_stride"),
        "draw_threshold": content.get("draw_threshold"),
    }
    try:
        return ExportConfig.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise _unreadable(path, f"{where}: {first['msg']}") from None


def read_normalization(path: Path) -> Normalization:
    """Read from a configuration of any family whether the caller normalizes pixel values.

    Args:
        path: The file.

    Raises:
        IntegrityError: ``configuration-unreadable``.
    """
    steps = _steps(_read(path), path)
    return "host" if any(step["type"] == "NormalizeImage" for step in steps) else "in_graph"


def _read(path: Path) -> dict[str, Any]:
    try:
        with open_regular_file(path) as file:
            content = read_yaml(file.read(_MAX_BYTES + 1), _LIMITS)
    except YamlError as error:
        raise _unreadable(path, f"line {error.line}: {error.problem}") from None
    if not isinstance(content, dict):
        raise _unreadable(path, "no keys")
    return content


def _steps(content: dict[str, Any], path: Path) -> _Steps:
    steps = content.get("Preprocess")
    if not isinstance(steps, list) or not all(
        isinstance(step, dict) and isinstance(step.get("type"), str) for step in steps
    ):
        raise _unreadable(path, "no such list")
    return tuple(steps)


def _require_known(steps: _Steps, path: Path) -> None:
    unknown = [step["type"] for step in steps if step["type"] not in _STEPS]
    if unknown:
        raise _unsupported(path, f"steps {', '.join(_STEPS)}", f"the step {unknown[0]}"[:80])


def _geometry(steps: _Steps, path: Path) -> dict[str, Any]:
    found = [step for step in steps if step["type"] in ("Resize", "TopDownEvalAffine")]
    if len(found) != 1:
        names = " and ".join(step["type"] for step in found) or "neither"
        raise _unsupported(path, "one step Resize or TopDownEvalAffine", names)
    step = found[0]
    if step["type"] == "TopDownEvalAffine":
        width, height = _pair(step.get("trainsize"), "trainsize", path)
        return {"resize": "top_down_affine", "height": height, "width": width, "interpolation": "linear"}
    if step.get("keep_ratio"):
        raise _unsupported(path, "Resize with keep_ratio false", "keep_ratio true")
    number = step.get("interp", 2)
    interpolation = _INTERPOLATIONS.get(number) if isinstance(number, int) else None
    if interpolation is None:
        raise _unsupported(path, "Resize with interp 1 or 2", f"interp {number}"[:80])
    height, width = _pair(step.get("target_size"), "target_size", path)
    return {"resize": "stretch", "height": height, "width": width, "interpolation": interpolation}


def _pair(value: object, name: str, path: Path) -> tuple[int, int]:
    match value:
        case [int() as first, int() as second] if first > 0 and second > 0:
            return first, second
        case int() if value > 0:
            return value, value
        case _:
            raise _unreadable(path, f"{name} is {value!r}"[:80], expected=f"{name} with two sizes in pixels")


def _pixels(steps: _Steps, path: Path) -> dict[str, Any] | None:
    found = [step for step in steps if step["type"] == "NormalizeImage"]
    if not found:
        return None
    step = found[0]
    if len(found) > 1 or step.get("norm_type", "mean_std") not in ("mean_std", "none", None):
        kinds = " and ".join(str(each.get("norm_type", "mean_std")) for each in found)
        raise _unsupported(path, "one step NormalizeImage of norm_type mean_std or none", kinds[:80])
    scale = 1 / 255 if step.get("is_scale", True) else 1.0
    if step.get("norm_type") in ("none", None) and "norm_type" in step:
        return {"scale": scale, "mean": (0, 0, 0), "std": (1, 1, 1)}
    return {"scale": scale, "mean": step.get("mean"), "std": step.get("std")}


def _nms(values: dict[str, Any]) -> dict[str, Any]:
    return {
        "score_threshold": values.get("score_threshold"),
        "iou_threshold": values.get("nms_threshold"),
        "top_k": values.get("nms_top_k"),
        "keep": values.get("keep_top_k"),
    }


def _unreadable(
    path: Path, found: str, expected: str = "a list Preprocess of steps, each with a type"
) -> IntegrityError:
    return IntegrityError(
        "configuration-unreadable",
        f"cannot read the preprocessing steps from {path}",
        expected=expected,
        found=found,
        hint=f"replace {path.name} with the one exported with the model, or remove it",
    )


def _unsupported(path: Path, expected: str, found: str) -> UsageError:
    return UsageError(
        "preprocessing-unsupported",
        f"{path} prepares images in a way that is not implemented here",
        expected=expected,
        found=found,
        hint="zoo convert converts the model; prepare its images in your own code",
    )
