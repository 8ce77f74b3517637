"""Lite models: the proof of their precision and target, and what a user is told."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from converters.formats import Inspection
from converters.formats.paddle_lite.inspect import inspect_nb
from converters.formats.paddle_lite.nb import decode_nb
from tests.helpers.nb_writer import HALF, INT8, SINGLE, Op, Weight, fetch, nb, network


def looked_into(ops: Sequence[Op], **options: object) -> Inspection:
    return inspect_nb(decode_nb(nb(ops, **options), Path("model.nb")))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("ops", "precision"),
    [
        pytest.param(SINGLE, "fp32", id="single kernels"),
        pytest.param(HALF, "fp16", id="half kernels and marked weights"),
        pytest.param(network("def/4/5/1"), "mixed", id="half kernels, no weight marked"),
        pytest.param(network("def/4/1/1", w_fp16="fp16"), "fp32", id="marked weights, no half kernel"),
        pytest.param(network("def/4/5/1", w_fp16="fp32"), "mixed", id="mark with another value"),
        pytest.param(network("def/4/5/1", v_fp16="fp16"), "mixed", id="mark of a weight nobody reads"),
        pytest.param(network("def/4/2/1"), "int8", id="integer kernels"),
        pytest.param([*HALF, *network("def/4/2/1")], "mixed", id="integer beside half"),
        pytest.param(network("def/5/5/4"), None, id="OpenCL decides at load time"),
        pytest.param(network("def/1/4/2"), None, id="only kernels of any precision"),
    ],
)
def test_precision_is_what_kernels_and_marks_prove(ops: Sequence[Op], precision: str | None) -> None:
    assert looked_into(ops).precision == precision


def test_neither_stored_type_nor_size_decides_the_precision() -> None:
    small = looked_into(SINGLE, weights=(Weight("w", (2, 3), bytes(6), INT8),))

    assert (small.precision, small.weights_precision) == ("fp32", "int8")
    assert looked_into(HALF).weights_precision == "fp32"


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
def test_target_is_the_most_specific_processor_of_the_kernels(kernel: str, target: str) -> None:
    # Feed and fetch always run on the host.
    assert looked_into(network(kernel)).target == target


def test_the_summary_counts_without_feed_and_fetch() -> None:
    inspection = looked_into(HALF)

    assert inspection.made_by == "opt v2.13-rc"
    assert inspection.operators == {"calib": 2, "conv2d": 1, "elementwise_add": 1, "split": 1}
    assert (inspection.parameters, inspection.elements) == (1, 6)
    assert inspection.details["fp16_weights"] == 1
    assert inspection.details["fp32_operators"] == {"split": 1}
    assert inspection.details["calibrations"] == {"fp16_to_fp32": 1, "fp32_to_fp16": 1}
    assert [tensor.shape for tensor in inspection.inputs] == [(1, 3, 4, 4)]


@pytest.mark.parametrize(
    ("alias", "words"),
    [("def", "up to 2.13rc0"), ("def_fp16", "since 2.14rc0"), ("fancy", "No runtime is known")],
)
def test_the_alias_of_half_element_wise_kernels_tells_the_runtime(alias: str, words: str) -> None:
    ops = [
        op if op.type != "elementwise_add" else Op(op.type, op.inputs, op.outputs, f"{alias}/4/5/1")
        for op in HALF
    ]

    inspection = looked_into(ops)

    assert inspection.details["elementwise_alias"] == alias
    assert any(words in warning for warning in inspection.warnings)


def warned(inspection: Inspection, words: str) -> bool:
    return any(words in warning for warning in inspection.warnings)


def test_half_files_name_the_processor_they_need() -> None:
    assert warned(looked_into(HALF), "illegal instruction")
    half, single = looked_into(HALF).runtime, looked_into(SINGLE).runtime
    assert half is not None
    assert half.build == ("LITE_WITH_ARM82_FP16=ON",)
    assert half.processor is not None
    assert half.processor.startswith("half-precision arithmetic")
    assert not warned(looked_into(SINGLE), "illegal instruction")
    assert single is not None
    assert (single.build, single.processor, single.abi) == ((), None, ("arm64-v8a", "armeabi-v7a"))


@pytest.mark.parametrize(
    ("ops", "options", "words"),
    [
        (SINGLE[:-1], {}, "no outputs"),
        (SINGLE[1:], {}, "no inputs"),
        (SINGLE, {"trailing": b"junk"}, "4 bytes follow"),
        (network("def/4/5/1"), {}, "no weight is marked"),
        (network("def/4/1/1", w_fp16="fp16"), {}, "no kernel computes in half"),
        (network("def/2/1/1"), {}, "not for a phone"),
        (network("def/5/5/4"), {}, "OpenCL at load time"),
        ([Op("relu", {}, {}, None), fetch("heat")], {}, "name no kernel"),
    ],
)
def test_what_a_user_must_know_is_a_warning(
    ops: Sequence[Op], options: dict[str, object], words: str
) -> None:
    assert warned(looked_into(ops, **options), words)


def test_every_file_names_the_runtime_version() -> None:
    assert warned(looked_into(SINGLE), "runtime of version v2.13-rc")
