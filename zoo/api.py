"""The Python API: what the commands do, as functions that return frozen results."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from registry.errors import UsageError
from registry.schema.artifact import Precision, Target
from zoo.arguments import checked
from zoo.catalogues import registry_of
from zoo.extras import needing
from zoo.lookup import model_info
from zoo.settings import Settings, from_environment
from zoo.wants import Request

if TYPE_CHECKING:
    from converters.plan import Goal
    from converters.reading import Inspection
    from converters.reading.comparison import Comparison
    from zoo.conversion import ConvertPlan, Made
    from zoo.conversion_request import ConvertRequest
    from zoo.demo import Demo
    from zoo.doctor import Diagnosis
    from zoo.obtain import Fetched, Obtainer, Reporter
    from zoo.plans import FetchPlan
    from zoo.project import LockReport
    from zoo.store import StoreReport


@needing("convert")
def fetch(
    name: str,
    *,
    weights: bool = False,
    config: bool = False,
    inference: bool = False,
    lite: Precision | None = None,
    onnx: Precision | None = None,
    target: Target | None = None,
    lite_version: str | None = None,
    build: bool | None = None,
    out: Path | str | None = None,
    locked: bool = False,
    settings: Settings | None = None,
    reporter: Reporter | None = None,
) -> Fetched:
    """One artifact of one entry, verified and proven; the inference model unless something else is asked for.

    Args:
        name: ``name`` or ``name@release``.
        weights: The training checkpoint.
        config: Upstream's configuration.
        inference: The inference model.
        lite: The Paddle-Lite file in this precision.
        onnx: The ONNX file in this precision.
        target: Processor of the Lite file; ``arm`` by default.
        lite_version: Version of Paddle-Lite's opt.
        build: True converts here whatever is published, False never, None what is not published.
        out: Folder to copy the artifact into.
        locked: Refuse what ``zoo.lock`` does not name.
        settings: Settings; the environment's by default.
        reporter: Who hears about the work; nobody by default.

    Raises:
        ZooError: As the tree in ``registry.errors`` says.
    """
    options = {
        "weights": weights,
        "config": config,
        "inference": inference,
        "lite": lite,
        "onnx": onnx,
        "target": target,
        "lite_version": lite_version,
        "build": build,
    }
    request = checked(Request, "fetch", options)
    chosen = settings or from_environment()
    if len(request.wants(model_info(name, settings=chosen))) > 1:
        raise UsageError(
            "one-artifact-a-call",
            "fetch() gives one artifact, several were asked for",
            hint="use fetch_many()",
        )
    (found,) = fetch_many(
        [name],
        request,
        out=Path(out) if out is not None else None,
        locked=locked,
        settings=chosen,
        reporter=reporter,
    )
    return found


@needing("convert")
def fetch_many(
    names: Sequence[str],
    request: Request,
    *,
    out: Path | None = None,
    locked: bool = False,
    jobs: int = 4,
    settings: Settings | None = None,
    reporter: Reporter | None = None,
) -> tuple[Fetched, ...]:
    """The artifacts a request asks of each entry, in order.

    Args:
        names: Entries.
        request: What to get of each.
        out: Folder to copy the artifacts into.
        locked: Refuse what ``zoo.lock`` does not name.
        jobs: Artifacts fetched at the same time.
        settings: Settings; the environment's by default.
        reporter: Who hears about the work; nobody by default.

    Raises:
        ZooError: The first failure in order; what the others got stays in the store.
    """
    from zoo.delivery import deliver

    chosen = settings or from_environment()
    entries = [model_info(name, settings=chosen) for name in names]
    orders = [(entry, want) for entry in entries for want in request.wants(entry)]
    found = obtainer_of(chosen, locked=locked, reporter=reporter).all(orders, build=request.build, jobs=jobs)
    if out is None:
        return found
    work = chosen.cache / "work"
    return tuple(
        item.model_copy(update={"path": deliver(item.path, out / item.file_name, work=work)})
        for item in found
    )


def plan(
    names: Sequence[str], request: Request, *, settings: Settings | None = None
) -> tuple[FetchPlan, ...]:
    """What ``fetch_many`` would do first, without doing any of it.

    Args:
        names: Entries.
        request: What to get of each.
        settings: Settings; the environment's by default.

    Raises:
        NotFoundError: No such entry, or no way to an artifact.
    """
    from zoo.plans import plans

    entries = [model_info(name, settings=settings) for name in names]
    return tuple(
        plans(entry, want, build=request.build)[0] for entry in entries for want in request.wants(entry)
    )


@needing("convert")
def convert(
    source: Path | str,
    *,
    to: Goal,
    out: Path | str | None = None,
    settings: Settings | None = None,
    reporter: Reporter | None = None,
    **options: Any,
) -> Made:
    """Converts an entry, or a file of the caller's, and proves what came out.

    Args:
        source: Entry name, or a local file or folder.
        to: ``inference``, ``lite``, ``onnx``, ``openvino``, ``ncnn``, ``tflite`` or
            ``safetensors``.
        out: File to write, a folder for an inference model; the result stays in the store without it.
        settings: Settings; the environment's by default.
        reporter: Who hears about the work; nobody by default.
        options: The other fields of ``zoo.conversion_request.ConvertRequest``: ``network``, ``precision``,
            ``target``, ``lite_version``, ``weight_only``, ``calibration``, ``sparse``, ``opset``,
            ``ir_version``, ``half_ends``, ``simplify``, ``program``, ``head``, ``argmax``, ``normalisation``,
            ``batch``.

    Raises:
        ZooError: As the tree in ``registry.errors`` says.
    """
    from zoo.conversion_request import ConvertRequest

    request = checked(ConvertRequest, "convert", {"to": to, **options})
    path = Path(out) if out is not None else None
    return convert_source(source, request, out=path, settings=settings, reporter=reporter)


@needing("convert")
def convert_source(
    source: Path | str,
    request: ConvertRequest,
    *,
    out: Path | None = None,
    settings: Settings | None = None,
    reporter: Reporter | None = None,
) -> Made:
    """``convert`` with its options as one value."""
    from zoo import conversion

    chosen = settings or from_environment()
    return conversion.convert(
        source, request, out=out, entries=registry_of(chosen), obtainer=obtainer_of(chosen, reporter=reporter)
    )


def plan_conversion(
    source: Path | str, request: ConvertRequest, *, settings: Settings | None = None
) -> ConvertPlan:
    """What ``convert_source`` would do, without doing any of it."""
    from zoo import conversion

    return conversion.plan(source, request, registry_of(settings or from_environment()))


def inspect(path: Path | str, *, settings: Settings | None = None) -> Inspection:
    """What an artifact is, from its bytes; an archive is looked into as well.

    Args:
        path: File or folder.
        settings: Settings; the environment's by default.

    Raises:
        NotFoundError: Nothing is there.
        IntegrityError: It is torn, or something that only poses as an artifact.
    """
    from zoo.looking import look

    return look(Path(path), work=(settings or from_environment()).cache / "work")


def compare_artifacts(
    first: Path | str, second: Path | str, *, settings: Settings | None = None
) -> Comparison:
    """In what two artifacts differ: version, target, precision, ends, operators, kernels, weights.

    Args:
        first: File or folder.
        second: File or folder.
        settings: Settings; the environment's by default.

    Raises:
        ZooError: As for ``inspect``.
    """
    from converters.reading.comparison import compare

    return compare(inspect(first, settings=settings), inspect(second, settings=settings))


def draw(path: Path | str, form: Literal["svg", "html"] = "html", *, settings: Settings | None = None) -> str:
    """The network in an artifact as a drawing that refers to nothing outside itself.

    Args:
        path: File, folder or archive.
        form: ``svg`` for a picture, ``html`` for a page to drag, zoom and search in.
        settings: Settings; the environment's by default.

    Raises:
        UsageError: ``no-network``: there is none in it.
        MissingToolError: ``graphviz-missing``.
        ZooError: As for ``inspect``.
    """
    from zoo.facts_of_file import of_inspection
    from zoo.looking import drawn

    chosen = settings or from_environment()
    facts = of_inspection(inspect(path, settings=chosen))
    return drawn(Path(path), form, facts, work=chosen.cache / "work")


def verify(names: Sequence[str] = (), *, settings: Settings | None = None) -> StoreReport:
    """Hashes the store again and compares it with what was seen first.

    Args:
        names: Entries; none means the whole store.
        settings: Settings; the environment's by default.
    """
    chosen = settings or from_environment()
    entries = [model_info(name, settings=chosen) for name in names]
    return obtainer_of(chosen).store.verify(entries or None)


def lock(
    names: Sequence[str] = (),
    *,
    accept: bool = False,
    check: bool = False,
    settings: Settings | None = None,
    reporter: Reporter | None = None,
) -> LockReport:
    """Writes the digests this machine has seen into the project's ``zoo.lock``.

    Args:
        names: Entries whose artifacts are written; none means every artifact that was seen.
        accept: Fetch what the named entries have in the store anew, and take the digests as they are now.
        check: Only compare; nothing is written.
        settings: Settings; the environment's by default.
        reporter: Who hears about the work; nobody by default.

    Raises:
        UsageError: ``accept-what``: nothing is named to accept.
    """
    from zoo import project

    chosen = settings or from_environment()
    entries = [model_info(name, settings=chosen) for name in names]
    return project.lock(entries, obtainer_of(chosen, reporter=reporter), accept=accept, check=check)


def diagnose(*, net: bool = False, settings: Settings | None = None) -> Diagnosis:
    """What works on this machine and why.

    Args:
        net: Ask the mirrors and the hosts of the catalogue as well; no connection is opened otherwise.
        settings: Settings; the environment's by default.

    Raises:
        NetworkError: ``offline``: they are to be asked, and connections are forbidden.
    """
    from zoo.doctor import examine
    from zoo.reach import reach_all

    chosen = settings or from_environment()
    return examine(chosen, obtainer_of(chosen).toolchains, reach_all(chosen) if net else None)


def demo(
    *,
    out: Path | str = "zoo-demo.jpg",
    limit: int | None = None,
    jobs: int = 1,
    settings: Settings | None = None,
    reporter: Reporter | None = None,
) -> Demo:
    """The whole job on built-in sample data, without any network beyond this machine's loopback.

    Args:
        out: Where to write the annotated picture.
        limit: Measure accuracy on the first pictures only; on all of the published figure by default.
        jobs: Pictures looked at together.
        settings: Settings; the environment's by default.
        reporter: Who hears about the work; nobody by default.
    """
    from zoo.demo import run
    from zoo.obtain import Reporter

    return run(settings or from_environment(), reporter or Reporter(), out=Path(out), limit=limit, jobs=jobs)


def obtainer_of(settings: Settings, *, locked: bool = False, reporter: Reporter | None = None) -> Obtainer:
    """The way to artifacts: the store, the toolchains and the project's lock."""
    # Imported here: listing and showing need neither the store nor the converters.
    from converters.toolchain import Toolchains
    from zoo.obtain import Obtainer, Reporter
    from zoo.project import read_pins
    from zoo.store import Store

    pins = read_pins(required=locked)
    return Obtainer(
        settings=settings,
        store=Store(settings.cache),
        toolchains=Toolchains(settings.toolchains, python=settings.python, offline=settings.offline),
        pins=pins,
        locked=locked,
        reporter=reporter or Reporter(),
    )
