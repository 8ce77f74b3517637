"""The limits of a comparison, and how they are stated."""

from __future__ import annotations

import pytest

import registry
from zoo.cli.render.results import summarize_parity
from zoo.evaluation.limits import DEFAULTS, RELATIVE_TOLERANCE, UNLIMITED, Limits, LimitSource, select_limits
from zoo.evaluation.parity import FormatParity, Parity


def test_every_shipped_entry_has_limits_in_fp32_and_none_is_zero() -> None:
    for entry in registry.load():
        limits = select_limits(entry, "fp32")
        assert limits.source == ("catalog" if entry.tolerances else "default")
        assert all(limit for limit in (limits.raw or limits.raw_relative, limits.pixels, limits.scores))


@pytest.mark.parametrize(
    ("limits", "largest", "index", "expected"),
    [
        (DEFAULTS, 0.5, False, RELATIVE_TOLERANCE),
        (DEFAULTS, 320.0, False, 320 * RELATIVE_TOLERANCE),
        (DEFAULTS, 3000.0, True, 0.0),
        (Limits(raw=0.01, source="catalog"), 320.0, False, 0.01),
        (UNLIMITED, 320.0, False, None),
        (UNLIMITED, 320.0, True, None),
    ],
)
def test_the_limit_of_a_raw_output(
    limits: Limits, largest: float, index: bool, expected: float | None
) -> None:
    assert limits.raw_limit(largest, index=index) == expected


@pytest.mark.parametrize("source", ["default", "catalog", None])
def test_the_summary_states_the_default_limits(source: LimitSource | None) -> None:
    row = FormatParity(format="onnx-fp32", state="same", engine="engine 1.0", limits=source)

    lines = list(summarize_parity(Parity(entry="a@1", reference="r", images=1, instances=1, formats=(row,))))

    stated = [line for line in lines if line.startswith("default limits")]
    assert len(stated) == (source == "default")
    assert all("0.001 of the largest value" in line and "0.1 px" in line for line in stated)
