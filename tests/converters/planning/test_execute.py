"""File names and cache keys of conversion steps."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converters.lite import LiteOptions
from converters.planning.execute import result_name, safe_stem

PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]*")


@pytest.mark.parametrize("name", ["tinypose_128x96", "model", "v1.2+cpu", "a-b_c.d"])
def test_a_valid_name_is_not_changed(name: str) -> None:
    assert safe_stem(name) == name


@pytest.mark.parametrize(
    "name",
    [
        *("my model", "模型", "model(1)", "v1,2", "a=b", "#1", "~home", "it's", "é", "-x", ".hidden", ".."),
        *("a\nb", "a/b", "a:b", "", "🙂", "\udcff", "\ud800", "x" * 300, "x" * 80 + " "),
    ],
)
def test_any_name_gives_a_plain_and_short_one(name: str) -> None:
    stem = safe_stem(name)
    assert PLAIN.fullmatch(stem)
    assert len(stem) < 100
    assert result_name(LiteOptions(), stem) == f"{stem}_arm_fp32.nb"


@given(st.lists(st.text(), min_size=2, max_size=2, unique=True))
def test_different_names_stay_different(names: list[str]) -> None:
    one, other = map(safe_stem, names)
    assert one != other


@given(st.text())
def test_every_name_is_plain_afterwards(name: str) -> None:
    assert PLAIN.fullmatch(safe_stem(name))
