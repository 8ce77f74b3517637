"""All errors of this project, as one tree.

    ZooError
    ├── UsageError             exit 2   the request is invalid
    │   └── CatalogError              a catalog file is wrong: file, line, field
    ├── NotFoundError          exit 3   no such entry, artifact or file
    ├── NetworkError           exit 4   a server could not be reached or answered badly
    ├── IntegrityError         exit 5   bytes differ from what was declared, or are unsafe
    ├── ConversionError        exit 6   a converter failed, crashed or gave the wrong output
    └── MissingToolError       exit 7   something is missing on this machine

A raise site picks the class and names the case by a stable kebab-case ``code``. Scripts match on the code;
people read the message. Packages add no classes: a new exit code changes the contract with scripts.
"""

from __future__ import annotations

import re
from typing import ClassVar

_KEBAB = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


class ZooError(Exception):
    """An error with the details a user needs to act on it.

    Args:
        code: Stable kebab-case name of the case, for example ``digest-mismatch``.
        message: What failed, in one sentence without a full stop.
        expected: The expected value.
        found: The actual value.
        done: What the program did about it (kept, deleted, quarantined, nothing changed).
        hint: The next command to type.
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
        # The default would rebuild the error from its message alone, without code and details.
        return (_rebuild, (type(self), self.as_dict()))

    def __str__(self) -> str:
        lines = [self.message]
        lines += [f"  {label}: {text}" for label, text in self.details()]
        return "\n".join(lines)

    def details(self) -> list[tuple[str, str]]:
        """Return the labeled lines below the message, in reading order, without empty ones."""
        parts = {"expected": self.expected, "found": self.found, "done": self.done, "try": self.hint}
        return [(label, text) for label, text in parts.items() if text]

    def as_dict(self) -> dict[str, str | None]:
        """Return the error as plain data, for ``--json`` and for worker processes."""
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
    """The request contradicts itself or has an invalid value."""

    exit_code = 2


class CatalogError(UsageError):
    """A catalog file breaks the schema; the message names file, line and field."""


class NotFoundError(ZooError):
    """No entry, artifact or file of that name."""

    exit_code = 3


class NetworkError(ZooError):
    """A server could not be reached, failed, or does not have the file."""

    exit_code = 4


class IntegrityError(ZooError):
    """Bytes differ from their digest, an artifact differs from its declared format, or input is hostile."""

    exit_code = 5


class ConversionError(ZooError):
    """A converter or predictor failed, crashed, timed out, or gave output that differs from the request."""

    exit_code = 6


class MissingToolError(ZooError):
    """A package, interpreter or toolchain that the task needs is not installed."""

    exit_code = 7
