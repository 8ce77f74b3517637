"""The whole job on built-in sample data, without any network beyond this machine's loopback."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Literal, NamedTuple
from urllib.parse import urlsplit

import registry
from converters.reading import Inspection, inspect
from converters.toolchain import Toolchains
from converters.tools import PADDLE, paddlelite
from registry import Entry
from registry.errors import IntegrityError, MissingToolError
from registry.schema import Model
from zoo.obtain import Fetched, Obtainer, Reporter
from zoo.sample import CATALOGUE, DATA, NAME
from zoo.settings import Settings
from zoo.store import Store
from zoo.validation.differences import compare_outputs
from zoo.wants import Want

if TYPE_CHECKING:
    from zoo.runner.arrays import Array
    from zoo.runner.sessions import Engine

PICTURES = 4
"""Pictures the formats are compared on; each holds up to three figures."""

WANTS = (
    Want(kind="inference"),
    Want(kind="lite", precision="fp32", target="arm"),
    Want(kind="lite", precision="fp16", target="arm"),
    Want(kind="lite", precision="fp32", target="x86"),
    Want(kind="onnx", precision="fp32"),
)


class DemoRow(Model):
    """One format of the sample model.

    Attributes:
        format: ``inference``, ``lite-arm-fp16``, …
        state: ``proven``: made and looked into. ``missing``: its tool is not on this machine.
        size: Bytes; None when missing.
        seconds: What fetching or converting took.
        proof: What the bytes say: maker, target, precision.
        difference: Largest absolute difference of any output from the inference model; None where the format
            cannot run on this machine.
        hint: What to type to get what is missing, or why it was not run.
    """

    format: str
    state: Literal["proven", "missing"]
    size: int | None = None
    seconds: float | None = None
    proof: str | None = None
    difference: float | None = None
    hint: str | None = None


class Demo(Model):
    """What the demo did.

    Attributes:
        entry: The sample entry.
        verified: Files of the store whose digest was computed again.
        rows: One a format.
        limit: Largest difference the entry's tolerance allows.
        passed: Whether everything that could be made was proven, and every difference is within the limit.
    """

    entry: str
    verified: int
    rows: tuple[DemoRow, ...]
    limit: float
    passed: bool


class _Made(NamedTuple):
    """A format that was fetched or converted."""

    want: Want
    fetched: Fetched
    found: Inspection
    seconds: float


def run(settings: Settings, reporter: Reporter) -> Demo:
    """Fetches, verifies, converts, proves and compares the sample model.

    Artifacts go to a temporary store; toolchains to the user's, where the next command finds them.

    Args:
        settings: The user's settings.
        reporter: Who hears about the work.

    Raises:
        ZooError: Something that should work on every machine did not.
    """
    entry = registry.load(CATALOGUE).get(NAME)
    figure = entry.accuracy[0]
    size = f"{entry.input.height}x{entry.input.width}"
    reporter.note(
        f"catalogue: {entry.id}, input {size}, {figure.metric} {figure.value:.1f} % on drawn figures"
    )
    with tempfile.TemporaryDirectory(prefix="zoo-demo-") as folder, _server(entry) as mirror:
        obtainer = Obtainer(
            settings=replace(settings, cache=Path(folder), mirrors=(mirror,), offline=False),
            store=Store(Path(folder)),
            toolchains=Toolchains(settings.toolchains, python=settings.python, offline=settings.offline),
            reporter=reporter,
        )
        made, missing = _make_all(entry, obtainer)
        report = obtainer.store.verify()
        if not report.clean:
            raise IntegrityError("store-damaged", "the demo's store changed while it ran", hint="zoo demo")
        reporter.note("comparing with the inference model")
        differences = _differences(entry, made, obtainer, reporter)
    limit = next(tolerance.max_abs for tolerance in entry.tolerances if tolerance.precision == "fp32")
    rows = (*(_row(item, differences) for item in made), *missing)
    passed = all(row.difference is None or row.difference <= limit for row in rows)
    return Demo(entry=entry.id, verified=report.checked, rows=rows, limit=limit, passed=passed)


@contextlib.contextmanager
def _server(entry: Entry) -> Iterator[str]:
    """Serves the sample's files under the paths of its catalogue addresses; yields the mirror's address."""
    files = {urlsplit(url).path: DATA / Path(url).name for item in entry.artifacts for url in item.urls}

    class Handler(SimpleHTTPRequestHandler):
        def translate_path(self, path: str) -> str:
            return str(files.get(path, DATA / "no such file"))

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing: the demo's own output is the log."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _make_all(entry: Entry, obtainer: Obtainer) -> tuple[list[_Made], list[DemoRow]]:
    made: list[_Made] = []
    missing: list[DemoRow] = []
    for want in WANTS:
        started = time.perf_counter()
        try:
            (fetched,) = obtainer.all([(entry, want)], build=None)
        except MissingToolError as error:
            missing.append(DemoRow(format=want.id, state="missing", hint=error.hint or error.message))
            continue
        seconds = time.perf_counter() - started
        made.append(_Made(want, fetched, inspect(fetched.path), seconds))
    return made, missing


def _differences(
    entry: Entry, made: Sequence[_Made], obtainer: Obtainer, reporter: Reporter
) -> Mapping[str, float]:
    """Largest difference from the inference model, of each format that runs here; empty without paddle."""
    from zoo.runner.sessions import open_session

    try:
        paddle = obtainer.toolchains.ensure(PADDLE, reporter.note)
    except MissingToolError as error:
        reporter.note(f"not compared: {error.message}")
        return {}
    image = _network_input(entry)
    reference_path = next(item.fetched.path for item in made if item.want.kind == "inference")
    with open_session(reference_path, "paddle", interpreter=paddle) as session:
        reference = session.run({entry.input.name: image})
    found = {}
    for item in made:
        if (engine := _engine(item.want)) is None:
            continue
        interpreter = obtainer.toolchains.ensure(paddlelite(), reporter.note) if engine == "lite" else None
        with open_session(item.fetched.path, engine, interpreter=interpreter) as session:
            outputs = session.run({session.inputs[0].name: image})
        found[item.want.id] = _largest(reference, outputs)
    return found


def _network_input(entry: Entry) -> Array:
    """The figures of a few held-out pictures, cut out and normalised: ``(N, 3, height, width)`` float32."""
    import numpy as np

    from registry.schema import KeypointProtocol
    from zoo.runner.images import as_photo
    from zoo.runner.preprocess import prepare_persons
    from zoo.sample.figures import HELD_OUT, picture

    protocol = entry.accuracy[0].protocol
    assert isinstance(protocol, KeypointProtocol), "the sample entry is a pose model"
    tensors = []
    for seed in range(HELD_OUT, HELD_OUT + PICTURES):
        drawn = picture(seed)
        photo = as_photo(drawn.image, honour_exif=protocol.honour_exif)
        corners = [(x, y, x + width, y + height) for x, y, width, height in (p.box for p in drawn.persons)]
        tensors.append(prepare_persons(photo, np.array(corners), entry.input, protocol.crop, "host").tensor)
    return np.concatenate(tensors)


def _engine(want: Want) -> Engine | None:
    """What runs a format on this machine; kernels for phones do not."""
    if want.kind == "onnx":
        return "onnx"
    return "lite" if want.kind == "lite" and want.target == "x86" else None


def _largest(reference: Mapping[str, Array], outputs: Mapping[str, Array]) -> float:
    return max(difference.max_abs for difference in compare_outputs(reference, outputs))


def _row(item: _Made, differences: Mapping[str, float]) -> DemoRow:
    found = item.found
    proof = ", ".join(part for part in (found.made_by, found.target, found.precision) if part)
    hint = None
    if item.want.kind == "lite" and item.want.target == "arm":
        hint = "runs on the phone only"
    elif item.want.kind == "inference":
        hint = "the reference"
    return DemoRow(
        format=item.want.id,
        state="proven",
        size=found.size,
        seconds=round(item.seconds, 2),
        proof=proof,
        difference=differences.get(item.want.id),
        hint=hint,
    )
