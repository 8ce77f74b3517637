"""Plans: the published file and the conversions for each request, and requests without a plan."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import pytest

import registry
from converters.choices import TargetFormat
from registry.errors import NotFoundError, UsageError
from zoo._utils.choices import FetchFormat
from zoo.artifacts.formats import FORMATS, Format
from zoo.artifacts.plan import FetchPlan, plans
from zoo.artifacts.spec import ArtifactSpec, FetchOptions
from zoo.conversion.convert import plan
from zoo.conversion.options import ConvertOptions

SHIPPED = registry.load()


def first(name: str, want: ArtifactSpec, *, build: bool | None = None) -> FetchPlan:
    return plans(SHIPPED.get(name), want, build=build)[0]


def test_the_entrys_default_head_comes_first() -> None:
    assert first("picodet_s_320_coco_lcnet", ArtifactSpec(kind="onnx", precision="fp32")).start.head == "nms"
    assert first("picodet_s_320_coco_lcnet", ArtifactSpec(kind="onnx", head="raw")).start.head == "raw"


def test_all_takes_each_variant_once_and_none_that_is_suspect() -> None:
    specs = FetchOptions(everything=True).specs(SHIPPED.get("picodet_s_320_coco_lcnet"))
    ids = [want.id for want in specs]

    assert {"inference", "inference-nms", "onnx-fp32", "onnx-fp32-nms"} <= set(ids)
    assert len(ids) == len(set(ids))
    starts = [first("picodet_s_320_coco_lcnet", want).start.id for want in specs]
    assert starts == ids
    poses = FetchOptions(everything=True).specs(SHIPPED.get("tinypose_256x192"))
    assert [want.id for want in poses] == ["config", "weights", "inference", "lite-arm-fp32", "lite-arm-fp16"]


def test_another_head_than_the_default_is_not_built_here() -> None:
    with pytest.raises(NotFoundError):
        plans(SHIPPED.get("picodet_s_320_coco"), ArtifactSpec(kind="inference", head="raw"), build=True)


def test_quantized_files_are_fetched_and_not_converted() -> None:
    name = "picodet_s_416_coco_lcnet_quant"

    assert first(name, ArtifactSpec(kind="lite", precision="int8", target="arm")).steps == ()
    for want in (
        ArtifactSpec(kind="lite", precision="fp16", target="arm"),
        ArtifactSpec(kind="lite", precision="int8", target="arm", lite_version="2.12"),
        ArtifactSpec(kind="onnx", precision="fp32"),
    ):
        with pytest.raises(NotFoundError) as caught:
            first(name, want)
        assert caught.value.code == "nothing-published"


def test_an_unsupported_architecture_can_be_fetched_and_not_built() -> None:
    name = "picodet_s_416_coco_npu_quant"

    assert first(name, ArtifactSpec(kind="inference")).steps == ()
    with pytest.raises(NotFoundError) as caught:
        first(name, ArtifactSpec(kind="onnx", precision="fp32"))
    assert caught.value.hint == "zoo show picodet_s_416_coco_npu_quant"


def test_weights_of_coco_detectors_are_exported_here() -> None:
    plan = first("picodet_m_416_coco", ArtifactSpec(kind="inference"))

    assert (plan.start.kind, len(plan.steps)) == ("weights", 1)


def test_a_hint_names_the_release_where_the_bare_name_means_another() -> None:
    with pytest.raises(NotFoundError) as caught:
        first("tinypose_128x96@2022.08", ArtifactSpec(kind="onnx", precision="fp32"), build=False)

    assert caught.value.hint == "zoo fetch tinypose_128x96@2022.08 --onnx fp32 --build"


def test_an_ncnn_model_leaves_argmax_and_suppression_to_the_runner() -> None:
    """The runner finds the maxima of heat maps, and suppresses boxes."""
    pose = first("tinypose_128x96", ArtifactSpec(kind="ncnn", precision="fp32"))
    raw = first("picodet_s_192_pedestrian", ArtifactSpec(kind="ncnn", precision="fp16"))
    suppressing = first("picodet_s_192_lcnet_pedestrian", ArtifactSpec(kind="ncnn", precision="fp32"))

    assert suppressing.start.kind == "weights"
    assert raw.start.kind == pose.start.kind == "inference"
    assert pose.lines()[-1].endswith("without arg-max")
    assert getattr(suppressing.steps[0], "head", None) == "raw"
    assert raw.lines()[-1] == "  convert  ONNX to ncnn, weights in fp16"


def test_an_openvino_model_is_built_here_even_where_one_is_listed() -> None:
    """The content of the listed one cannot be verified."""
    name, want = "tinypose_256x192", ArtifactSpec(kind="openvino", precision="fp16")
    listed = [artifact.kind for artifact in SHIPPED.get(name).artifacts]

    assert "openvino" in listed
    found = first(name, want)
    assert found.start.kind == "inference"
    assert found.lines()[-1] == "  convert  ONNX to OpenVINO, weights in fp16"
    with pytest.raises(NotFoundError) as caught:
        first(name, want, build=False)
    assert caught.value.hint == "leave out --no-build: openvino-fp16 is converted here"


@pytest.mark.parametrize("name", ["tinypose_128x96", "picodet_s_192_pedestrian"])
@pytest.mark.parametrize("format", FORMATS, ids=lambda format: format.name)
def test_fetch_and_convert_take_the_same_steps_and_so_share_the_cache(name: str, format: Format) -> None:
    """Equal steps from the same file have equal keys; `--format` and `--to` mean the same files."""
    entry, spec = SHIPPED.get(name), format.spec
    wanted: dict[str, Any] = {"format": spec.kind, "target": spec.target, "weight_only": spec.weight_only}
    wanted |= {"precision": spec.precision} if spec.precision else {}
    options = {key: value for key, value in wanted.items() if value is not None} | {"to": wanted["format"]}
    del options["format"]
    calibration = {"calibration": Path("images")} if spec.calibrated else {}

    (fetched,) = FetchOptions(**wanted).specs(entry)
    routes = plans(entry, fetched, build=True)
    converted = plan(name, ConvertOptions(**options, **calibration), SHIPPED)

    assert fetched == spec
    start = "weights" if converted.source_kind == "weights" else "inference"
    assert [route.steps for route in routes if route.start.kind == start] == [converted.steps]


def test_fetch_gets_every_format_that_convert_writes() -> None:
    assert {*get_args(FetchFormat), "safetensors"} == set(get_args(TargetFormat))


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ({"inference": True}, {"format": "inference"}),
        ({"lite": "fp16"}, {"format": "lite", "precision": "fp16"}),
        ({"lite": "fp32", "target": "x86"}, {"format": "lite", "target": "x86"}),
        ({"onnx": "fp16"}, {"format": "onnx", "precision": "fp16"}),
        ({}, {"format": "inference"}),
    ],
)
def test_the_short_options_are_the_same_request(short: dict[str, Any], long: dict[str, Any]) -> None:
    entry = SHIPPED.get("tinypose_128x96")

    specs = FetchOptions(**short).specs(entry)
    assert specs == FetchOptions(**long).specs(entry)
    assert specs == FetchOptions(**{**short, **long}).specs(entry)


@pytest.mark.parametrize(
    "options",
    [
        {"precision": "fp16"},
        {"weight_only": "int8", "onnx": "fp32"},
        {"format": "inference", "precision": "fp16"},
        {"format": "tflite", "weight_only": "int8"},
        {"format": "onnx", "target": "x86"},
    ],
)
def test_an_option_of_another_format_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError) as caught:
        FetchOptions(**options).specs(SHIPPED.get("tinypose_128x96"))

    assert caught.value.code == "option-not-applicable"


@pytest.mark.parametrize("format", FORMATS, ids=lambda format: format.name)
def test_the_options_in_a_hint_request_the_artifact(format: Format) -> None:
    """Users type what a hint shows."""
    options = [option.split() for option in f" {format.spec.flags}".split(" --")[1:]]
    given = {words[0].replace("-", "_"): words[1] if len(words) > 1 else True for words in options}

    assert FetchOptions(**given).specs(SHIPPED.get("tinypose_128x96")) == (format.spec,)
