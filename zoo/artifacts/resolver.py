"""Getting what a plan says: fetch, prove, convert, and reuse everything that is there already."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from converters.formats import Kind
from converters.formats.locate import locate_file, locate_in_folder
from converters.planning.execute import result_name, run_step, step_key
from converters.planning.plan import Step
from converters.toolchain import Toolchains
from registry.errors import IntegrityError, NetworkError, UsageError
from registry.lock import Lock
from registry.schema import Artifact, Entry, Model
from zoo._utils.progress import NoProgress, Progress, discard_note
from zoo._utils.threads import worker_pool
from zoo.artifacts.plan import FetchPlan, plans
from zoo.artifacts.spec import ArtifactSpec
from zoo.artifacts.verify import verify
from zoo.settings import Settings
from zoo.store import SourceOptions, Store, Stored
from zoo.store.digest_cache import known_sha256


@dataclass(frozen=True)
class Reporter:
    """Who hears about the work.

    Attributes:
        note: Takes a sentence.
        bar: Makes a progress bar.
    """

    note: Callable[[str], None] = discard_note
    bar: Callable[[], Progress] = NoProgress


@dataclass(frozen=True)
class StepResult:
    """The result of one conversion.

    Attributes:
        path: The file, or the folder of an inference model.
        made: Whether it was made just now.
    """

    path: Path
    made: bool


@dataclass(frozen=True)
class CachedRoute:
    """A way to an artifact, every part of it in the store.

    Attributes:
        stored: The published file it starts from.
        keys: Names of the conversions that were made from it, in order.
        path: What it leads to: the file, or the folder of an inference model.
    """

    stored: Stored
    keys: tuple[str, ...]
    path: Path


class Fetched(Model):
    """An artifact that is here, verified and proven.

    Attributes:
        entry: ``name@release``.
        artifact: Name of the artifact within the entry, for example ``lite-arm-fp16``.
        path: The file, or the folder of an inference model.
        origin: ``published``: upstream's file. ``built``: converted here.
        start: Name of the published artifact it is, or is made from.
        url: Where that file came from.
        sha256: Digest of that file as it was served.
        from_store: Whether everything was there already: nothing was fetched or converted.
    """

    entry: str
    artifact: str
    path: Path
    origin: Literal["published", "built"]
    start: str
    url: str
    sha256: str
    from_store: bool

    @property
    def file_name(self) -> str:
        """Name for a copy: the file's own, or the entry's for the folder of an inference model."""
        return self.entry.partition("@")[0] if self.path.is_dir() else self.path.name


@dataclass(frozen=True)
class ArtifactResolver:
    """Gets artifacts into the store.

    Attributes:
        settings: The user's settings.
        store: The store.
        toolchains: Where converters are found or built.
        pins: The project's lock.
        locked: Whether what ``pins`` does not hold is refused.
        reporter: Who hears about the work.
    """

    settings: Settings
    store: Store
    toolchains: Toolchains
    pins: Lock = field(default_factory=Lock)
    locked: bool = False
    reporter: Reporter = field(default_factory=Reporter)

    def all(
        self, orders: Sequence[tuple[Entry, ArtifactSpec]], *, build: bool | None, jobs: int = 1
    ) -> tuple[Fetched, ...]:
        """Gets several artifacts, a few at a time, in the order they were asked for.

        Args:
            orders: What to get.
            build: As for ``plans``.
            jobs: How many at the same time.

        Raises:
            ZooError: The first failure in that order; what the others got stays in the store.
        """
        # Plans first: a request that cannot be met is refused before anything is downloaded.
        planned = [(entry, plans(entry, want, build=build)) for entry, want in orders]
        with worker_pool(min(jobs, len(planned))) as pool:
            running = [pool.submit(self._first, entry, ways) for entry, ways in planned]
            return tuple(work.result() for work in running)

    def _first(self, entry: Entry, ways: Sequence[FetchPlan]) -> Fetched:
        """The first way that was followed before, else the first whose published file exists upstream."""
        for plan in ways:
            if (ready := self._ready(entry, plan)) is not None:
                return ready
        for plan, following in zip(ways, [*ways[1:], None], strict=True):
            try:
                return self._follow(entry, plan)
            except NetworkError as error:
                if error.code != "not-on-server":
                    raise
                if following is None:
                    raise _with_hint(error, entry, plan) from None
                self.reporter.note(
                    f"{entry.id}: {plan.start.id} is not on the server, trying {following.start.id}"
                )
        raise AssertionError("plans() returns at least one way")

    def _ready(self, entry: Entry, plan: FetchPlan) -> Fetched | None:
        """What a way leads to, when all of it is in the store: neither a server nor a tool is asked."""
        if self.locked:
            return None  # whether the project's lock holds it is for the store to say
        try:
            trail = self.trail(entry, plan)
        except IntegrityError:
            return None  # damaged since: the long way notices again, and repairs it
        return _fetched(entry, plan, trail.stored, trail.path, from_store=True) if trail else None

    def trail(self, entry: Entry, plan: FetchPlan) -> CachedRoute | None:
        """Where a way leads through the store; None when a part of it is not there.

        Args:
            entry: The entry.
            plan: A way to one of its artifacts.

        Raises:
            IntegrityError: ``store-damaged``, or the catalog and the project's lock disagree.
        """
        stored = self.store.find(entry, plan.start, pins=self.pins)
        if stored is None:
            return None
        path, keys = stored.path, []
        for step in plan.steps:
            keys.append(self.key(path, step, entry.name, entry))
            folder = self.store.find_built(keys[-1])
            if folder is None:
                return None
            path = folder / result_name(step, entry.name)
        return CachedRoute(stored, tuple(keys), path)

    def published(
        self, entry: Entry, artifact: Artifact, *, accept: bool = False, packed: bool = False
    ) -> Stored:
        """Gets one published file.

        Args:
            entry: The entry.
            artifact: One of its artifacts.
            accept: Whether a digest that differs from the remembered one replaces it.
            packed: Whether the archive as it was served must be in the store, too.
        """
        return self.store.fetch(
            entry,
            artifact,
            source=SourceOptions(mirrors=self.settings.mirrors, offline=self.settings.offline),
            prove=lambda path: verify(entry, artifact, path),
            pins=self.pins,
            locked=self.locked,
            accept=accept,
            packed=packed,
            progress=self.reporter.bar(),
            note=self.reporter.note,
        )

    def _follow(self, entry: Entry, plan: FetchPlan) -> Fetched:
        stored = self.published(entry, plan.start)
        path, fresh = stored.path, not stored.from_cache
        for step in plan.steps:
            converted = self.convert(path, step, entry.name, entry)
            path, fresh = converted.path, fresh or converted.made
        return _fetched(entry, plan, stored, path, from_store=not fresh)

    def convert(self, source: Path, step: Step, stem: str, entry: Entry | None) -> StepResult:
        """Runs one conversion, or finds its result in the store.

        Args:
            source: What to convert: a file, or the folder of an inference model.
            step: The conversion.
            stem: Base of the result's file name.
            entry: The entry, for its architecture.
        """
        name = result_name(step, stem)
        made = False

        def make(folder: Path) -> None:
            nonlocal made
            made = True
            run_step(
                step,
                source,
                folder / name,
                entry=entry,
                toolchains=self.toolchains,
                work=self.settings.cache / "work",
                note=self.reporter.note,
            )

        key = self.key(source, step, stem, entry)
        folder = self.store.put_built(key, make, note=self.reporter.note)
        return StepResult(folder / name, made)

    def key(self, source: Path, step: Step, stem: str, entry: Entry | None) -> str:
        """Name of a conversion's result in the store; arguments as for :meth:`convert`."""
        inputs = {role: known_sha256(file) for role, file in input_files(source).items()}
        return f"{step_key(step, inputs, entry)[:32]}-{stem}"


def input_files(source: Path) -> dict[str, Path]:
    """Files a conversion reads, by role: ``weights``, or ``program`` and ``params``.

    Raises:
        UsageError: ``not-convertible``: it is neither a checkpoint nor an inference model.
    """
    found = locate_in_folder(source) if source.is_dir() else locate_file(source)
    if found.kind in (Kind.PICKLE, Kind.SAFETENSORS):
        return {"weights": found.main}
    if found.kind is Kind.ONNX:
        return {"model": found.main}
    if found.kind in (Kind.PROGRAM, Kind.PIR):
        return {"program": found.main} | ({"params": found.params} if found.params else {})
    raise UsageError(
        "not-convertible",
        f"{source} is neither a checkpoint nor an inference model",
        expected="a .pdparams or .safetensors file, or a program (.pdmodel, .json) with its .pdiparams",
        found=found.kind.value,
        hint=f"zoo inspect {source}",
    )


def _fetched(entry: Entry, plan: FetchPlan, stored: Stored, path: Path, *, from_store: bool) -> Fetched:
    return Fetched(
        entry=entry.id,
        artifact=plan.want.id,
        path=path,
        origin="built" if plan.steps else "published",
        start=plan.start.id,
        url=stored.url,
        sha256=stored.digest.sha256,
        from_store=from_store,
    )


def _with_hint(error: NetworkError, entry: Entry, plan: FetchPlan) -> NetworkError:
    if not plan.steps and plan.want.kind in ("inference", "lite", "onnx"):
        error.hint = (
            f"zoo fetch {entry.typed} {plan.want.flags} --build converts it here from what is published"
        )
    return error
