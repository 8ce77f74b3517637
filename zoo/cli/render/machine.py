"""The diagnosis of this machine and the demo's table as text."""

from __future__ import annotations

from collections.abc import Iterator

from registry.printable import printable
from registry.tables import align_columns
from zoo._utils.units import format_size
from zoo.cli.render.results import OUTCOMES
from zoo.demo import Demo, DemoRow
from zoo.diagnostics.connectivity import HostCheck
from zoo.diagnostics.doctor import Conversion, Diagnosis

_CELLS = {"built": "built", "buildable": "here", "no-interpreter": "wheel", "no-wheel": "-"}
_MARKS = {"works": "ok  ", "on-first-use": "ok* ", "missing": "no  "}


def format_diagnosis(found: Diagnosis) -> str:
    """Format the whole diagnosis.

    Returns:
        Text of several lines with a trailing line break.
    """
    return "\n".join(map(printable, _lines(found))) + "\n"


def _lines(found: Diagnosis) -> Iterator[str]:
    yield f"paddle-zoo {found.version}, CPython {found.python} at {found.executable}, {found.machine}"
    cache = found.cache
    yield f"cache     {cache.path}, {cache.free / 1e9:.1f} GB free" + (
        f"  !! {cache.problem}" if cache.problem else ""
    )
    if found.python_problem:
        yield f"python    !! {found.python_problem} (ZOO_PYTHON)"
    mirror = ", through a mirror" if found.mirror else ""
    yield f"network   {'offline' if found.offline else 'allowed'}{mirror}"
    for extra in (None, "run", "convert", "arm-fp16", "report"):
        packages = [package for package in found.packages if package.extra == extra]
        versions = ", ".join(f"{package.name} {package.version or 'missing'}" for package in packages)
        yield f"{extra or 'light':<9} {versions}"
        if extra and not all(package.version for package in packages):
            yield f"{'':<9} try: pip install 'paddle-zoo[{extra}]'"
    yield ""
    if found.hosts is not None:
        for host in found.hosts:
            yield from _host_lines(host)
        if any(host.reachable and not host.works for host in found.hosts):
            yield "up = the server answers, but does not have this file"
        yield ""
    for conversion in found.conversions:
        yield from _conversion(conversion)
    yield ""
    yield from _lite_versions(found)
    if any(conversion.state == "on-first-use" for conversion in found.conversions):
        yield ""
        yield "ok* = works after its toolchain is installed on first use, in the cache only"


def _host_lines(host: HostCheck) -> Iterator[str]:
    mark = "ok  " if host.works else "up  " if host.reachable else "no  "
    result = host.detail if host.works else f"{host.failure}: {host.detail}"
    proxy = ", through a proxy" if host.proxy else ""
    yield f"{mark}{host.source} ({host.role}{proxy})  {result}, {host.seconds:.1f} s"
    if not host.works:
        yield f"      url: {host.url}"
        yield f"      try: {host.hint}"


def _conversion(conversion: Conversion) -> Iterator[str]:
    interpreter = ""
    if conversion.interpreter:
        interpreter = f", CPython {conversion.python} at {conversion.interpreter}"
    yield f"{_MARKS[conversion.state]}{conversion.name:<32}{conversion.tool}{interpreter}"
    if conversion.state == "works" and conversion.packages:
        versions = [f"{name} {version}" for name, version in sorted(conversion.packages.items())]
        yield f"      {', '.join(versions)}"
    if conversion.reason:
        yield f"      not in this interpreter: {conversion.reason}"
    if conversion.hint:
        yield f"      try: {conversion.hint}"


def _lite_versions(found: Diagnosis) -> Iterator[str]:
    """A table of versions by interpreter, with what is missing and the command that installs it."""
    shorts = list(found.lite_versions[0].interpreters)
    rows = []
    for row in found.lite_versions:
        cells = [_CELLS[row.interpreters[short]] for short in shorts]
        rows.append([f"  {row.version}", *cells, row.missing or "", row.hint or ""])
    yield from align_columns(
        ["paddlelite", f"CPython {shorts[0]}", *shorts[1:], "missing", "try"], rows
    ).splitlines()
    yield "  built: ready · here: installed on first use · wheel: no interpreter · -: no wheel"


def format_demo(found: Demo) -> tuple[list[str], list[list[str]]]:
    """Return the head cells and the rows of the demo's table."""
    head = ["format", "size", "seconds", "contents", "max abs difference", "AP %", "verdict", "note"]
    return head, [_demo_cells(row) for row in found.rows]


def _demo_cells(row: DemoRow) -> list[str]:
    accuracy = row.accuracy
    return [
        row.format,
        format_size(row.size) if row.size is not None else "-",
        f"{row.seconds:.1f}" if row.seconds is not None else "-",
        row.contents or row.state,
        f"{row.difference:.1e}" if row.difference is not None else "-",
        f"{accuracy.measured:.1f}" if accuracy and accuracy.measured is not None else "-",
        OUTCOMES[accuracy.outcome] if accuracy else "-",
        row.hint or "",
    ]


def summarize_demo(found: Demo) -> Iterator[str]:
    """Summarize the demo's table in sentences."""
    compared = [row for row in found.rows if row.limited and row.difference is not None]
    missing = [row for row in found.rows if row.state == "missing"]
    yield from _accuracy_lines(found)
    counts = f"{found.verified} files verified, {len(found.rows) - len(missing)} formats inspected, "
    counts += f"{len(compared)} compared with the inference model, limit {found.limit:.0e}"
    yield f"{found.entry}: {counts}: {'passed' if found.passed else 'FAILED'}"
    if missing:
        yield f"missing here: {', '.join(row.format for row in missing)} (reasons: zoo doctor)"


def _accuracy_lines(found: Demo) -> Iterator[str]:
    if not any(row.accuracy for row in found.rows):
        yield "accuracy was not measured: no format runs on this machine"
    elif found.images < found.published_images:
        yield (
            f"accuracy on {found.images} of the {found.published_images} images of the published AP "
            f"{found.published:.1f} %: the published AP must be in the 95 % interval"
        )
    else:
        yield (
            f"accuracy on all {found.images} images of the published AP {found.published:.1f} %: "
            "the difference must be below 0.1 points"
        )
    for row in found.rows:
        if row.accuracy and not row.accuracy.passed:
            yield f"{row.format}: {row.accuracy.reason}"
