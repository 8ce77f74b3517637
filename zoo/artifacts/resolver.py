"""Resolve artifact specifications to verified files: fetch, verify, convert, and reuse what is cached."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from converters.formats import inspect
from converters.onnx import QuantizeOptions, calibration_needed
from converters.planning.execute import result_name, run_step, safe_stem, step_key
from converters.planning.plan import Step
from converters.planning.targets import needs_calibration
from converters.toolchain import Toolchains
from registry.errors import IntegrityError, NetworkError
from registry.lock import Lock
from registry.schema import Artifact, Entry, Model
from zoo._utils.progress import NoProgress, Progress, discard_note
from zoo._utils.threads import worker_pool
from zoo.artifacts.calibrator import Calibrator
from zoo.artifacts.inputs import check_recorded_inputs, input_files, main_file, matches_inputs
from zoo.artifacts.local import LocalPlan, plan_local
from zoo.artifacts.plan import FetchPlan, plans
from zoo.artifacts.spec import ArtifactSpec
from zoo.artifacts.verify import verify
from zoo.local_models.source import LocalSource
from zoo.settings import Settings
from zoo.store import FetchRequest, RemoteSource, Store, StoredArtifact


@dataclass(frozen=True)
class Reporter:
    """Callbacks for progress and log messages.

    Attributes:
        note: Receives one sentence.
        bar: Makes a progress bar.
    """

    note: Callable[[str], None] = discard_note
    bar: Callable[[], Progress] = NoProgress


@dataclass(frozen=True)
class StepResult:
    """The result of one conversion step.

    Attributes:
        path: The file, or the folder of an inference model.
        from_cache: Whether it was in the cache.
    """

    path: Path
    from_cache: bool


@dataclass(frozen=True)
class CachedRoute:
    """The way from a published file to an artifact, with every part of it in the cache.

    Attributes:
        stored: The published file it starts from.
        keys: Keys of the conversions that were made from it, in order.
        path: The artifact: the file, or the folder of an inference model.
    """

    stored: StoredArtifact
    keys: tuple[str, ...]
    path: Path


class Fetched(Model):
    """A verified artifact on this machine.

    Attributes:
        entry: ``name@release``.
        artifact: Name of the artifact within the entry, for example ``lite-arm-fp16``.
        path: The file, or the folder of an inference model.
        origin: ``published``: upstream's file. ``built``: converted here. ``local``: a file of the user.
        start: Name of the published artifact it is, or is made from; of a model on disk, its kind.
        url: The address that file was downloaded from, or is at.
        sha256: Digest of that file as it was served; of an inference model on disk, of its program.
        from_cache: Whether nothing was downloaded or converted.
    """

    entry: str
    artifact: str
    path: Path
    origin: Literal["published", "built", "local"]
    start: str
    url: str
    sha256: str
    from_cache: bool

    @property
    def file_name(self) -> str:
        """Name for a copy: the file's, or the entry's for the folder of an inference model."""
        return self.entry.partition("@")[0] if self.path.is_dir() else self.path.name


@dataclass(frozen=True)
class ArtifactResolver:
    """Resolves artifacts: from the cache, from upstream, or by conversion.

    Attributes:
        settings: The user's settings.
        store: The cache.
        toolchains: Finds or builds the environments of converters.
        pins: The project's lock.
        locked: Whether an artifact that ``pins`` does not name is refused; every byte is hashed then.
        reread: Whether every byte of cached files is hashed, also of those that have not changed.
        calibrator: Prepares the inputs of conversions to integer activations; None refuses them.
        reporter: Callbacks for progress and log messages.
        local: Models on disk by the id of their entry: they are read in place, and nothing is downloaded.
    """

    settings: Settings
    store: Store
    toolchains: Toolchains
    pins: Lock = field(default_factory=Lock)
    locked: bool = False
    reread: bool = False
    calibrator: Calibrator | None = None
    reporter: Reporter = field(default_factory=Reporter)
    local: Mapping[str, LocalSource] = field(default_factory=dict)

    def resolve(
        self, orders: Sequence[tuple[Entry, ArtifactSpec]], *, build: bool | None, jobs: int = 1
    ) -> tuple[Fetched, ...]:
        """Resolve several artifacts, a few at a time, in the order of the request.

        Args:
            orders: Entries, each with the artifact to resolve.
            build: As for ``plans``.
            jobs: Artifacts resolved at the same time.

        Raises:
            ZooError: The first failure in that order; the other artifacts stay in the cache.
        """
        # Plans first: a request without a plan is refused before anything is downloaded.
        planned = [(entry, self._plan(entry, spec, build=build)) for entry, spec in orders]
        if self.calibrator is None and any(needs_calibration(each) for each in _steps(planned)):
            raise calibration_needed()
        with worker_pool(min(jobs, len(planned))) as pool:
            running = [pool.submit(self._resolve_plan, entry, plan) for entry, plan in planned]
            return tuple(work.result() for work in running)

    def _plan(
        self, entry: Entry, spec: ArtifactSpec, *, build: bool | None
    ) -> LocalPlan | tuple[FetchPlan, ...]:
        source = self.local.get(entry.id)
        if source is not None:
            return plan_local(entry, spec, source, build=build)
        return plans(entry, spec, build=build)

    def _resolve_plan(self, entry: Entry, plan: LocalPlan | tuple[FetchPlan, ...]) -> Fetched:
        return (
            self._convert_local(entry, plan)
            if isinstance(plan, LocalPlan)
            else self._resolve_first(entry, plan)
        )

    def _convert_local(self, entry: Entry, plan: LocalPlan) -> Fetched:
        """Convert the files of a model on disk; without a step, they are the artifact."""
        source = plan.source
        path, from_cache = source.path, True
        for step in plan.steps:
            result = self.resolve_step(path, step, source.stem, entry)
            path, from_cache = result.path, from_cache and result.from_cache
        main = main_file(source.path)
        return Fetched(
            entry=entry.id,
            artifact=plan.spec.id,
            path=path,
            origin="built" if plan.steps else "local",
            start=source.kind,
            url=main.absolute().as_uri(),
            sha256=self.store.sha256_of(main),
            from_cache=from_cache,
        )

    def _resolve_first(self, entry: Entry, routes: Sequence[FetchPlan]) -> Fetched:
        """Take the first plan that is in the cache, else the first whose published file exists upstream."""
        for plan in routes:
            if (cached := self._resolve_cached(entry, plan)) is not None:
                return cached
        for plan, following in zip(routes, [*routes[1:], None], strict=True):
            try:
                return self._execute(entry, plan)
            except NetworkError as error:
                if error.code != "not-on-server":
                    raise
                if following is None:
                    raise _with_hint(error, entry, plan) from None
                self.reporter.note(
                    f"{entry.id}: {plan.start.id} is not on the server, trying {following.start.id}"
                )
        raise AssertionError("plans() returns at least one plan")

    def _resolve_cached(self, entry: Entry, plan: FetchPlan) -> Fetched | None:
        """The artifact, when all of its plan is in the cache: no server and no tool is needed then."""
        if self.locked:
            return None  # the cache checks whether the project's lock names it
        try:
            route = self.cached_route(entry, plan)
        except IntegrityError:
            return None  # damaged: executing the plan finds it again, and repairs it
        return _fetched(entry, plan, route.stored, route.path, from_cache=True) if route else None

    def cached_route(self, entry: Entry, plan: FetchPlan) -> CachedRoute | None:
        """Follow a plan through the cache; None when a part of it is not there.

        Args:
            entry: The entry.
            plan: A plan for one of its artifacts.

        Raises:
            IntegrityError: ``cache-damaged``, or the catalog and the project's lock disagree.
        """
        stored = self.store.find(entry, plan.start, pins=self.pins, reread=self.reread)
        if stored is None:
            return None
        path, keys = stored.path, []
        for step in plan.steps:
            inputs = self._input_digests(path)
            with self._with_calibration(step, path, entry) as complete:
                keys.append(_key(complete, inputs, entry.name, entry))
            folder = self.store.find_built(keys[-1], reread=self.reread)
            if folder is None or not matches_inputs(folder, inputs):
                return None
            path = folder / result_name(step, entry.name)
        return CachedRoute(stored, tuple(keys), path)

    def fetch_published(
        self,
        entry: Entry,
        artifact: Artifact,
        *,
        accept: bool = False,
        packed: bool = False,
        source: RemoteSource | None = None,
    ) -> StoredArtifact:
        """Fetch one published file, verify it, and publish it in the cache.

        Args:
            entry: The entry.
            artifact: One of its artifacts.
            accept: Whether a digest that differs from the recorded one replaces it.
            packed: Whether the archive as it was served must be in the cache, too.
            source: Where to download from; by default the settings decide.
        """
        settings = self.settings
        request = FetchRequest(
            entry,
            artifact,
            source=source or RemoteSource(mirrors=settings.mirrors, offline=settings.offline),
            pins=self.pins,
            locked=self.locked,
            accept=accept,
            packed=packed,
            reread=self.reread,
            progress=self.reporter.bar(),
            note=self.reporter.note,
        )
        with self.store.reserve_artifact(request) as slot:
            if slot.stored is not None:
                return slot.stored
            verify(entry, artifact, slot.path)
            return slot.publish()

    def _execute(self, entry: Entry, plan: FetchPlan) -> Fetched:
        try:
            return self._execute_once(entry, plan)
        except IntegrityError as error:
            if error.code != "input-changed":
                raise
            # Another process pruned or repaired the input meanwhile: it is fetched again.
            self.reporter.note(f"{error.message}: trying again")
            return self._execute_once(entry, plan)

    def _execute_once(self, entry: Entry, plan: FetchPlan) -> Fetched:
        stored = self.fetch_published(entry, plan.start)
        path, from_cache = stored.path, stored.from_cache
        for step in plan.steps:
            result = self.resolve_step(path, step, entry.name, entry)
            path, from_cache = result.path, from_cache and result.from_cache
        return _fetched(entry, plan, stored, path, from_cache=from_cache)

    def resolve_step(self, source: Path, step: Step, stem: str, entry: Entry | None) -> StepResult:
        """Run one conversion step, or find its result in the cache.

        Args:
            source: The input: a file, or the folder of an inference model.
            step: The conversion.
            stem: Base of the result's file name; any text.
            entry: The entry, for its architecture.

        Raises:
            IntegrityError: ``input-changed``: the source changed while it was converted.
            UsageError: ``calibration-needed``.
        """
        with self._with_calibration(step, source, entry) as complete:
            return self._resolve_complete(source, complete, stem, entry)

    @contextmanager
    def _with_calibration(self, step: Step, source: Path, entry: Entry | None) -> Iterator[Step]:
        """Add calibration inputs to a step that needs them; their file exists while the context is open."""
        if not isinstance(step, QuantizeOptions) or not needs_calibration(step):
            yield step
            return
        if self.calibrator is None or entry is None:
            raise calibration_needed()
        normalization = inspect(source).normalization or "host"
        with self.calibrator.prepare(entry, normalization, work=self.store.work_folder()) as inputs:
            yield step.model_copy(update={"calibration": inputs})

    def _resolve_complete(self, source: Path, step: Step, stem: str, entry: Entry | None) -> StepResult:
        name, note = result_name(step, safe_stem(stem)), self.reporter.note
        inputs = self._input_digests(source)
        key = _key(step, inputs, stem, entry)
        with self.store.reserve_conversion(key, reread=self.locked or self.reread, note=note) as slot:
            if not slot.cached:
                self._run(step, source, slot.folder / name, entry)
                check_recorded_inputs(slot.folder, inputs, source)
                return StepResult(slot.publish() / name, from_cache=False)
            if matches_inputs(slot.folder, inputs):
                return StepResult(slot.folder / name, from_cache=True)
        # A conversion of other bytes, filed under this key by an earlier version or by hand.
        self.store.discard_conversion(key, note=note)
        return self._resolve_complete(source, step, stem, entry)

    def _run(self, step: Step, source: Path, out: Path, entry: Entry | None) -> None:
        run_step(
            step,
            source,
            out,
            entry=entry,
            toolchains=self.toolchains,
            work=self.store.work_folder(),
            note=self.reporter.note,
        )

    def key(self, source: Path, step: Step, stem: str, entry: Entry | None) -> str:
        """Key of a conversion's result in the cache; arguments as for :meth:`resolve_step`."""
        return _key(step, self._input_digests(source), stem, entry)

    def _input_digests(self, source: Path) -> dict[str, str]:
        """SHA-256 of the bytes that each input has now, by role."""
        return {role: self.store.sha256_of(file) for role, file in input_files(source).items()}


def _steps(planned: Sequence[tuple[Entry, LocalPlan | Sequence[FetchPlan]]]) -> Iterator[Step]:
    for _, routes in planned:
        for plan in (routes,) if isinstance(routes, LocalPlan) else routes:
            yield from plan.steps


def _key(step: Step, inputs: Mapping[str, str], stem: str, entry: Entry | None) -> str:
    return f"{step_key(step, inputs, entry)[:32]}-{safe_stem(stem)}"


def _fetched(
    entry: Entry, plan: FetchPlan, stored: StoredArtifact, path: Path, *, from_cache: bool
) -> Fetched:
    return Fetched(
        entry=entry.id,
        artifact=plan.spec.id,
        path=path,
        origin="built" if plan.steps else "published",
        start=plan.start.id,
        url=stored.url,
        sha256=stored.digest.sha256,
        from_cache=from_cache,
    )


def _with_hint(error: NetworkError, entry: Entry, plan: FetchPlan) -> NetworkError:
    if not plan.steps and plan.spec.kind in ("inference", "lite", "onnx"):
        error.hint = f"convert it here: zoo fetch {entry.short_id} {plan.spec.flags} --build"
    return error
