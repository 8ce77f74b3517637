"""Index of a catalog: what ``zoo list`` and name completion need, without parsing the catalog.

Reading YAML and building typed entries takes longer than the rest of a listing, and a listing needs only nine
cells and a few numbers of each entry. The index stores those, with a digest of every catalog file it was
built from. When a file has changed, the index is rebuilt from the entries.

The file has one JSON document a line, so that a command parses only what it prints:

1. ``{"format": 3, "files": {name: {"sha256": …, "stat": [size, mtime, ctime] or null}}, "lines": [...]}``,
   where ``lines`` are the SHA-256 of the other three lines
2. the listing of all entries as text
3. ``{"heads": {kind: [...]}, "rows": [[kind, id, name, default, cells], ...]}``, in the registry's order,
   pipelines last
4. a list of the search fields of each entry, see ``registry.search.collect_fields``

``python -m tools.build_index`` rewrites the index of the shipped catalog.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from registry.catalog_io.files import SHIPPED

if TYPE_CHECKING:
    from registry.registry import Registry

FORMAT = 3
SHIPPED_INDEX = SHIPPED / "index.jsonl"
TIMESTAMP_RESOLUTION = 2_000_000_000
"""Nanoseconds within which two changes of a file may have the same time; FAT has steps of two seconds."""


@dataclass(frozen=True)
class Row:
    """One entry of a listing.

    Attributes:
        kind: ``model`` or ``pipeline``.
        id: ``name@release``.
        name: The name alone.
        default: Whether the name alone means this release.
        cells: Texts of ``registry.tables.MODEL_COLUMNS``, or ``PIPELINE_COLUMNS`` for a pipeline.
    """

    kind: str
    id: str
    name: str
    default: bool
    cells: tuple[str, ...]


class Index:
    """Rows of a catalog and their search fields, parsed on access.

    Args:
        body: Lines 2 to 4 of the format, in UTF-8.
    """

    def __init__(self, body: Sequence[bytes]) -> None:
        self._table, self._rows, self._fields = body

    @property
    def table(self) -> str:
        """The listing of all entries, as ``registry.tables.format_listing`` formats it."""
        return str(json.loads(self._table))

    @property
    def heads(self) -> dict[str, tuple[str, ...]]:
        """Head cells of the rows, by kind."""
        return {kind: tuple(head) for kind, head in json.loads(self._rows)["heads"].items()}

    @property
    def rows(self) -> tuple[Row, ...]:
        """One row an entry, in the registry's order."""
        rows = json.loads(self._rows)["rows"]
        return tuple(Row(kind, id, name, default, tuple(cells)) for kind, id, name, default, cells in rows)

    @property
    def fields(self) -> list[dict[str, Any]]:
        """Search fields of each row; see ``registry.search.collect_fields``."""
        fields: list[dict[str, Any]] = json.loads(self._fields)
        return fields

    @property
    def names(self) -> tuple[str, ...]:
        """Names that users may type: names first, then names with a release."""
        rows = self.rows
        return (*(row.name for row in rows if row.default), *(row.id for row in rows))


def read_index(files: Sequence[Path], index_file: Path | None) -> Index:
    """Read the index of some catalog files, or build it when it is missing or out of date.

    Args:
        files: Catalog files, lowest precedence first.
        index_file: Where the index is stored; None stores it nowhere. A file that cannot be written is no
            error.

    Raises:
        CatalogError: The index had to be built, and a file breaks the schema.
    """
    if index_file is not None and (stored := _read_stored(index_file, files)):
        return stored
    import registry

    states = record_files(files, with_times=True)
    body = build_body(registry.load(*files))
    if index_file is not None:
        write_index(index_file, states, body)
    return Index(body)


def record_files(files: Sequence[Path], *, with_times: bool) -> dict[str, Any]:
    """Return the digests of catalog files, by name.

    Call it before the files are loaded: a file that changes in between must not pass for the one loaded.

    Args:
        files: The files.
        with_times: Whether to record size and times too, which spares hashing the files at the next reading.
            An installed package has the times of its installation.
    """
    return {
        _name(file): {"stat": _stat(file) if with_times else None, "sha256": _digest(file.read_bytes())}
        for file in files
    }


def build_body(entries: Registry) -> list[bytes]:
    """Build lines 2 to 4 of the format.

    Args:
        entries: The registry.
    """
    from registry.search import collect_fields
    from registry.tables import MODEL_COLUMNS, PIPELINE_COLUMNS, build_rows, format_listing

    heads = {
        "model": [column.heading for column in MODEL_COLUMNS],
        "pipeline": [column.heading for column in PIPELINE_COLUMNS],
    }
    cells = {
        "model": build_rows(entries, MODEL_COLUMNS),
        "pipeline": build_rows(entries.pipelines, PIPELINE_COLUMNS),
    }
    rows = [
        [entry.kind, entry.id, entry.name, entry.name in entries and entries.find(entry.name) is entry, row]
        for entry, row in zip(entries.all_entries, [*cells["model"], *cells["pipeline"]], strict=True)
    ]
    text = format_listing((heads[kind], cells[kind]) for kind in heads)
    fields = [collect_fields(entry) for entry in entries.all_entries]
    return [_encode(part) for part in (text, {"heads": heads, "rows": rows}, fields)]


def write_index(index_file: Path, states: dict[str, Any], body: Sequence[bytes]) -> None:
    """Write an index; a file that cannot be written is no error.

    Args:
        index_file: Where to.
        states: Result of ``record_files``.
        body: Result of ``build_body``.
    """
    head = _encode({"format": FORMAT, "files": states, "lines": [_digest(line) for line in body]})
    temporary = index_file.with_name(f".{index_file.name}.{os.urandom(8).hex()}.tmp")
    try:
        index_file.parent.mkdir(parents=True, exist_ok=True)
        # "x" creates the file and follows no link, so that a prepared link cannot redirect the write.
        with temporary.open("xb") as file:
            file.write(b"\n".join([head, *body, b""]))
        temporary.replace(index_file)
    except OSError:
        # With a read-only or full cache each listing is slower, but correct.
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _read_stored(index_file: Path, files: Sequence[Path]) -> Index | None:
    try:
        first, *body, end = index_file.read_bytes().split(b"\n")
        head = json.loads(first)
        if head["format"] != FORMAT or list(head["files"]) != [_name(file) for file in files]:
            return None
        if end or head["lines"] != [_digest(line) for line in body]:
            return None
        written = index_file.stat().st_mtime_ns
        unchanged = all(_is_unchanged(file, head["files"][_name(file)], written) for file in files)
        return Index(body) if unchanged else None
    except (OSError, ValueError, LookupError, TypeError):
        return None  # missing, truncated or of another version: it is rebuilt


def _is_unchanged(file: Path, state: dict[str, Any], written: int) -> bool:
    # A file that changed right after the index was written may have the same times; it is hashed.
    settled = state["stat"] is not None and state["stat"][1] < written - TIMESTAMP_RESOLUTION
    if settled and state["stat"] == _stat(file):
        return True
    return bool(_digest(file.read_bytes()) == state["sha256"])


def _name(file: Path) -> str:
    # Without its folder: an installed package is elsewhere than the checkout its index was built in.
    return file.name if file.parent == SHIPPED else str(file)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _stat(file: Path) -> list[int]:
    found = file.stat()
    return [found.st_size, found.st_mtime_ns, found.st_ctime_ns]


def _encode(part: object) -> bytes:
    return json.dumps(part, ensure_ascii=False, separators=(",", ":")).encode()
