"""Durations and sizes as users type and read them."""

from __future__ import annotations

import re
from datetime import timedelta

from registry.errors import UsageError

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_BYTES = {"": 1, "b": 1} | {
    f"{prefix}{unit}": base**power
    for power, prefix in enumerate("kmgt", start=1)
    for unit, base in (("", 1000), ("b", 1000), ("ib", 1024))
}


def parse_duration(text: str) -> timedelta:
    """Parse a duration like ``30d``, ``12h`` or ``1.5h``; units are s, m, h, d, w.

    Raises:
        UsageError: ``bad-duration``.
    """
    match = re.fullmatch(r"([0-9]{1,6}(?:\.[0-9]{1,3})?)\s*([smhdw])", text.strip().lower())
    if match is None:
        raise UsageError(
            "bad-duration",
            f"{text!r} is not a duration",
            expected="a number with s, m, h, d or w",
            hint="30d",
        )
    return timedelta(seconds=float(match[1]) * _SECONDS[match[2]])


def parse_size(text: str) -> int:
    """Parse a size like ``2GB``, ``500M`` or ``1.5GiB``, into bytes; decimal units unless there is an ``i``.

    Raises:
        UsageError: ``bad-size``.
    """
    match = re.fullmatch(r"([0-9]{1,15}(?:\.[0-9]{1,3})?)\s*([a-z]{0,3})", text.strip().lower())
    if match is None or match[2] not in _BYTES:
        raise UsageError(
            "bad-size", f"{text!r} is not a size", expected="a number with kB, MB, GB, TB or GiB", hint="2GB"
        )
    return int(float(match[1]) * _BYTES[match[2]])


def format_age(time: timedelta) -> str:
    """Format an age in its largest unit: ``3 h``. A time in the future is ``now``."""
    seconds = max(0.0, time.total_seconds())
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length:.0f} {unit}"
    return "now"


def format_size(size: int) -> str:
    """Format a size in decimal units."""
    if size < 1000:
        return f"{size} B"
    return f"{size / 1e3:.0f} kB" if size < 1_000_000 else f"{size / 1e6:.1f} MB"
