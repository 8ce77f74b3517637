"""From an entry to its network on a backend: what to get, what runs it, where it normalizes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import PositiveInt

from converters.process.interpreter import Interpreter
from registry.errors import IntegrityError, NetworkError, NotFoundError, UsageError
from registry.schema import Entry, Model
from zoo._utils.threads import worker_pool
from zoo.artifacts.formats import Backend, Format, Precision, format_of
from zoo.artifacts.plan import plans
from zoo.artifacts.resolver import ArtifactResolver, Fetched
from zoo.artifacts.spec import ArtifactSpec

if TYPE_CHECKING:
    from zoo.runner.sessions import Session

Normalization = Literal["host", "in_graph"]

_CONFIGURATION = "infer_cfg.yml"


class RunConfig(Model):
    """What runs a model, and where its file comes from.

    Attributes:
        backend: ``paddle`` (Paddle Inference), ``onnx`` (onnxruntime), ``lite`` (Paddle-Lite on x86; in half
            precision the file for ARM, interpreted), ``openvino``, ``ncnn`` or ``tflite``.
        precision: Of the file; for OpenVINO, ncnn and TensorFlow Lite, how weights are stored: all compute
            in single precision.
        threads: Threads one run may use.
        lite_version: Version of Paddle-Lite's opt, and of the runtime that runs its file.
        build: True converts here whatever is published, False never, None what is not published.
    """

    backend: Backend = "onnx"
    precision: Precision = "fp32"
    threads: PositiveInt = 1
    lite_version: str | None = None
    build: bool | None = None

    @property
    def format(self) -> Format:
        """The kind of file, and its engine.

        Raises:
            UsageError: ``…-precision-unsupported``.
        """
        return format_of(self.backend, self.precision)


@dataclass(frozen=True, eq=False)
class LoadedModel:
    """An entry's network, loaded.

    Attributes:
        entry: The entry.
        choice: How it was asked for.
        fetched: The file that was loaded.
        session: The engine.
        normalization: Whether mean and deviation are applied on the host or inside the graph.
    """

    entry: Entry
    choice: RunConfig
    fetched: Fetched
    session: Session
    normalization: Normalization


def artifact_spec(choice: RunConfig) -> ArtifactSpec:
    """Which artifact a backend runs.

    Raises:
        UsageError: ``option-not-applicable`` or ``…-precision-unsupported``.
    """
    if choice.lite_version is not None and choice.backend != "lite":
        raise UsageError(
            "option-not-applicable",
            f"--lite-version says something about a Lite file, but the backend is {choice.backend}",
            hint="add --backend lite",
        )
    return choice.format.want.model_copy(update={"lite_version": choice.lite_version})


@contextmanager
def open_models(
    orders: Sequence[tuple[Entry, RunConfig]], resolver: ArtifactResolver
) -> Iterator[tuple[LoadedModel, ...]]:
    """Gets networks and loads them side by side; closes them in the end.

    Args:
        orders: Entries, and what runs each. An entry that stands there twice is fetched once and loaded
            twice.
        resolver: The store, and the way to it.

    Raises:
        ZooError: A file cannot be had, or its engine does not load it.
    """
    # Files and interpreters one after the other, so that nothing is fetched or proven twice at a time.
    opening = [partial(_open, entry, choice, _prepared(entry, choice, resolver)) for entry, choice in orders]
    with ExitStack() as stack:
        attempts = _side_by_side(opening)
        for network in attempts:
            if isinstance(network, LoadedModel):
                stack.callback(network.session.close)
        for failure in attempts:
            if isinstance(failure, BaseException):
                raise failure
        if any(choice.format.interpreted for _, choice in orders):
            resolver.reporter.note(_what_is_interpreted())
        yield tuple(network for network in attempts if isinstance(network, LoadedModel))


def _what_is_interpreted() -> str:
    from zoo.runner.arm_fp16 import (
        KERNELS,  # compiled loops: loaded by now, and by nobody who interprets nothing
    )

    return f"ARM FP16 kernels are interpreted; it knows {', '.join(KERNELS)}, and refuses anything else"


@dataclass(frozen=True)
class _Prepared:
    """Everything that opening a session takes."""

    fetched: Fetched
    normalization: Normalization
    interpreter: Interpreter | None


def _prepared(entry: Entry, choice: RunConfig, resolver: ArtifactResolver) -> _Prepared:
    want = artifact_spec(choice)
    fetched = _obtained(entry, want, choice, resolver)
    return _Prepared(fetched, find_normalization(entry, fetched, resolver), _interpreter(choice, resolver))


def _obtained(entry: Entry, want: ArtifactSpec, choice: RunConfig, resolver: ArtifactResolver) -> Fetched:
    try:
        (found,) = resolver.all([(entry, want)], build=choice.build)
    except NetworkError as error:
        # A file that could have been published and is not there; where making it failed, --build is no help.
        if error.code == "not-on-server" and not plans(entry, want, build=choice.build)[0].steps:
            error.hint = "add --build: it is then made here from what is published"
        raise
    return found


def _side_by_side(opening: Sequence[Callable[[], LoadedModel]]) -> list[LoadedModel | BaseException]:
    """Results and failures, in order: what was opened has to be closed even where another one failed."""

    def attempt(open_one: Callable[[], LoadedModel]) -> LoadedModel | BaseException:
        try:
            return open_one()
        except BaseException as error:  # re-raised by the caller, on its own thread
            return error

    if len(opening) == 1:
        return [attempt(opening[0])]
    with worker_pool(len(opening)) as pool:
        return list(pool.map(attempt, opening))


def _open(entry: Entry, choice: RunConfig, ready: _Prepared) -> LoadedModel:
    # Imported here: asking what a backend would run needs no engine and no numpy.
    from zoo.runner.sessions import open_session

    session = open_session(
        ready.fetched.path, choice.backend, interpreter=ready.interpreter, threads=choice.threads
    )
    return LoadedModel(entry, choice, ready.fetched, session, ready.normalization)


def _interpreter(choice: RunConfig, resolver: ArtifactResolver) -> Interpreter | None:
    tool = choice.format.tool(choice.lite_version)
    return None if tool is None else resolver.toolchains.ensure(tool, resolver.reporter.note)


def find_normalization(entry: Entry, fetched: Fetched, resolver: ArtifactResolver) -> Normalization:
    """Where mean and deviation are applied, in a published file or one that was converted from it.

    What is made from a checkpoint leaves it to the host. What is made from an inference model has what that
    has, which the catalog or the configuration beside it says.

    Args:
        entry: The entry.
        fetched: The file.
        resolver: The store that holds what it was made from.

    Raises:
        NotFoundError: ``normalization-unknown``: nothing says it.
    """
    start = next(artifact for artifact in entry.artifacts if artifact.id == fetched.start)
    if start.kind == "weights":
        return "host"
    if start.normalization in ("host", "in_graph"):
        return start.normalization
    path: Path | None = fetched.path
    if fetched.origin == "built":
        stored = resolver.store.find(entry, start, pins=resolver.pins)
        path = stored.path if stored else None
    found = _from_configuration(path) if path else None
    if found is None:
        raise NotFoundError(
            "normalization-unknown",
            f"{entry.id}: nothing says whether its {start.id} normalizes pixels itself",
            expected=f"a catalog line, or {_CONFIGURATION} beside the model",
            hint="add --build: what is made here from the weights leaves it to the host",
        )
    return found


def _from_configuration(path: Path) -> Normalization | None:
    # Imported here: most entries say it themselves.
    import yaml

    file = (path if path.is_dir() else path.parent) / _CONFIGURATION
    if not file.is_file():
        return None
    try:
        content = yaml.safe_load(file.read_bytes())
        steps = [step["type"] for step in content["Preprocess"]]
    except (yaml.YAMLError, KeyError, TypeError) as error:
        raise IntegrityError(
            "configuration-unreadable",
            f"{file} does not say how images are prepared",
            expected="a list Preprocess of steps with a type",
            found=f"{type(error).__name__}: {error}",
            hint=f"take {_CONFIGURATION} from the same export as the model, or leave it out",
        ) from error
    return "host" if "NormalizeImage" in steps else "in_graph"


def one_per_thread(entry: Entry, choice: RunConfig, jobs: int) -> list[tuple[Entry, RunConfig]]:
    """Orders for as many networks as compute side by side without waiting for each other.

    onnxruntime and the interpreter of half-precision files answer several threads at a time; the others live
    in a child process that answers one.

    Args:
        entry: The entry.
        choice: What runs it.
        jobs: Threads that want to compute.
    """
    return [(entry, choice)] * (1 if choice.format.shared else jobs)


def with_session(network: LoadedModel, session: Session) -> LoadedModel:
    """The same network with something in front of its engine."""
    return replace(network, session=session)
