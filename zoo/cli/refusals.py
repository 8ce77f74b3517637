"""What the parser, the disk and the interpreter refuse, as errors of the tree."""

from __future__ import annotations

import errno
import tempfile
import traceback
from collections.abc import Sequence
from typing import Any

import typer

from registry.errors import MissingToolError, UsageError, ZooError
from zoo.cli import INTERNAL_ERROR
from zoo.extras import missing_package

# The base of everything the parser raises. Where it lives has changed between versions of typer; that
# BadParameter is made of it has not.
PARSER_ERRORS: tuple[type[Exception], ...] = tuple(
    kind
    for kind in typer.BadParameter.__mro__
    if kind.__name__ == "ClickException" and issubclass(kind, Exception)
)

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
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


def of_parser(error: Any) -> UsageError:
    """A command line that cannot be read.

    Args:
        error: What the parser raised, one of ``PARSER_ERRORS``.
    """
    # The prefix is pydantic's, which typer reads values with; it says nothing to a person.
    words = error.format_message().replace("Value error, ", "").strip().rstrip(".")
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "zoo"
    return UsageError("bad-usage", words[:1].lower() + words[1:], hint=f"{command} --help")


def of_package(error: ModuleNotFoundError, arguments: Sequence[str]) -> MissingToolError | None:
    """A command that needs more than the light install; None when a module of ours is what is missing.

    Args:
        error: What the interpreter raised.
        arguments: The command line.
    """
    command = arguments[0] if arguments else ""
    return missing_package(error, _EXTRAS.get(command, "convert"))


def of_output(error: OSError) -> MissingToolError | None:
    """A full disk under what was being written; None for any other trouble of the file system."""
    if error.errno not in _FULL:
        return None
    place = f" to {error.filename}" if error.filename else ""
    return MissingToolError("disk-full", f"no room left to write{place}", found=error.strerror, hint="df -h")


class _BugError(ZooError):
    """Something nobody thought of: no family of the contract, and an exit code outside it."""

    exit_code = INTERNAL_ERROR


def of_bug(error: Exception, arguments: Sequence[str]) -> ZooError:
    """Keeps the traceback in a file: it is for us, a sentence is for the user.

    Args:
        error: What nobody caught.
        arguments: The command line; only its first word is kept, a mirror's address may hold a password.
    """
    with tempfile.NamedTemporaryFile("w", prefix="zoo-bug-", suffix=".txt", delete=False) as report:
        trace = "".join(traceback.format_exception(error))
        report.write(f"zoo {' '.join(arguments[:1])}\n{trace}")
    return _BugError(
        "internal-error",
        f"this is a bug in zoo: {type(error).__name__}: {error}",
        done=f"the traceback is in {report.name}",
        hint="report it with that file",
    )
