"""What ``zoo list`` and name completion need of a catalogue, kept ready beside it.

Reading YAML and building typed entries costs more than the rest of a listing together, and a listing needs
nine cells and a few numbers an entry. The index holds those, with a digest of every catalogue file it was
made from; when a file has changed, the index is made again from the entries.

Format, one JSON document a line, so that a plain listing parses no more than it prints:
1. ``{"format": 2, "files": {name: sha256}, "heads": {kind: [...]}}``
2. a list of ``[kind, id, name, default, cells]``, in the registry's order, pipelines last
3. a list of the facts of each entry, as ``registry.search.facts`` gives them

Run as ``python -m registry.index`` it rewrites the index of the shipped catalogue.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from registry.files import SHIPPED, files_of

if TYPE_CHECKING:
    from registry.registry import Registry

FORMAT = 2
SHIPPED_INDEX = SHIPPED / "index.jsonl"


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
    """The rows of a catalogue, and on demand the numbers behind them.

    Args:
        heads: Head cells of the rows, by kind.
        rows: One row an entry, in the registry's order.
        facts: JSON text of the list of facts, one item a row.
    """

    def __init__(self, heads: Mapping[str, Sequence[str]], rows: Sequence[Row], facts: str) -> None:
        self.heads = {kind: tuple(head) for kind, head in heads.items()}
        self.rows = tuple(rows)
        self._facts = facts

    @property
    def facts(self) -> list[dict[str, Any]]:
        """What a filter can ask of each row; see ``registry.search.facts``."""
        found: list[dict[str, Any]] = json.loads(self._facts)
        return found

    @property
    def names(self) -> tuple[str, ...]:
        """What users may type for an entry: names first, then names with a release."""
        return (*(row.name for row in self.rows if row.default), *(row.id for row in self.rows))


def read(files: Sequence[Path], kept: Path | None) -> Index:
    """The index of some catalogue files, from where it is kept or made anew.

    Args:
        files: Catalogue files, lowest precedence first.
        kept: Where the index is kept; None keeps it nowhere. A place that cannot be written is no error.

    Raises:
        CatalogueError: The index had to be made, and a file breaks the schema.
    """
    digests = _digests(files)
    if kept is not None and (found := _parse(kept, digests)):
        return found
    import registry

    text = _text(registry.load(*files), digests)
    if kept is not None:
        _keep(kept, text)
    return _index(text.split("\n"))


def _digests(files: Sequence[Path]) -> dict[str, str]:
    # Relative to the folder: an installed package lies elsewhere than the checkout its index was made in.
    found = {}
    for file in files:
        inside = file.parent == SHIPPED
        try:
            content = file.read_bytes()
        except OSError:
            content = b""  # loading says what is wrong with it
        found[file.name if inside else str(file)] = hashlib.sha256(content).hexdigest()
    return found


def _parse(kept: Path, digests: dict[str, str]) -> Index | None:
    try:
        lines = kept.read_text(encoding="utf-8").split("\n")
        head = json.loads(lines[0])
        if (head["format"], head["files"]) != (FORMAT, digests):
            return None
        return _index(lines)
    except (OSError, ValueError, LookupError, TypeError):
        return None  # absent, torn or of another version: it is made again


def _index(lines: Sequence[str]) -> Index:
    if len(lines) != 4 or lines[3]:
        raise ValueError("not three whole lines")
    rows = [
        Row(kind, id, name, default, tuple(cells)) for kind, id, name, default, cells in json.loads(lines[1])
    ]
    return Index(json.loads(lines[0])["heads"], rows, lines[2])


def _text(entries: Registry, digests: dict[str, str]) -> str:
    from registry.search import facts
    from registry.tables import FLAT, FLAT_PAIRS, rows

    heads = {
        "model": [column.heading for column in FLAT],
        "pipeline": [column.heading for column in FLAT_PAIRS],
    }
    head = {"format": FORMAT, "files": digests, "heads": heads}
    cells = [*rows(entries, FLAT), *rows(entries.pipelines, FLAT_PAIRS)]
    table = [
        [
            entry.kind,
            entry.id,
            entry.name,
            entries.find(entry.name).id == entry.id if entry.name in entries else False,
            row,
        ]
        for entry, row in zip(entries.listed, cells, strict=True)
    ]
    parts = (head, table, [facts(entry) for entry in entries.listed])
    return "".join(json.dumps(part, ensure_ascii=False, separators=(",", ":")) + "\n" for part in parts)


def _keep(kept: Path, text: str) -> None:
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        growing = kept.with_name(f".{kept.name}.{os.getpid()}.tmp")
        growing.write_text(text, encoding="utf-8")
        growing.replace(kept)
    except OSError:
        return  # a listing from a read-only store is slower, not wrong


def main() -> None:
    """Rewrites the index of the shipped catalogue."""
    import registry

    SHIPPED_INDEX.write_text(_text(registry.load(), _digests(files_of(SHIPPED))), encoding="utf-8")


if __name__ == "__main__":
    main()
