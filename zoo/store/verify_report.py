"""The result of a verification."""

from __future__ import annotations

from pathlib import Path

from registry.schema.base import Model


class Mismatch(Model):
    """A file or folder that is not what it should be.

    Attributes:
        path: Where it is.
        expected: What it should be.
        found: What it is.
    """

    path: Path
    expected: str
    found: str


class StoreReport(Model):
    """What a look at every byte of the store found.

    Attributes:
        checked: Files that were hashed or looked for.
        ok: Those that are what they should be.
        mismatches: Files with other bytes, and folders the catalog or the lock knows otherwise.
        missing: Files that should be there.
        extra: Files that nobody put there.
    """

    checked: int
    ok: int
    mismatches: tuple[Mismatch, ...] = ()
    missing: tuple[Path, ...] = ()
    extra: tuple[Path, ...] = ()

    @property
    def clean(self) -> bool:
        """Whether nothing was found that should not be."""
        return not (self.mismatches or self.missing or self.extra)
