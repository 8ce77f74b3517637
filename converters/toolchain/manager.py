"""Selects the interpreter for a tool: the current one if it has the tool, else a managed environment.

Nothing is ever installed into an environment of the user.
"""

from __future__ import annotations

import builtins
import copy
import shutil
import sys
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from converters.fs.atomic import writing_to
from converters.fs.workdir import temporary_directory, work_directory
from converters.process.interpreter import Interpreter
from converters.process.run import run_worker
from converters.toolchain.base_interpreters import BaseInterpreter, find_interpreters, probe_configured
from converters.toolchain.build import create_venv, install
from converters.toolchain.current import CurrentStatus, check_current
from converters.toolchain.environments import (
    CACHE_HINT,
    ManagedEnvironment,
    environment_folder,
    find_folders,
    list_environments,
    lock_environment,
    mark_ready,
    read_ready,
)
from converters.toolchain.locks import EnvironmentLock, platform_key, read_lock
from converters.toolchain.pins import Tool
from converters.toolchain.records import verify_environment
from registry.errors import ConversionError, IntegrityError, MissingToolError

_PROBE_SECONDS = 180.0

State = Literal["current", "managed", "buildable", "missing"]


@dataclass(frozen=True)
class ToolStatus:
    """Availability of a tool on this machine.

    Attributes:
        tool: The tool.
        state: ``current``: the running interpreter has it. ``managed``: a managed environment has it.
            ``buildable``: an environment can be built. ``missing``: none of these.
        interpreter: The interpreter that runs it, or the base on which its environment would be built.
        python: Full version of that interpreter.
        packages: Distribution to version, in the environment that runs it; in the running interpreter if no
            environment does.
        reason: Why the running interpreter does not run it; None if it does.
        hint: How to make it available; None if it is.
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
    """An environment to build: tool, base interpreter, locked packages and folder."""

    tool: Tool
    base: BaseInterpreter
    lock: EnvironmentLock
    folder: Path


class Toolchains:
    """The environments in which native tools run.

    Results of probes are remembered for the life of this object, because a probe takes up to two seconds.

    Args:
        root: Folder of the managed environments, one per tool version and interpreter version.
        python: Base interpreter configured by the user; takes precedence over interpreters found.
        offline: Download nothing.
    """

    def __init__(self, root: Path, *, python: Path | None = None, offline: bool = False) -> None:
        self._root = root.absolute()
        self._python = python
        self._offline = offline
        self._unbuilt: frozenset[Tool] = frozenset()
        self._current: dict[Tool, CurrentStatus] = {}
        self._tested: dict[Tool, Interpreter] = {}

    def status(self, tool: Tool) -> ToolStatus:
        """Return the availability of a tool; builds nothing."""
        current = self._check_current(tool)
        found = dict(current.packages)
        try:
            ready = current.interpreter or self._ready(tool)
            if ready is not None:
                packages = {pin.package: ready.packages.get(pin.package, "?") for pin in tool.pins}
                return ToolStatus(tool, ready.origin, ready.path, ready.version, packages, current.reason)
            plan = self._plan(tool)
        except IntegrityError as error:
            return ToolStatus(tool, "missing", None, None, found, error.message, error.hint)
        except MissingToolError as error:
            return ToolStatus(tool, "missing", None, None, found, current.reason, error.hint)
        if self._offline:
            hint = "repeat without --offline: its environment must be downloaded once"
            return ToolStatus(tool, "missing", plan.base.path, plan.base.version, found, current.reason, hint)
        hint = f"nothing to do: it is built on first use (about {plan.tool.download_mb} MB to download)"
        return ToolStatus(tool, "buildable", plan.base.path, plan.base.version, found, current.reason, hint)

    def ensure(self, tool: Tool, note: Callable[[str], None]) -> Interpreter:
        """Return an interpreter that passed the probe of the tool; build an environment if there is none.

        Args:
            tool: The tool.
            note: Called with progress messages.

        Raises:
            MissingToolError: There is no base interpreter (``no-interpreter``, ``interpreter-not-usable``),
                building is not allowed (``toolchain-not-built``, ``toolchain-offline``), or it failed
                (``toolchain-unreachable``, ``-no-wheel``, ``-disk-full``, ``-build-failed``, ``-broken``).
            IntegrityError: A wheel or an installed file is not the locked one (``toolchain-hash-mismatch``,
                ``toolchain-record-mismatch``), or the environment belongs to another user
                (``owner-untrusted``).
        """
        ready = self._check_current(tool).interpreter or self._ready(tool)
        if ready is not None:
            return ready
        if tool in self._unbuilt:
            raise self.not_built(tool)
        plan = self._plan(tool)
        if self._offline:
            raise MissingToolError(
                "toolchain-offline",
                f"there is no environment for {tool} yet, and building one needs the network",
                found=self._check_current(tool).reason,
                done="nothing was downloaded",
                hint="repeat once without --offline; from then on it works offline",
            )
        with lock_environment(plan.folder, note):
            # Another process may have built it during the wait.
            ready = self._ready(tool) or self._build(plan, note)
        self._tested[tool] = ready
        return ready

    def without_building(self, tools: Collection[Tool]) -> Toolchains:
        """Return the same environments, but without permission to build those of some tools.

        Args:
            tools: Tools that are used only where they are available already.
        """
        restricted = copy.copy(self)  # both share the results of probes
        restricted._unbuilt = frozenset(tools)
        return restricted

    def not_built(self, tool: Tool) -> MissingToolError:
        """Create the error for a tool that is neither in the running interpreter nor built."""
        return MissingToolError(
            "toolchain-not-built",
            f"there is no environment for {tool} yet",
            found=self._check_current(tool).reason,
            done="nothing was built",
            hint=f"zoo toolchain install {tool.name}@{tool.version}",
        )

    def list(self) -> tuple[ManagedEnvironment, ...]:
        """Return the managed environments on disk, ordered by name."""
        return list_environments(self._root)

    def remove(self, tool: Tool, note: Callable[[str], None]) -> tuple[Path, ...]:
        """Delete the managed environments of a tool, finished or not.

        Returns:
            The deleted folders.

        Raises:
            MissingToolError: ``toolchain-not-removed``.
        """
        self._tested.clear()
        folders = find_folders(self._root, tool)
        for folder in folders:
            with lock_environment(folder, note):
                _delete(folder)
        return tuple(folders)

    def works(self, tool: Tool, environment: ManagedEnvironment) -> bool:
        """Run the probe of a tool in an environment, and tell whether it passes.

        Raises:
            IntegrityError: ``owner-untrusted``.
        """
        interpreter = read_ready(environment.path, tool)
        return interpreter is not None and self._passes_probe(tool, interpreter)

    def interpreters(self, tools: Iterable[Tool]) -> dict[str, BaseInterpreter]:
        """Map each ``X.Y`` to the first interpreter on this machine on which a tool can be built."""
        needed = {short: tool for tool in tools for short in tool.pythons}
        found: dict[str, BaseInterpreter] = {}
        configured = [probe_configured(self._python)] if self._python is not None else []
        for base in (*configured, *find_interpreters(needed)):
            suitable = base.short in needed and _problem(needed[base.short], base) is None
            if suitable and base.short not in found:
                found[base.short] = base
        return found

    def configured_interpreter_error(self) -> MissingToolError | None:
        """Return the error of the configured base interpreter; None if it runs or none is configured."""
        try:
            if self._python is not None:
                probe_configured(self._python)
        except MissingToolError as error:
            return error
        return None

    def _check_current(self, tool: Tool) -> CurrentStatus:
        if tool not in self._current:
            self._current[tool] = check_current(tool, lambda interpreter: self._run_probe(tool, interpreter))
        return self._current[tool]

    def _ready(self, tool: Tool) -> Interpreter | None:
        """Return the interpreter of a finished environment that passes the probe."""
        if tool in self._tested:
            return self._tested[tool]
        for member in tool.family():
            for folder in find_folders(self._root, member):
                interpreter = read_ready(folder, member)
                if interpreter is not None and self._passes_probe(tool, interpreter):
                    self._tested[tool] = interpreter
                    return interpreter
        return None

    def _passes_probe(self, tool: Tool, interpreter: Interpreter) -> bool:
        # An environment can break after it was built, for example when its base interpreter is uninstalled.
        try:
            self._run_probe(tool, interpreter)
        except ConversionError:
            return False
        return True

    def _run_probe(self, tool: Tool, interpreter: Interpreter) -> None:
        # Not in the cache: a check must not write to it, and it may not be writable.
        with temporary_directory() as folder:
            run_worker(
                interpreter,
                tool.probe,
                {},
                folder=folder,
                log=folder / "probe.log",
                timeout=_PROBE_SECONDS,
                task=f"the probe of {tool}",
            )

    def _plan(self, tool: Tool) -> _Plan:
        """Plan the environment to build, on the configured interpreter if it is suitable."""
        problems: builtins.list[str] = []
        for member, base in self._candidates(tool):
            problem = _problem(member, base)
            lock = _read_lock(member, base)
            if problem is None and lock is not None:
                return _Plan(member, base, lock, environment_folder(self._root, member, base))
            problems.append(f"{base.path}: {problem or f'the packages of {member} are not locked for it'}")
        newest = max(tool.pythons, key=lambda short: int(short.partition(".")[2]))
        raise MissingToolError(
            "no-interpreter",
            f"no interpreter on this machine can run {tool}",
            expected=f"CPython {' or '.join(tool.pythons)} on {tool.machines[0]}",
            found="; ".join(dict.fromkeys(problems)) or "none of these",
            hint=f"uv python install {newest}   (or: pyenv install {newest}), then repeat",
        )

    def _candidates(self, tool: Tool) -> Iterator[tuple[Tool, BaseInterpreter]]:
        if self._python is not None:
            configured = probe_configured(self._python)
            yield from ((member, configured) for member in tool.family())
        for member in tool.family():
            yield from ((member, base) for base in find_interpreters(member.pythons))

    def _build(self, plan: _Plan, note: Callable[[str], None]) -> Interpreter:
        tool, base = plan.tool, plan.base
        size = f"about {tool.download_mb} MB to download"
        note(f"building an environment for {tool} on CPython {base.version}, once ({size})")
        log = self._root / "logs" / f"{plan.folder.name}.log"
        with writing_to(log, hint=CACHE_HINT):
            log.parent.mkdir(parents=True, exist_ok=True)
            log.write_text("", encoding="utf-8")
        # Built in a work folder and moved: processes of a killed earlier build may still write to its folder.
        with work_directory(self._root / "work") as folder:
            python = create_venv(base, folder / "env", log)
            install(python, tool, plan.lock, log, note)
            packages = verify_environment(folder / "env", plan.lock)
            shutil.rmtree(plan.folder, ignore_errors=True)
            (folder / "env").rename(plan.folder)
        interpreter = Interpreter(plan.folder / "bin" / "python", base.version, "managed", packages)
        try:
            self._run_probe(tool, interpreter)
        except ConversionError as error:
            raise MissingToolError(
                "toolchain-broken",
                f"the new environment for {tool} does not work: {error.message}",
                found=error.found,
                done=f"it will be built again next time; the log of pip is {log}",
                hint="zoo doctor",
            ) from error
        mark_ready(plan.folder, plan.lock, base.version, packages)
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
            done="the remaining files are no longer used",
            hint=f"rm -r {folder}",
        ) from error


def _read_lock(tool: Tool, base: BaseInterpreter) -> EnvironmentLock | None:
    return read_lock(tool, base.short, platform_key(sys.platform, base.machine))


def _problem(tool: Tool, base: BaseInterpreter) -> str | None:
    if base.short not in tool.pythons:
        return f"it is CPython {base.version}, for which {tool} has no wheel"
    if base.machine not in tool.machines:
        return f"it runs on {base.machine}, for which {tool} has no wheel"
    return base.problem
