"""Inspection of Lite models: precision, target, runtime requirements and warnings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from converters.formats import Inspection
from converters.formats.paddle_lite.inspect import inspect_nb
from converters.formats.paddle_lite.nb import decode_nb
from tests.helpers.nb_writer import FP16_OPS, FP32_OPS, INT8, Op, Weight, fetch, nb, network


def inspected(ops: Sequence[Op], **options: object) -> Inspection:
    return inspect_nb(decode_nb(nb(ops, **options), Path("model.nb")))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("ops", "precision"),
    [
        pytest.param(FP32_OPS, "fp32", id="fp32 kernels"),
        pytest.param(FP16_OPS, "fp16", id="fp16 kernels and marked weights"),
        pytest.param(network("def/4/5/1"), "mixed", id="fp16 kernels, no weight marked"),
        pytest.param(network("def/4/1/1", w_fp16="fp16"), "fp32", id="marked weights, no fp16 kernel"),
        pytest.param(network("def/4/5/1", w_fp16="fp32"), "mixed", id="mark with another value"),
        pytest.param(network("def/4/5/1", v_fp16="fp16"), "mixed", id="mark of an unused weight"),
        pytest.param(network("def/4/2/1"), "int8", id="integer kernels"),
        pytest.param([*FP16_OPS, *network("def/4/2/1")], "mixed", id="integer and fp16"),
        pytest.param(network("def/5/5/4"), None, id="OpenCL decides at load time"),
        pytest.param(network("def/1/4/2"), None, id="only kernels of any precision"),
    ],
)
def test_precision_follows_kernels_and_marked_weights(ops: Sequence[Op], precision: str | None) -> None:
    assert inspected(ops).precision == precision


def test_stored_type_and_size_do_not_affect_the_precision() -> None:
    small = inspected(FP32_OPS, weights=(Weight("w", (2, 3), bytes(6), INT8),))

    assert (small.precision, small.weights_precision) == ("fp32", "int8")
    assert inspected(FP16_OPS).weights_precision == "fp32"


@pytest.mark.parametrize(
    ("kernel", "target"),
    [
        ("def/4/1/1", "arm"),
        ("def/2/1/1", "x86"),
        ("def/5/5/4", "opencl"),
        ("def/1/1/1", "host"),
        ("def/77/1/1", "host"),
    ],
)
def test_target_is_the_most_specific_target_of_the_kernels(kernel: str, target: str) -> None:
    # Feed and fetch always run on the host.
    assert inspected(network(kernel)).target == target


def test_operator_counts_exclude_feed_and_fetch() -> None:
    inspection = inspected(FP16_OPS)

    assert inspection.made_by == "opt v2.13-rc"
    assert inspection.operators == {"calib": 2, "conv2d": 1, "elementwise_add": 1, "split": 1}
    assert (inspection.parameters, inspection.elements) == (1, 6)
    assert inspection.details["fp16_weights"] == 1
    assert inspection.details["fp32_operators"] == {"split": 1}
    assert inspection.details["calibrations"] == {"fp16_to_fp32": 1, "fp32_to_fp16": 1}
    assert [tensor.shape for tensor in inspection.inputs] == [(1, 3, 4, 4)]


@pytest.mark.parametrize(
    ("alias", "words"),
    [("def", "up to 2.13rc0"), ("def_fp16", "since 2.14rc0"), ("fancy", "No known runtime")],
)
def test_alias_of_fp16_elementwise_kernels_bounds_the_runtime(alias: str, words: str) -> None:
    ops = [
        op if op.type != "elementwise_add" else Op(op.type, op.inputs, op.outputs, f"{alias}/4/5/1")
        for op in FP16_OPS
    ]

    inspection = inspected(ops)

    assert inspection.details["elementwise_alias"] == alias
    assert any(words in warning for warning in inspection.warnings)


def warned(inspection: Inspection, words: str) -> bool:
    return any(words in warning for warning in inspection.warnings)


def test_fp16_files_name_the_required_processor() -> None:
    assert warned(inspected(FP16_OPS), "illegal instruction")
    fp16, fp32 = inspected(FP16_OPS).runtime, inspected(FP32_OPS).runtime
    assert fp16 is not None
    assert fp16.build == ("LITE_WITH_ARM82_FP16=ON",)
    assert fp16.processor is not None
    assert fp16.processor.startswith("FP16 arithmetic")
    assert not warned(inspected(FP32_OPS), "illegal instruction")
    assert fp32 is not None
    assert (fp32.build, fp32.processor, fp32.abi) == ((), None, ("arm64-v8a", "armeabi-v7a"))


@pytest.mark.parametrize(
    ("ops", "options", "words"),
    [
        (FP32_OPS[:-1], {}, "no outputs"),
        (FP32_OPS[1:], {}, "no inputs"),
        (FP32_OPS, {"trailing": b"junk"}, "4 bytes follow"),
        (network("def/4/5/1"), {}, "no weight is marked"),
        (network("def/4/1/1", w_fp16="fp16"), {}, "no kernel computes in fp16"),
        (network("def/2/1/1"), {}, "not a phone"),
        (network("def/5/5/4"), {}, "at load time"),
        ([Op("relu", {}, {}, None), fetch("heat")], {}, "have no kernel"),
    ],
)
def test_warnings(ops: Sequence[Op], options: dict[str, object], words: str) -> None:
    assert warned(inspected(ops, **options), words)


def test_every_file_has_a_warning_with_the_runtime_version() -> None:
    assert warned(inspected(FP32_OPS), "runtime of version v2.13-rc")
