"""Errors of the parser, the disk and the interpreter, converted to errors of the project's tree."""

from __future__ import annotations

import errno
import os
import re
import shlex
import tempfile
import traceback
from collections.abc import Sequence
from typing import Any

import typer

from registry.errors import MissingToolError, UsageError, ZooError
from zoo._utils.extras import missing_package
from zoo.cli._exit_codes import INTERNAL_ERROR

# The base class of all errors of the parser. Its module differs between versions of Typer, but
# typer.BadParameter is public and derives from it.
PARSER_ERRORS: tuple[type[Exception], ...] = tuple(
    kind
    for kind in typer.BadParameter.__mro__
    if kind.__name__ == "ClickException" and issubclass(kind, Exception)
)

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_UNUSABLE = frozenset(
    {
        errno.EACCES,
        errno.EPERM,
        errno.EROFS,
        errno.ENAMETOOLONG,
        errno.ELOOP,
        errno.EIO,
        errno.ENOTDIR,
        errno.EISDIR,
        errno.EBUSY,
        errno.ETXTBSY,
        errno.ESTALE,
        errno.ENXIO,
        errno.ENODEV,
    }
)
_EXTRAS = {
    "run": "run",
    "validate": "run",
    "compare": "run",
    "bench": "run",
    "report": "report",
    "site": "report",
    "demo": "demo",
}
"""The extra with the packages that a command needs; ``convert`` for any other."""


def translate(error: Exception, arguments: Sequence[str]) -> ZooError | None:
    """Convert an error about the command line, this Python or this machine; None for a bug of this program.

    Args:
        error: The error.
        arguments: The command line.
    """
    if isinstance(error, PARSER_ERRORS):
        return _from_parser_error(error, arguments)
    if isinstance(error, ModuleNotFoundError):
        command = arguments[0] if arguments else ""
        return missing_package(error, _EXTRAS.get(command, "convert"))
    if isinstance(error, OSError) and (translated := _from_os_error(error)) is not None:
        return translated
    if _is_memory_error(error):
        return _from_memory_error(error)
    return None


def _from_parser_error(error: Any, arguments: Sequence[str]) -> UsageError:
    """Convert an error about a command line that cannot be parsed, one of the classes ``PARSER_ERRORS``."""
    # Typer validates values with pydantic, whose prefix carries no information for users.
    words = error.format_message().replace("Value error, ", "").strip().rstrip(".")
    context = getattr(error, "ctx", None) or _context(arguments)
    return UsageError(
        "bad-usage",
        words[:1].lower() + words[1:],
        expected=_expected(error, context),
        hint=f"{context.command_path} --help",
    )


def _context(arguments: Sequence[str]) -> Any:
    """Return the context of the command that the arguments name: not every parser error has one."""
    from zoo.cli._app import app

    command: Any = typer.main.get_command(app)
    context = command.make_context("zoo", [], resilient_parsing=True)
    for word in arguments:
        subcommand = command.get_command(context, word) if hasattr(command, "get_command") else None
        if subcommand is None:
            break
        command = subcommand
        context = command.make_context(word, [], parent=context, resilient_parsing=True)
    return context


def _expected(error: Any, context: Any) -> str | None:
    """Return the syntax and help of the option or argument in question; None if there is none."""
    parameter = getattr(error, "param", None)
    if parameter is None and (name := getattr(error, "option_name", None)) is not None:
        parameter = next((each for each in context.command.params if name in each.opts), None)
    record = parameter.get_help_record(context) if parameter is not None else None
    if not record:
        return None
    # Old versions of Typer escape the bracket for rich, whose markup is off here.
    syntax, help_text = (" ".join(part.split()).replace("\\[", "[") for part in record)
    syntax = re.sub(
        r" <(list\[)?(str|path|file|directory)\]?>", "", syntax
    )  # the name is clearer than the type
    help_text = help_text.replace("[required]", "").strip()
    return f"{syntax}: {help_text}" if help_text else str(syntax)


def _is_memory_error(error: Exception) -> bool:
    """Whether memory is exhausted; OpenCV and the engines raise their own exceptions for it."""
    texts = (
        "insufficient memory",
        "bad_alloc",
        "bad allocation",
        "failed to allocate memory",
        "out of memory",
    )
    if isinstance(error, MemoryError) or getattr(error, "errno", None) == errno.ENOMEM:
        return True
    return any(text in str(error).lower() for text in texts)


def _from_memory_error(error: Exception) -> MissingToolError:
    """Convert an error about exhausted memory."""
    return MissingToolError(
        "memory-exhausted",
        "this machine has too little free memory for the command",
        found=str(error) or None,
        hint="close other programs, use fewer --jobs, or raise the memory limit (ulimit -v)",
    )


def _from_os_error(error: OSError) -> MissingToolError | None:
    """Convert an error about a full disk or a path that cannot be used; None for any other error."""
    if error.errno in _FULL:
        place = f" for {error.filename}" if error.filename else ""
        return MissingToolError("disk-full", f"no space left{place}", found=error.strerror, hint="df -h")
    if isinstance(error, FileNotFoundError) and _working_directory_missing():
        return MissingToolError(
            "working-directory-missing",
            "the current working directory does not exist any more",
            found=error.strerror,
            hint="cd to an existing folder, then repeat",
        )
    if error.errno in {errno.EMFILE, errno.ENFILE}:
        return MissingToolError(
            "too-many-open-files", "too many files are open", found=error.strerror, hint="ulimit -n 4096"
        )
    if error.errno not in _UNUSABLE:
        return None
    if not error.filename:
        return MissingToolError(
            "path-unusable", "a file cannot be read or written", found=error.strerror, hint="df -h; mount"
        )
    path = os.fsdecode(error.filename) if isinstance(error.filename, bytes) else str(error.filename)
    return MissingToolError(
        "path-unusable",
        f"{path} cannot be used",
        found=error.strerror,
        hint=f"ls -ld {shlex.quote(path)}",
    )


def _working_directory_missing() -> bool:
    try:
        os.getcwd()
    except FileNotFoundError:
        return True
    return False


class _BugError(ZooError):
    """An unexpected exception: its exit code is outside the documented range."""

    exit_code = INTERNAL_ERROR


def internal_error(error: Exception, arguments: Sequence[str]) -> ZooError:
    """Write the traceback to a file and returns an error that names the file.

    Args:
        error: The unexpected exception.
        arguments: The command line; only its first word is kept, since a mirror's URL may contain a password.
    """
    trace = "".join(traceback.format_exception(error))
    hint = "report it with that file"
    try:
        with tempfile.NamedTemporaryFile("w", prefix="zoo-bug-", suffix=".txt", delete=False) as report:
            report.write(f"zoo {' '.join(arguments[:1])}\n{trace}")
        done = f"the traceback is in {report.name}"
    except OSError as unwritten:
        done = f"the traceback could not be written: {unwritten.strerror}"
        hint = "repeat with ZOO_DEBUG=1, and report the traceback that it prints"
    return _BugError(
        "internal-error", f"this is a bug in zoo: {type(error).__name__}: {error}", done=done, hint=hint
    )
