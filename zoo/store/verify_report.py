"""The result of a verification."""

from __future__ import annotations

from pathlib import Path

from registry.schema.base import Model


class Mismatch(Model):
    """A file or folder that does not match its record.

    Attributes:
        path: Its path.
        expected: What was recorded.
        found: What it is.
    """

    path: Path
    expected: str
    found: str


class StoreReport(Model):
    """The result of hashing every file in the cache.

    Attributes:
        checked: Files that were hashed or looked up.
        ok: Files that match their record.
        mismatches: Files with other bytes, and folders that do not match the catalog or the lock.
        missing: Files that are recorded and do not exist.
        extra: Files in published folders that are not recorded.
    """

    checked: int
    ok: int
    mismatches: tuple[Mismatch, ...] = ()
    missing: tuple[Path, ...] = ()
    extra: tuple[Path, ...] = ()

    @property
    def clean(self) -> bool:
        """Whether everything matches."""
        return not (self.mismatches or self.missing or self.extra)

    @property
    def damaged(self) -> tuple[Path, ...]:
        """Every path that does not match, sorted."""
        return tuple(sorted({*(item.path for item in self.mismatches), *self.missing, *self.extra}))
