"""The ``zoo`` command: parse, call the Python API, hand the result to one renderer."""

from __future__ import annotations

import codecs
import io
import os
import sys

from zoo.cli._exit_codes import INTERNAL_ERROR, INTERRUPTED


def main() -> None:
    """Runs the command line and exits with a code of the contract."""
    code = _run()
    if code == INTERRUPTED:
        # At once: an ordinary exit would wait for threads, and those for servers that stall.
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(code)
    sys.exit(code)


def _run() -> int:
    from registry.errors import ZooError
    from zoo.cli._output import Output

    _open_closed_streams()
    _write_whatever_comes()
    output = Output(as_json="--json" in sys.argv)
    try:
        code = _ended(sys.argv[1:])
    except ZooError as error:
        output.error(error)
        return error.exit_code
    except KeyboardInterrupt:
        code = INTERRUPTED
    except BrokenPipeError:
        # The reader of our output went away (`zoo list | head`): not an error, and nothing more can be said.
        _write_no_more()
        return 0
    except Exception as error:  # a bug of ours: people get a sentence, the traceback goes into a file
        from zoo.cli._errors import internal_error

        if os.environ.get("ZOO_DEBUG"):
            raise
        output.error(internal_error(error, sys.argv[1:]))
        return INTERNAL_ERROR
    if code == INTERRUPTED:
        output.note("interrupted")
    return code


def _ended(arguments: list[str]) -> int:
    """Runs one command line.

    Raises:
        ZooError: As the tree in ``registry.errors`` says; what the parser refuses is among them.
        BrokenPipeError: Nobody reads the output any more.
    """
    from registry.errors import UsageError
    from zoo.cli._app import app
    from zoo.cli._errors import (
        PARSER_ERRORS,
        from_missing_package,
        from_os_error,
        from_output_error,
        from_parser_error,
        help_of,
    )

    try:
        # Not standalone: typer would print errors in words of its own, and exit 1 on a broken pipe.
        ended = app(arguments, prog_name="zoo", standalone_mode=False)
        # Here, where it can still be explained: a buffer that is written at exit fails without a word.
        sys.stdout.flush()
    except SystemExit as ended_by:
        # typer ends the process with 1 when a pipe breaks, whatever it was told.
        if isinstance(ended_by.__context__, BrokenPipeError):
            raise ended_by.__context__ from None
        raise
    except PARSER_ERRORS as error:
        if (page := help_of(error)) is not None:
            sys.stderr.write(f"{page}\n")
            return UsageError.exit_code
        raise from_parser_error(error) from None
    except ModuleNotFoundError as error:
        if (refusal := from_missing_package(error, arguments)) is None:
            raise
        raise refusal from None
    except OSError as error:
        if (full := from_output_error(error)) is not None:
            _write_no_more()
            raise full from None
        if (refusal := from_os_error(error)) is None:
            raise
        raise refusal from None
    return ended if isinstance(ended, int) else 0


def _open_closed_streams() -> None:
    """Writes to nowhere what a caller wants to hear nothing of (``zoo list >&-``)."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 (open until the end)


def _write_whatever_comes() -> None:
    """Keeps a locale without an arrow, or a path that is no text, from ending a command half way."""
    codecs.register_error("zoo", _in_bytes)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="zoo")


def _in_bytes(error: UnicodeError) -> tuple[bytes, int]:
    """The bytes a path was read from, as ``surrogateescape`` has it; a question mark for anything else."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    bytes_of = [ord(each) - 0xDC00 if "\udc80" <= each <= "\udcff" else ord("?") for each in text]
    return bytes(bytes_of), error.end


def _write_no_more() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
