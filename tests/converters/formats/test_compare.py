"""Two artifacts beside each other."""

from __future__ import annotations

from pathlib import Path

from converters.formats import Inspection
from converters.formats.compare import compare
from converters.formats.paddle_lite.inspect import inspect_nb
from converters.formats.paddle_lite.nb import decode_nb
from tests.helpers.nb_writer import HALF, SINGLE, Weight, nb, network


def looked_into(content: bytes) -> Inspection:
    return inspect_nb(decode_nb(content, Path("model.nb")))


def test_single_and_half_differ_in_precision_kernels_and_what_the_runtime_needs() -> None:
    found = compare(looked_into(nb(SINGLE)), looked_into(nb(HALF)))
    by_name = {item.fact: (item.first, item.second) for item in found.differences}

    assert not found.same
    assert by_name["precision"] == ("fp32", "fp16")
    assert by_name["runtime build"] == (None, "LITE_WITH_ARM82_FP16=ON")
    assert any(name.startswith("kernels: ") for name in by_name)
    assert "weights digest" not in by_name


def test_other_weights_of_the_same_network_differ_in_their_digest_alone() -> None:
    first, second = (nb(SINGLE, weights=(Weight("w", (2, 3), bytes([n]) * 24),)) for n in (0, 1))

    found = compare(looked_into(first), looked_into(second))

    assert [item.fact for item in found.differences] == ["weights digest"]


def test_weights_are_the_same_whatever_they_are_called() -> None:
    found = [inspect_nb(decode_nb(nb(SINGLE), Path(name))).weights_sha256 for name in ("a", "b")]

    assert found[0] == found[1]


def test_uninitialized_bytes_are_no_difference() -> None:
    content = nb(SINGLE)
    noisy = content[:12] + b"\x07" * 6 + content[18:]

    found = compare(looked_into(content), looked_into(noisy))

    assert found.same
    assert not found.same_bytes


def test_equal_facts_and_other_bytes_differ_in_content() -> None:
    first = looked_into(nb(network("def/4/1/1", paddings=1)))
    second = looked_into(nb(network("def/4/1/1", paddings=2)))

    assert [item.fact for item in compare(first, second).differences] == ["content"]
