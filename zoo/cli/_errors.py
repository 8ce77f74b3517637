"""What the parser, the disk and the interpreter refuse, as errors of the tree."""

from __future__ import annotations

import errno
import os
import shlex
import tempfile
import traceback
from collections.abc import Sequence
from typing import Any

import typer

from registry.errors import MissingToolError, UsageError, ZooError
from zoo._utils.extras import missing_package
from zoo.cli._exit_codes import INTERNAL_ERROR

# The base of everything the parser raises. Where it lives has changed between versions of typer; that
# BadParameter is made of it has not.
PARSER_ERRORS: tuple[type[Exception], ...] = tuple(
    kind
    for kind in typer.BadParameter.__mro__
    if kind.__name__ == "ClickException" and issubclass(kind, Exception)
)

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_FORBIDDEN = frozenset({errno.EACCES, errno.EPERM, errno.EROFS, errno.ENAMETOOLONG, errno.ELOOP})
_EXTRAS = {
    "run": "run",
    "validate": "run",
    "compare": "run",
    "bench": "run",
    "report": "report",
    "site": "report",
    "demo": "demo",
}
"""The extra that brings what a command needs; ``convert`` for any other."""


def help_of(error: Any) -> str | None:
    """The answer to a group of commands named without one of them; None for any other error of the parser."""
    return str(error.format_message()) if type(error).__name__ == "NoArgsIsHelpError" else None


def from_parser_error(error: Any) -> UsageError:
    """A command line that cannot be read.

    Args:
        error: What the parser raised, one of ``PARSER_ERRORS``.
    """
    # The prefix is pydantic's, which typer reads values with; it says nothing to a person.
    words = error.format_message().replace("Value error, ", "").strip().rstrip(".")
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "zoo"
    return UsageError("bad-usage", words[:1].lower() + words[1:], hint=f"{command} --help")


def from_missing_package(error: ModuleNotFoundError, arguments: Sequence[str]) -> MissingToolError | None:
    """A command that needs more than the light install; None when a module of ours is what is missing.

    Args:
        error: What the interpreter raised.
        arguments: The command line.
    """
    command = arguments[0] if arguments else ""
    return missing_package(error, _EXTRAS.get(command, "convert"))


def from_output_error(error: OSError) -> MissingToolError | None:
    """A full disk under what was being written; None for any other trouble of the file system."""
    if error.errno not in _FULL:
        return None
    place = f" to {error.filename}" if error.filename else ""
    return MissingToolError("disk-full", f"no room left to write{place}", found=error.strerror, hint="df -h")


def from_os_error(error: OSError) -> MissingToolError | None:
    """What the file system forbids, wherever it did; None for anything else, which is a bug of ours."""
    if isinstance(error, FileNotFoundError) and _folder_is_gone():
        return MissingToolError(
            "working-directory-missing",
            "the folder this was started in is gone",
            found=error.strerror,
            hint="cd to a folder that is there, then repeat",
        )
    if error.errno not in _FORBIDDEN or not error.filename:
        return None
    return MissingToolError(
        "path-unusable",
        f"{error.filename} cannot be used",
        found=error.strerror,
        hint=f"ls -ld {shlex.quote(str(error.filename))}",
    )


def _folder_is_gone() -> bool:
    try:
        os.getcwd()
    except FileNotFoundError:
        return True
    return False


class _BugError(ZooError):
    """Something nobody thought of: no family of the contract, and an exit code outside it."""

    exit_code = INTERNAL_ERROR


def internal_error(error: Exception, arguments: Sequence[str]) -> ZooError:
    """Keeps the traceback in a file: it is for us, a sentence is for the user.

    Args:
        error: What nobody caught.
        arguments: The command line; only its first word is kept, a mirror's address may hold a password.
    """
    trace = "".join(traceback.format_exception(error))
    hint = "report it with that file"
    try:
        with tempfile.NamedTemporaryFile("w", prefix="zoo-bug-", suffix=".txt", delete=False) as report:
            report.write(f"zoo {' '.join(arguments[:1])}\n{trace}")
        done = f"the traceback is in {report.name}"
    except OSError as unwritten:
        done = f"the traceback could not be kept: {unwritten.strerror}"
        hint = "repeat with ZOO_DEBUG=1, and report it with what that prints"
    return _BugError(
        "internal-error", f"this is a bug in zoo: {type(error).__name__}: {error}", done=done, hint=hint
    )
