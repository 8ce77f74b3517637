"""Load an entry's model on a backend: which artifact, which engine, where it normalizes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import PositiveInt, model_validator

from converters.choices import WeightOnly
from converters.process.interpreter import Interpreter
from registry.choices import Precision
from registry.errors import NetworkError, NotFoundError, UsageError
from registry.schema import Entry, Model
from zoo._utils.choices import Backend
from zoo._utils.threads import worker_pool
from zoo.artifacts.formats import Format, format_of
from zoo.artifacts.plan import plans
from zoo.artifacts.resolver import ArtifactResolver, Fetched
from zoo.artifacts.spec import ArtifactSpec
from zoo.local_models.export_config import FILE_NAMES, find_config, read_normalization
from zoo.runner.calibration import ImageCalibrator, calibration_unused

if TYPE_CHECKING:
    from zoo.local_models.source import LocalSource
    from zoo.runner.sessions import Session

Normalization = Literal["host", "in_graph"]


class RunConfig(Model):
    """The backend of a model, and where its file comes from.

    Attributes:
        backend: ``paddle`` (Paddle Inference), ``onnx`` (onnxruntime), ``lite`` (Paddle-Lite on x86; with
            ``fp16`` the ARM file under ARM FP16 emulation), ``openvino``, ``ncnn`` or ``tflite``.
        precision: Precision of the file. OpenVINO, ncnn and TensorFlow Lite compute FP16 files in single
            precision.
        weight_only: Integer type of the stored weights; the arithmetic stays in ``precision``.
        calibration: Folder of images that determine the ranges of an ``int8`` file; None for drawn figures.
        threads: Threads one run may use.
        lite_version: Version of Paddle-Lite's opt and of the runtime.
        build: True always converts locally, False never, None only what is not published.
    """

    backend: Backend = "onnx"
    precision: Precision = "fp32"
    weight_only: WeightOnly | None = None
    calibration: Path | None = None
    threads: PositiveInt = 1
    lite_version: str | None = None
    build: bool | None = None

    @property
    def format(self) -> Format:
        """File format and engine.

        Raises:
            UsageError: ``…-precision-unsupported``.
        """
        return format_of(self.backend, self.precision, self.weight_only)

    @property
    def calibrator(self) -> ImageCalibrator | None:
        """Source of the calibration inputs; None for a format without calibration.

        Raises:
            UsageError: ``…-precision-unsupported``.
        """
        return ImageCalibrator(self.calibration) if self.format.calibrated else None

    @model_validator(mode="after")
    def _reject_unused_calibration(self) -> RunConfig:
        if self.calibration is not None and self.precision != "int8":
            raise calibration_unused()
        return self


@dataclass(frozen=True, eq=False)
class LoadedModel:
    """A loaded model of an entry.

    Attributes:
        entry: The entry.
        config: Backend, precision and source.
        fetched: The file that was loaded.
        session: The engine.
        normalization: Whether mean and deviation are applied on the host or inside the graph.
        local: The files of a model on disk; None for a model of the catalog.
    """

    entry: Entry
    config: RunConfig
    fetched: Fetched
    session: Session
    normalization: Normalization
    local: LocalSource | None = None


def artifact_spec(config: RunConfig) -> ArtifactSpec:
    """Build the spec of the artifact that a backend runs.

    Raises:
        UsageError: ``option-not-applicable`` or ``…-precision-unsupported``.
    """
    if config.lite_version is not None and config.backend != "lite":
        raise UsageError(
            "option-not-applicable",
            f"--lite-version applies to --backend lite only, and the backend is {config.backend}",
            hint="add --backend lite",
        )
    return config.format.spec.model_copy(update={"lite_version": config.lite_version})


@contextmanager
def load_networks(
    requests: Sequence[tuple[Entry, RunConfig]], resolver: ArtifactResolver
) -> Iterator[tuple[LoadedModel, ...]]:
    """Fetch models, load them in parallel, and close them at the end.

    Args:
        requests: Pairs of entry and configuration. An entry that is listed twice is fetched once and loaded
            twice.
        resolver: Resolves artifacts to files.

    Raises:
        ZooError: A file cannot be fetched, or its engine does not load it.
    """
    # Files and interpreters are resolved one after the other, so that no two threads fetch the same one.
    prepared: dict[tuple[str, RunConfig], _Prepared] = {}
    for entry, config in requests:
        if (entry.id, config) not in prepared:
            prepared[entry.id, config] = _prepare(entry, config, resolver)
    openers = [partial(_open, entry, config, prepared[entry.id, config]) for entry, config in requests]
    with ExitStack() as stack:
        attempts = _open_in_parallel(openers)
        for attempt in attempts:
            if isinstance(attempt, LoadedModel):
                stack.callback(attempt.session.close)
        for attempt in attempts:
            if isinstance(attempt, BaseException):
                raise attempt
        if any(config.format.interpreted for _, config in requests):
            resolver.reporter.note(_emulation_note())
        yield tuple(attempt for attempt in attempts if isinstance(attempt, LoadedModel))


def _emulation_note() -> str:
    from zoo.runner.arm_fp16 import KERNELS  # loads Numba, which only ARM FP16 emulation needs

    return f"ARM FP16 emulation supports these operators and refuses all others: {', '.join(KERNELS)}"


@dataclass(frozen=True)
class _Prepared:
    """Arguments for opening a session."""

    fetched: Fetched
    normalization: Normalization
    interpreter: Interpreter | None
    local: LocalSource | None


def _prepare(entry: Entry, config: RunConfig, resolver: ArtifactResolver) -> _Prepared:
    spec = artifact_spec(config)
    if (calibrator := config.calibrator) is not None:
        calibrator.require_folder()
        resolver = replace(resolver, calibrator=calibrator)
    fetched = _fetch(entry, spec, config, resolver)
    return _Prepared(
        fetched,
        find_normalization(entry, fetched, resolver),
        _interpreter(config, resolver),
        resolver.local.get(entry.id),
    )


def _fetch(entry: Entry, spec: ArtifactSpec, config: RunConfig, resolver: ArtifactResolver) -> Fetched:
    try:
        (found,) = resolver.resolve([(entry, spec)], build=config.build)
    except NetworkError as error:
        # --build helps only if the plan had no build steps: the published file is missing on the server.
        if error.code == "not-on-server" and not plans(entry, spec, build=config.build)[0].steps:
            error.hint = "add --build to convert it locally from a published artifact"
        raise
    return found


def _open_in_parallel(openers: Sequence[Callable[[], LoadedModel]]) -> list[LoadedModel | BaseException]:
    """Open sessions in parallel; return models and exceptions, so that the caller can close the models."""

    def attempt(open_one: Callable[[], LoadedModel]) -> LoadedModel | BaseException:
        try:
            return open_one()
        except BaseException as error:  # re-raised by the caller, on its own thread
            return error

    if len(openers) == 1:
        return [attempt(openers[0])]
    with worker_pool(len(openers)) as pool:
        return list(pool.map(attempt, openers))


def _open(entry: Entry, config: RunConfig, prepared: _Prepared) -> LoadedModel:
    # Imported here: building a spec needs neither an engine nor NumPy.
    from zoo.runner.sessions import open_session

    session = open_session(
        prepared.fetched.path, config.backend, interpreter=prepared.interpreter, threads=config.threads
    )
    return LoadedModel(entry, config, prepared.fetched, session, prepared.normalization, local=prepared.local)


def _interpreter(config: RunConfig, resolver: ArtifactResolver) -> Interpreter | None:
    tool = config.format.tool(config.lite_version)
    return None if tool is None else resolver.toolchains.ensure(tool, resolver.reporter.note)


def find_normalization(entry: Entry, fetched: Fetched, resolver: ArtifactResolver) -> Normalization:
    """Find where mean and deviation are applied, for a published file or one converted from it.

    The rule of a model on disk was found together with its files. A model built from a checkpoint leaves
    normalization to the host. A model built from an inference model inherits its rule, which the catalog or
    the model's configuration file states.

    Args:
        entry: The entry.
        fetched: The file.
        resolver: Resolver whose store has the source of the conversion.

    Raises:
        NotFoundError: ``normalization-unknown``: neither the catalog nor a configuration file states it.
    """
    local = resolver.local.get(entry.id)
    if local is not None:
        return local.normalization or "host"
    start = next(artifact for artifact in entry.artifacts if artifact.id == fetched.start)
    if start.kind == "weights":
        return "host"
    if start.normalization in ("host", "in_graph"):
        return start.normalization
    path: Path | None = fetched.path
    if fetched.origin == "built":
        stored = resolver.store.find(entry, start, pins=resolver.pins)
        path = stored.path if stored else None
    config = find_config(path if path.is_dir() else path.parent) if path else None
    if config is None:
        raise NotFoundError(
            "normalization-unknown",
            f"cannot tell whether {start.id} of {entry.id} normalizes pixels inside the graph",
            expected=f"normalization in the catalog entry, or {FILE_NAMES[0]} next to the model",
            hint="add --build to build from the weights, which leaves normalization to the host",
        )
    return read_normalization(config)


def one_per_thread(entry: Entry, config: RunConfig, jobs: int) -> list[tuple[Entry, RunConfig]]:
    """Return one request per model instance that ``jobs`` threads need.

    onnxruntime and ARM FP16 emulation serve several threads at a time, so one instance is enough. The other
    engines run in a child process that serves one thread.

    Args:
        entry: The entry.
        config: Backend of the model.
        jobs: Number of threads.
    """
    return [(entry, config)] * (1 if config.format.shared else jobs)


def with_session(model: LoadedModel, session: Session) -> LoadedModel:
    """Return the model with another session, for example a wrapper around its own."""
    return replace(model, session=session)
