"""How a reader says that a file is not what it should be: always with the byte and what was expected."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from registry.errors import IntegrityError

_AGAIN = "fetch or convert it again; zoo inspect shows what a file is"


@dataclass(frozen=True, slots=True)
class FormatErrors:
    """Makes the errors of one reader for one file.

    Attributes:
        path: The file being read.
        code: First part of every error code, for example ``nb`` in ``nb-truncated``.
        what: What the file is taken for, with its article, for example ``a Paddle-Lite model``.
    """

    path: Path
    code: str
    what: str

    def truncated(self, at: int | None, expected: str, found: str) -> IntegrityError:
        """The file ends before something it announces; ``at`` is None where bytes were never counted."""
        return IntegrityError(
            f"{self.code}-truncated",
            f"{self.path} ends in the middle of {self.what}{_place(at)}",
            expected=expected,
            found=found,
            done="nothing was changed",
            hint=_AGAIN,
        )

    def corrupt(self, at: int | None, expected: str, found: str) -> IntegrityError:
        """The bytes contradict the format or each other; ``at`` as above."""
        return IntegrityError(
            f"{self.code}-corrupt",
            f"{self.path} is damaged: it breaks the format of {self.what}{_place(at)}",
            expected=expected,
            found=found,
            done="nothing was changed",
            hint=_AGAIN,
        )

    def too_large(self, expected: str, found: str) -> IntegrityError:
        """Reading on would cost more memory or time than any honest file of the kind needs."""
        return IntegrityError(
            f"{self.code}-too-large",
            f"{self.path} is larger than {self.what} can sensibly be",
            expected=expected,
            found=found,
            done="reading stopped, nothing was changed",
            hint="see where it comes from: no file that the zoo knows comes near that size",
        )


def _place(at: int | None) -> str:
    return "" if at is None else f" at byte {at}"
