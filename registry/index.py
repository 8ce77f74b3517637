"""What ``zoo list`` and name completion need of a catalog, kept ready beside it.

Reading YAML and building typed entries costs more than the rest of a listing together, and a listing needs
nine cells and a few numbers an entry. The index holds those, with a digest of every catalog file it was
made from; when a file has changed, the index is made again from the entries.

Format, one JSON document a line, so that nobody parses more than they print:
1. ``{"format": 3, "files": {name: {"sha256": …, "stat": [size, mtime, ctime] or null}}, "lines": [...]}``,
   where ``lines`` are the SHA-256 of the other three
2. the listing of all entries as text
3. ``{"heads": {kind: [...]}, "rows": [[kind, id, name, default, cells], ...]}``, in the registry's order,
   pipelines last
4. a list of the facts of each entry, as ``registry.search.facts`` gives them

Run as ``python -m registry.index`` it rewrites the index of the shipped catalog.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from registry.catalog_io.files import SHIPPED, files_of

if TYPE_CHECKING:
    from registry.registry import Registry

FORMAT = 3
SHIPPED_INDEX = SHIPPED / "index.jsonl"
SETTLED = 2_000_000_000
"""Nanoseconds after which a file's times tell whether it was changed; FAT counts in steps of two seconds."""


@dataclass(frozen=True)
class Row:
    """One entry of a listing.

    Attributes:
        kind: ``model`` or ``pipeline``.
        id: ``name@release``.
        name: Its name alone.
        default: Whether the name alone means this release.
        cells: Texts of ``registry.tables.FLAT``, or ``FLAT_PAIRS`` for a pipeline, left to right.
    """

    kind: str
    id: str
    name: str
    default: bool
    cells: tuple[str, ...]


class Index:
    """Rows of a catalog and the numbers behind them, each parsed when it is asked for.

    Args:
        body: Lines 2 to 4 of the format, in UTF-8.
    """

    def __init__(self, body: Sequence[bytes]) -> None:
        self._table, self._rows, self._facts = body

    @property
    def table(self) -> str:
        """The listing of all entries, as ``registry.tables.listing`` lays it out."""
        return str(json.loads(self._table))

    @property
    def heads(self) -> dict[str, tuple[str, ...]]:
        """Head cells of the rows, by kind."""
        return {kind: tuple(head) for kind, head in json.loads(self._rows)["heads"].items()}

    @property
    def rows(self) -> tuple[Row, ...]:
        """One row an entry, in the registry's order."""
        found = json.loads(self._rows)["rows"]
        return tuple(Row(kind, id, name, default, tuple(cells)) for kind, id, name, default, cells in found)

    @property
    def facts(self) -> list[dict[str, Any]]:
        """What a filter can ask of each row; see ``registry.search.facts``."""
        found: list[dict[str, Any]] = json.loads(self._facts)
        return found

    @property
    def names(self) -> tuple[str, ...]:
        """What users may type for an entry: names first, then names with a release."""
        rows = self.rows
        return (*(row.name for row in rows if row.default), *(row.id for row in rows))


def read(files: Sequence[Path], kept: Path | None) -> Index:
    """The index of some catalog files, from where it is kept or made anew.

    Args:
        files: Catalog files, lowest precedence first.
        kept: Where the index is kept; None keeps it nowhere. A place that cannot be written is no error.

    Raises:
        CatalogError: The index had to be made, and a file breaks the schema.
    """
    if kept is not None and (found := _kept(kept, files)):
        return found
    import registry

    seen = _seen(files, stat=True)
    body = _body(registry.load(*files))
    if kept is not None:
        _keep(kept, seen, body)
    return Index(body)


def _kept(kept: Path, files: Sequence[Path]) -> Index | None:
    try:
        first, *body, end = kept.read_bytes().split(b"\n")
        head = json.loads(first)
        if head["format"] != FORMAT or list(head["files"]) != [_name(file) for file in files]:
            return None
        if end or head["lines"] != [_digest(line) for line in body]:
            return None
        changed = kept.stat().st_mtime_ns
        same = all(_is_same(file, head["files"][_name(file)], changed) for file in files)
        return Index(body) if same else None
    except (OSError, ValueError, LookupError, TypeError):
        return None  # absent, torn or of another version: it is made again


def _is_same(file: Path, seen: dict[str, Any], made: int) -> bool:
    # A file changed right after the index was made may show the same times: those are hashed.
    if seen["stat"] is not None and seen["stat"][1] < made - SETTLED and seen["stat"] == _stat(file):
        return True
    return bool(_digest(file.read_bytes()) == seen["sha256"])


def _name(file: Path) -> str:
    # Without its folder: an installed package lies elsewhere than the checkout its index was made in.
    return file.name if file.parent == SHIPPED else str(file)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _stat(file: Path) -> list[int]:
    found = file.stat()
    return [found.st_size, found.st_mtime_ns, found.st_ctime_ns]


def _seen(files: Sequence[Path], *, stat: bool) -> dict[str, Any]:
    # Before the files are loaded: one that changes meanwhile must not pass for the one that was loaded.
    return {
        _name(file): {"stat": _stat(file) if stat else None, "sha256": _digest(file.read_bytes())}
        for file in files
    }


def _body(entries: Registry) -> list[bytes]:
    from registry.search import facts
    from registry.tables import FLAT, FLAT_PAIRS, listing, rows

    heads = {
        "model": [column.heading for column in FLAT],
        "pipeline": [column.heading for column in FLAT_PAIRS],
    }
    cells = {"model": rows(entries, FLAT), "pipeline": rows(entries.pipelines, FLAT_PAIRS)}
    table = [
        [entry.kind, entry.id, entry.name, entry.name in entries and entries.find(entry.name) is entry, row]
        for entry, row in zip(entries.listed, [*cells["model"], *cells["pipeline"]], strict=True)
    ]
    text = listing((heads[kind], cells[kind]) for kind in heads)
    parts = (text, {"heads": heads, "rows": table}, [facts(entry) for entry in entries.listed])
    return [_line(part) for part in parts]


def _line(part: object) -> bytes:
    return json.dumps(part, ensure_ascii=False, separators=(",", ":")).encode()


def _keep(kept: Path, seen: dict[str, Any], body: Sequence[bytes]) -> None:
    head = _line({"format": FORMAT, "files": seen, "lines": [_digest(line) for line in body]})
    growing = kept.with_name(f".{kept.name}.{os.getpid()}.tmp")
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        growing.write_bytes(b"\n".join([head, *body, b""]))
        growing.replace(kept)
    except OSError:
        return  # a listing from a read-only store is slower, not wrong


def main() -> None:
    """Rewrites the index of the shipped catalog."""
    import registry

    # Without times: those of an installed package are those of its installation.
    seen = _seen(files_of(SHIPPED), stat=False)
    _keep(SHIPPED_INDEX, seen, _body(registry.load()))


if __name__ == "__main__":
    main()
