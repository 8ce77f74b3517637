"""Comparison of two artifacts."""

from __future__ import annotations

from pathlib import Path

from converters.formats import Inspection
from converters.formats.compare import compare
from converters.formats.paddle_lite.inspect import inspect_nb
from converters.formats.paddle_lite.nb import decode_nb
from tests.helpers.nb_writer import FP16_OPS, FP32_OPS, Weight, nb, network


def inspected(content: bytes) -> Inspection:
    return inspect_nb(decode_nb(content, Path("model.nb")))


def test_fp32_and_fp16_differ_in_precision_kernels_and_runtime() -> None:
    found = compare(inspected(nb(FP32_OPS)), inspected(nb(FP16_OPS)))
    by_name = {item.fact: (item.first, item.second) for item in found.differences}

    assert not found.same
    assert by_name["precision"] == ("fp32", "fp16")
    assert by_name["runtime build"] == (None, "LITE_WITH_ARM82_FP16=ON")
    assert any(name.startswith("kernels: ") for name in by_name)
    assert "weights digest" not in by_name


def test_other_weights_of_the_same_model_differ_only_in_their_digest() -> None:
    first, second = (nb(FP32_OPS, weights=(Weight("w", (2, 3), bytes([n]) * 24),)) for n in (0, 1))

    found = compare(inspected(first), inspected(second))

    assert [item.fact for item in found.differences] == ["weights digest"]


def test_weights_digest_does_not_depend_on_the_file_name() -> None:
    found = [inspect_nb(decode_nb(nb(FP32_OPS), Path(name))).weights_sha256 for name in ("a", "b")]

    assert found[0] == found[1]


def test_uninitialized_bytes_are_not_a_difference() -> None:
    content = nb(FP32_OPS)
    noisy = content[:12] + b"\x07" * 6 + content[18:]

    found = compare(inspected(content), inspected(noisy))

    assert found.same
    assert not found.same_bytes


def test_other_bytes_with_equal_facts_differ_in_content() -> None:
    first = inspected(nb(network("def/4/1/1", paddings=1)))
    second = inspected(nb(network("def/4/1/1", paddings=2)))

    assert [item.fact for item in compare(first, second).differences] == ["content"]
