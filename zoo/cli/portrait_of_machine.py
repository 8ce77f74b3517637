"""What this machine can do, as text for people: a diagnosis, and the demo's table."""

from __future__ import annotations

from collections.abc import Iterator

from zoo.demo import Demo
from zoo.doctor import Conversion, Diagnosis
from zoo.output import megabytes

_MARKS = {"works": "ok  ", "on-first-use": "ok* ", "missing": "no  "}


def of_diagnosis(found: Diagnosis) -> str:
    """Everything the doctor found.

    Returns:
        Text of several lines with a trailing line break.
    """
    return "\n".join(_lines(found)) + "\n"


def _lines(found: Diagnosis) -> Iterator[str]:
    yield f"paddle-zoo {found.version}, CPython {found.python} at {found.executable}, {found.machine}"
    store = found.store
    yield f"store     {store.path}, {store.free / 1e9:.1f} GB free" + (
        f"  !! {store.problem}" if store.problem else ""
    )
    mirror = ", through a mirror" if found.mirror else ""
    yield f"network   {'offline' if found.offline else 'allowed'}{mirror}"
    for extra in (None, "run", "convert"):
        packages = [package for package in found.packages if package.extra == extra]
        versions = ", ".join(f"{package.name} {package.version or 'missing'}" for package in packages)
        yield f"{extra or 'light':<9} {versions}"
        if extra and not all(package.version for package in packages):
            yield f"{'':<9} try: pip install 'paddle-zoo[{extra}]'"
    yield ""
    for conversion in found.conversions:
        yield from _conversion(conversion)
    if any(conversion.state == "on-first-use" for conversion in found.conversions):
        yield ""
        yield "ok* = works, after its toolchain is built on first use, in the store and nowhere else"


def _conversion(conversion: Conversion) -> Iterator[str]:
    where = ""
    if conversion.interpreter:
        where = f", CPython {conversion.python} at {conversion.interpreter}"
    yield f"{_MARKS[conversion.state]}{conversion.name:<32}{conversion.tool}{where}"
    if conversion.state == "works" and conversion.packages:
        versions = [f"{name} {version}" for name, version in sorted(conversion.packages.items())]
        yield f"      {', '.join(versions)}"
    if conversion.reason:
        yield f"      not in this interpreter: {conversion.reason}"
    if conversion.hint:
        yield f"      try: {conversion.hint}"


def of_demo(found: Demo) -> tuple[list[str], list[list[str]]]:
    """The demo's table: head cells and rows."""
    head = ["format", "size", "seconds", "proof", "max abs difference", "note"]
    rows = []
    for row in found.rows:
        rows.append(
            [
                row.format,
                megabytes(row.size) if row.size is not None else "-",
                f"{row.seconds:.1f}" if row.seconds is not None else "-",
                row.proof or row.state,
                f"{row.difference:.1e}" if row.difference is not None else "-",
                row.hint or "",
            ]
        )
    return head, rows


def verdict(found: Demo) -> str:
    """What the demo's table comes to, in one sentence."""
    compared = [row for row in found.rows if row.difference is not None]
    missing = [row for row in found.rows if row.state == "missing"]
    words = (
        f"{found.entry}: {found.verified} files verified, {len(found.rows) - len(missing)} formats proven, "
    )
    words += f"{len(compared)} compared, limit {found.limit:.0e}: {'passed' if found.passed else 'FAILED'}"
    if missing:
        words += f"; missing here: {', '.join(row.format for row in missing)} (zoo doctor says why)"
    return words
