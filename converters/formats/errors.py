"""Errors of the format readers: the byte position, the expected content and the content found."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from registry.errors import IntegrityError
from registry.printable import printable

_HINT = "fetch or convert the file again; zoo inspect FILE shows what it is"


@dataclass(frozen=True, slots=True)
class FormatErrors:
    """Builds the errors of one reader for one file.

    ``expected`` and ``found`` can contain names from the file: control characters in them are escaped.

    Attributes:
        path: The file being read.
        prefix: First part of every error code, for example ``nb`` in ``nb-truncated``.
        label: Name of the format with its article, for example ``a Paddle-Lite model``.
    """

    path: Path
    prefix: str
    label: str

    def truncated(self, at: int | None, expected: str, found: str) -> IntegrityError:
        """Build the error for a file that ends early; ``at`` is None where the reader counts no bytes."""
        return IntegrityError(
            f"{self.prefix}-truncated",
            f"{self.path} is truncated: {self.label} ends early{_position(at)}",
            expected=printable(expected),
            found=printable(found),
            done="nothing was changed",
            hint=_HINT,
        )

    def corrupt(self, at: int | None, expected: str, found: str) -> IntegrityError:
        """Build the error for bytes that contradict the format or each other; ``at`` as for ``truncated``."""
        return IntegrityError(
            f"{self.prefix}-corrupt",
            f"{self.path} is damaged: it breaks the format of {self.label}{_position(at)}",
            expected=printable(expected),
            found=printable(found),
            done="nothing was changed",
            hint=_HINT,
        )

    def too_large(self, expected: str, found: str) -> IntegrityError:
        """Build the error for a file that exceeds a limit on memory or time."""
        return IntegrityError(
            f"{self.prefix}-too-large",
            f"{self.path} exceeds a limit for {self.label}",
            expected=printable(expected),
            found=printable(found),
            done="reading stopped, nothing was changed",
            hint="check where the file comes from: no model in the catalog reaches this limit",
        )


def unknown_format_error(path: Path, found: str) -> IntegrityError:
    """Build the error for a file that is in no supported format."""
    return IntegrityError(
        "unknown-format",
        f"{path} is not an artifact of a known format",
        expected="a model, parameters, weights, an archive or a YAML configuration",
        found=printable(found),
        hint="name the artifact itself, or fetch a downloaded file again",
    )


def _position(at: int | None) -> str:
    return "" if at is None else f" at byte {at}"
