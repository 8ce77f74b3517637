"""Fuzzes one parser in a process of its own, with limits on memory and on the time of each input."""

# ruff: noqa: T201  the report goes to the parent process

from __future__ import annotations

import json
import random
import resource
import signal
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import FrameType

from registry.errors import ZooError
from tests.fuzz.mutation import generate
from tests.fuzz.targets import TARGETS

CPU_SECONDS = 5
"""Processor time of one input after which it counts as a hang; other load on the machine does not count."""

MEMORY = 768 << 20
"""Address space that a parser may take in addition to what the process has before the first input."""

REDUCTIONS = 2000
"""Attempts to make an input that escapes smaller."""


class HangError(BaseException):
    """An input took too long; not an ``Exception``, so that no parser catches it."""


@dataclass
class Report:
    """Outcome of fuzzing one parser.

    Attributes:
        name: The parser.
        tried: Number of inputs.
        typed: Number of inputs that were rejected with a ``ZooError``.
        escapes: Description of each distinct escape to the input that causes it, in hexadecimal.
        slowest: Processor time of the slowest input in seconds.
    """

    name: str
    tried: int = 0
    typed: int = 0
    escapes: dict[str, str] = field(default_factory=dict)
    slowest: float = 0.0


class Fuzzer:
    """Runs one parser on generated inputs and collects what it lets through.

    Args:
        name: The parser.
        folder: Folder for the files of an input; ``input`` next to it has the current input.
    """

    def __init__(self, name: str, folder: Path) -> None:
        self.report = Report(name)
        self._target = TARGETS[name]
        self._folder = folder

    def run(self, seconds: float, first_seed: int, least: int = 1) -> Report:
        """Try inputs for a number of seconds, and at least ``least`` of them."""
        end = time.monotonic() + seconds
        number = first_seed
        while number < first_seed + least or time.monotonic() < end:
            content = generate(random.Random(number), self._target)
            known = set(self.report.escapes)
            escape = self.attempt(content)
            if escape is not None and escape not in known:
                self.report.escapes[escape] = self._reduce(content, escape).hex()
            number += 1
        return self.report

    def _reduce(self, content: bytes, escape: str) -> bytes:
        """Remove parts of an input while the same thing escapes."""
        if escape.startswith("HangError"):
            return content
        left = REDUCTIONS
        size = len(content) // 2
        while size:
            at = 0
            while at < len(content) and left:
                left -= 1
                shorter = content[:at] + content[at + size :]
                if self.attempt(shorter) == escape:
                    content = shorter
                else:
                    at += size
            size //= 2
        return content

    def attempt(self, content: bytes) -> str | None:
        """Run the parser on one input; return a description of what escaped, if anything did."""
        self._folder.mkdir(exist_ok=True)
        for entry in self._folder.iterdir():
            entry.unlink()
        self._folder.with_name("input").write_bytes(content)
        self.report.tried += 1
        start = time.process_time()
        try:
            with cpu_limit(CPU_SECONDS):
                self._target.run(content, self._folder)
        except ZooError as error:
            self.report.typed += 1
            return None if str(error) else "an error without a message"
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            escape = describe(error)
            self.report.escapes.setdefault(escape, content.hex())
            return escape
        finally:
            self.report.slowest = max(self.report.slowest, time.process_time() - start)
        return None


def describe(error: BaseException) -> str:
    """Name the exception and the last line of the project that it passed."""
    frames = [
        frame for frame in traceback.extract_tb(error.__traceback__) if "site-packages" not in frame.filename
    ]
    parsers = [frame for frame in frames if "/tests/fuzz/worker" not in frame.filename] or frames
    ours = [
        frame
        for frame in parsers
        if any(f"/{name}/" in frame.filename for name in ("registry", "converters", "zoo"))
    ]
    place = (ours or parsers)[-1]
    where = "/".join(Path(place.filename).parts[-3:])
    return f"{type(error).__name__} at {where}:{place.lineno}"


@contextmanager
def cpu_limit(seconds: float) -> Iterator[None]:
    """Raise ``HangError`` after this much processor time."""

    def stop(signum: int, frame: FrameType | None) -> None:
        raise HangError

    previous = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, previous)


def limit_memory(size: int) -> None:
    """Limit the address space to what is mapped now plus ``size`` bytes."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + size
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def main(name: str, seconds: float, first_seed: int, folder: Path) -> None:
    """Fuzz a parser and print the report as JSON."""
    fuzzer = Fuzzer(name, folder / "files")
    for content in TARGETS[name].seeds:
        # Imports what the parser needs before memory is limited.
        fuzzer.attempt(content)
    limit_memory(MEMORY)
    print(json.dumps(asdict(fuzzer.run(seconds, first_seed))))
