"""Every error this project raises, as one tree.

    ZooError
    ├── UsageError             exit 2   the request itself makes no sense
    │   └── CatalogError              a catalog file is wrong: file, line, field
    ├── NotFoundError          exit 3   no such entry, artifact or file
    ├── NetworkError           exit 4   a server could not be reached or answered badly
    ├── IntegrityError         exit 5   bytes are not what they are said to be, or are unsafe
    ├── ConversionError        exit 6   a converter failed, crashed or made something else
    └── MissingToolError       exit 7   something is missing on this machine

A raise site picks the family and names the case by a stable kebab-case ``code``; scripts match on the
code, people read the message. Rooms do not add families: a new exit code is a change of contract.
"""

from __future__ import annotations

import re
from typing import ClassVar

_KEBAB = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


class ZooError(Exception):
    """An error with everything a person needs to act on it.

    Args:
        code: Stable kebab-case name of the case, for example ``digest-mismatch``.
        message: What happened, one sentence, no trailing full stop needed.
        expected: What should have been there.
        found: What was there instead.
        done: What was done about it (kept, deleted, quarantined, nothing changed).
        hint: The next command to type, or the next thing to look at.
    """

    exit_code: ClassVar[int] = 1

    def __init__(
        self,
        code: str,
        message: str,
        *,
        expected: str | None = None,
        found: str | None = None,
        done: str | None = None,
        hint: str | None = None,
    ) -> None:
        if not _KEBAB.fullmatch(code):
            raise ValueError(f"error code must be kebab-case: {code!r}")
        super().__init__(message)
        self.code = code
        self.message = message
        self.expected = expected
        self.found = found
        self.done = done
        self.hint = hint

    def __reduce__(self) -> tuple[object, ...]:
        # The default rebuilds from args alone and would lose the code and the details between processes.
        return (_rebuild, (type(self), self.as_dict()))

    def __str__(self) -> str:
        lines = [self.message]
        lines += [f"  {label}: {text}" for label, text in self.details()]
        return "\n".join(lines)

    def details(self) -> list[tuple[str, str]]:
        """The labeled parts below the message, in reading order, without empty ones."""
        parts = {"expected": self.expected, "found": self.found, "done": self.done, "try": self.hint}
        return [(label, text) for label, text in parts.items() if text]

    def as_dict(self) -> dict[str, str | None]:
        """The error as plain data, for ``--json`` and for worker processes."""
        return {
            "code": self.code,
            "message": self.message,
            "expected": self.expected,
            "found": self.found,
            "done": self.done,
            "hint": self.hint,
        }


def _rebuild(kind: type[ZooError], parts: dict[str, str]) -> ZooError:
    return kind(parts.pop("code"), parts.pop("message"), **parts)


class UsageError(ZooError):
    """The request contradicts itself or asks for something that cannot be meant."""

    exit_code = 2


class CatalogError(UsageError):
    """A catalog file breaks the schema; the message names file, line and field."""


class NotFoundError(ZooError):
    """No entry, artifact or file of that name."""

    exit_code = 3


class NetworkError(ZooError):
    """A server could not be reached, gave up, or does not have the file."""

    exit_code = 4


class IntegrityError(ZooError):
    """Bytes differ from their digest, an artifact is not what it is called, or input is hostile."""

    exit_code = 5


class ConversionError(ZooError):
    """A converter or predictor failed, crashed, ran out of time, or made something other than asked."""

    exit_code = 6


class MissingToolError(ZooError):
    """A package, interpreter or toolchain that the task needs is not on this machine."""

    exit_code = 7
