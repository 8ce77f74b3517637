"""The number of classes or joints follows from the weights; names follow from the user, or are numbered."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

import registry
import zoo
from converters.checkpoints import summarize
from converters.formats import inspect
from converters.networks.measured import measurement_of
from registry.errors import ConversionError, UsageError
from registry.schema import DetectionOutput, Entry, HeatmapOutput, PicoDet
from tests.helpers.own_heads import own_detector, own_pose
from zoo.local_models.heads import fit_entry
from zoo.local_models.joints import JointSet
from zoo.settings import Settings

CATALOG = registry.load()
DETECTORS = ("picodet_s_192_pedestrian", "picodet_s_320_coco_lcnet")
POSE = CATALOG.get("tinypose_128x96")
CORNERS = JointSet(names=("a", "b", "c", "d"), skeleton=((0, 1),), flip_pairs=((0, 3),))


def shapes_with(entry: Entry, count: int) -> dict[str, tuple[int, ...]]:
    """Shapes of the entry's parameters with another number of classes or joints."""
    field = "classes" if isinstance(entry.architecture, PicoDet) else "joints"
    assert entry.architecture is not None
    measured = measurement_of(entry.architecture.model_copy(update={field: count}))
    assert measured is not None
    return measured.shapes


@pytest.mark.parametrize("name", DETECTORS)
@pytest.mark.parametrize("classes", [1, 3, 20, 80])
def test_classes_follow_from_the_weights(name: str, classes: int) -> None:
    base = CATALOG.get(name)
    fitted = fit_entry(base, shapes_with(base, classes))

    assert isinstance(fitted.architecture, PicoDet)
    assert fitted.architecture.classes == classes
    assert isinstance(fitted.output, DetectionOutput)
    assert len(fitted.output.classes) == classes
    assert isinstance(base.output, DetectionOutput)
    if classes == len(base.output.classes):
        assert fitted is base
    else:
        assert fitted.output.classes[0] == "class_0"
        assert (fitted.accuracy, fitted.artifacts, fitted.latency) == ((), (), ())


@pytest.mark.parametrize("joints", [4, 21, 133])
def test_joints_follow_from_the_weights(joints: int) -> None:
    output = fit_entry(POSE, shapes_with(POSE, joints)).output

    assert isinstance(output, HeatmapOutput)
    assert (len(output.joints), output.joints[-1]) == (joints, f"joint_{joints - 1}")
    assert (output.flip_pairs, output.skeleton, output.sigmas) == (None, (), None)


def test_names_are_the_users() -> None:
    base = CATALOG.get("picodet_s_320_coco_lcnet")
    labeled = fit_entry(base, shapes_with(base, 2), labels=("cat", "dog")).output
    assert isinstance(labeled, DetectionOutput)
    assert labeled.classes == ("cat", "dog")

    posed = fit_entry(POSE, shapes_with(POSE, 4), joints=CORNERS, sigmas=(0.1,)).output
    assert isinstance(posed, HeatmapOutput)
    assert (posed.joints, posed.flip_pairs, posed.skeleton) == (("a", "b", "c", "d"), ((0, 3),), ((0, 1),))
    assert posed.sigmas == (0.1, 0.1, 0.1, 0.1)


@pytest.mark.parametrize(
    ("entry", "options", "code"),
    [
        (CATALOG.get(DETECTORS[1]), {"labels": ("cat", "dog")}, "labels-mismatch"),
        (CATALOG.get(DETECTORS[1]), {"joints": CORNERS}, "option-not-applicable"),
        (CATALOG.get(DETECTORS[1]), {"sigmas": (0.1,)}, "option-not-applicable"),
        (POSE, {"joints": CORNERS}, "joints-mismatch"),
        (POSE, {"sigmas": (0.1, 0.2)}, "sigmas-mismatch"),
        (POSE, {"labels": ("cat", "dog")}, "option-not-applicable"),
    ],
)
def test_names_that_do_not_fit_the_weights_are_refused(
    entry: Entry, options: dict[str, object], code: str
) -> None:
    with pytest.raises(UsageError) as caught:
        fit_entry(entry, shapes_with(entry, 3), **options)  # type: ignore[arg-type]  # one option a case
    assert caught.value.code == code
    assert "3" in caught.value.message or code == "option-not-applicable"


def test_weights_without_such_a_head_leave_the_entry_unchanged() -> None:
    assert fit_entry(POSE, {"conv.weight": (3, 3, 1, 1)}) is POSE
    base = CATALOG.get(DETECTORS[0])
    contradicting = shapes_with(base, 3) | {"head.head_cls2.weight": (40, 96, 1, 1)}
    assert fit_entry(base, contradicting) is base


def test_an_own_head_is_converted_with_its_labels(shared: Path, tmp_path: Path) -> None:
    pytest.importorskip("paddle")
    weights = shared / "data/weights/picodet_s_192_lcnet_pedestrian.pdparams"
    own = own_detector(weights, tmp_path / "own.pdparams", 3)
    settings = Settings(cache=tmp_path / "cache", offline=True)
    made = zoo.convert(
        own,
        to="inference",
        architecture="picodet_s_320_coco_lcnet",
        head="raw",
        out=tmp_path / "model",
        settings=settings,
    )
    outputs = inspect(made.path).outputs
    assert [output.shape for output in outputs[:2]] == [(1, 1600, 3), (1, 400, 3)]
    config = yaml.safe_load((made.path / "infer_cfg.yml").read_text())
    assert config["label_list"] == ["class_0", "class_1", "class_2"]


def test_other_differences_stay_an_error_that_names_them(shared: Path, tmp_path: Path) -> None:
    own = own_pose(shared / "data/weights/tinypose_128x96.pdparams", tmp_path / "own.pdparams", 4)
    assert summarize(own).shapes["final_conv.weight"] == (4, 40, 1, 1)
    settings = Settings(cache=tmp_path / "cache", offline=True)
    with pytest.raises(ConversionError) as caught:
        zoo.convert(own, to="onnx", architecture=DETECTORS[0], out=tmp_path / "a", settings=settings)
    assert caught.value.code == "weights-mismatch"
    assert "--architecture tinypose_128x96" in (caught.value.hint or "")
