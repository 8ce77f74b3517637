"""What this machine can do, as text for people: a diagnosis, and the demo's table."""

from __future__ import annotations

from collections.abc import Iterator

from registry.tables import aligned
from zoo._utils.units import format_size
from zoo.demo import Demo, DemoRow
from zoo.diagnostics.connectivity import HostCheck
from zoo.diagnostics.doctor import Conversion, Diagnosis

_CELLS = {"built": "built", "buildable": "here", "no-interpreter": "wheel", "no-wheel": "-"}
_MARKS = {"works": "ok  ", "on-first-use": "ok* ", "missing": "no  "}


def format_diagnosis(found: Diagnosis) -> str:
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
    if found.named:
        yield f"python    !! {found.named} (ZOO_PYTHON)"
    mirror = ", through a mirror" if found.mirror else ""
    yield f"network   {'offline' if found.offline else 'allowed'}{mirror}"
    for extra in (None, "run", "convert", "arm-fp16", "report"):
        packages = [package for package in found.packages if package.extra == extra]
        versions = ", ".join(f"{package.name} {package.version or 'missing'}" for package in packages)
        yield f"{extra or 'light':<9} {versions}"
        if extra and not all(package.version for package in packages):
            yield f"{'':<9} try: pip install 'paddle-zoo[{extra}]'"
    yield ""
    if found.net is not None:
        for place in found.net:
            yield from _reach(place)
        if any(place.reached and not place.works for place in found.net):
            yield "up = answers, but not with this file"
        yield ""
    for conversion in found.conversions:
        yield from _conversion(conversion)
    yield ""
    yield from _lite_versions(found)
    if any(conversion.state == "on-first-use" for conversion in found.conversions):
        yield ""
        yield "ok* = works, after its toolchain is built on first use, in the store and nowhere else"


def _reach(place: HostCheck) -> Iterator[str]:
    mark = "ok  " if place.works else "up  " if place.reached else "no  "
    said = place.found if place.works else f"{place.failed}: {place.found}"
    way = ", through a proxy" if place.proxy else ""
    yield f"{mark}{place.source} ({place.role}{way})  {said}, {place.seconds:.1f} s"
    if not place.works:
        yield f"      asked: {place.asked}"
        yield f"      try: {place.hint}"


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


def _lite_versions(found: Diagnosis) -> Iterator[str]:
    """Version by interpreter, then what is missing and what to type."""
    shorts = list(found.lite[0].cells)
    rows = []
    for row in found.lite:
        cells = [_CELLS[row.cells[short]] for short in shorts]
        rows.append([f"  {row.version}", *cells, row.missing or "", row.hint or ""])
    yield from aligned(
        ["paddlelite", f"CPython {shorts[0]}", *shorts[1:], "missing", "try"], rows
    ).splitlines()
    yield "  built: ready · here: interpreter found, built on first use · wheel: none found · -: no wheel"


def format_demo(found: Demo) -> tuple[list[str], list[list[str]]]:
    """The demo's table: head cells and rows."""
    head = ["format", "size", "seconds", "proof", "max abs difference", "AP %", "verdict", "note"]
    return head, [_demo_cells(row) for row in found.rows]


def _demo_cells(row: DemoRow) -> list[str]:
    accuracy = row.accuracy
    return [
        row.format,
        format_size(row.size) if row.size is not None else "-",
        f"{row.seconds:.1f}" if row.seconds is not None else "-",
        row.proof or row.state,
        f"{row.difference:.1e}" if row.difference is not None else "-",
        f"{accuracy.measured:.1f}" if accuracy and accuracy.measured is not None else "-",
        ("MET" if accuracy.met else "NOT MET") if accuracy else "-",
        row.hint or "",
    ]


def demo_words(found: Demo) -> Iterator[str]:
    """What the demo's table comes to, in sentences."""
    compared = [row for row in found.rows if row.held and row.difference is not None]
    missing = [row for row in found.rows if row.state == "missing"]
    yield from _accuracy_words(found)
    words = f"{found.verified} files verified, {len(found.rows) - len(missing)} formats proven, "
    words += f"{len(compared)} compared with the inference model, limit {found.limit:.0e}"
    yield f"{found.entry}: {words}: {'passed' if found.passed else 'FAILED'}"
    if missing:
        yield f"missing here: {', '.join(row.format for row in missing)} (zoo doctor says why)"


def _accuracy_words(found: Demo) -> Iterator[str]:
    if not any(row.accuracy for row in found.rows):
        yield "accuracy was not measured: no format could run here"
    elif found.images < found.published_images:
        yield (
            f"accuracy on {found.images} of the {found.published_images} images of the published AP "
            f"{found.published:.1f} %: a 95 % interval decides, which is wider than an error may be"
        )
    else:
        yield (
            f"accuracy on all {found.images} images of the published AP {found.published:.1f} %: "
            "a tenth of a point decides, to both sides"
        )
    for row in found.rows:
        if row.accuracy and not row.accuracy.met:
            yield f"{row.format}: {row.accuracy.reason}"
