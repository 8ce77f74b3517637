"""Counts the functions of this project that a command calls, and the file-to-file steps between them.

    python -m tools.trace_calls fetch picodet_s_192_pedestrian --lite fp16 --build

Runs ``zoo`` with the arguments in this process and prints two numbers on stderr: distinct functions of
``zoo``, ``converters`` and ``registry`` that ran, and distinct pairs of files (caller, callee) among them.
``--list`` before the command also prints the pairs, in the order in which they first occurred. Child
processes (workers) are not traced.
"""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from types import CodeType, FrameType

ROOT = Path(os.environ.get("ZOO_TRACE_ROOT", Path(__file__).resolve().parents[1]))
PACKAGES = tuple(f"{ROOT / name}{os.sep}" for name in ("zoo", "converters", "registry"))


class CallTracer:
    """Collects calls within the project's packages; install it with :func:`sys.setprofile`."""

    def __init__(self) -> None:
        self.functions: set[CodeType] = set()
        self.pairs: dict[tuple[str, str], None] = {}

    def __call__(self, frame: FrameType, event: str, argument: object) -> None:
        """Record one profiling event.

        Args:
            frame: Frame of the called function.
            event: Only ``call`` counts.
            argument: Unused; part of the protocol of :func:`sys.setprofile`.
        """
        if event != "call" or not frame.f_code.co_filename.startswith(PACKAGES):
            return
        # Module bodies and comprehensions are not functions on the way of a command.
        if frame.f_code.co_name.startswith("<"):
            return
        self.functions.add(frame.f_code)
        caller = self._project_caller(frame)
        if caller is not None and caller != frame.f_code.co_filename:
            self.pairs[caller, frame.f_code.co_filename] = None

    def _project_caller(self, frame: FrameType) -> str | None:
        """File of the nearest caller within the project; frames of libraries are passed over."""
        outer = frame.f_back
        while outer is not None and not outer.f_code.co_filename.startswith(PACKAGES):
            outer = outer.f_back
        return outer.f_code.co_filename if outer is not None else None


def main() -> int:
    """Trace one command and print the counts."""
    arguments = sys.argv[1:]
    listing = arguments[:1] == ["--list"]
    sys.argv = ["zoo", *arguments[listing:]]
    sys.path.insert(0, str(ROOT))
    from zoo.cli import main as command

    tracer = CallTracer()
    threading.setprofile(tracer)
    sys.setprofile(tracer)
    code: object = 0
    try:
        command()
    except SystemExit as ended:
        code = ended.code
    finally:
        sys.setprofile(None)
    if listing:
        for caller, callee in tracer.pairs:
            print(
                f"{Path(caller).relative_to(ROOT)} -> {Path(callee).relative_to(ROOT)}",
                file=sys.stderr,
            )
    print(f"{len(tracer.functions)} functions, {len(tracer.pairs)} file-to-file pairs", file=sys.stderr)
    return code if isinstance(code, int) else 1


if __name__ == "__main__":
    sys.exit(main())
