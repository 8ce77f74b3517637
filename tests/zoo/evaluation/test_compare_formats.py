"""A format that cannot be compared becomes a row with a reason, or ends the comparison."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import registry
from converters.toolchain import Toolchains
from registry.errors import (
    ConversionError,
    IntegrityError,
    MissingToolError,
    NetworkError,
    NotFoundError,
    ZooError,
)
from zoo.artifacts.formats import ROWS
from zoo.artifacts.resolver import ArtifactResolver, Fetched
from zoo.evaluation.compare_formats import compare_format, formats_to_compare
from zoo.evaluation.parity import FormatParity, Parity
from zoo.runner.loading import LoadedModel, RunConfig
from zoo.settings import Settings
from zoo.store import Store

ENTRY = registry.load().get("tinypose_128x96")


def not_compared(network: LoadedModel) -> FormatParity:
    raise AssertionError("nothing was loaded")


@dataclass(frozen=True)
class Failing(ArtifactResolver):
    """A resolver that fails with a given error."""

    failure: ZooError | None = None

    def resolve(self, orders: Sequence[Any], *, build: bool | None, jobs: int = 1) -> tuple[Fetched, ...]:
        assert self.failure is not None
        raise self.failure


@pytest.fixture
def failing(tmp_path: Path) -> Failing:
    return Failing(Settings(cache=tmp_path), Store(tmp_path), Toolchains(tmp_path / "toolchains"))


@pytest.mark.parametrize(
    ("failure", "state", "reason"),
    [
        (ConversionError("converter-failed", "it failed", found="a reason"), "failed", "it failed: a reason"),
        (ConversionError("predictor-crashed", "it crashed"), "failed", "it crashed"),
        (ConversionError("onnx-fp16-unsupported", "no half", found="NMS"), "not-run", "no half: NMS"),
        (
            ConversionError("fp16-op-unsupported", "refused", found="1 x sqrt"),
            "not-run",
            "ARM FP16 emulation does not support 1 x sqrt",
        ),
        (MissingToolError("toolchain-not-built", "none yet", hint="zoo add"), "missing", "none yet; zoo add"),
        (NetworkError("not-on-server", "gone", hint="add --build"), "missing", "gone; add --build"),
        (NotFoundError("nothing-published", "none", hint="zoo show"), "missing", "none; zoo show"),
    ],
)
def test_an_error_about_one_format_is_a_row(
    failing: Failing, failure: ZooError, state: str, reason: str
) -> None:
    resolver = Failing(failing.settings, failing.store, failing.toolchains, failure=failure)

    row = compare_format(ENTRY, RunConfig(), not_compared, resolver)

    assert (row.format, row.state, row.reason) == ("onnx-fp32", state, reason)
    found = Parity(entry=ENTRY.id, reference="", images=0, instances=0, formats=(row,))
    assert found.passed == (state != "failed")


@pytest.mark.parametrize(
    "failure",
    [
        IntegrityError("digest-mismatch", "not what it was"),
        NetworkError("server-unreachable", "no answer"),
        NotFoundError("normalization-unknown", "nothing says it"),
    ],
)
def test_an_error_about_more_than_one_format_ends_the_comparison(failing: Failing, failure: ZooError) -> None:
    resolver = Failing(failing.settings, failing.store, failing.toolchains, failure=failure)

    with pytest.raises(type(failure)):
        compare_format(ENTRY, RunConfig(), not_compared, resolver)


def test_every_format_except_the_reference_is_compared_and_arm_fp16_is_built_locally() -> None:
    choices = formats_to_compare(build=None, lite_version="2.10")

    assert [choice.format.name for choice in choices] == list(ROWS[1:-1])
    versions = {choice.backend: choice.lite_version for choice in choices}
    assert versions == {"onnx": None, "lite": "2.10", "openvino": None, "ncnn": None, "tflite": None}
    assert [choice.format.name for choice in choices if choice.build] == ["lite-arm-fp16"]


def test_calibration_images_go_to_the_formats_that_need_them() -> None:
    folder = Path("images")

    choices = formats_to_compare(build=None, lite_version=None, calibration=folder)

    assert [choice.format.name for choice in choices if choice.calibration] == ["onnx-int8", "openvino-int8"]
    sources = {choice.calibrator.source for choice in choices if choice.calibrator}
    assert sources == {"images"}
