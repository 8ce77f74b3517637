"""The ``zoo`` command: parse the arguments, call the Python API, render the result."""

from __future__ import annotations

import codecs
import io
import os
import sys
from typing import TYPE_CHECKING

from zoo.cli._exit_codes import INTERRUPTED

if TYPE_CHECKING:
    from registry.errors import ZooError
    from zoo.cli._output import Output


def main() -> None:
    """Run the command line and exits with a documented code."""
    code = _run()
    if code == INTERRUPTED:
        # At once: an ordinary exit would wait for threads, which may wait for servers that stall.
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(code)
    sys.exit(code)


def _run() -> int:
    from registry.errors import ZooError
    from zoo.cli._output import Output

    _replace_closed_streams()
    _accept_any_text()
    output = Output(as_json="--json" in sys.argv)
    try:
        code = _run_command(sys.argv[1:])
    except ZooError as error:
        return _report(error, output)
    except KeyboardInterrupt:
        code = INTERRUPTED
    except BrokenPipeError:
        # The reader closed the pipe (`zoo list | head`): not an error, and no more output is possible.
        _discard_stdout()
        return 0
    except Exception as error:  # a bug in this program: the traceback goes into a file
        from zoo.cli._errors import internal_error

        if os.environ.get("ZOO_DEBUG"):
            raise
        return _report(internal_error(error, sys.argv[1:]), output)
    if code == INTERRUPTED:
        output.note("interrupted")
    return code


def _report(error: ZooError, output: Output) -> int:
    """Write an error, and return its exit code. If stdout is full, the error is on stderr only."""
    try:
        output.error(error)
        sys.stdout.flush()
    except OSError:
        _discard_stdout()
    return error.exit_code


def _run_command(arguments: list[str]) -> int:
    """Run one command line.

    Raises:
        ZooError: As documented in ``registry.errors``; errors of the parser are converted to it.
        BrokenPipeError: The reader of the output closed the pipe.
    """
    from registry.errors import ZooError
    from zoo.cli._app import app

    try:
        # Not standalone: Typer would print errors in its own format, and exit with 1 on a broken pipe.
        code = app(arguments, prog_name="zoo", standalone_mode=False)
        # Flushed here, where an error can still be reported; at exit it could not.
        sys.stdout.flush()
    except SystemExit as exit_:
        # Typer exits with 1 when a pipe breaks, in every mode.
        if isinstance(exit_.__context__, BrokenPipeError):
            raise exit_.__context__ from None
        raise
    except (ZooError, BrokenPipeError):
        raise
    except Exception as error:
        from zoo.cli._errors import translate

        if (translated := translate(error, arguments)) is None:
            raise
        raise translated from None
    return code if isinstance(code, int) else 0


def _replace_closed_streams() -> None:
    """Open the null device for a stream that the caller closed (``zoo list >&-``)."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 (open until the end)


def _accept_any_text() -> None:
    """Keep a character outside the locale, or a path with undecodable bytes, from ending a command."""
    codecs.register_error("zoo", _encode_anyway)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="zoo")


def _encode_anyway(error: UnicodeError) -> tuple[bytes, int]:
    """Return a path's original bytes, as ``surrogateescape`` does; otherwise question marks."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    encoded = [ord(each) - 0xDC00 if "\udc80" <= each <= "\udcff" else ord("?") for each in text]
    return bytes(encoded), error.end


def _discard_stdout() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
