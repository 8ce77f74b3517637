"""Weights and options that cannot be exported, and their errors."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import registry
from converters.checkpoints import Checkpoint, read_weights
from converters.inference.contract import contract_of, require_contract
from converters.inference.export import require_program_writable, run_inference_job
from converters.inference.values import as_float32, require_numbers
from converters.networks.measured import measurement_of
from converters.process.interpreter import Interpreter
from registry.errors import ConversionError, MissingToolError, UsageError
from registry.schema import Entry
from tests.converters.inference.conftest import Export, Models, Sample, options

NOWHERE = Interpreter(Path("/nonexistent/python"), "3.11.0", "managed", {"paddlepaddle": "3.2.2"})


def store(path: Path, arrays: dict[str, NDArray[np.generic]]) -> Path:
    from safetensors.numpy import save_file

    save_file(arrays, path)
    return path


@pytest.fixture
def arrays(detector_v2: Sample) -> dict[str, NDArray[np.generic]]:
    return dict(read_weights(detector_v2.weights))


def test_weights_that_do_not_fit_are_listed_together(
    detector_v2: Sample, make: Export, arrays: dict[str, NDArray[np.generic]], tmp_path: Path
) -> None:
    del arrays["head.head_cls0.weight"]
    arrays["head.extra"] = np.zeros(1, "float32")
    arrays["neck.conv_t.convs.0.bn.bias"] = np.zeros(9, "float32")

    with pytest.raises(ConversionError) as refused:
        make(detector_v2.entry, store(tmp_path / "w", arrays), options(detector_v2.entry))

    assert refused.value.code == "weights-mismatch"
    for part in ("head.head_cls0.weight", "head.extra", "neck.conv_t.convs.0.bn.bias [9] instead of [8]"):
        assert part in refused.value.message


def test_two_names_of_one_parameter_with_different_values_are_refused(
    detector_v2: Sample, make: Export, arrays: dict[str, NDArray[np.generic]], tmp_path: Path
) -> None:
    arrays["head.head_cls1.bias"] = np.ones(2, "float32") * 7

    with pytest.raises(ConversionError) as refused:
        make(detector_v2.entry, store(tmp_path / "w", arrays), options(detector_v2.entry))

    assert refused.value.code == "weights-inconsistent"
    assert "head.head_cls1.bias" in str(refused.value)
    assert "head.head_cls_list.1.bias" in str(refused.value)


def start_nowhere(entry: Entry, weights: Path, tmp_path: Path, **changes: object) -> None:
    run_inference_job(
        entry,
        weights,
        options(entry, **changes),
        tmp_path / "out",
        interpreter=NOWHERE,
        work=tmp_path / "work",
        log=tmp_path / "log",
        note=lambda _: None,
    )


def test_weights_of_another_catalog_network_are_refused_before_paddle_is_started(
    pose: Sample, tmp_path: Path
) -> None:
    with pytest.raises(ConversionError) as refused:
        start_nowhere(registry.load().get("tinypose_128x96"), pose.weights, tmp_path)

    assert refused.value.code == "weights-mismatch"
    assert "tinypose_128x96@2021" in refused.value.message


def test_a_key_that_inference_does_not_read_is_needed_too(tmp_path: Path) -> None:
    entry = registry.load().get("picodet_s_192_pedestrian")
    assert entry.architecture is not None
    measured = measurement_of(entry.architecture)
    assert measured is not None
    zeros = {name: np.zeros(shape, "float32") for name, shape in measured.shapes.items()}
    del zeros["head.p3_feat.scale_reg"]

    with pytest.raises(ConversionError, match=r"1 missing \(head\.p3_feat\.scale_reg\)"):
        start_nowhere(entry, store(tmp_path / "w", zeros), tmp_path)


def test_weights_whose_values_would_change_are_refused_before_paddle_is_started(
    detector_v2: Sample, arrays: dict[str, NDArray[np.generic]], tmp_path: Path
) -> None:
    arrays["head.head_cls1.bias"] = arrays["head.head_cls1.bias"].astype("float64")

    with pytest.raises(ConversionError, match=r"head\.head_cls1\.bias") as refused:
        start_nowhere(detector_v2.entry, store(tmp_path / "w", arrays), tmp_path)

    assert refused.value.code == "weights-not-float32"


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("head.head_cls1.bias", np.nan, "NaN or infinity"),
        ("backbone.conv1.conv.weight", -np.inf, "NaN or infinity"),
        ("backbone.conv1.bn._variance", -1.0, "a negative variance"),
    ],
)
def test_non_finite_weights_are_refused(
    detector_v2: Sample, arrays: dict[str, NDArray[np.generic]], name: str, value: float, found: str
) -> None:
    """They would convert to every format, and compute NaN for every image."""
    broken = arrays[name].copy()
    broken.flat[0] = value
    arrays[name] = broken

    with pytest.raises(ConversionError) as refused:
        require_numbers(Checkpoint("weights", arrays, {}), detector_v2.entry)

    assert (refused.value.code, refused.value.found) == ("weights-not-finite", f"{found} in {name}")


def test_non_finite_weights_never_reach_paddle(
    detector_v2: Sample, arrays: dict[str, NDArray[np.generic]], tmp_path: Path
) -> None:
    arrays["head.head_cls1.bias"] = arrays["head.head_cls1.bias"] * np.nan

    with pytest.raises(ConversionError) as refused:
        start_nowhere(detector_v2.entry, store(tmp_path / "w", arrays), tmp_path)

    assert refused.value.code == "weights-not-finite"


def test_half_precision_weights_are_widened_to_the_same_values(
    detector_v2: Sample, arrays: dict[str, NDArray[np.generic]], tmp_path: Path
) -> None:
    half = {name: array.astype("float16") for name, array in arrays.items()}
    read = read_weights(store(tmp_path / "w", half))

    widened = as_float32(read, detector_v2.entry)

    assert {array.dtype.name for array in widened.values()} == {"float32"}
    assert all(np.array_equal(widened[name], half[name]) for name in arrays)


def test_invalid_options_are_refused_first(detector: Sample, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as refused:
        start_nowhere(detector.entry, detector.weights, tmp_path, batch=4)
    assert refused.value.code == "raw-head-batch-unsupported"
    assert not (tmp_path / "out").exists()


def test_a_folder_with_the_other_program_format_is_not_changed(detector: Sample, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "model.json").write_text("{}")

    with pytest.raises(UsageError) as refused:
        start_nowhere(detector.entry, detector.weights, tmp_path, program="legacy")
    assert refused.value.code == "output-conflict"


@pytest.mark.parametrize("version", ["3.3.0", "3.3.1", "3.10.0", "4.0.0"])
def test_a_paddle_that_cannot_write_legacy_programs_is_refused(version: str) -> None:
    newer = replace(NOWHERE, packages={"paddlepaddle": version})

    with pytest.raises(MissingToolError, match=version) as refused:
        require_program_writable(newer, "legacy")

    assert refused.value.code == "legacy-program-unsupported"
    assert refused.value.exit_code == 7
    require_program_writable(newer, "pir")


@pytest.mark.parametrize("version", ["3.0.0", "3.1.1", "3.2.2", "2.6.2"])
def test_older_paddle_versions_are_accepted(version: str) -> None:
    require_program_writable(replace(NOWHERE, packages={"paddlepaddle": version}), "legacy")


def test_a_model_that_does_not_match_the_options_is_rejected(pose: Sample, models: Models) -> None:
    inspection = models["legacy"]["pose"].model.inspection
    require_contract(contract_of(pose.entry, options(pose.entry)), inspection)

    with pytest.raises(ConversionError) as refused:
        require_contract(contract_of(pose.entry, options(pose.entry, batch=2, argmax=False)), inspection)

    assert refused.value.code == "output-mismatch"
    assert refused.value.expected == "image 2x3x64x96 float32 -> heatmaps 2x3x16x24 float32"
    assert refused.value.found == "image ?x3x64x96 float32 -> heatmaps ?x3x16x24 float32, argmax ?x3 int64"


def test_a_fixed_batch_without_maxima_is_in_the_file(pose: Sample, make: Export) -> None:
    model = make(pose.entry, pose.weights, options(pose.entry, batch=2, argmax=False))

    assert [(tensor.name, tensor.shape) for tensor in model.inspection.outputs] == [
        ("heatmaps", (2, 3, 16, 24))
    ]


def test_parameters_named_like_arguments_or_paths_are_only_names(
    detector_v2: Sample, make: Export, arrays: dict[str, NDArray[np.generic]], tmp_path: Path
) -> None:
    arrays |= {name: np.zeros(1, "float32") for name in ("file", "allow_pickle", "../../escaped")}

    with pytest.raises(ConversionError, match="3 unexpected") as refused:
        make(detector_v2.entry, store(tmp_path / "w", arrays), options(detector_v2.entry))

    assert refused.value.code == "weights-mismatch"
