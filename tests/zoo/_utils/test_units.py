"""Durations and sizes as users type them."""

from __future__ import annotations

import contextlib
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.errors import UsageError
from zoo._utils.units import format_age, parse_duration, parse_size


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("45s", 45), ("10m", 600), ("1.5h", 5400), ("30d", 2_592_000), (" 2 W ", 1_209_600), ("0s", 0)],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("text", "count"),
    [("0", 0), ("512", 512), ("2GB", 2 * 10**9), ("1.5 GiB", 3 * 2**29), ("500m", 5 * 10**8), ("3kB", 3000)],
)
def test_sizes(text: str, count: int) -> None:
    assert parse_size(text) == count


@pytest.mark.parametrize("text", ["", "-1d", "1", "d", "1y", "1e9s", "٣d", "1d2h", "nan s"])
def test_invalid_durations(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_duration(text)

    assert caught.value.code == "bad-duration"


@pytest.mark.parametrize("text", ["", "-1GB", "GB", "1 XB", "1bb", "1,5GB", "inf"])
def test_invalid_sizes(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_size(text)

    assert caught.value.code == "bad-size"


@given(st.text(max_size=12))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    for read in (parse_duration, parse_size):
        with contextlib.suppress(UsageError):
            read(text)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(-5, "now"), (0, "now"), (59, "now"), (60, "1 min"), (7300, "2 h"), (86_400 * 40, "40 d")],
)
def test_ages(seconds: int, shown: str) -> None:
    assert format_age(timedelta(seconds=seconds)) == shown
