"""Targets and options of opt: the result of each combination, and those that are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from converters.formats import Inspection
from converters.lite import LiteOptions, run_lite_job
from converters.planning.execute import result_name
from converters.planning.plan import lite_options
from converters.toolchain import Toolchains
from registry.errors import UsageError


@pytest.mark.parametrize(
    ("asked", "code", "says"),
    [
        ({"target": "arm,x86"}, "lite-target-unsupported", "arm kernels only"),
        ({"target": "arm,opencl"}, "lite-target-unsupported", "arm first"),
        ({"target": "gpu"}, "lite-target-unsupported", "does not know"),
        ({"target": ""}, "lite-target-unsupported", "does not know"),
        ({"target": "x86", "precision": "fp16"}, "lite-precision-unsupported", "no FP16 kernels"),
        ({"target": "opencl,arm", "precision": "fp16"}, "lite-precision-unsupported", "the app chooses"),
        ({"precision": "fp16", "weight_only": "int8"}, "lite-quantization-unsupported", "cannot be combined"),
        ({"precision": "fp16", "weight_only": "int16"}, "lite-quantization-unsupported", "int16"),
        ({"precision": "fp16", "sparse": True}, "lite-sparse-unsupported", "kernels expect FP16"),
        ({"weight_only": "int8", "sparse": True}, "lite-sparse-unsupported", "both sparse and integers"),
        ({"target": "x86", "sparse": True}, "lite-sparse-unsupported", "for x86"),
        ({"version": "2.9.1", "sparse": True}, "lite-sparse-unsupported", "2.10 and later"),
        ({"version": "1.0"}, "unknown-lite-version", "1.0"),
    ],
    ids=str,
)
def test_unsupported_combinations_are_refused(asked: dict[str, object], code: str, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        # The values are wrong on purpose.
        lite_options(**{"target": "arm", "precision": "fp32", "version": None, **asked})  # type: ignore[arg-type]
    assert caught.value.code == code
    assert says in caught.value.message
    assert caught.value.hint


def test_the_file_name_contains_the_options() -> None:
    options = lite_options("opencl,arm", "fp32", None, weight_only="int8")
    assert result_name(options, "pose") == "pose_opencl-arm_fp32_int8.nb"


def converted(toolchains: Toolchains, shared: Path, folder: Path, **options: object) -> Inspection:
    return run_lite_job(
        shared / "data/inference/picodet_s_192_pedestrian",
        folder / "x.nb",
        LiteOptions.model_validate(options),
        toolchains=toolchains,
        work=folder / "work",
        note=lambda text: None,
    )


@pytest.mark.usefixtures("lite_python")
@pytest.mark.parametrize(
    ("asked", "share"),
    [
        ({"target": "arm", "weight_only": "int8"}, 0.5),
        ({"target": "arm", "weight_only": "int16"}, 0.75),
        ({"target": "x86", "weight_only": "int8"}, 0.5),
    ],
    ids=str,
)
def test_integer_weights_shrink_the_file_and_keep_the_arithmetic(
    toolchains: Toolchains, shared: Path, tmp_path: Path, asked: dict[str, str], share: float
) -> None:
    made = converted(toolchains, shared, tmp_path, **asked)
    assert (made.target, made.precision) == (asked["target"], "fp32")
    assert made.weights_precision == asked["weight_only"]
    weights = shared / "data/inference/picodet_s_192_pedestrian/model.pdiparams"
    assert made.size < share * weights.stat().st_size


@pytest.mark.usefixtures("lite_python")
@pytest.mark.parametrize("target", ["opencl,arm", "opencl,x86"])
def test_a_gpu_with_a_fallback_processor(
    toolchains: Toolchains, shared: Path, tmp_path: Path, target: str
) -> None:
    made = converted(toolchains, shared, tmp_path, target=target)
    assert (made.target, made.precision) == ("opencl", None)
