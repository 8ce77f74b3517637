"""Which artifact a backend runs, and where that artifact normalizes."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

import registry
from registry.errors import IntegrityError, NotFoundError, UsageError
from zoo.artifacts.resolver import Fetched
from zoo.runner.loading import RunConfig, artifact_spec, find_normalization, one_per_thread

POSE = registry.load().get("tinypose_128x96")
DETECTOR = registry.load().get("picodet_s_192_pedestrian")
STEPS = "Preprocess:\n- type: TopDownEvalAffine\n{}- type: Permute\n"
WITH, WITHOUT = STEPS.format("- type: NormalizeImage\n"), STEPS.format("")


def fetched(path: Path, start: str, *, built: bool = False) -> Fetched:
    return Fetched(
        entry=POSE.id,
        artifact="any",
        path=path,
        origin="built" if built else "published",
        start=start,
        url="",
        sha256="0" * 64,
        from_cache=True,
    )


def store_with(folder: Path | None) -> SimpleNamespace:
    """Stand-in for the resolver: its store has the unpacked inference model of the entry."""
    stored = SimpleNamespace(path=folder) if folder else None
    return SimpleNamespace(pins=None, local={}, store=SimpleNamespace(find=lambda *_, **__: stored))


def model(folder: Path, configuration: str | None) -> Path:
    folder.mkdir()
    if configuration is not None:
        (folder / "infer_cfg.yml").write_text(configuration)
    return folder


@pytest.mark.parametrize(
    ("config", "flags"),
    [
        (RunConfig(backend="paddle"), "inference"),
        (RunConfig(backend="onnx"), "onnx-fp32"),
        (RunConfig(backend="lite"), "lite-x86-fp32"),
        (RunConfig(backend="lite", precision="fp16"), "lite-arm-fp16"),
        (RunConfig(backend="openvino"), "openvino-fp32"),
        (RunConfig(backend="onnx", precision="int8"), "onnx-int8"),
        (RunConfig(backend="lite", weight_only="int16"), "lite-x86-fp32-int16-weights"),
    ],
)
def test_each_backend_runs_its_own_artifact(config: RunConfig, flags: str) -> None:
    assert artifact_spec(config).id == flags


def test_an_inference_model_has_no_fp16() -> None:
    with pytest.raises(UsageError):
        artifact_spec(RunConfig(backend="paddle", precision="fp16"))


def test_the_catalog_states_where_a_published_model_normalizes(tmp_path: Path) -> None:
    found = fetched(model(tmp_path / "m", WITHOUT), "inference")

    assert find_normalization(DETECTOR, found, store_with(None)) == "host"


@pytest.mark.parametrize(("configuration", "where"), [(WITH, "host"), (WITHOUT, "in_graph")])
def test_without_a_catalog_entry_the_configuration_states_it(
    tmp_path: Path, configuration: str, where: str
) -> None:
    folder = model(tmp_path / "m", configuration)
    (tmp_path / "x.onnx").touch()
    converted = fetched(tmp_path / "x.onnx", "inference", built=True)

    assert find_normalization(POSE, fetched(folder, "inference"), store_with(None)) == where
    assert find_normalization(POSE, converted, store_with(folder)) == where


HOSTILE_CONFIGURATIONS = {
    "list": "- 1",
    "text": "x",
    "empty": "",
    "NUL": "\x00",
    "NaN where a step should be": "Preprocess: [.nan]",
    "step without a type": "Preprocess: [1]",
    "type that is a list": "Preprocess: [{type: [NormalizeImage]}]",
    "steps by name": "Preprocess: {type: NormalizeImage}",
    "steps that are text": "Preprocess: NormalizeImage",
    "date that does not exist": f"made: 2021-13-01\n{WITH}",
    "time that does not exist": f"made: 2021-02-30T25:61:61Z\n{WITH}",
    "tag of an integer": f"a: !!int x\n{WITH}",
    "tag of a date": f"a: !!timestamp x\n{WITH}",
    "tag of an object": f"a: !!python/object/apply:os.system [id]\n{WITH}",
    "set": f"a: !!set {{x}}\n{WITH}",
    "binary": f"a: !!binary '###'\n{WITH}",
    "merge of text": f"<<: x\n{WITH}",
    "key that is a list": f"[]: 1\n{WITH}",
    "key defined twice": f"{WITH}{WITH}",
    "alias without an anchor": f"a: *x\n{WITH}",
    "alias inside its anchor": f"a: &x [*x]\n{WITH}",
    "alias bomb": "".join(f"a{n}: &x{n} [{f'*x{n - 1},' * 9}]\n" if n else "a0: &x0 [1]\n" for n in range(20))
    + WITH,
    "merge bomb": "".join(
        f"a{n}: &x{n} {{<<: [{f'*x{n - 1},' * 9}]}}\n" if n else "a0: &x0 {k: 1}\n" for n in range(20)
    )
    + WITH,
    "deep nesting": f"a: {'[' * 5000}{']' * 5000}\n{WITH}",
    "number of 5,000 digits": f"a: {'9' * 5000}\n{WITH}",
    "sexagesimal digits": f"a: {'1:' * 3000}1\n{WITH}",
    "lone surrogate": f'a: "\\ud800"\n{WITH}',
    "too long": f"a: {'x' * (1 << 20)}\n{WITH}",
    "second document": f"{WITH}---\n{WITH}",
    "terminal escape": f'"\\e]0;x\\a": [\n{WITH}',
}


@pytest.mark.parametrize("what", HOSTILE_CONFIGURATIONS)
def test_a_configuration_that_is_not_plain_steps_is_unreadable(tmp_path: Path, what: str) -> None:
    folder = model(tmp_path / "m", HOSTILE_CONFIGURATIONS[what])

    with pytest.raises(IntegrityError) as caught:
        find_normalization(POSE, fetched(folder, "inference"), store_with(None))

    assert caught.value.code == "configuration-unreadable"
    assert str(caught.value).replace("\n", "").isprintable()


@pytest.mark.parametrize("line", ["made: 2021-12-01", "a: 0o9", "a: 1e", "a: ="])
def test_a_value_that_is_not_used_does_not_matter(tmp_path: Path, line: str) -> None:
    folder = model(tmp_path / "m", f"{line}\n{WITH}")

    assert find_normalization(POSE, fetched(folder, "inference"), store_with(None)) == "host"


def test_models_built_from_weights_normalize_on_the_host(tmp_path: Path) -> None:
    made = fetched(model(tmp_path / "m", WITHOUT), "weights", built=True)

    assert find_normalization(POSE, made, store_with(None)) == "host"


def test_an_unknown_normalization_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError) as caught:
        find_normalization(POSE, fetched(model(tmp_path / "m", None), "inference"), store_with(None))
    assert caught.value.code == "normalization-unknown"


def test_only_engines_that_serve_one_thread_are_loaded_several_times() -> None:
    assert [len(one_per_thread(POSE, RunConfig(backend=name), 3)) for name in ("onnx", "paddle", "lite")] == [
        1,
        3,
        3,
    ]
    assert len(one_per_thread(POSE, RunConfig(backend="lite", precision="fp16"), 3)) == 1


def test_calibration_images_need_integer_activations_and_are_drawn_by_default(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        RunConfig(weight_only="int8", calibration=tmp_path)
    assert caught.value.code == "option-not-applicable"

    drawn = RunConfig(precision="int8").calibrator
    given = RunConfig(precision="int8", calibration=tmp_path / "missing").calibrator
    assert drawn
    assert given
    assert drawn.source == "drawn figures"
    assert "--calibration DIR" in drawn.note
    with pytest.raises(NotFoundError) as missing:
        given.require_folder()
    assert missing.value.code == "images-not-found"
