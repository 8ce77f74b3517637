"""Which interpreter runs a tool: the current one when it can, else a managed environment, else none yet.

Nothing is ever installed into an environment of the user's.
"""

from __future__ import annotations

import builtins
import copy
import shutil
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from converters.fs.atomic import writing_to
from converters.fs.workdir import temporary_directory, work_directory
from converters.process.interpreter import Interpreter
from converters.process.run import run_worker
from converters.toolchain import base_interpreters as bases
from converters.toolchain import environments as managed
from converters.toolchain.base_interpreters import Base
from converters.toolchain.build import install, make_environment
from converters.toolchain.current import Current, inspect_current
from converters.toolchain.environments import CACHE_HINT, Managed
from converters.toolchain.pins import Tool
from registry.errors import ConversionError, MissingToolError

_PROBE_SECONDS = 180.0

State = Literal["current", "managed", "buildable", "missing"]


@dataclass(frozen=True)
class ToolStatus:
    """What this machine has of a tool.

    Attributes:
        tool: The tool.
        state: ``current``: the running interpreter does it. ``managed``: an environment of ours does.
            ``buildable``: one can be built here. ``missing``: none of these.
        interpreter: The interpreter that does it, or that it would be built on.
        python: Full version of that interpreter.
        packages: Distribution to version: of the environment that does it, or what the current one has
            when none does.
        reason: Why the current interpreter does not do it; None when it does.
        hint: What to do to get it; None when it is there.
    """

    tool: Tool
    state: State
    interpreter: Path | None
    python: str | None
    packages: dict[str, str]
    reason: str | None = None
    hint: str | None = None


@dataclass(frozen=True)
class _Plan:
    """An environment to build: for which tool, on what, where."""

    tool: Tool
    base: Base
    folder: Path


class Toolchains:
    """The environments that native tools run in.

    What was proven is remembered for the life of this object, since proving takes up to two seconds.

    Args:
        root: Folder of the managed environments, one per tool version and interpreter version.
        python: Interpreter to build on, before any that is found.
        offline: Fetch nothing.
    """

    def __init__(self, root: Path, *, python: Path | None = None, offline: bool = False) -> None:
        self._root = root.absolute()
        self._python = python
        self._offline = offline
        self._unbuilt: frozenset[Tool] = frozenset()
        self._current: dict[Tool, Current] = {}
        self._proven: dict[Tool, Interpreter] = {}

    def status(self, tool: Tool) -> ToolStatus:
        """What there is of a tool; builds nothing."""
        current = self._look_at_current(tool)
        ready = current.interpreter or self._ready(tool)
        if ready is not None:
            packages = {pin.package: ready.packages.get(pin.package, "?") for pin in tool.pins}
            return ToolStatus(tool, ready.origin, ready.path, ready.version, packages, current.reason)
        found = dict(current.packages)
        try:
            plan = self._plan(tool)
        except MissingToolError as error:
            return ToolStatus(tool, "missing", None, None, found, current.reason, error.hint)
        if self._offline:
            hint = "repeat without --offline: its environment has to be fetched once"
            return ToolStatus(tool, "missing", plan.base.path, plan.base.version, found, current.reason, hint)
        hint = f"nothing to do: it is built on first use (about {plan.tool.download_mb} MB to fetch)"
        return ToolStatus(tool, "buildable", plan.base.path, plan.base.version, found, current.reason, hint)

    def ensure(self, tool: Tool, note: Callable[[str], None]) -> Interpreter:
        """An interpreter that was seen to run the tool; builds an environment when there is none.

        Args:
            tool: The tool.
            note: Told in a few words about what takes longer than a moment.

        Raises:
            MissingToolError: There is no interpreter to build on (``no-interpreter``,
                ``interpreter-not-usable``), building is not allowed (``toolchain-not-built``,
                ``toolchain-offline``), or it failed (``toolchain-unreachable``, ``-no-wheel``, ``-disk-full``,
                ``-build-failed``, ``-does-not-work``).
        """
        ready = self._look_at_current(tool).interpreter or self._ready(tool)
        if ready is not None:
            return ready
        if tool in self._unbuilt:
            raise self.not_built(tool)
        plan = self._plan(tool)
        if self._offline:
            raise MissingToolError(
                "toolchain-offline",
                f"there is no environment for {tool} yet, and making one needs the network",
                found=self._look_at_current(tool).reason,
                done="nothing was fetched",
                hint="repeat once without --offline; from then on it works offline",
            )
        with managed.locked(plan.folder, note):
            # Somebody else may have built it while we waited.
            ready = self._ready(tool) or self._build(plan, note)
        self._proven[tool] = ready
        return ready

    def without_building(self, tools: Collection[Tool]) -> Toolchains:
        """The same environments, for work that is to use these tools where they are and not to build them.

        Args:
            tools: The tools.
        """
        restricted = copy.copy(self)  # what was proven stays known to both
        restricted._unbuilt = frozenset(tools)
        return restricted

    def not_built(self, tool: Tool) -> MissingToolError:
        """The refusal of a tool that is neither in the running interpreter nor built."""
        return MissingToolError(
            "toolchain-not-built",
            f"there is no environment for {tool} yet",
            found=self._look_at_current(tool).reason,
            done="nothing was built",
            hint=f"zoo toolchain install {tool.name}@{tool.version}",
        )

    def list(self) -> tuple[Managed, ...]:
        """The managed environments on disk, by name."""
        return managed.all_of(self._root)

    def remove(self, tool: Tool, note: Callable[[str], None]) -> tuple[Path, ...]:
        """Delete the managed environments of a tool, finished or not.

        Returns:
            The folders that are gone.

        Raises:
            MissingToolError: ``toolchain-not-removed``: some of it may not be deleted.
        """
        self._proven.clear()
        folders = managed.folders_of(self._root, tool)
        for folder in folders:
            with managed.locked(folder, note):
                _delete(folder)
        return tuple(folders)

    def works(self, tool: Tool, environment: Managed) -> bool:
        """Whether an environment still does its job, found out by using it."""
        interpreter = managed.read_ready(environment.path, tool)
        return interpreter is not None and self._works(tool, interpreter)

    def interpreters(self, tools: Iterable[Tool]) -> dict[str, Base]:
        """By ``X.Y``, the first interpreter on this machine that each version can be built on."""
        needed = {short: tool for tool in tools for short in tool.pythons}
        found: dict[str, Base] = {}
        named = [bases.explicit(self._python)] if self._python is not None else []
        for base in (*named, *bases.find(needed)):
            if base.short in needed and base.short not in found and _flaw(needed[base.short], base) is None:
                found[base.short] = base
        return found

    def named_trouble(self) -> MissingToolError | None:
        """What is wrong with the interpreter that was named to build on; None when it runs or none was."""
        try:
            if self._python is not None:
                bases.explicit(self._python)
        except MissingToolError as error:
            return error
        return None

    def _look_at_current(self, tool: Tool) -> Current:
        if tool not in self._current:
            self._current[tool] = inspect_current(tool, lambda interpreter: self._prove(tool, interpreter))
        return self._current[tool]

    def _ready(self, tool: Tool) -> Interpreter | None:
        """A managed environment that was finished and still works."""
        if tool in self._proven:
            return self._proven[tool]
        for member in tool.family():
            for folder in managed.folders_of(self._root, member):
                interpreter = managed.read_ready(folder, member)
                if interpreter is not None and self._works(tool, interpreter):
                    self._proven[tool] = interpreter
                    return interpreter
        return None

    def _works(self, tool: Tool, interpreter: Interpreter) -> bool:
        # An environment can break after it was built, for example when its base interpreter is uninstalled.
        try:
            self._prove(tool, interpreter)
        except ConversionError:
            return False
        return True

    def _prove(self, tool: Tool, interpreter: Interpreter) -> None:
        # Not in the store: looking at what there is must not write to it, and it may not be writable.
        with temporary_directory() as folder:
            run_worker(
                interpreter,
                tool.probe,
                {},
                folder=folder,
                log=folder / "probe.log",
                timeout=_PROBE_SECONDS,
                task=f"trying {tool}",
            )

    def _plan(self, tool: Tool) -> _Plan:
        """The environment to build: on the interpreter that was named if it will do, else on one found."""
        flaws: builtins.list[str] = []
        for member, base in self._candidates(tool):
            flaw = _flaw(member, base)
            if flaw is None:
                return _Plan(member, base, managed.folder_for(self._root, member, base))
            flaws.append(f"{base.path}: {flaw}")
        newest = max(tool.pythons, key=lambda short: int(short.partition(".")[2]))
        raise MissingToolError(
            "no-interpreter",
            f"no interpreter on this machine can run {tool}",
            expected=f"CPython {' or '.join(tool.pythons)} on {tool.machines[0]}",
            found="; ".join(dict.fromkeys(flaws)) or "none of these",
            hint=f"uv python install {newest}   (or: pyenv install {newest}), then repeat",
        )

    def _candidates(self, tool: Tool) -> Iterator[tuple[Tool, Base]]:
        if self._python is not None:
            named = bases.explicit(self._python)
            yield from ((member, named) for member in tool.family())
        for member in tool.family():
            yield from ((member, base) for base in bases.find(member.pythons))

    def _build(self, plan: _Plan, note: Callable[[str], None]) -> Interpreter:
        tool, base = plan.tool, plan.base
        size = f"about {tool.download_mb} MB to fetch"
        note(f"building an environment for {tool} on CPython {base.version}, once ({size})")
        log = self._root / "logs" / f"{plan.folder.name}.log"
        with writing_to(log, hint=CACHE_HINT):
            log.parent.mkdir(parents=True, exist_ok=True)
            log.write_text("", encoding="utf-8")
        # Built aside and moved: helpers of an earlier build that was killed may still write into its folder.
        with work_directory(self._root / "work") as folder:
            python = make_environment(base, folder / "env", log)
            packages = install(python, tool, log, note)
            shutil.rmtree(plan.folder, ignore_errors=True)
            (folder / "env").rename(plan.folder)
        interpreter = Interpreter(plan.folder / "bin" / "python", base.version, "managed", packages)
        try:
            self._prove(tool, interpreter)
        except ConversionError as error:
            raise MissingToolError(
                "toolchain-broken",
                f"the new environment for {tool} does not work: {error.message}",
                found=error.found,
                done=f"it will be built anew next time; what pip said is in {log}",
                hint="zoo doctor",
            ) from error
        managed.mark_ready(plan.folder, tool, base.version, packages)
        note(f"{tool} is ready")
        return interpreter


def _delete(folder: Path) -> None:
    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        return
    except OSError as error:
        raise MissingToolError(
            "toolchain-not-removed",
            f"{folder} cannot be deleted",
            found=error.strerror,
            done="what is left of it is not used any more",
            hint=f"rm -r {folder}",
        ) from error


def _flaw(tool: Tool, base: Base) -> str | None:
    if base.short not in tool.pythons:
        return f"it is CPython {base.version}, for which {tool} has no wheel"
    if base.machine not in tool.machines:
        return f"it runs on {base.machine}, for which {tool} has no wheel"
    return base.flaw
